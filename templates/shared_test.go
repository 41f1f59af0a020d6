package templates

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// different are the files that patterns have under one path and that are each
// pattern's own. Every other file that two patterns share is the same, byte for
// byte, so that what is mended in one is mended in all.
var different = []string{
	".dev.vars.example",
	"README.md.tmpl",
	"cfboot.jsonc.tmpl",
	"migrations/0000_init.sql",
	"migrations/meta/0000_snapshot.json",
	"migrations/meta/_journal.json",
	"package-lock.json.tmpl",
	"package.json.tmpl",
	"pattern.json",
	"public/404.html",
	"public/_headers",
	"public/favicon.svg",
	"public/index.html.tmpl",
	"public/style.css",
	"src/app.ts",
	"src/auth.ts",
	"src/context.ts",
	"src/cron.ts",
	"src/db/schema.ts",
	"src/index.ts",
	"src/integrations/email.ts",
	"src/queue.ts",
	"src/routes/admin.ts",
	"src/routes/health.ts",
	"src/routes/webhooks.ts",
	"test/api.test.ts",
	"test/call.ts",
	"test/setup.ts",
	"vitest.config.ts",
	"wrangler.jsonc.tmpl",
}

// A path that two patterns have is one file, or is listed as meant to differ; and
// nothing is listed that need not be.
func TestSharedFiles(t *testing.T) {
	first := map[string]string{} // the pattern in which a path was seen first
	texts, differ := map[string][]byte{}, map[string]bool{}
	for _, p := range Patterns() {
		from, err := embedded(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range from.names() {
			switch other, seen := first[name]; {
			case !seen:
				first[name], texts[name] = p.Name, from[name]
			case !bytes.Equal(texts[name], from[name]):
				differ[name] = true
				if !slices.Contains(different, name) {
					t.Errorf("%s is not the same in %s and %s: make it so, or list it in different", name, other, p.Name)
				}
			}
		}
	}
	for _, name := range different {
		if !differ[name] {
			t.Errorf("%s is the same wherever it is: take it out of different", name)
		}
	}
}

// What several patterns depend on has one version.
func TestSharedVersions(t *testing.T) {
	type pinned struct{ version, pattern string }
	versions := map[string]pinned{}
	for _, p := range Patterns() {
		files, err := Render(p.Name, plain)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Path != "package.json" {
				continue
			}
			var pkg struct {
				Dependencies, DevDependencies, Engines map[string]string
				AllowScripts                           map[string]bool
			}
			if err := json.Unmarshal(f.Data, &pkg); err != nil {
				t.Fatal(err)
			}
			for _, group := range []map[string]string{pkg.Dependencies, pkg.DevDependencies, pkg.Engines} {
				for _, name := range slices.Sorted(maps.Keys(group)) {
					other, seen := versions[name]
					if seen && other.version != group[name] {
						t.Errorf("%s is %s in %s and %s in %s", name, other.version, other.pattern, group[name], p.Name)
					}
					versions[name] = pinned{group[name], p.Name}
				}
			}
		}
	}
}

package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/cmd/cli"
	"github.com/cfboot/cfboot/templates"
)

// A variant is a project to be made.
type variant struct {
	pattern string
	with    []string
	backup  string
	domain  bool
}

func (v variant) String() string {
	name := v.pattern
	if v.domain {
		name += "+domain"
	}
	if v.backup != "" {
		name += "+backup-" + v.backup
	}
	return strings.Join(append([]string{name}, v.with...), "+")
}

// TestPatterns makes every pattern with every option, installs, lints, checks,
// tests and bundles it, runs it and asks it something. It needs what TestWrangler
// needs. CFBOOT_PATTERNS is "all", for each option by itself and with and without a
// domain; "some", for all options at once; "ci", for that without what TestWrangler
// does already; or "ask", for that without lint, tests and the like. Only of one
// pattern where one is named behind it: "all saas".
func TestPatterns(t *testing.T) {
	mode, only, _ := strings.Cut(os.Getenv("CFBOOT_PATTERNS"), " ")
	switch mode {
	case "":
		t.Skip("it takes minutes and the npm registry; make patterns runs this")
	case "all", "some", "ci", "ask":
	default:
		t.Fatalf("CFBOOT_PATTERNS is %q: all, some, ci or ask", mode)
	}
	all, err := readAskings()
	if err != nil {
		t.Fatal(err)
	}
	for _, lane := range lanes(t, only) {
		t.Run(strings.Join(lane, "+"), func(t *testing.T) {
			t.Parallel()
			modules := filepath.Join(t.TempDir(), "node_modules") // of one variant for the next
			for _, pattern := range lane {
				for _, v := range variants(t, pattern, mode) {
					t.Run(v.String(), func(t *testing.T) { playVariant(t, v, checks(v, mode), all, modules) })
				}
			}
		})
	}
}

// lanes are the patterns, or the only one, by what they install: those of a lane
// follow each other with the same packages. The longest comes first.
func lanes(t *testing.T, only string) [][]string {
	var out [][]string
	at := map[string]int{}
	for _, p := range templates.Patterns() {
		if only != "" && only != p.Name {
			continue
		}
		lock := lockOf(t, p.Name)
		i, is := at[lock]
		if !is {
			i, at[lock] = len(out), len(out)
			out = append(out, nil)
		}
		out[i] = append(out[i], p.Name)
	}
	if out == nil {
		t.Fatalf("there is no pattern %s", only)
	}
	slices.SortStableFunc(out, func(a, b []string) int { return len(b) - len(a) })
	return out
}

// lockOf is what a pattern's projects install.
func lockOf(t *testing.T, pattern string) string {
	dir := t.TempDir()
	if err := run(t, dir, "new", "my-app", "--pattern", pattern, "--no-apply"); err != nil {
		t.Fatal(err)
	}
	return string(read(t, filepath.Join(dir, "my-app", "package-lock.json")))
}

// variants are those of a pattern, without the options that it has already.
func variants(t *testing.T, pattern, mode string) []variant {
	p, _ := templates.Lookup(pattern)
	fit := map[bool][]string{} // with a domain, and without
	for _, o := range templates.Options() {
		for _, domain := range []bool{false, true} {
			args := []string{"new", "x", "--pattern", pattern, "--with", o.Name, "--no-apply"}
			if domain {
				args = append(args, "--domain", "x.example")
			}
			if p.TakesOptions() && run(t, t.TempDir(), args...) == nil {
				fit[domain] = append(fit[domain], o.Name)
			}
		}
	}
	if mode != "all" {
		return []variant{{pattern: pattern, with: fit[true], domain: true}}
	}
	var out []variant
	for _, domain := range []bool{false, true} {
		out = append(out, variant{pattern: pattern, domain: domain}, variant{pattern: pattern, with: fit[domain], domain: domain})
		for _, o := range fit[domain] {
			out = append(out, variant{pattern: pattern, with: []string{o}, domain: domain})
		}
		if p.TakesBackup() {
			out = append(out, variant{pattern: pattern, backup: "export", domain: domain}, variant{pattern: pattern, with: fit[domain], backup: "export", domain: domain})
		}
	}
	return out
}

// checks are the scripts with which a project checks itself, as far as they are run.
func checks(v variant, mode string) []string {
	if mode == "ask" || mode == "ci" && v.pattern == "saas" { // saas.txtar runs them
		return nil
	}
	return []string{"test", "lint", "typecheck", "build"} // test makes the types, which the others need
}

// run carries out a command of cfboot in a folder.
func run(t *testing.T, dir string, args ...string) error {
	var out bytes.Buffer
	env := cli.Env{Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }, Now: time.Now, Version: "test"}
	if code := cli.Main(env, args); code != 0 {
		return fmt.Errorf("cfboot %s: exit %d\n%s", strings.Join(args, " "), code, &out)
	}
	return nil
}

func playVariant(t *testing.T, v variant, checks []string, all askings, modules string) {
	args := []string{"new", "my-app", "--pattern", v.pattern, "--offline", "--yes"}
	if v.domain {
		args = append(args, "--domain", "my-app.example")
	}
	if v.backup != "" {
		args = append(args, "--backup", v.backup)
	}
	if len(v.with) > 0 {
		args = append(args, "--with", strings.Join(v.with, ","))
	}
	if slices.Contains(v.with, "hyperdrive") {
		args = append(args, "--no-apply") // its database is nobody's yet
	}
	parent := t.TempDir()
	if err := run(t, parent, args...); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "my-app")
	if os.Rename(modules, filepath.Join(dir, "node_modules")) != nil {
		npm(t, dir, "ci", "--ignore-scripts", "--prefer-offline")
	}
	defer func() { _ = os.Rename(filepath.Join(dir, "node_modules"), modules) }()
	// As whoever works on it has them: the tests pass all the same.
	if err := os.WriteFile(filepath.Join(dir, ".dev.vars"), read(t, filepath.Join(dir, ".dev.vars.example")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, script := range checks {
		npm(t, dir, "run", script)
	}
	if bytes.Contains(read(t, filepath.Join(dir, "package.json")), []byte(`"db:migrate:local"`)) {
		npm(t, dir, "run", "db:migrate:local")
	}
	converse(t, dir, all.of(v))
}

// of is what is asked of a variant.
func (all askings) of(v variant) asking {
	out := asking{Vars: map[string]string{}, Unasked: map[string]string{}}
	parts := []asking{all.every, all.pattern[v.pattern]}
	if p, _ := templates.Lookup(v.pattern); p.TakesBackup() && v.backup == "" {
		parts = append(parts, all.backup)
	}
	for _, name := range v.with {
		parts = append(parts, all.option[name].with(all.pattern[v.pattern].Extras))
	}
	for _, p := range parts {
		out.Before = append(out.Before, p.Before...)
		out.Requests = append(out.Requests, p.Requests...)
		out.Again = append(out.Again, p.Again...)
		maps.Copy(out.Vars, p.Vars)
		maps.Copy(out.Unasked, p.Unasked)
	}
	return out
}

// with has these headers in every request that does not have them.
func (a asking) with(headers map[string]string) asking {
	a.Requests = slices.Clone(a.Requests)
	for i, r := range a.Requests {
		all := map[string]string{}
		maps.Copy(all, headers)
		maps.Copy(all, r.Headers)
		a.Requests[i].Headers = all
	}
	return a
}

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
// needs. CFBOOT_PATTERNS is "all", for each option by itself, "some", for all of
// them at once, or "ask", for these without lint, tests and the like; and of one
// pattern only where one is named behind it: "all saas".
func TestPatterns(t *testing.T) {
	mode, only, _ := strings.Cut(os.Getenv("CFBOOT_PATTERNS"), " ")
	if mode == "" {
		t.Skip("it takes minutes and the npm registry; make patterns runs this")
	}
	all, err := readAskings()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range templates.Patterns() {
		if only != "" && only != p.Name {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			modules := filepath.Join(t.TempDir(), "node_modules") // of one variant for the next
			for _, v := range variants(t, p.Name, mode) {
				t.Run(v.String(), func(t *testing.T) { playVariant(t, v, mode, all, modules) })
			}
		})
	}
}

// variants are those of a pattern, without the options that it has already.
func variants(t *testing.T, pattern, mode string) []variant {
	p, _ := templates.Lookup(pattern)
	var fit []string
	for _, o := range templates.Options() {
		if p.TakesOptions() && run(t, t.TempDir(), "new", "x", "--pattern", pattern, "--with", o.Name, "--domain", "x.example", "--no-apply") == nil {
			fit = append(fit, o.Name)
		}
	}
	all := variant{pattern: pattern, with: fit, domain: true}
	if mode != "all" {
		return []variant{all}
	}
	out := []variant{{pattern: pattern}, all}
	for _, o := range fit {
		out = append(out, variant{pattern: pattern, with: []string{o}, domain: true})
	}
	if p.TakesBackup() {
		out = append(out, variant{pattern: pattern, backup: "export", domain: true})
	}
	return out
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

func playVariant(t *testing.T, v variant, mode string, all askings, modules string) {
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
	if mode != "ask" {
		for _, script := range []string{"types", "lint", "typecheck", "test", "build"} {
			npm(t, dir, "run", script)
		}
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
		parts = append(parts, all.option[name])
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

package templates

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder makes a pattern's folder of what is given, beside what each needs.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write("cfboot.jsonc.tmpl", `{"name": [[ json .Name ]]}`)
	write("wrangler.jsonc.tmpl", `{"name": [[ json .Name ]]}`)
	for name, text := range files {
		write(name, text)
	}
	return dir
}

func TestOpen(t *testing.T) {
	dir := folder(t, map[string]string{
		"pattern.json": `{"summary": "Mine", "secrets": ["A"]}`, "src/index.ts": "x", "run.sh": "#!/bin/sh",
		".git/config": "x", "node_modules/a/index.js": "x", "web/node_modules/b/index.js": "x", ".wrangler/state": "x", ".dev.vars.example": "A=",
	})
	p, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p.Summary != "Mine" || p.Name != dir {
		t.Errorf("it describes itself as %+v", p)
	}
	digest := p.Digest()
	if err := os.WriteFile(filepath.Join(dir, "src", "index.ts"), []byte("y"), 0o644); err != nil {
		t.Fatal(err)
	}
	files, err := p.Render(plain)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Path)
		if f.Mode != 0o644 {
			t.Errorf("%s may be executed: %o", f.Path, f.Mode)
		}
		if f.Path == "src/index.ts" && string(f.Data) != "x" {
			t.Errorf("it was read again: %q", f.Data)
		}
	}
	if got := strings.Join(names, " "); got != ".dev.vars.example cfboot.jsonc run.sh src/index.ts wrangler.jsonc" {
		t.Errorf("it makes %s", got)
	}
	if p, err = Open(dir); err != nil || p.Digest() == digest {
		t.Errorf("another content has the same digest, or: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	big := strings.Repeat("x", maxFile)
	link := func(from, to string) func(string) error {
		return func(dir string) error { return os.Symlink(to, filepath.Join(dir, from)) }
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		more  func(dir string) error
		want  string
	}{
		{"a link out", nil, link("secrets", "/etc/passwd"), "secrets: it is a symbolic link"},
		{"a link within", nil, link("index.ts", "cfboot.jsonc.tmpl"), "index.ts: it is a symbolic link"},
		{"a link to a folder", nil, link("src", "/etc"), "src: it is a symbolic link"},
		{"a link for a manifest", nil, func(dir string) error {
			return os.Symlink("wrangler.jsonc.tmpl", filepath.Join(dir, "cfboot.jsonc"))
		}, "cfboot.jsonc: it is a symbolic link"},
		{"a state", map[string]string{".cfboot/state.json": "{}"}, nil, ".cfboot: it is each project's own"},
		{"a state by another case", map[string]string{".CFBOOT/state.json": "{}"}, nil, ".CFBOOT: it is each project's own"},
		{"secrets", map[string]string{"worker/.dev.vars": "A=b"}, nil, "worker/.dev.vars: it holds secrets"},
		{"secrets of an environment", map[string]string{".dev.vars.staging": "A=b"}, nil, ".dev.vars.staging: it holds secrets"},
		{"a large file", map[string]string{"video": big + "x"}, nil, "video: it is larger than 5 MiB"},
		{"large files", map[string]string{"v1": big, "v2": big, "v3": big, "v4": big, "v5": big}, nil, "with it the pattern is larger than 25 MiB"},
		{"deep folders", map[string]string{strings.Repeat("d/", maxDepth+1) + "a": ""}, nil, "it lies more than 20 folders deep"},
		{"no manifest", nil, func(dir string) error { return os.Remove(filepath.Join(dir, "cfboot.jsonc.tmpl")) }, "cfboot.jsonc.tmpl: it is missing"},
		{"no wrangler.jsonc", nil, func(dir string) error { return os.Remove(filepath.Join(dir, "wrangler.jsonc.tmpl")) }, "wrangler.jsonc.tmpl: it is missing"},
		{"a bad description", map[string]string{"pattern.json": "{"}, nil, "pattern.json: unexpected EOF"},
	} {
		dir := folder(t, c.files)
		if c.more != nil {
			if err := c.more(dir); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	many := map[string]string{}
	for i := range maxFiles {
		many["f/"+string(rune('a'+i%26))+"/"+strings.Repeat("x", 1+i/26)] = ""
	}
	if _, err := Open(folder(t, many)); err == nil || !strings.Contains(err.Error(), "the pattern has more than 2000 files") {
		t.Errorf("many files: %v", err)
	}
	for _, dir := range []string{filepath.Join(t.TempDir(), "nothing"), filepath.Join(folder(t, nil), "cfboot.jsonc.tmpl")} {
		if _, err := Open(dir); err == nil {
			t.Errorf("%s is opened", dir)
		}
	}
}

// Whatever a pattern has in it, rendering ends, and what it makes stays within
// the limits and the project's folder.
func FuzzPattern(f *testing.F) {
	for _, name := range []string{"a.tmpl", "../a", "src/con.ts", "a\x00", ".cfboot/x", "A/b.tmpl", "pattern.json"} {
		for _, text := range []string{"[[ json .Name ]]", "[[ range 9 ]][[ end ]]", "[[ if eq .Backup `worker` ]]a[[ else ]]b[[ end ]]",
			"[[ json (json (json .Domain)) ]]", `{"summary": "x"}`, "[[ .", "[[/*", "[[- .Name | html -]]", "[[ not (and .Name (or .Domain 1)) ]]", "[[ print nil 0x1p-2 'a' 1i ]]"} {
			f.Add(name, []byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		files := sources{"cfboot.jsonc.tmpl": []byte(`{"name": [[ json .Name ]]}`), "wrangler.jsonc": []byte("{}"), name: text}
		p, err := own("p", files)
		if err == nil {
			var made []File
			if made, err = p.Render(plain); err == nil {
				for _, m := range made {
					first, _, _ := strings.Cut(m.Path, "/")
					if len(m.Data) > max(maxTemplate, len(text)) || !filepath.IsLocal(filepath.FromSlash(m.Path)) || strings.EqualFold(first, ownFolder) {
						t.Errorf("it makes %d bytes at %q", len(m.Data), m.Path)
					}
				}
			}
		}
		if err != nil && strings.TrimSpace(err.Error()) == "" {
			t.Error("an error without words")
		}
	})
}

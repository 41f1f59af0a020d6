// Package templates holds the patterns: whole projects, readable in the
// repository as they stand, and rendered in memory for a caller to write.
//
// A file whose name ends in .tmpl is a template, with [[ ]] as delimiters, so
// that the ${{ }} and {{ }} of other tools mean what they always do. Every other
// file is copied as it is. Templates are data: they see a project's values and
// a few functions that write one for the file's language, and nothing else. A
// value that a template asks for and that does not exist is an error.
package templates

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"
)

//go:embed all:marketing all:saas
var patterns embed.FS

// Values are what a template may write.
type Values struct {
	Name    string // of the project
	Domain  string // may be empty
	Account string // Cloudflare account, 32 hex digits; may be empty
	Schema  string // where the manifest's JSON Schema is
	Version string // cfboot's
	Backup  string // who copies the database every day: "worker" or "export"
}

// all are the patterns that come with cfboot, in the order in which they are
// shown. Each has a folder of its name.
var all = []string{"marketing", "saas"}

// Patterns lists every pattern that comes with cfboot.
func Patterns() []Pattern {
	var out []Pattern
	for _, name := range all {
		p, _ := Lookup(name)
		out = append(out, p)
	}
	return out
}

// Lookup finds a pattern by its name.
func Lookup(name string) (Pattern, bool) {
	if !slices.Contains(all, name) {
		return Pattern{}, false
	}
	p, err := describe(name, folder(name))
	if err != nil {
		panic("templates: " + err.Error()) // it is part of the program, and tested
	}
	return p, true
}

// folder is what a pattern that comes with cfboot consists of.
func folder(name string) fs.FS {
	root, err := fs.Sub(patterns, name)
	if err != nil {
		panic("templates: " + err.Error()) // the names are those above
	}
	return root
}

// A File is one file of a rendered project.
type File struct {
	Path string // slash-separated, below the project's folder
	Data []byte
	Mode fs.FileMode
}

// Render gives the files of a pattern, sorted by path. Nothing is written.
func Render(pattern string, v Values) ([]File, error) {
	if _, ok := Lookup(pattern); !ok {
		return nil, fmt.Errorf("there is no pattern %q", pattern)
	}
	return render(folder(pattern), v)
}

func render(root fs.FS, v Values) ([]File, error) {
	var files []File
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == descriptionFile {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		target, isTemplate := strings.CutSuffix(name, ".tmpl")
		if isTemplate {
			if data, err = execute(name, data, v); err != nil {
				return err
			}
		}
		files = append(files, File{Path: target, Data: data, Mode: 0o644})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, check(files)
}

func execute(name string, text []byte, v Values) ([]byte, error) {
	t, err := template.New(name).Delims("[[", "]]").Option("missingkey=error").Funcs(template.FuncMap{"json": writeJSON}).Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// writeJSON writes a value as a JSON literal, without HTML's escapes.
func writeJSON(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// device matches names that Windows keeps for devices, with any ending.
var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)

// check refuses paths that would lead out of the project's folder or that some
// file systems cannot keep apart or have at all.
func check(files []File) error {
	seen := map[string]string{}
	for _, f := range files {
		if !fs.ValidPath(f.Path) || f.Path == "." || strings.ContainsAny(f.Path, "\\:*?\"<>|") {
			return fmt.Errorf("%q is no path for a file of a project", f.Path)
		}
		for _, part := range strings.Split(f.Path, "/") {
			if device.MatchString(part) || strings.TrimRight(part, ". ") != part {
				return fmt.Errorf("%q has a part that not every system can have: %q", f.Path, part)
			}
		}
		folded := strings.ToLower(path.Clean(f.Path))
		if other, ok := seen[folded]; ok {
			return fmt.Errorf("%q and %q are one file where case does not count", other, f.Path)
		}
		seen[folded] = f.Path
	}
	return nil
}

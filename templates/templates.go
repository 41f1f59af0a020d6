// Package templates holds the patterns: whole projects, readable in the
// repository as they stand, and rendered in memory for a caller to write.
//
// A file whose name ends in .tmpl is a template, with [[ ]] as delimiters, so
// that the ${{ }} and {{ }} of other tools mean what they always do. Every other
// file is copied as it is. Templates are data: they see a project's values
// ([Values]) and a few functions that write one for the file's language (json,
// html, print, snake; eq, ne, and, or, not in an if), and nothing else. They neither
// loop nor name variables, so what they write is in proportion to what they are.
// A value that a template asks for and that does not exist is an error.
//
// A pattern of one's own is a folder of the same form, read by [Open]: at least
// cfboot.jsonc.tmpl and wrangler.jsonc.tmpl, each with "name": [[ json .Name ]],
// and, if it likes, pattern.json with what [Pattern] has. It may come from
// anywhere, so it is held to limits ([Open] has them), and what it makes to
// paths that stay in the project's folder and that every system can have.
package templates

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

//go:embed all:agent all:api all:marketing all:saas all:with
var patterns embed.FS

// Values are what a template may write.
type Values struct {
	Name     string // of the project
	Domain   string // may be empty
	Account  string // Cloudflare account, 32 hex digits; may be empty
	Schema   string // where the manifest's JSON Schema is
	Version  string // cfboot's
	Backup   string // who copies the database every day: "worker" or "export"
	Frontend string // one of [Frontends], or empty: static pages
	UI       string // one of [UIs], or empty

	Workflow Workflow // for Usual where the project is made from a pattern
}

// all are the patterns that come with cfboot, in the order in which they are
// shown. Each has a folder of its name.
var all = []string{"marketing", "saas", "api", "agent"}

// Patterns lists every pattern that comes with cfboot, for a look at what they
// are; to render one, look it up.
func Patterns() []Pattern {
	var out []Pattern
	for _, name := range all {
		b, err := patterns.ReadFile(name + "/" + descriptionFile)
		var p Pattern
		if err == nil {
			p, err = describe(name, sources{descriptionFile: b})
		}
		if err != nil {
			panic("templates: " + err.Error()) // it is part of the program, and tested
		}
		p.files = nil
		out = append(out, p)
	}
	return out
}

// Lookup finds a pattern by its name.
func Lookup(name string) (Pattern, bool) {
	if !slices.Contains(all, name) {
		return Pattern{}, false
	}
	files, err := embedded(name)
	if err != nil {
		panic("templates: " + err.Error()) // it is part of the program
	}
	p, err := describe(name, files)
	if err != nil {
		panic("templates: " + err.Error()) // and is tested
	}
	return p, true
}

// sources are the files of a pattern, by slash-separated path.
type sources map[string][]byte

func (s sources) names() []string { return slices.Sorted(maps.Keys(s)) }

// embedded reads what comes with cfboot below a folder.
func embedded(folder string) (sources, error) {
	files := sources{}
	err := fs.WalkDir(patterns, folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[strings.TrimPrefix(name, folder+"/")], err = patterns.ReadFile(name)
		return err
	})
	return files, err
}

// A File is one file of a rendered project.
type File struct {
	Path string // slash-separated, below the project's folder
	Data []byte
	Mode fs.FileMode
}

// Render gives the files of a pattern that comes with cfboot, sorted by path.
// Nothing is written.
func Render(pattern string, v Values) ([]File, error) {
	p, ok := Lookup(pattern)
	if !ok {
		return nil, fmt.Errorf("there is no pattern %q", pattern)
	}
	return p.Render(v)
}

// Render gives the files of a project made from the pattern, sorted by path.
// Nothing is written. Its errors begin with the pattern's file that is at fault.
func (p Pattern) Render(v Values) ([]File, error) { return render(p.files, v) }

func render(from sources, v Values) ([]File, error) {
	v = v.filled()
	var files []File
	total := 0
	for _, name := range from.names() {
		if name == descriptionFile {
			continue
		}
		target, isTemplate := strings.CutSuffix(name, ".tmpl")
		data := from[name]
		if isTemplate {
			var err error
			if data, err = execute(name, data, v); err != nil {
				return nil, err
			}
		}
		if total += len(data); total > maxTotal {
			return nil, fmt.Errorf("%s: with it the project is larger than %s", name, size(maxTotal))
		}
		files = append(files, File{Path: target, Data: data, Mode: 0o644})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, check(files)
}

// device matches names that Windows keeps for devices, with any ending.
var device = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)`)

// maxPath is the length of a path, in bytes, that leaves room on every system
// for the folder before it.
const maxPath = 180

// check refuses paths that would lead out of the project's folder or into
// cfboot's own, and those that some file systems cannot keep apart or have at all.
func check(files []File) error {
	seen := map[string]string{}
	for _, f := range files {
		if err := checkPath(f.Path); err != nil {
			return err
		}
		// Every folder on the way, too: "src" beside "Src/a" is one name twice.
		for i := range len(f.Path) + 1 {
			if i < len(f.Path) && f.Path[i] != '/' {
				continue
			}
			part := f.Path[:i]
			kind := "/"
			if i == len(f.Path) {
				kind = ""
			}
			other, taken := seen[folded(part)]
			if taken && (other != part+kind || kind == "") {
				return fmt.Errorf("%q and %q are one file where case does not count", strings.TrimSuffix(other, "/"), f.Path)
			}
			seen[folded(part)] = part + kind
		}
	}
	return nil
}

// folded is a path as systems see it that tell neither case nor the ways to
// write an accent apart.
func folded(p string) string { return norm.NFC.String(cases.Fold().String(norm.NFC.String(p))) }

func checkPath(p string) error {
	odd := func(r rune) bool { return unicode.IsControl(r) || strings.ContainsRune("\\:*?\"<>|", r) }
	switch {
	case !fs.ValidPath(p) || p == "." || strings.ContainsFunc(p, odd):
		return fmt.Errorf("%q is no path for a file of a project", p)
	case len(p) > maxPath:
		return fmt.Errorf("%q is longer than %d bytes, which not every system can have", p, maxPath)
	}
	parts := strings.Split(p, "/")
	if folded(parts[0]) == ownFolder {
		return fmt.Errorf("%q lies where cfboot keeps what each project owns", p)
	}
	for _, part := range parts {
		if device.MatchString(part) || strings.TrimRight(part, ". ") != part {
			return fmt.Errorf("%q has a part that not every system can have: %q", p, part)
		}
	}
	return nil
}

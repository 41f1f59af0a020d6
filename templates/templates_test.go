package templates

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tailscale/hujson"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var plain = Values{Name: "my-saas", Domain: "my-saas.example", Schema: "./cfboot.schema.json", Version: "0.0.0", Backup: "worker"}

func TestTrees(t *testing.T) {
	for _, p := range Patterns() {
		files, err := Render(p.Name, plain)
		if err != nil {
			t.Fatal(err)
		}
		var list strings.Builder
		for _, f := range files {
			list.WriteString(f.Path + "\n")
		}
		golden := filepath.Join("testdata", p.Name+".tree")
		if *update {
			if err := os.WriteFile(golden, []byte(list.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), list.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.Name, diff)
		}
	}
}

// Whatever the values are, JSON stays JSON and says just what was given.
func TestHostileValues(t *testing.T) {
	for _, name := range []string{"my-saas", `a"b`, "a\\b", "a\nb", "${{ github.token }}", "[[ .Name ]]", "{{.}}", "</script>", "`x`", "\u2028", "é", `"],"x":["`} {
		v := Values{Name: name, Domain: name, Account: name, Schema: name, Version: name}
		for _, p := range Patterns() {
			files, err := Render(p.Name, v)
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			for _, f := range files {
				if ext := filepath.Ext(f.Path); ext != ".json" && ext != ".jsonc" {
					continue
				}
				std, err := hujson.Standardize(f.Data)
				if err != nil {
					t.Errorf("%q: %s is no JSON: %v", name, f.Path, err)
					continue
				}
				var doc map[string]any
				if err := json.Unmarshal(std, &doc); err != nil {
					t.Errorf("%q: %s: %v", name, f.Path, err)
				}
				if got, ok := doc["name"]; ok && got != name {
					t.Errorf("%s says the name is %q, want %q", f.Path, got, name)
				}
			}
		}
	}
}

func TestFiles(t *testing.T) {
	host := regexp.MustCompile(`"resolved"|registry\.`)
	local := regexp.MustCompile(`(^|[\s"'(])/(root|home|tmp|work|Users)/`)
	for _, p := range Patterns() {
		for _, v := range []Values{plain, {Name: "my-saas", Schema: "./cfboot.schema.json"}} {
			files, err := Render(p.Name, v)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if filepath.Ext(f.Path) == ".png" {
					continue // no text
				}
				switch {
				case bytes.Contains(f.Data, []byte("\r")):
					t.Errorf("%s has carriage returns", f.Path)
				case !bytes.HasSuffix(f.Data, []byte("\n")):
					if !strings.Contains(f.Path, "migrations/") { // written by drizzle-kit
						t.Errorf("%s does not end its last line", f.Path)
					}
				case bytes.Contains(f.Data, []byte("[[ ")):
					t.Errorf("%s still has a template in it", f.Path)
				}
				if filepath.Base(f.Path) == "package-lock.json" && host.Match(f.Data) {
					t.Errorf("%s names where its packages came from: %s", f.Path, host.Find(f.Data))
				}
				if m := local.Find(f.Data); m != nil {
					t.Errorf("%s has a path of some machine: %s", f.Path, m)
				}
			}
		}
	}
}

// The lockfile is that of the package.json, and every version is exact.
func TestPins(t *testing.T) {
	type pkg struct {
		Name            string            `json:"name"`
		Version         string            `json:"version"`
		Dependencies    map[string]string `json:"dependencies"`
		DevDependencies map[string]string `json:"devDependencies"`
	}
	exact := regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	for _, p := range Patterns() {
		files, err := Render(p.Name, plain)
		if err != nil {
			t.Fatal(err)
		}
		var manifest pkg
		var lock struct {
			Name     string
			Packages map[string]pkg
		}
		for _, f := range files {
			switch f.Path {
			case "package.json":
				err = json.Unmarshal(f.Data, &manifest)
			case "package-lock.json":
				err = json.Unmarshal(f.Data, &lock)
			}
			if err != nil {
				t.Fatalf("%s: %v", f.Path, err)
			}
		}
		if lock.Name != manifest.Name || manifest.Name != plain.Name {
			t.Errorf("%s: the names are %q and %q", p.Name, manifest.Name, lock.Name)
		}
		root := lock.Packages[""]
		if diff := cmp.Diff(manifest.Dependencies, root.Dependencies); diff != "" {
			t.Errorf("%s: dependencies (-package.json +lock):\n%s", p.Name, diff)
		}
		if diff := cmp.Diff(manifest.DevDependencies, root.DevDependencies); diff != "" {
			t.Errorf("%s: devDependencies (-package.json +lock):\n%s", p.Name, diff)
		}
		for _, deps := range []map[string]string{manifest.Dependencies, manifest.DevDependencies} {
			for name, version := range deps {
				if !exact.MatchString(version) {
					t.Errorf("%s: %s is not pinned: %s", p.Name, name, version)
				}
				if got := lock.Packages["node_modules/"+name].Version; got != version {
					t.Errorf("%s: %s is %s in package.json and %s in the lock", p.Name, name, version, got)
				}
			}
		}
	}
}

// What a pattern says of itself stays with it, and is whole.
func TestDescriptions(t *testing.T) {
	for _, p := range Patterns() {
		if p.Summary == p.Name || p.Description == "" || p.Cost.AsOf == "" || len(p.Cost.Limits) == 0 {
			t.Errorf("%s does not say what it is and costs: %+v", p.Name, p)
		}
		files, err := Render(p.Name, plain)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Path == descriptionFile {
				t.Errorf("%s: the description is written into projects", p.Name)
			}
		}
		checkSecrets(t, p, files)
	}
	for text, want := range map[string]string{
		`{"summary": "a"`:                 "pattern.json: unexpected EOF",
		`{"summary": "a"} {}`:             "there is more after the object",
		`{"summary": "a", "sumary": "b"}`: `unknown field "sumary"`,
		`{"summary": "a\nb"}`:             `"summary" must be one line`,
		`{}`:                              `"summary" must be one line`,
		`{"summary": "a", "cost": {"as_of": "in 2026"}}`: `must be a day: 2026-01-31, not "in 2026"`,
		`{"summary": "a", "frontends": ["vue"]}`:         `"frontends" has "vue"; there are: angular`,
	} {
		_, err := describe("p", sources{descriptionFile: []byte(text)})
		if want == "" || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// checkSecrets compares the places that name a pattern's secrets: what it says of
// itself, the manifest, and the example for one's own machine.
func checkSecrets(t *testing.T, p Pattern, files []File) {
	t.Helper()
	at := func(path string) []byte {
		i := slices.IndexFunc(files, func(f File) bool { return f.Path == path })
		if i < 0 {
			t.Fatalf("%s has no %s", p.Name, path)
		}
		return files[i].Data
	}
	var manifest struct {
		Secrets map[string]struct{ Description string }
	}
	std, err := hujson.Standardize(at("cfboot.jsonc"))
	if err == nil {
		err = json.Unmarshal(std, &manifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(p.Secrets)), slices.Sorted(maps.Keys(manifest.Secrets))); diff != "" {
		t.Errorf("%s: secrets (-pattern.json +cfboot.jsonc):\n%s", p.Name, diff)
	}
	for name, secret := range manifest.Secrets {
		if secret.Description == "" {
			t.Errorf("%s does not say what %s is for", p.Name, name)
		}
		if !bytes.Contains(at(".dev.vars.example"), []byte("\n"+name+"=")) {
			t.Errorf("%s: .dev.vars.example has no line for %s", p.Name, name)
		}
	}
}

// Pages have an icon, and what they load is there. Nothing stands inline: the
// security policies forbid it.
func TestPages(t *testing.T) {
	loaded := regexp.MustCompile(`<(?:link|script|img)\b[^>]*\s(?:href|src)="(/[^"]+)"`)
	inline := regexp.MustCompile(`<style\b|<script(?:\s+type="module")?>|\sstyle="|\son[a-z]+="`)
	for _, p := range Patterns() {
		files, err := Render(p.Name, plain)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if filepath.Ext(f.Path) != ".html" {
				continue
			}
			if !bytes.Contains(f.Data, []byte(`<link rel="icon" href="/favicon.svg" type="image/svg+xml" />`)) {
				t.Errorf("%s: %s has no icon", p.Name, f.Path)
			}
			if found := inline.Find(f.Data); found != nil {
				t.Errorf("%s: %s has what the policy forbids: %s", p.Name, f.Path, found)
			}
			for _, m := range loaded.FindAllSubmatch(f.Data, -1) {
				if !slices.ContainsFunc(files, func(f File) bool { return f.Path == "public"+string(m[1]) }) && !bytes.Contains(m[0], []byte(`rel="canonical"`)) {
					t.Errorf("%s: %s loads %s, which is not there", p.Name, f.Path, m[1])
				}
			}
		}
	}
}

// Every pattern that copies its database can have it exported instead, and then
// nothing of the Workflow is left.
func TestExportBackup(t *testing.T) {
	v := plain
	v.Backup = "export"
	tried := 0
	for _, known := range Patterns() {
		p, _ := Lookup(known.Name)
		if !p.TakesBackup() {
			continue
		}
		tried++
		files, err := p.Render(v)
		if err == nil {
			files, err = ExportBackup(files, v)
		}
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		has := false
		for _, f := range files {
			has = has || f.Path == ".github/workflows/backup.yml"
			for _, left := range []string{"BackupWorkflow", "startBackup", "BACKUP_WORKFLOW", "src/backup", "restore.mjs", "db:restore", "'./backup'"} {
				if bytes.Contains(f.Data, []byte(left)) {
					t.Errorf("%s: %s still speaks of %s", p.Name, f.Path, left)
				}
			}
		}
		if !has {
			t.Errorf("%s: no workflow exports the database", p.Name)
		}
	}
	if tried == 0 {
		t.Error("no pattern copies its database")
	}
}

// Every option says what it is and shows how it is used.
func TestOptions(t *testing.T) {
	for _, known := range Options() {
		name := known.Name
		for _, v := range []Values{plain, {Name: "my-saas"}} {
			o, err := LookupOption(name, v)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var paths []string
			for _, f := range o.Files {
				paths = append(paths, f.Path)
			}
			if want := "src/extras/" + name + ".ts test/extras/" + name + ".test.ts"; o.Summary == "" || strings.Join(paths, " ") != want {
				t.Errorf("%s is %q and has %v", name, o.Summary, paths)
			}
			if len(o.Bindings) == 0 || (o.Resource == "") != (o.Settings == nil) {
				t.Errorf("%s adds nothing that is whole: %+v", name, o)
			}
		}
	}
	folders, err := patterns.ReadDir("with")
	// And the other backup, frontends and their components.
	if err != nil || len(folders) != len(options)+1+len(Frontends())+len(UIs()) {
		t.Errorf("there are %d folders of options, and %d in the list: %v", len(folders), len(options), err)
	}
}

func TestBadPatterns(t *testing.T) {
	long := strings.Repeat("a", 100)
	for _, c := range []struct {
		name string
		from sources
		want string
	}{
		{"unknown value", sources{"a.tmpl": []byte("\n[[ .Nothing ]]")}, "a.tmpl:2:3: executing \"a.tmpl\" at <.Nothing>: can't evaluate field Nothing"},
		{"unknown function", sources{"a.tmpl": []byte(`[[ env "HOME" ]]`)}, `a.tmpl:1: function "env" not defined`},
		{"forbidden function", sources{"a.tmpl": []byte("x\n[[ printf `%9999999d` 1 ]]")}, "a.tmpl:2:3: a template may not use the function printf; there are: if, else, end"},
		{"loop", sources{"a.tmpl": []byte("[[ range 1000000000 ]][[ end ]]")}, "a.tmpl:1:9: a template may not use range"},
		{"loop in an if", sources{"a.tmpl": []byte("[[ if .Name ]][[ else ]][[ range 9 ]][[ end ]][[ end ]]")}, "may not use range"},
		{"variable", sources{"a.tmpl": []byte("[[ $x := print .Name .Name ]]")}, "may not use variables"},
		{"variable of an if", sources{"a.tmpl": []byte("[[ if $x := .Name ]][[ end ]]")}, "may not use variables"},
		{"with", sources{"a.tmpl": []byte("[[ with .Name ]][[ . ]][[ end ]]")}, "may not use with"},
		{"recursion", sources{"a.tmpl": []byte(`[[ define "b" ]][[ template "b" ]][[ end ]][[ template "b" ]]`)}, `a.tmpl: a template may not define another: "b"`},
		{"itself", sources{"a.tmpl": []byte(`[[ template "a.tmpl" ]]`)}, "may not use template"},
		{"everything", sources{"a.tmpl": []byte(`[[ . ]]`)}, "may not use ."},
		{"growing value", sources{"a.tmpl": []byte("[[ " + strings.Repeat("json (", 30) + "json .Name" + strings.Repeat(")", 30) + " ]]")}, "a value is larger than 64 KiB"},
		{"growing output", sources{"a.tmpl": []byte(strings.Repeat("[[ "+strings.Repeat("json (", 13)+"json .Name"+strings.Repeat(")", 13)+" ]]", 200))}, "it makes more than 2 MiB"},
		{"large template", sources{"a.tmpl": make([]byte, maxTemplate+1)}, "a.tmpl: the template is larger than 2 MiB"},
		{"many actions", sources{"a.tmpl": []byte(strings.Repeat("[[ .Name ]]", maxActions+1))}, "a.tmpl: the template has more than 2000 actions"},
		{"not closed", sources{"a.tmpl": []byte("[[ if .Name ]]")}, "a.tmpl:1: unexpected EOF"},
		{"large project", sources{"a": make([]byte, maxTotal), "b.tmpl": []byte("x")}, "b.tmpl: with it the project is larger than 25 MiB"},
		{"one file twice", sources{"README.md": nil, "readme.MD": nil}, "are one file where case does not count"},
		{"one file twice, beyond ASCII", sources{"\u00c9": nil, "e\u0301": nil}, "are one file where case does not count"},
		{"template beside its result", sources{"a": nil, "a.tmpl": nil}, "are one file"},
		{"file and folder", sources{"src": nil, "Src/a": nil}, `"Src" and "src" are one file`},
		{"file and folder of one name", sources{"src": nil, "src.tmpl": nil, "src/a": nil}, "are one file"},
		{"two folders", sources{"Src/a": nil, "src/b": nil}, "are one file"},
		{"device", sources{"src/con.ts": nil}, "not every system can have"},
		{"trailing dot", sources{"src./a": nil}, "not every system can have"},
		{"backslash", sources{`..\a`: nil}, "is no path for a file of a project"},
		{"control character", sources{"a\nb": nil}, "is no path for a file of a project"},
		{"not UTF-8", sources{"a\xff": nil}, "is no path for a file of a project"},
		{"nothing but the ending", sources{".tmpl": nil}, "is no path for a file of a project"},
		{"long", sources{long + "/" + long: nil}, "is longer than 180 bytes"},
		{"cfboot's own", sources{".Cfboot/state.json": nil}, "lies where cfboot keeps what each project owns"},
		{"cfboot's own folder", sources{".cfboot.tmpl": nil}, "lies where cfboot keeps what each project owns"},
	} {
		if _, err := render(c.from, plain); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, p := range []string{"../up", "/abs", "a/../b", ""} {
		if err := check([]File{{Path: p}}); err == nil {
			t.Errorf("the path %q passes", p)
		}
	}
	if err := check([]File{{Path: "src/a"}, {Path: "src/b"}, {Path: "src/c/d"}}); err != nil {
		t.Errorf("files of one folder: %v", err)
	}
	if _, err := Render("nothing", plain); err == nil {
		t.Error("a pattern that does not exist is rendered")
	}
}

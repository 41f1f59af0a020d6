package templates

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// withFrontend gives the files of a project of the pattern saas with a frontend.
func withFrontend(t *testing.T, v Values) []File {
	t.Helper()
	p, _ := Lookup("saas")
	files, err := p.Render(v)
	if err == nil && v.Backup == "export" {
		files, err = ExportBackup(files, v)
	}
	if err == nil {
		files, err = Frontend(files, v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// frontends are the values of projects with each frontend and each UI.
func frontends(v Values) (out []Values) {
	for _, v.Frontend = range Frontends() {
		for _, v.UI = range append([]string{""}, UIs()...) {
			out = append(out, v)
		}
	}
	return out
}

func text(t *testing.T, files []File, path string) string {
	t.Helper()
	i := slices.IndexFunc(files, func(f File) bool { return f.Path == path })
	if i < 0 {
		t.Fatalf("there is no %s", path)
	}
	return string(files[i].Data)
}

func TestFrontendTrees(t *testing.T) {
	for _, v := range frontends(plain) {
		name := strings.TrimSuffix("saas-"+v.Frontend+"-"+v.UI, "-")
		var list strings.Builder
		for _, f := range withFrontend(t, v) {
			list.WriteString(f.Path + "\n")
		}
		golden := filepath.Join("testdata", name+".tree")
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
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Everything in a project speaks of the pages where they are.
func TestFrontendEdits(t *testing.T) {
	static := regexp.MustCompile(`(^|[^b])[/ "'` + "`" + `]public/`) // and not web/public/
	bare := Values{Name: "my-saas", Schema: "./cfboot.schema.json", Backup: "export"}
	for _, v := range append(frontends(plain), frontends(bare)...) {
		files := withFrontend(t, v)
		for _, f := range files {
			if strings.HasPrefix(f.Path, "public/") {
				t.Errorf("%s is still there", f.Path)
			}
			if m := static.Find(f.Data); m != nil && !strings.HasPrefix(f.Path, "web/") && !strings.HasPrefix(f.Path, "src/db/") {
				t.Errorf("%s speaks of public/: %q", f.Path, m)
			}
		}
		for path, wants := range map[string][]string{
			"wrangler.jsonc":               {`"directory": "./web/dist/web/browser"`, `"not_found_handling": "single-page-application"`, `"run_worker_first"`, `"binding": "ASSETS"`},
			"package.json":                 {`"dev": "node scripts/web.mjs && `, `"build": "npm run web:build && `, `"deploy": "npm run web:build && `, `"web:install": "npm --prefix web ci"`, `"preweb:build": "node scripts/web-installed.mjs"`},
			"vitest.config.ts":             {"import './scripts/web.mjs';", "dir: 'test'"},
			"README.md":                    {"npm ci\n    npm run web:install\n", "## Pages\n", "`web/README.md`"},
			".gitignore":                   {".angular/\n"},
			".prettierignore":              {".angular\n"},
			"eslint.config.mjs":            {"'**/dist/', 'web/.angular/'"},
			".github/workflows/ci.yml":     {"npm ci\n      - run: npm run web:install\n", "npm run web:test", "**/package-lock.json"},
			".github/workflows/deploy.yml": {"npm ci\n      - run: npm run web:install\n"},
			"web/public/_headers":          {"Content-Security-Policy: default-src 'self'"},
			"web/src/index.html":           {"<title>my-saas</title>"},
		} {
			for _, want := range wants {
				if !strings.Contains(text(t, files, path), want) {
					t.Errorf("%s %s: %s lacks %q", v.Frontend, v.UI, path, want)
				}
			}
		}
		if got := text(t, files, "web/public/_headers"); strings.Contains(got, "unsafe") {
			t.Errorf("the pages' policy is not strict:\n%s", got)
		}
		prime := strings.Contains(text(t, files, "web/README.md"), "licence of PrimeNG") && strings.Contains(text(t, files, "web/src/app/ui/project-list.ts"), "primeng/table")
		if prime != (v.UI == PrimeNG) || strings.Contains(text(t, files, "web/package.json"), "primeng") != prime {
			t.Errorf("PrimeNG is there: %v, with --ui %q", prime, v.UI)
		}
	}
}

// The pages' lockfile is that of their package.json, every version is exact, and
// PrimeNG's are those before its licence changed.
func TestFrontendPins(t *testing.T) {
	exact := regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	for _, v := range frontends(plain) {
		files := withFrontend(t, v)
		var pkg struct{ Dependencies, DevDependencies map[string]string }
		var lock struct {
			Packages map[string]struct {
				Version                       string
				Dependencies, DevDependencies map[string]string
			}
		}
		locked := text(t, files, "web/package-lock.json")
		for name, to := range map[string]any{"web/package.json": &pkg, "web/package-lock.json": &lock} {
			if err := json.Unmarshal([]byte(text(t, files, name)), to); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		root := lock.Packages[""]
		if diff := cmp.Diff(pkg.Dependencies, root.Dependencies) + cmp.Diff(pkg.DevDependencies, root.DevDependencies); diff != "" {
			t.Errorf("--ui %q (-package.json +lock):\n%s", v.UI, diff)
		}
		for _, group := range []map[string]string{pkg.Dependencies, pkg.DevDependencies} {
			for name, version := range group {
				if got := lock.Packages["node_modules/"+name].Version; !exact.MatchString(version) || got != version {
					t.Errorf("--ui %q: %s is %s in package.json and %s in the lock", v.UI, name, version, got)
				}
			}
		}
		if strings.Contains(locked, `"resolved"`) {
			t.Error("the lock names where its packages came from")
		}
		if v.UI == PrimeNG && (!strings.HasPrefix(pkg.Dependencies["primeng"], "21.1.") || pkg.Dependencies["@primeuix/themes"] != "2.0.3") {
			t.Errorf("PrimeNG is %s with themes %s: read their licences first", pkg.Dependencies["primeng"], pkg.Dependencies["@primeuix/themes"])
		}
	}
}

func TestFrontendFiles(t *testing.T) {
	for _, v := range frontends(plain) {
		for _, f := range withFrontend(t, v) {
			if bytes.Contains(f.Data, []byte("\r")) || bytes.Contains(f.Data, []byte("[[ ")) || strings.HasPrefix(f.Path, "web/") && !bytes.HasSuffix(f.Data, []byte("\n")) {
				t.Errorf("%s has carriage returns, a template left in it, or no end of its last line", f.Path)
			}
		}
	}
}

// A pattern that a frontend does not fit is told with the file at fault.
func TestFrontendDoesNotFit(t *testing.T) {
	v := plain
	v.Frontend = Angular
	for _, c := range []struct {
		name   string
		damage func([]File) []File
		want   string
	}{
		{"nothing to move", func(f []File) []File {
			return slices.DeleteFunc(f, func(f File) bool { return f.Path == "public/docs.js" })
		}, "public/docs.js: it is missing, and --frontend angular moves it to web/public/docs.js"},
		{"something else", func(f []File) []File {
			i := slices.IndexFunc(f, func(f File) bool { return f.Path == "wrangler.jsonc" })
			f[i].Data = []byte("{}\n")
			return f
		}, "wrangler.jsonc: what --frontend angular changes stands in it 0 times, not once"},
		{"twice", func(f []File) []File {
			i := slices.IndexFunc(f, func(f File) bool { return f.Path == "package.json" })
			f[i].Data = append(f[i].Data, f[i].Data...)
			return f
		}, "package.json: what --frontend angular changes stands in it 2 times, not once"},
		{"a file in the way of another's case", func(f []File) []File { return append(f, File{Path: "Web/x"}) }, "are one file where case does not count"},
	} {
		files, err := Render("saas", v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Frontend(c.damage(files), v); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

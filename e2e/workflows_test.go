package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/templates"
	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"
)

var (
	pinnedUse = regexp.MustCompile(`^[\w.-]+/[\w./-]+@[0-9a-f]{40}$`)
	ownUse    = regexp.MustCompile(`^cfboot/cfboot@(main|v\d+\.\d+\.\d+)$`)
)

// lint holds a workflow against actionlint, which does not know concurrency.queue
// yet, so that is looked at here.
func lint(t *testing.T, name string, text []byte) {
	t.Helper()
	for _, f := range faultsOf(t, name, text) {
		t.Error(f)
	}
}

func faultsOf(t *testing.T, name string, text []byte) (out []string) {
	t.Helper()
	l, err := actionlint.NewLinter(os.Stderr, &actionlint.LinterOptions{WorkingDir: t.TempDir(), LogWriter: os.Stderr, Format: "{{range $}}{{end}}",
		IgnorePatterns: []string{`^unexpected key "queue" for "concurrency" section`}})
	if err != nil {
		t.Fatal(err)
	}
	faults, err := l.Lint(name, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		out = append(out, f.String())
	}
	var w struct {
		Concurrency struct {
			Queue  string
			Cancel bool `yaml:"cancel-in-progress"`
		}
	}
	if err := yaml.Unmarshal(text, &w); err != nil {
		t.Fatal(err)
	}
	if q := w.Concurrency.Queue; q != "" && q != "single" && (q != "max" || w.Concurrency.Cancel) {
		out = append(out, fmt.Sprintf("%s: concurrency.queue is %q", name, q))
	}
	return out
}

// What is wrong is found.
func TestLint(t *testing.T) {
	const whole = "on: push\nconcurrency:\n  group: a\n  cancel-in-progress: false\n  queue: max\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.ref }}\n"
	if faults := faultsOf(t, "w.yml", []byte(whole)); len(faults) != 0 {
		t.Error(faults)
	}
	for from, to := range map[string]string{"queue: max": "queue: most", "in-progress: false": "in-progress: true", "github.ref": "github.reff", "on: push": "on: pushes", "run:": "runs:", "group: a": "groups: a"} {
		if faults := faultsOf(t, "w.yml", []byte(strings.Replace(whole, from, to, 1))); len(faults) == 0 {
			t.Errorf("%s is not found", to)
		}
	}
}

// tight holds a workflow of ours to what it may be: pinned actions, no more
// permissions than it needs, no credentials left behind, nothing of a stranger's
// run with secrets.
func tight(t *testing.T, name string, text []byte, may ...string) {
	t.Helper()
	w, faults := actionlint.Parse(text)
	for _, f := range faults {
		if !strings.Contains(f.Message, `unexpected key "queue"`) {
			t.Errorf("%s: %s", name, f)
		}
	}
	if strings.Contains(string(text), "pull_request_target") {
		t.Errorf("%s: pull_request_target", name)
	}
	only := func(where string, p *actionlint.Permissions, allowed ...string) {
		if p == nil || p.All != nil {
			t.Errorf("%s: %s has no list of permissions", name, where)
			return
		}
		for scope, v := range p.Scopes {
			if v.Value.Value != "read" && !slices.Contains(allowed, scope+": "+v.Value.Value) {
				t.Errorf("%s: %s has the permission %s: %s", name, where, scope, v.Value.Value)
			}
		}
	}
	only("the workflow", w.Permissions)
	for id, j := range w.Jobs {
		if j.Permissions != nil {
			only(id, j.Permissions, may...)
		}
		for _, s := range j.Steps {
			use, ok := s.Exec.(*actionlint.ExecAction)
			if !ok {
				continue
			}
			if u := use.Uses.Value; !pinnedUse.MatchString(u) && !ownUse.MatchString(u) {
				t.Errorf("%s: %s is not pinned", name, u)
			}
			if strings.HasPrefix(use.Uses.Value, "actions/checkout@") && (use.Inputs["persist-credentials"] == nil || use.Inputs["persist-credentials"].Value.Value != "false") {
				t.Errorf("%s: the checkout leaves its credentials behind", name)
			}
		}
	}
}

// Our own workflows.
func TestOwnWorkflows(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lint(t, f, text)
		tight(t, f, text, "contents: write")
	}
}

// The workflows of every pattern. Those for previews are all there, and the same
// that cfboot github init writes for such a project.
func TestPatternWorkflows(t *testing.T) {
	v := templates.Values{Name: "my-shop", Domain: "my-shop.example", Schema: "s", Workflow: templates.Usual}
	written, err := templates.Workflows(v)
	if err != nil || len(written) != 3 {
		t.Fatal(len(written), err)
	}
	for _, p := range templates.Patterns() {
		files, err := templates.Render(p.Name, v)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, f := range files {
			if !strings.HasPrefix(f.Path, ".github/workflows/") {
				continue
			}
			lint(t, p.Name+"/"+f.Path, f.Data)
			for _, w := range written {
				if w.Path == f.Path {
					found++
					if string(w.Data) != string(f.Data) {
						t.Errorf("%s: %s is not what github init writes", p.Name, f.Path)
					}
				}
			}
		}
		if found != len(written) {
			t.Errorf("%s has %d of %d workflows for previews", p.Name, found, len(written))
		}
	}
}

// What cfboot github init writes, for all that a project may be.
func TestInitWorkflows(t *testing.T) {
	sha := strings.Repeat("a", 40)
	for name, w := range map[string]templates.Workflow{
		"a pattern":        templates.Usual,
		"a release":        {Action: "cfboot/cfboot@" + sha + " # v1.2.3", Release: "1.2.3", NodeFile: ".nvmrc", Install: "npm ci", Build: "npm run build --if-present"},
		"no Node":          {},
		"a folder":         {Dir: "apps/web", NodeFile: "apps/web/.nvmrc", Install: "npm ci", InstallDir: "apps/web", Build: "npm run build --if-present"},
		"a folder of many": {Dir: "apps/web", Install: "corepack enable && pnpm install --frozen-lockfile", Build: "pnpm run --if-present build"},
	} {
		files, err := templates.Workflows(templates.Values{Name: "my-shop", Workflow: w})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			t.Run(name+"/"+filepath.Base(f.Path), func(t *testing.T) {
				lint(t, f.Path, f.Data)
				tight(t, f.Path, f.Data, "pull-requests: write", "deployments: write")
				for _, want := range []string{w.Action, w.Release, w.Install, w.Build} {
					if want != "" && !strings.Contains(string(f.Data), want) && (want == w.Action || want == w.Release || strings.Contains(f.Path, "preview")) {
						t.Errorf("no %q in it", want)
					}
				}
				if w.Dir != "" && (!strings.Contains(string(f.Data), `working-directory: "apps/web"`) || !strings.HasSuffix(f.Path, "-my-shop.yml")) {
					t.Errorf("%s does not know the folder:\n%s", f.Path, f.Data)
				}
			})
		}
	}
}

// The action's scripts take nothing from an expression, its inputs all arrive, and
// it uses nothing that is not pinned.
func TestActionFile(t *testing.T) {
	text, err := os.ReadFile("../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	var a actionFile
	readYAML(t, "../action.yml", &a)
	passed := map[string]bool{}
	for _, s := range a.Runs.Steps {
		if strings.Contains(s.Run, "${{") {
			t.Errorf("an expression stands in a script: %s", s.Run)
		}
		if s.Uses != "" && !pinnedUse.MatchString(s.Uses) {
			t.Errorf("%s is not pinned", s.Uses)
		}
		if s.Run != "" && s.Shell != "bash" {
			t.Errorf("a step has the shell %q", s.Shell)
		}
		for name, v := range s.Env {
			for _, m := range regexp.MustCompile(`inputs\.([\w-]+)`).FindAllStringSubmatch(v, -1) {
				passed[m[1]] = true
				if want := "INPUT_" + strings.ToUpper(strings.ReplaceAll(m[1], "-", "_")); s.ID == "run" && name != want && name != "GITHUB_TOKEN" {
					t.Errorf("the input %s goes into %s", m[1], name)
				}
			}
		}
	}
	for name := range a.Inputs {
		if !passed[name] {
			t.Errorf("the input %s goes nowhere", name)
		}
	}
	for name, o := range a.Outputs {
		if o.Value != "${{ steps.run.outputs."+name+" }}" {
			t.Errorf("the output %s is %s", name, o.Value)
		}
	}
	// A workflow that uses it, for what actionlint knows of actions.
	dir := t.TempDir()
	for path, data := range map[string]string{"own/action.yml": string(text), ".github/workflows/w.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n" +
		"      - uses: ./own\n        id: a\n        with:\n          command: plan\n          api-token: x\n      - run: echo ${{ steps.a.outputs.url }}\n"} {
		file := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	l, err := actionlint.NewLinter(os.Stderr, &actionlint.LinterOptions{WorkingDir: dir, LogWriter: os.Stderr, Format: "{{range $}}{{end}}"})
	if err != nil {
		t.Fatal(err)
	}
	faults, err := l.LintFile(filepath.Join(dir, ".github/workflows/w.yml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}

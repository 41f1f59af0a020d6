package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

// runner is a machine of GitHub Actions as far as our workflows use one: it runs a
// workflow's jobs and a composite action's steps with the shell, the variables and
// the files that they get there, hides what it is told to, and reads their outputs.
// What actions by GitHub do stands for itself: the checkout copies the project.
type runner struct {
	t       *testing.T
	vars    map[string]string // of the machine
	secrets map[string]string
	project string // what a checkout brings
	hubURL  string // the address of GitHub's API
	repo    string
	id      int64
	groups  *sync.Map // concurrency groups, by name
	binary  string    // in place of what the action fetches or builds
	begun   func(*os.Process)
}

// event is what a workflow is started by.
type event struct {
	name    string // "pull_request"
	payload map[string]any
	inputs  map[string]any // of workflow_dispatch
	actor   string
	os      string // of the machine; empty: Linux
}

// came is what became of a workflow or of an action.
type came struct {
	started bool // some job's condition held
	failed  bool
	code    int // of the last step of a shell
	log     string
	outputs map[string]string
	summary string
	used    []string // the actions by GitHub
}

type workflowFile struct {
	On          map[string]any
	Concurrency struct{ Group string }
	Jobs        map[string]struct {
		If    string
		Env   map[string]string
		Steps []stepOf
	}
}

type actionFile struct {
	Inputs  map[string]struct{ Default string }
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []stepOf
	}
}

type stepOf struct {
	ID, If, Uses, Run, Shell string
	Dir                      string `yaml:"working-directory"`
	Env, With                map[string]string
}

// oneRun is one run of a workflow or an action.
type oneRun struct {
	*runner
	came
	contexts  contexts
	env       map[string]string
	workspace string
	temp      string
	masks     []string
}

func (r *runner) start(e event) *oneRun {
	r.t.Helper()
	temp := r.t.TempDir()
	x := &oneRun{runner: r, workspace: filepath.Join(temp, "workspace"), temp: filepath.Join(temp, "temp"), contexts: contexts{}, env: map[string]string{}}
	x.outputs = map[string]string{}
	for _, dir := range []string{x.workspace, x.temp} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			r.t.Fatal(err)
		}
	}
	payload := filepath.Join(temp, "event.json")
	b, err := json.Marshal(e.payload)
	if err == nil {
		err = os.WriteFile(payload, b, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	x.env = map[string]string{"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_EVENT_NAME": e.name, "GITHUB_EVENT_PATH": payload, "GITHUB_WORKSPACE": x.workspace,
		"GITHUB_REPOSITORY": r.repo, "GITHUB_REPOSITORY_ID": shownAs(float64(r.id)), "GITHUB_API_URL": r.hubURL, "GITHUB_GRAPHQL_URL": r.hubURL + "/graphql",
		"GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "99", "GITHUB_ACTOR": e.actor, "RUNNER_TEMP": x.temp, "RUNNER_OS": "Linux"}
	maps.Copy(x.env, r.vars)
	var decoded any
	_ = json.Unmarshal(b, &decoded)
	x.contexts["github"] = map[string]any{"event": decoded, "event_name": e.name, "repository": r.repo, "token": r.secrets["GITHUB_TOKEN"], "ref_name": "main"}
	x.contexts["secrets"] = anyMap(r.secrets)
	x.contexts["inputs"] = e.inputs
	if e.os == "" {
		e.os = "Linux"
	}
	x.contexts["runner"] = map[string]any{"os": e.os, "temp": x.temp}
	x.contexts["steps"] = map[string]any{}
	return x
}

func anyMap(m map[string]string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// workflow runs a workflow, if it is one for the event, as soon as no other run of
// its concurrency group is there.
func (r *runner) workflow(file string, e event) came {
	r.t.Helper()
	var w workflowFile
	readYAML(r.t, file, &w)
	on, ok := w.On[e.name]
	filter, _ := on.(map[string]any)
	if types, restricted := filter["types"].([]any); !ok || restricted && !slices.Contains(types, e.payload["action"]) {
		return came{}
	}
	x := r.start(e)
	if group := shownAs(x.contexts.text(r.t, w.Concurrency.Group)); group != "" && r.groups != nil {
		turn, _ := r.groups.LoadOrStore(group, &sync.Mutex{})
		turn.(*sync.Mutex).Lock()
		defer turn.(*sync.Mutex).Unlock()
	}
	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		j := w.Jobs[name]
		if j.If != "" && !x.contexts.holds(r.t, j.If) {
			continue
		}
		x.started = true
		env := map[string]any{}
		for k, v := range j.Env {
			x.env[k] = shownAs(x.contexts.text(r.t, v))
			env[k] = x.env[k]
		}
		x.contexts["env"] = env
		for _, s := range j.Steps {
			if x.failed {
				break
			}
			x.step(s)
		}
	}
	return x.came
}

// action runs a composite action by itself.
func (r *runner) action(e event, with map[string]string) came {
	r.t.Helper()
	x := r.start(e)
	x.copyProject()
	x.composite(with)
	return x.came
}

func (x *oneRun) step(s stepOf) {
	x.t.Helper()
	if s.If != "" && !x.contexts.holds(x.t, s.If) {
		return
	}
	own := strings.HasPrefix(s.Uses, "cfboot/cfboot@")
	switch {
	case strings.HasPrefix(s.Uses, "actions/checkout@"):
		x.used = append(x.used, s.Uses)
		x.copyProject()
	case own:
		with := map[string]string{}
		for k, v := range s.With {
			with[k] = shownAs(x.contexts.text(x.t, v))
		}
		x.composite(with)
	case s.Uses != "":
		x.used = append(x.used, s.Uses)
	default:
		x.shell(s)
	}
}

func (x *oneRun) copyProject() {
	if x.project == "" {
		return
	}
	if err := os.CopyFS(x.workspace, os.DirFS(x.project)); err != nil {
		x.t.Fatal(err)
	}
}

// composite runs action.yml with inputs, in contexts of its own.
func (x *oneRun) composite(with map[string]string) {
	x.t.Helper()
	var a actionFile
	readYAML(x.t, "../action.yml", &a)
	outer := x.contexts
	defer func() { x.contexts = outer }()
	inputs := map[string]any{}
	for name, in := range a.Inputs {
		inputs[name] = shownAs(contexts{"github": outer["github"]}.text(x.t, in.Default))
	}
	for name, v := range with {
		if _, known := a.Inputs[name]; !known {
			x.t.Errorf("the action has no input %s", name)
		}
		inputs[name] = v
	}
	path, err := filepath.Abs("..")
	if err != nil {
		x.t.Fatal(err)
	}
	steps := map[string]any{}
	github := maps.Clone(outer["github"].(map[string]any))
	github["action_path"] = path
	// A composite action sees neither secrets nor the workflow's env.
	x.contexts = contexts{"github": github, "inputs": inputs, "runner": outer["runner"], "steps": steps}
	x.env["GITHUB_ACTION_PATH"] = path
	for _, s := range a.Runs.Steps {
		if x.failed {
			break
		}
		if x.binary != "" && (s.ID == "fetch" || s.ID == "build") {
			steps["build"] = map[string]any{"outputs": map[string]any{"binary": x.binary}}
			continue
		}
		x.step(s)
	}
	for name, o := range a.Outputs {
		if v := shownAs(x.contexts.text(x.t, o.Value)); v != "" {
			x.outputs[name] = v
		}
	}
}

// shell runs a step's script as the runner does.
func (x *oneRun) shell(s stepOf) {
	x.t.Helper()
	dir, err := os.MkdirTemp(x.temp, "step")
	if err != nil {
		x.t.Fatal(err)
	}
	env := maps.Clone(x.env)
	for k, v := range s.Env {
		env[k] = shownAs(x.contexts.text(x.t, v))
	}
	for _, name := range []string{"OUTPUT", "STEP_SUMMARY"} {
		env["GITHUB_"+name] = filepath.Join(dir, name)
		if err := os.WriteFile(env["GITHUB_"+name], nil, 0o600); err != nil {
			x.t.Fatal(err)
		}
	}
	script := filepath.Join(dir, "script.sh")
	if err := os.WriteFile(script, []byte(s.Run), 0o600); err != nil {
		x.t.Fatal(err)
	}
	if braces.MatchString(s.Run) {
		x.t.Errorf("an expression stands in a script: %s", s.Run)
	}
	cmd := exec.Command("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script)
	cmd.Dir = filepath.Join(x.workspace, s.Dir)
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		x.t.Fatal(err)
	}
	if x.begun != nil && s.ID == "run" {
		x.begun(cmd.Process)
	}
	_ = cmd.Wait()
	x.code = cmd.ProcessState.ExitCode()
	x.failed = x.failed || x.code != 0
	x.read(out.String())
	outputs := anyMap(x.readOutputs(env["GITHUB_OUTPUT"]))
	if s.ID != "" {
		x.contexts["steps"].(map[string]any)[s.ID] = map[string]any{"outputs": outputs}
	}
	b, _ := os.ReadFile(env["GITHUB_STEP_SUMMARY"])
	x.summary += string(b)
}

// read takes a step's log in: what it asks to hide is hidden from there on.
func (x *oneRun) read(log string) {
	for line := range strings.SplitSeq(log, "\n") {
		if secret, is := strings.CutPrefix(line, "::add-mask::"); is {
			x.masks = append(x.masks, strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(secret))
			continue
		}
		for _, m := range x.masks {
			line = strings.ReplaceAll(line, m, "***")
		}
		x.log += line + "\n"
	}
}

func (x *oneRun) readOutputs(path string) map[string]string {
	x.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		x.t.Fatal(err)
	}
	out := map[string]string{}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	for i := 0; i < len(lines) && lines[i] != ""; i++ {
		if name, value, ok := strings.Cut(lines[i], "="); ok && !strings.Contains(name, "<<") {
			out[name] = value
			continue
		}
		name, end, ok := strings.Cut(lines[i], "<<")
		from := i + 1
		for i = from; ok && i < len(lines) && lines[i] != end; i++ {
		}
		if !ok || i == len(lines) {
			x.t.Fatalf("no output: %q", b)
		}
		out[name] = strings.Join(lines[from:i], "\n")
	}
	return out
}

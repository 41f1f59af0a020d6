package cli

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/e2e/fakegithub"
)

const (
	cfSecret = "CanaryOfTheCloudflareToken_0123456789"
	ghSecret = "ghs_CanaryOfTheGitHubToken0123456789"
	head     = "0123456789abcdef0123456789abcdef01234567"
)

// stage is a workflow's step with a GitHub around it and a cfboot inside that says
// what a test wants it to.
type stage struct {
	t       *testing.T
	hub     *fakegithub.Server
	env     map[string]string
	says    func(words []string, env Env) (string, int)
	ran     []string // the commands that were run
	during  func()   // while the command runs
	without bool     // the command must not have the token
	pauses  int
	sig     chan os.Signal
}

const madeAnswer = `{"command":"preview up","ok":true,"project":"shop","environment":"pr-7",
 "plan":{"version":2,"project":"shop","environment":"pr-7","steps":[{"action":"create","key":"d1/db","name":"shop-pr-7-db","calls":1}]},
 "result":{"done":1,"calls":3,"steps":[{"key":"d1/db","name":"shop-pr-7-db","part":"created"}]},
 "preview":{"environment":"pr-7","url":"https://shop-pr-7.example.workers.dev","urls":["https://shop-pr-7.example.workers.dev"],"config":"wrangler.pr-7.jsonc",
  "expires_at":"2026-12-03T00:00:00Z","resources":{"d1/db":"id-1"},"deployed":true,"answers":true}}`

func newStage(t *testing.T, command string) *stage {
	t.Helper()
	dir := t.TempDir()
	st := &stage{t: t, hub: fakegithub.New(), sig: make(chan os.Signal, 2), env: map[string]string{}}
	st.hub.AddRepo("o/r", 42)
	st.hub.SetPull("o/r", fakegithub.Pull{Number: 7, State: "open", SHA: head})
	st.hub.AddToken(ghSecret, fakegithub.Token{Login: "github-actions[bot]", ID: 41898282})
	api := httptest.NewServer(st.hub)
	t.Cleanup(api.Close)
	for k, v := range map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_TOKEN": ghSecret, "GITHUB_REPOSITORY": "o/r", "GITHUB_REPOSITORY_ID": "42", "GITHUB_API_URL": api.URL,
		"GITHUB_GRAPHQL_URL": api.URL + "/graphql", "GITHUB_SERVER_URL": "https://github.example", "GITHUB_RUN_ID": "99",
		"GITHUB_OUTPUT": filepath.Join(dir, "output"), "GITHUB_STEP_SUMMARY": filepath.Join(dir, "summary"), "RUNNER_TEMP": dir,
		"GITHUB_EVENT_PATH": filepath.Join(dir, "event.json"), "GITHUB_EVENT_NAME": "pull_request",
		"INPUT_COMMAND": command, "INPUT_API_TOKEN": cfSecret, "INPUT_ACCOUNT_ID": strings.Repeat("a", 32), "INPUT_ENV": "", "INPUT_TTL": "",
	} {
		st.env[k] = v
	}
	st.event(fmt.Sprintf(`{"action":"synchronize","pull_request":{"number":7,"state":"open","head":{"sha":%q,"repo":{"id":42}},"base":{"repo":{"id":42}}}}`, head))
	if err := os.WriteFile(filepath.Join(dir, "cfboot.jsonc"), []byte(`{"name": "shop", "resources": {"db": {"kind": "d1", "binding": "DB"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	st.env["INPUT_WORKING_DIRECTORY"] = dir
	st.says = func([]string, Env) (string, int) { return madeAnswer, 0 }
	return st
}

func (st *stage) event(body string) {
	st.t.Helper()
	if err := os.WriteFile(st.env["GITHUB_EVENT_PATH"], []byte(body), 0o600); err != nil {
		st.t.Fatal(err)
	}
}

// played is what came of a step.
type played struct {
	code         int
	log, summary string
	outputs      map[string]string
}

func (st *stage) run() played {
	st.t.Helper()
	for _, f := range []string{"GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
		_ = os.Remove(st.env[f])
	}
	var out, errs strings.Builder
	env := Env{Dir: st.t.TempDir(), Stdout: &out, Stderr: &errs, Stdin: strings.NewReader(""), Now: time.Now, Getenv: func(k string) string { return st.env[k] }, Signals: st.sig, Version: "test"}
	a := &app{Env: env, out: &outlet{to: env.Stdout}, err: &outlet{to: env.Stderr}}
	a.Stdout, a.Stderr = a.out, a.err
	end := a.follow()
	defer end()
	s := newStep(a, func(env Env, words []string) int {
		st.ran = append(st.ran, strings.Join(words, " "))
		if got := env.Getenv("CLOUDFLARE_API_TOKEN"); got != st.env["INPUT_API_TOKEN"] && !st.without || st.without && got != "" {
			st.t.Error("not the token that should have arrived")
		}
		if st.during != nil {
			st.during()
		}
		text, code := st.says(words, env)
		fmt.Fprint(env.Stdout, text)
		return code
	})
	s.pause = func(ctx context.Context, d time.Duration) error { st.pauses++; return ctx.Err() }
	if err := s.run(); err != nil {
		st.t.Fatal(err)
	}
	read := func(name string) string { b, _ := os.ReadFile(st.env[name]); return string(b) }
	p := played{code: a.exit, log: out.String() + errs.String(), summary: read("GITHUB_STEP_SUMMARY"), outputs: map[string]string{}}
	lines := strings.Split(read("GITHUB_OUTPUT"), "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		name, _, _ := strings.Cut(lines[i], "<<")
		p.outputs[name] = lines[i+1]
	}
	st.canaries(p)
	return p
}

// canaries looks for the secrets in all that people or other steps may see. The
// lines by which the runner learns them are taken away by the runner.
func (st *stage) canaries(p played) {
	st.t.Helper()
	var log []string
	for _, line := range strings.Split(p.log, "\n") {
		if !strings.HasPrefix(line, "::add-mask::") {
			log = append(log, line)
		}
	}
	all := strings.Join(log, "\n") + p.summary + inJSON(p.outputs) + inJSON(st.hub.Comments("o/r", 7)) + inJSON(st.hub.Deployments("o/r"))
	files, _ := filepath.Glob(filepath.Join(st.env["RUNNER_TEMP"], "*"))
	for _, f := range files {
		if b, err := os.ReadFile(f); err == nil {
			all += string(b)
		}
	}
	for _, secret := range []string{cfSecret, ghSecret} {
		if strings.Contains(all, secret) {
			st.t.Errorf("a secret is shown: %s", secret)
		}
	}
}

func (p played) has(t *testing.T, where, text string, wants ...string) {
	t.Helper()
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%s has no %q in it:\n%s", where, w, text)
		}
	}
}

package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/e2e/fakegithub"
)

func TestActionUp(t *testing.T) {
	st := newStage(t, "preview-up")
	st.env["INPUT_TTL"], st.env["INPUT_SEED"] = "3d", "seed.sql"
	p := st.run()
	if p.code != 0 || !slices.Equal(st.ran, []string{"preview up --yes --name=pr-7 --ttl=3d --seed=seed.sql --deploy --json"}) {
		t.Errorf("%d: %q", p.code, st.ran)
	}
	want := map[string]string{"url": "https://shop-pr-7.example.workers.dev", "urls": `["https://shop-pr-7.example.workers.dev"]`, "env": "pr-7", "changes": "true",
		"created": "1", "updated": "0", "deleted": "0", "plan-json": st.env["RUNNER_TEMP"] + "/cfboot-plan-pr-7.json", "wrangler-config": "wrangler.pr-7.jsonc",
		"resource-ids": `{"d1/db":"id-1"}`, "expires-at": "2026-12-03T00:00:00Z", "leftovers": "[]"}
	for k, v := range want {
		if p.outputs[k] != v {
			t.Errorf("output %s is %q, want %q", k, p.outputs[k], v)
		}
	}
	if len(p.outputs) != len(want) {
		t.Errorf("outputs: %q", p.outputs)
	}
	var plan struct{ Project string }
	if b, err := os.ReadFile(p.outputs["plan-json"]); err != nil || json.Unmarshal(b, &plan) != nil || plan.Project != "shop" {
		t.Errorf("plan-json: %v %s", err, b)
	}
	p.has(t, "the summary", p.summary, "### cfboot: preview `pr-7`", "**<https://shop-pr-7.example.workers.dev>**", "| `+` | `d1/db` | `shop-pr-7-db` | create |", "```mermaid", "`0123456`", "/o/r/actions/runs/99")
	c := st.hub.Comments("o/r", 7)
	if len(c) != 1 || !strings.HasPrefix(c[0].Body, "<!-- cfboot:shop:pr-7 -->\n### cfboot: preview `pr-7`") || strings.Contains(c[0].Body, "mermaid") {
		t.Errorf("comments: %+v", c)
	}
	d := st.hub.Deployments("o/r")
	if len(d) != 1 || d[0].State() != "success" || d[0].URL != "https://shop-pr-7.example.workers.dev" || d[0].Ref != head || d[0].Environment != "pr-7" || !d[0].Transient {
		t.Errorf("deployments: %+v", d)
	}
	p.has(t, "the log", p.log, "::add-mask::"+cfSecret+"\n", "d1/db")
}

// Switches switch off.
func TestActionQuiet(t *testing.T) {
	st := newStage(t, "preview-up")
	for _, k := range []string{"COMMENT", "SUMMARY", "DEPLOYMENT", "DEPLOY"} {
		st.env["INPUT_"+k] = "false"
	}
	p := st.run()
	if p.code != 0 || p.summary != "" || len(st.hub.Comments("o/r", 7)) != 0 || len(st.hub.Deployments("o/r")) != 0 || strings.Contains(st.ran[0], "--deploy") {
		t.Errorf("%d %q %q", p.code, p.summary, st.ran)
	}
}

// A late run finds the pull request closed and makes nothing (I-4); GitHub is asked,
// not only the event.
func TestActionUpWhenClosed(t *testing.T) {
	st := newStage(t, "preview-up")
	st.hub.SetPull("o/r", fakegithub.Pull{Number: 7, State: "closed", SHA: head})
	p := st.run()
	if p.code != exitRefused || len(st.ran) != 0 || len(st.hub.Deployments("o/r")) != 0 {
		t.Errorf("%d %q", p.code, st.ran)
	}
	p.has(t, "the log", p.log, "::error title=cfboot::pull request 7 is closed")
}

// Where GitHub does not say, the event does: up goes on, down keeps (I-6).
func TestActionWhenUnknown(t *testing.T) {
	for _, c := range []struct {
		command, event string
		code           int
		ran            bool
	}{
		{"preview-up", "open", 0, true},
		{"preview-up", "closed", exitRefused, false},
		{"preview-up", "", exitRefused, false},
		{"preview-down", "closed", exitPartial, false},
		{"preview-down", "open", exitPartial, false},
	} {
		st := newStage(t, c.command)
		st.hub.Fail(fakegithub.Fault{Method: "GET", Path: "/repos/o/r/pulls/7", Status: 403})
		st.event(fmt.Sprintf(`{"pull_request":{"number":7,"state":%q,"head":{"sha":%q,"repo":{"id":42}},"base":{"repo":{"id":42}}}}`, c.event, head))
		if p := st.run(); p.code != c.code || (len(st.ran) > 0) != c.ran {
			t.Errorf("%s, event says %q: %d %q", c.command, c.event, p.code, st.ran)
		}
	}
}

// A push that came meanwhile makes this run superfluous; its own makes the preview
// (I-3).
func TestActionSuperseded(t *testing.T) {
	st := newStage(t, "preview-up")
	st.hub.SetPull("o/r", fakegithub.Pull{Number: 7, State: "open", SHA: strings.Repeat("f", 40)})
	p := st.run()
	if p.code != 0 || len(st.ran) != 0 || p.outputs["changes"] != "false" || len(st.hub.Comments("o/r", 7)) != 0 {
		t.Errorf("%d %q %q", p.code, st.ran, p.outputs)
	}
	p.has(t, "the log", p.log, "::notice title=cfboot::superseded")
}

// A run that finds another in the way waits for it, and asks again whether it is
// still wanted before it goes on.
func TestActionWaitsForTheLock(t *testing.T) {
	locked := `{"ok":false,"exit":6,"error":{"text":"locked","class":"locked"}}`
	st := newStage(t, "preview-up")
	st.says = func([]string, Env) (string, int) {
		if len(st.ran) < 3 {
			return locked, exitLocked
		}
		return madeAnswer, 0
	}
	if p := st.run(); p.code != 0 || len(st.ran) != 3 || st.pauses != 2 || len(st.hub.Deployments("o/r")) != 1 {
		t.Errorf("%d after %d tries and %d pauses, %d deployments", p.code, len(st.ran), st.pauses, len(st.hub.Deployments("o/r")))
	}
	st = newStage(t, "preview-up")
	st.says = func([]string, Env) (string, int) {
		st.hub.SetPull("o/r", fakegithub.Pull{Number: 7, State: "open", SHA: strings.Repeat("f", 40)})
		return locked, exitLocked
	}
	if p := st.run(); p.code != 0 || len(st.ran) != 1 {
		t.Errorf("%d %q", p.code, st.ran)
	}
	if d := st.hub.Deployments("o/r"); len(d) != 1 || d[0].State() != "failure" {
		t.Errorf("deployments: %+v", d)
	}
}

// The preview is taken away, and the comment and the deployments say so.
func TestActionDown(t *testing.T) {
	st := newStage(t, "preview-up")
	st.run()
	st.hub.SetPull("o/r", fakegithub.Pull{Number: 7, State: "closed", SHA: head})
	st.env["INPUT_COMMAND"], st.ran = "preview-down", nil
	st.says = func([]string, Env) (string, int) { return `{"ok":true,"preview":{"environment":"pr-7"}}`, 0 }
	p := st.run()
	if p.code != 0 || !slices.Equal(st.ran, []string{"preview down --yes --name=pr-7 --json"}) {
		t.Errorf("%d %q", p.code, st.ran)
	}
	c := st.hub.Comments("o/r", 7)
	if len(c) != 1 || !strings.Contains(c[0].Body, "Removed") || strings.Contains(c[0].Body, "workers.dev") {
		t.Errorf("comments: %+v", c)
	}
	if d := st.hub.Deployments("o/r"); len(d) != 1 || d[0].State() != "inactive" {
		t.Errorf("deployments: %+v", d)
	}
}

// What could not be removed is listed on the pull request (I-13).
func TestActionDownWithLeftovers(t *testing.T) {
	st := newStage(t, "preview-down")
	st.hub.SetPull("o/r", fakegithub.Pull{Number: 7, State: "closed", SHA: head})
	st.says = func([]string, Env) (string, int) {
		return `{"ok":false,"exit":4,"error":{"text":"1 resource is left","class":"partial","hints":["cfboot preview down --name pr-7"]},
		 "preview":{"environment":"pr-7","leftovers":["r2/storage shop-pr-7-storage: <b>locked</b>"]}}`, exitPartial
	}
	p := st.run()
	if p.code != exitPartial || p.outputs["leftovers"] != `["r2/storage shop-pr-7-storage: \u003cb\u003elocked\u003c/b\u003e"]` {
		t.Errorf("%d %q", p.code, p.outputs)
	}
	c := st.hub.Comments("o/r", 7)
	if len(c) != 1 || !strings.Contains(c[0].Body, "- `r2/storage shop-pr-7-storage: <b>locked</b>`") {
		t.Errorf("comments: %+v", c)
	}
}

// Reopened before the cleanup ran: the preview stays.
func TestActionDownWhenReopened(t *testing.T) {
	st := newStage(t, "preview-down")
	if p := st.run(); p.code != 0 || len(st.ran) != 0 {
		t.Errorf("%d %q", p.code, st.ran)
	}
}

// A fork gets no secrets: a plan against the emulator, and nothing is written
// anywhere (I-2). So it is with Dependabot's pull requests.
func TestActionFork(t *testing.T) {
	for _, who := range []string{"fork", "dependabot[bot]"} {
		for command, want := range map[string][]string{"preview-up": {"plan --json --offline"}, "plan": {"plan --json --offline"}, "preview-down": nil} {
			st := newStage(t, command)
			st.env["INPUT_API_TOKEN"], st.env["GITHUB_ACTOR"] = "", who
			if who == "fork" {
				st.event(fmt.Sprintf(`{"pull_request":{"number":7,"state":"open","head":{"sha":%q,"repo":{"id":77}},"base":{"repo":{"id":42}}}}`, head))
			}
			st.says = func([]string, Env) (string, int) { return `{"ok":true,"plan":{"steps":[]}}`, 0 }
			p := st.run()
			if p.code != 0 || !slices.Equal(st.ran, want) || len(st.hub.Requests()) != 0 {
				t.Errorf("%s, %s: %d %q", who, command, p.code, st.ran)
			}
			p.has(t, "the summary", p.summary, "this pull request gets no secrets")
		}
	}
	// Some repositories hand their secrets to forks.
	st := newStage(t, "preview-up")
	st.event(fmt.Sprintf(`{"pull_request":{"number":7,"state":"open","head":{"sha":%q,"repo":{"id":77}},"base":{"repo":{"id":42}}}}`, head))
	st.without = true
	if p := st.run(); p.code != 0 || !slices.Equal(st.ran, []string{"plan --json --offline"}) || len(st.hub.Requests()) != 0 {
		t.Errorf("%d %q", p.code, st.ran)
	}
	// With the secrets, a stranger's files would run: never.
	st = newStage(t, "preview-up")
	st.env["GITHUB_EVENT_NAME"] = "pull_request_target"
	st.event(fmt.Sprintf(`{"pull_request":{"number":7,"state":"open","head":{"sha":%q,"repo":{"id":77}},"base":{"repo":{"id":42}}}}`, head))
	if p := st.run(); p.code != exitRefused || len(st.ran) != 0 {
		t.Errorf("%d %q", p.code, st.ran)
	}
}

// Without secrets in the repository itself the step is no success (I-8).
func TestActionWithoutToken(t *testing.T) {
	for _, command := range stepCommands {
		st := newStage(t, command)
		st.env["INPUT_API_TOKEN"] = ""
		p := st.run()
		if p.code != exitRefused || len(st.ran) != 0 {
			t.Errorf("%s: %d %q", command, p.code, st.ran)
		}
		p.has(t, "the log", p.log, "the input api-token is empty")
	}
}

// What GitHub does not let us say is a warning; the preview is there (I-11).
func TestActionWithoutPermissions(t *testing.T) {
	st := newStage(t, "preview-up")
	st.hub.AddToken(ghSecret, fakegithub.Token{Login: "github-actions[bot]", ID: 41898282, Lacks: []string{"comments", "deployments"}})
	p := st.run()
	if p.code != 0 || len(st.ran) != 1 || p.outputs["url"] == "" || p.summary == "" {
		t.Errorf("%d %q %q", p.code, st.ran, p.outputs)
	}
	p.has(t, "the log", p.log, "::warning title=cfboot::GitHub could not be told", "pull-requests: write", "deployments: write")
	// Nor is it one when GitHub is down afterwards.
	st = newStage(t, "preview-up")
	st.during = func() {
		for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPatch} {
			st.hub.Fail(fakegithub.Fault{Method: m, Path: "/repos/o/r/*/*/*", Status: 404})
		}
	}
	if p := st.run(); p.code != 0 || p.outputs["url"] == "" {
		t.Errorf("%d %q", p.code, p.outputs)
	}
}

// A failure is said everywhere, with what to try; the code is the command's.
func TestActionFails(t *testing.T) {
	for _, code := range []int{exitFailed, exitRefused, exitPartial, exitState} {
		st := newStage(t, "preview-up")
		st.says = func([]string, Env) (string, int) {
			return fmt.Sprintf(`{"ok":false,"exit":%d,"error":{"text":"d1/db: ::set-output name=url::x <script>","class":"failed","hints":["do | this"]}}`, code), code
		}
		p := st.run()
		if p.code != code {
			t.Errorf("%d, want %d", p.code, code)
		}
		for where, text := range map[string]string{"summary": p.summary, "comment": st.hub.Comments("o/r", 7)[0].Body} {
			if strings.Contains(text, "<script>") || !strings.Contains(text, "<code>do &#124; this</code>") {
				t.Errorf("%s: %s", where, text)
			}
		}
		if d := st.hub.Deployments("o/r"); len(d) != 1 || d[0].State() != "failure" {
			t.Errorf("deployments: %+v", d)
		}
		for _, line := range strings.Split(p.log, "\n") {
			if strings.HasPrefix(strings.TrimSpace(line), "::set-output") {
				t.Errorf("the log has a command: %q", line)
			}
		}
	}
	st := newStage(t, "preview-up")
	st.says = func([]string, Env) (string, int) { return "no document " + cfSecret, 0 }
	if p := st.run(); p.code != exitFailed {
		t.Errorf("an answer that is no document ends with %d", p.code)
	}
}

// A secret that a command were to say stays where it is.
func TestActionKeepsSecrets(t *testing.T) {
	st := newStage(t, "preview-up")
	st.says = func([]string, Env) (string, int) {
		return strings.NewReplacer("shop-pr-7-db", cfSecret, "id-1", ghSecret, "wrangler.pr-7.jsonc", cfSecret).Replace(madeAnswer), 0
	}
	st.run()
}

// The sweep is for real unless it is a look only, tells the pull requests, and ends
// as the command does.
func TestActionSweep(t *testing.T) {
	st := newStage(t, "preview-up")
	st.run()
	st.ran = nil
	st.env["INPUT_COMMAND"], st.env["GITHUB_EVENT_NAME"] = "sweep", "schedule"
	st.event(`{"schedule":"17 4 * * *"}`)
	st.says = func([]string, Env) (string, int) {
		return `{"ok":false,"exit":4,"error":{"text":"left","class":"partial"},"sweep":{"dry_run":false,"remove":[{"environment":"pr-7","why":"the pull request 7 is closed"},{"environment":"pr-8","why":"x"}],
		 "keep":[{"environment":"pr-9","why":"open"}],"removed":[{"environment":"pr-7","why":"the pull request 7 is closed"}],"leftovers":["pr-8: r2/storage"]}}`, exitPartial
	}
	p := st.run()
	if p.code != exitPartial || !slices.Equal(st.ran, []string{"preview sweep --yes --json"}) || p.outputs["leftovers"] != `["pr-8: r2/storage"]` || p.outputs["changes"] != "true" {
		t.Errorf("%d %q %q", p.code, st.ran, p.outputs)
	}
	p.has(t, "the summary", p.summary, "| `pr-7` | removed |", "| `pr-8` | to be removed |", "| `pr-9` | kept |", "- `pr-8: r2/storage`")
	p.has(t, "the log", p.log, "::warning title=cfboot::removed pr-7")
	if c := st.hub.Comments("o/r", 7); len(c) != 1 || !strings.Contains(c[0].Body, "Removed: the pull request 7 is closed") {
		t.Errorf("comments: %+v", c)
	}
	if d := st.hub.Deployments("o/r"); d[0].State() != "inactive" {
		t.Errorf("deployments: %+v", d)
	}
	st.env["INPUT_DRY_RUN"], st.ran = "true", nil
	st.says = func([]string, Env) (string, int) { return `{"ok":true,"sweep":{"dry_run":true}}`, 0 }
	if p := st.run(); p.code != 0 || st.ran[0] != "preview sweep --json" {
		t.Errorf("%d %q", p.code, st.ran)
	}
}

// Inputs are checked before anything is done, and none of them can become a flag.
func TestActionInputs(t *testing.T) {
	for _, c := range []struct{ key, value, words string }{
		{"COMMAND", "preview_up", `"preview_up"; did you mean "preview-up"?`},
		{"COMMAND", "", "the input command"},
		{"COMMENT", "yes", "the input comment"},
		{"PULL_REQUEST", "seven", "the input pull-request"},
		{"PULL_REQUEST", "0", "the input pull-request"},
	} {
		st := newStage(t, "preview-up")
		st.env["INPUT_"+c.key] = c.value
		p := st.run()
		if p.code != exitRefused || len(st.ran) != 0 {
			t.Errorf("%s: %d %q", c.key, p.code, st.ran)
		}
		p.has(t, "the log", p.log, c.words)
	}
	st := newStage(t, "apply")
	st.env["INPUT_ENV"] = "--yes"
	if p := st.run(); p.code != exitRefused {
		t.Errorf("%d %q", p.code, st.ran)
	}
	st = newStage(t, "preview-up")
	st.env["INPUT_ENV"], st.env["INPUT_TTL"] = "feature/x", "--offline"
	st.run()
	if want := "preview up --yes --name=feature/x --ttl=--offline --deploy --json"; st.ran[0] != want {
		t.Errorf("ran %q, want %q", st.ran[0], want)
	}
	st = newStage(t, "destroy")
	st.env["INPUT_ENV"], st.env["INPUT_ALLOW"] = "staging", "delete-data=x"
	st.run()
	if want := "destroy --yes --env=staging --allow=delete-data=x --json"; st.ran[0] != want {
		t.Errorf("ran %q, want %q", st.ran[0], want)
	}
}

// An interrupt reaches the command, and the step ends with its code, soon, and with
// what it knows.
func TestActionInterrupted(t *testing.T) {
	st := newStage(t, "preview-up")
	st.says = func(_ []string, env Env) (string, int) {
		st.sig <- os.Interrupt
		select {
		case <-env.Signals:
			return `{"ok":false,"exit":130,"error":{"text":"interrupted","class":"interrupted"}}`, exitInterrupted
		case <-time.After(10 * time.Second):
			t.Error("the signal did not arrive")
			return madeAnswer, 0
		}
	}
	began := time.Now()
	p := st.run()
	if p.code != exitInterrupted || p.outputs["env"] != "pr-7" || p.summary == "" {
		t.Errorf("%d %q %q", p.code, p.outputs, p.summary)
	}
	if d := st.hub.Deployments("o/r"); len(d) != 1 || d[0].State() != "failure" {
		t.Errorf("deployments: %+v", d)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
}

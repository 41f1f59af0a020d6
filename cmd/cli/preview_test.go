package cli

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/provision/preview"
	"github.com/google/go-cmp/cmp"
)

// What is Cloudflare's own word for "not yet", or cfboot's placeholder, is no answer
// of the Worker; whatever the Worker says is one.
func TestNotYet(t *testing.T) {
	placeholder := "<!doctype html>\n<title>Not deployed yet</title>"
	for _, tt := range []struct {
		status int
		body   string
		yet    bool
	}{
		{200, "ok", false}, {404, "not found", false}, {401, "", false}, {302, "", false}, {500, "it throws", false}, {503, "my own maintenance", false}, {502, "", false},
		{503, placeholder, true}, {522, "error code: 522", true}, {523, "", true}, {524, "", true}, {525, "", true}, {526, "", true}, {530, "error code: 1016", true}, {520, "", true},
		{404, "error code: 1042", true}, {404, "<h1>There is nothing here yet</h1>", true},
		{200, placeholder, false},
	} {
		if got := notYet(tt.status, tt.body); (got != "") != tt.yet {
			t.Errorf("%d %q: %q", tt.status, tt.body, got)
		}
	}
}

func waiting(t *testing.T, patience time.Duration) (*rising, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	o := &outlet{to: &out}
	env := Env{Stdout: o, Stderr: o, Getenv: func(string) string { return "" }, Now: time.Now}
	return &rising{app: &app{Env: env, ctx: t.Context(), stopping: t.Context(), out: o, err: o}, upping: upping{patience: patience}}, &out
}

// An address that is not ready is asked again, and one that stays so is no failure.
func TestAwaited(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(522)
		}
	}))
	defer s.Close()
	r, out := waiting(t, time.Minute)
	if !r.awaited(s.URL) || asked.Load() != 3 {
		t.Errorf("it was asked %d times: %s", asked.Load(), out)
	}
	never := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(523) }))
	defer never.Close()
	r, out = waiting(t, 300*time.Millisecond)
	if r.awaited(never.URL) || !strings.Contains(out.String(), "warming up: "+never.URL+" does not answer yet (HTTP 523 from Cloudflare)") {
		t.Errorf("it said: %s", out)
	}
	r, out = waiting(t, 300*time.Millisecond)
	if r.awaited("http://127.0.0.1:1") || !strings.Contains(out.String(), "refused") {
		t.Errorf("it said: %s", out)
	}
	// A visitor follows no redirect: that is an answer, wherever it leads.
	away := httptest.NewServer(http.RedirectHandler("http://127.0.0.1:1", http.StatusFound))
	defer away.Close()
	r, _ = waiting(t, time.Second)
	if !r.awaited(away.URL) {
		t.Error("a redirect is no answer")
	}
	r, _ = waiting(t, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	r.stopping = ctx
	time.AfterFunc(50*time.Millisecond, cancel)
	if begin := time.Now(); r.awaited(never.URL) || time.Since(begin) > 20*time.Second {
		t.Error("it goes on waiting when it is to stop")
	}
}

// Whatever a Worker may be built from changes the hash, and nothing else does.
func TestHashTree(t *testing.T) {
	for _, inGit := range []bool{false, true} {
		dir := t.TempDir()
		write := func(name, text string) {
			t.Helper()
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		run := func(args ...string) {
			t.Helper()
			cmd := exec.Command("git", args...)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@a", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@a")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("git %v: %v\n%s", args, err, out)
			}
		}
		hash := func() string {
			t.Helper()
			h, err := hashTree(t.Context(), dir, []string{"./public", "dist", "none"})
			if err != nil {
				t.Fatal(err)
			}
			return h
		}
		write("src/index.ts", "1")
		write("public/a.css", "1")
		write("package-lock.json", "1")
		write(".gitignore", "dist\nignored.txt\n")
		if inGit {
			run("init", "-q")
			run("add", "-A")
			run("commit", "-q", "-m", "one")
		}
		before := hash()
		if before != hash() {
			t.Fatal("the same tree has two hashes")
		}
		for _, name := range []string{"node_modules/x/index.js", ".wrangler/tmp/x.js", ".cfboot/state.json", "wrangler.pr-7.jsonc", "src/node_modules/y.js"} {
			write(name, "2")
			if hash() != before {
				t.Errorf("git %v: %s counts", inGit, name)
			}
		}
		if write("ignored.txt", "2"); inGit && hash() != before {
			t.Error("what git ignores counts")
		}
		seen := map[string]string{hash(): "before"}
		for _, name := range []string{"src/index.ts", "src/new.ts", "public/a.css", "dist/built.js", "package-lock.json", "wrangler.jsonc"} {
			write(name, "3")
			h := hash()
			if seen[h] != "" {
				t.Errorf("git %v: a change of %s does not count", inGit, name)
			}
			seen[h] = name
		}
		if inGit { // what is committed is what it was before
			h := hash()
			run("add", "-A")
			run("commit", "-q", "-m", "two")
			if hash() != h {
				t.Error("a commit of what was there counts")
			}
		}
		if err := os.Remove(filepath.Join(dir, "src/new.ts")); err != nil {
			t.Fatal(err)
		}
		if h := hash(); seen[h] != "" {
			t.Errorf("git %v: a file that is gone does not count", inGit)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		first string
		all   []string
		want  []string
	}{
		{"https://pr-7.shop.example", []string{"https://pr-7.shop.example", "https://shop-pr-7.me.workers.dev"}, []string{"https://pr-7.shop.example", "https://shop-pr-7.me.workers.dev"}},
		{"", []string{"https://shop-pr-7.me.workers.dev/x"}, []string{"https://shop-pr-7.me.workers.dev"}},
		{"https://pr-7.shop.example", nil, []string{"https://pr-7.shop.example"}},
	} {
		if d := cmp.Diff(tt.want, addresses(tt.first, tt.all)); d != "" {
			t.Error(d)
		}
	}
}

func TestPreviewEnvironment(t *testing.T) {
	p := &project{manifest: &manifest.Manifest{Environments: []string{"staging"}}}
	for asked, want := range map[string]string{"pr-7": "pr-7", "login": "login", "": "", "production": "", "staging": ""} {
		got, err := previewEnvironment(asked, p, preview.Name)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", asked, got, err)
		}
	}
}

// What is protected stays, and so does what it stands on.
func TestUnguarded(t *testing.T) {
	key := func(s string) provision.Key { k, _ := provision.ParseKey(s); return k }
	plan := provision.Plan{Environment: "pr-7", Destroy: true, Steps: []provision.Step{
		{Action: provision.Delete, Key: key("d1/db")},
		{Action: provision.Delete, Key: key("worker/app"), PriorRefs: []provision.Key{key("zone/z")}},
		{Action: provision.Delete, Key: key("zone/z")},
		{Action: provision.Delete, Key: key("route/site"), PriorRefs: []provision.Key{key("worker/app")}, Protected: true},
		{Action: provision.Delete, Key: key("kv/gone"), Protected: true, Gone: true},
	}}
	got, why := unguarded(plan)
	var left []string
	for _, s := range got.Steps {
		left = append(left, s.Key.String())
	}
	if d := cmp.Diff([]string{"d1/db", "kv/gone"}, left); d != "" {
		t.Error(d)
	}
	if why[key("zone/z")] != "it is needed by worker/app" || !strings.Contains(why[key("route/site")], "state unprotect route/site --env pr-7") {
		t.Errorf("%v", why)
	}
}

func TestSecretsIn(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"A=one\nB=\"two\"\n":         {"A": "one", "B": "two"},
		`{"A": "one", "B": "t\"wo"}`: {"A": "one", "B": `t"wo`},
	} {
		got := secretsIn([]byte(text))
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %s is %q, want %q", text, k, got[k], v)
			}
		}
	}
}

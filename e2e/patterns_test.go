package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/cmd/cli"
	"github.com/cfboot/cfboot/templates"
)

// A request is one to a project that runs, and what it has to be answered with.
type request struct {
	Method, Path, Body string
	Status             int
	Has                string // in the answer
}

// requests are those to make to every pattern, to one, and to what an option adds.
type requests struct {
	Every           []request
	Pattern, Option map[string][]request
}

// A variant is a project to be made.
type variant struct {
	pattern string
	with    []string
	backup  string
	domain  bool
}

func (v variant) String() string {
	name := v.pattern
	if v.domain {
		name += "+domain"
	}
	if v.backup != "" {
		name += "+backup-" + v.backup
	}
	return strings.Join(append([]string{name}, v.with...), "+")
}

// TestPatterns makes every pattern with every option, installs, lints, checks,
// tests and bundles it, runs it and asks it something. It needs what TestWrangler
// needs. CFBOOT_PATTERNS is "all", for each option by itself, or "some", for all of
// them at once; and of one pattern only where one is named behind it: "all saas".
func TestPatterns(t *testing.T) {
	mode, only, _ := strings.Cut(os.Getenv("CFBOOT_PATTERNS"), " ")
	if mode == "" {
		t.Skip("it takes minutes and the npm registry; make patterns runs this")
	}
	var ask requests
	b, err := os.ReadFile("testdata/patterns/requests.json")
	if err == nil {
		err = json.Unmarshal(b, &ask)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range templates.Patterns() {
		if only != "" && only != p.Name {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			modules := filepath.Join(t.TempDir(), "node_modules") // of one variant for the next
			for _, v := range variants(t, p.Name, mode) {
				t.Run(v.String(), func(t *testing.T) { playVariant(t, v, ask, modules) })
			}
		})
	}
}

// variants are those of a pattern, without the options that it has already.
func variants(t *testing.T, pattern, mode string) []variant {
	p, _ := templates.Lookup(pattern)
	var fit []string
	for _, o := range templates.Options() {
		if p.TakesOptions() && run(t, t.TempDir(), "new", "x", "--pattern", pattern, "--with", o.Name, "--domain", "x.example", "--no-apply") == nil {
			fit = append(fit, o.Name)
		}
	}
	all := variant{pattern: pattern, with: fit, domain: true}
	if mode == "some" {
		return []variant{all}
	}
	out := []variant{{pattern: pattern}, all}
	for _, o := range fit {
		out = append(out, variant{pattern: pattern, with: []string{o}, domain: true})
	}
	if p.TakesBackup() {
		out = append(out, variant{pattern: pattern, backup: "export", domain: true})
	}
	return out
}

// run carries out a command of cfboot in a folder.
func run(t *testing.T, dir string, args ...string) error {
	var out bytes.Buffer
	env := cli.Env{Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }, Now: time.Now, Version: "test"}
	if code := cli.Main(env, args); code != 0 {
		return fmt.Errorf("cfboot %s: exit %d\n%s", strings.Join(args, " "), code, &out)
	}
	return nil
}

func playVariant(t *testing.T, v variant, ask requests, modules string) {
	args := []string{"new", "my-app", "--pattern", v.pattern, "--offline", "--yes"}
	if v.domain {
		args = append(args, "--domain", "my-app.example")
	}
	if v.backup != "" {
		args = append(args, "--backup", v.backup)
	}
	if len(v.with) > 0 {
		args = append(args, "--with", strings.Join(v.with, ","))
	}
	if slices.Contains(v.with, "hyperdrive") {
		args = append(args, "--no-apply") // its database is nobody's yet
	}
	parent := t.TempDir()
	if err := run(t, parent, args...); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "my-app")
	if os.Rename(modules, filepath.Join(dir, "node_modules")) != nil {
		npm(t, dir, "ci", "--ignore-scripts", "--prefer-offline")
	}
	defer func() { _ = os.Rename(filepath.Join(dir, "node_modules"), modules) }()
	for _, script := range []string{"types", "lint", "typecheck", "test", "build"} {
		npm(t, dir, "run", script)
	}
	if bytes.Contains(read(t, filepath.Join(dir, "package.json")), []byte(`"db:migrate:local"`)) {
		npm(t, dir, "run", "db:migrate:local")
	}
	serve(t, dir, slices.Concat(ask.Every, ask.Pattern[v.pattern], of(ask.Option, v.with)))
}

func of(options map[string][]request, names []string) (out []request) {
	for _, n := range names {
		out = append(out, options[n]...)
	}
	return out
}

// node is a command with the Node of this folder.
func node(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	bin, err := filepath.Abs("node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(deleteEmpty(os.Environ(), "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL"),
		"PATH="+filepath.Join(dir, "node_modules", ".bin")+string(os.PathListSeparator)+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"CI=1", "NO_COLOR=1", "npm_config_audit=false", "npm_config_fund=false", "npm_config_update_notifier=false",
		"WRANGLER_SEND_METRICS=false", "WRANGLER_WRITE_LOGS=false", "WRANGLER_HIDE_BANNER=true", "CLOUDFLARE_CF_FETCH_ENABLED=false",
		"WRANGLER_REGISTRY_PATH="+filepath.Join(dir, ".wrangler", "registry"))
	return cmd
}

func npm(t *testing.T, dir string, args ...string) {
	t.Helper()
	began := time.Now()
	out, err := node(t, dir, "npm", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("npm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	t.Logf("npm %s: %s", strings.Join(args, " "), time.Since(began).Round(time.Second))
}

// serve runs the project as npm run dev does and makes the requests.
func serve(t *testing.T, dir string, all []request) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := node(t, dir, filepath.Join(dir, "node_modules", ".bin", "wrangler"), "dev", "--local", "--port", port, "--inspector-port", "0", "--show-interactive-dev-session=false")
	cmd.Stdout, cmd.Stderr = &out, &out
	// It has children of its own, which end with it when it is asked to.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill()
		}
		if t.Failed() {
			t.Logf("wrangler dev said:\n%s", &out)
		}
	}()
	base := "http://127.0.0.1:" + port
	if err := awaited(t.Context(), base+"/health"); err != nil {
		t.Errorf("wrangler dev does not answer: %v", err)
		return
	}
	for _, r := range all {
		if err := made(base, r); err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d requests answered as they should be", len(all))
}

// awaited asks until something answers.
func awaited(ctx context.Context, url string) error {
	client := http.Client{Timeout: 5 * time.Second}
	last := errors.New("it was not asked")
	for begin := time.Now(); time.Since(begin) < time.Minute; time.Sleep(200 * time.Millisecond) {
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			return resp.Body.Close()
		}
		last = err
	}
	return last
}

// made makes a request and compares the answer.
func made(base string, r request) error {
	method := r.Method
	if method == "" {
		method = "GET"
	}
	req, err := http.NewRequest(method, base+r.Path, strings.NewReader(r.Body))
	if err != nil {
		return err
	}
	if r.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != r.Status || !strings.Contains(string(b), r.Has) {
		return fmt.Errorf("%s %s: %d, want %d with %q:\n%.500s", method, r.Path, resp.StatusCode, r.Status, r.Has, b)
	}
	return nil
}

// Every pattern and every option is asked something when it runs.
func TestPatternsAreAsked(t *testing.T) {
	var ask requests
	if err := json.Unmarshal(read(t, "testdata/patterns/requests.json"), &ask); err != nil {
		t.Fatal(err)
	}
	for _, p := range templates.Patterns() {
		if len(ask.Pattern[p.Name]) == 0 {
			t.Errorf("testdata/patterns/requests.json asks nothing of the pattern %s", p.Name)
		}
	}
	for _, o := range templates.Options() {
		if len(ask.Option[o.Name]) == 0 {
			t.Errorf("testdata/patterns/requests.json asks nothing of the option %s", o.Name)
		}
	}
}

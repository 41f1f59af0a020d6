package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

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

// ofProject is a program that the project has installed, or else this folder.
func ofProject(dir, name string) string {
	program := filepath.Join(dir, "node_modules", ".bin", name)
	if _, err := os.Stat(program); err != nil {
		if here, err := filepath.Abs(filepath.Join("node_modules", ".bin", name)); err == nil {
			return here
		}
	}
	return program
}

func npm(t *testing.T, dir string, args ...string) {
	t.Helper()
	began := time.Now()
	cmd := node(t, dir, "npm", args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("npm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	t.Logf("npm %s: %s, %s of a processor", strings.Join(args, " "), time.Since(began).Round(time.Second), used.Round(time.Second))
}

// packageScripts are a project's, by name.
type packageScripts map[string]string

func scripts(t *testing.T, dir string) packageScripts {
	var found struct{ Scripts packageScripts }
	if err := json.Unmarshal(read(t, filepath.Join(dir, "package.json")), &found); err != nil {
		t.Fatal(err)
	}
	return found.Scripts
}

// dev is the command of npm run dev, for a machine without an account. It is not
// run by npm, which would stand between it and its end. What comes before it is not
// part of it.
func (s packageScripts) dev() []string {
	all := strings.Split(s["dev"], "&&")
	dev := strings.Fields(all[len(all)-1])
	if !slices.Contains(dev, "--local") {
		dev = append(dev, "--local")
	}
	return dev
}

// secretsOfThisMachine are made as the project says, by what npm runs before dev or
// as a copy of the example; vars come behind, where they count.
func secretsOfThisMachine(t *testing.T, dir string, vars map[string]string) {
	file := filepath.Join(dir, ".dev.vars")
	_ = os.Remove(file)
	if scripts(t, dir)["predev"] != "" {
		npm(t, dir, "run", "predev")
	} else if err := os.WriteFile(file, read(t, filepath.Join(dir, ".dev.vars.example")), 0o600); err != nil {
		t.Fatal(err)
	}
	text := read(t, file)
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		text = fmt.Appendf(text, "%s=%s\n", name, vars[name])
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// converse serves the project, makes the requests, and looks which ones were not
// thought of.
func converse(t *testing.T, dir string, all asking) {
	for _, c := range all.Before {
		if out, err := node(t, dir, ofProject(dir, c[0]), c[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(c, " "), err, out)
		}
	}
	a := newAsker()
	defer a.close()
	for i, part := range append([]asking{all}, all.Again...) {
		secretsOfThisMachine(t, dir, part.Vars)
		serve(t, dir, func(base string) {
			a.at(base)
			for _, r := range part.Requests {
				if err := a.ask(t.Context(), r); err != nil {
					t.Error(err)
				}
			}
			if i == len(all.Again) {
				a.checkUnasked(t, all.Unasked)
			}
		})
	}
	t.Logf("%d requests made", len(a.asked))
}

// serve runs the project as npm run dev does, for as long as it is used.
func serve(t *testing.T, dir string, use func(base string)) {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	dev := append(scripts(t, dir).dev(), "--port", port, "--inspector-port", "0", "--show-interactive-dev-session=false")
	cmd := node(t, dir, ofProject(dir, dev[0]), dev[1:]...)
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
			<-ended // until then it writes what it says
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
	use(base)
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

package e2e

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/templates"
)

// TestFrontend makes the pattern saas with each frontend and each UI: the Worker is
// linted and tested without the pages being built, then they are installed, tested,
// built, bundled and served. It needs what TestWrangler needs.
func TestFrontend(t *testing.T) {
	only := os.Getenv("CFBOOT_FRONTEND")
	if only == "" {
		t.Skip("it takes minutes and the npm registry; make frontend runs this")
	}
	modules := filepath.Join(t.TempDir(), "node_modules") // of one project for the next
	for _, frontend := range templates.Frontends() {
		for _, ui := range append([]string{""}, templates.UIs()...) {
			name := strings.TrimSuffix(frontend+"-"+ui, "-")
			if only != "all" && only != name {
				continue
			}
			t.Run(name, func(t *testing.T) { playFrontend(t, frontend, ui, modules) })
		}
	}
}

func playFrontend(t *testing.T, frontend, ui, modules string) {
	args := []string{"new", "my-app", "--pattern", "saas", "--frontend", frontend, "--domain", "my-app.example", "--offline", "--yes"}
	if ui != "" {
		args = append(args, "--ui", ui)
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
	for _, script := range []string{"types", "lint", "typecheck", "test"} {
		npm(t, dir, "run", script)
	}
	// web:install is this, with the scripts of packages, which nothing here needs.
	npm(t, dir, "--prefix", "web", "ci", "--ignore-scripts", "--prefer-offline")
	for _, script := range []string{"web:test", "build", "lint", "db:migrate:local"} {
		npm(t, dir, "run", script)
	}
	strict(t, filepath.Join(dir, "web", "dist", "web", "browser"))
	pages := []request{
		{Path: "/", Status: statuses{200}, Has: texts{"<app-root>"}},
		{Path: "/app/teams/any", Status: statuses{200}, Has: texts{"<app-root>"}},
		{Path: "/nothing/at/all", Status: statuses{200}, Has: texts{"<app-root>"}},
		{Path: "/favicon.svg", Status: statuses{200}, Has: texts{"<svg"}},
		{Path: "/docs", Status: statuses{200}, Has: texts{"docs.js"}},
		{Path: "/health", Status: statuses{200}, Has: texts{`"status":"ok"`}},
		{Path: "/api/v1/config", Status: statuses{200}, Has: texts{`"data"`}},
		{Path: "/api/v1/nothing", Status: statuses{404}, Has: texts{`"code":"NOT_FOUND"`}},
		{Path: "/webhooks/nothing", Status: statuses{404}, Has: texts{`"code":"NOT_FOUND"`}},
	}
	serve(t, dir, func(base string) {
		a := newAsker()
		defer a.close()
		a.at(base)
		for _, r := range pages {
			if err := a.ask(t.Context(), r); err != nil {
				t.Error(err)
			}
		}
	})
	look(t, filepath.Join(dir, "web", "dist", "web", "browser"))
}

// strict makes sure that a build has nothing that its policy would not let in.
func strict(t *testing.T, built string) {
	index := read(t, filepath.Join(built, "index.html"))
	for _, inline := range []string{`<script>`, `<style`, ` onload=`, `style="`, `<base`} {
		if bytes.Contains(index, []byte(inline)) {
			t.Errorf("index.html has %s:\n%s", inline, index)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllSubmatch(index, -1) {
		if path := string(m[1]); !strings.HasPrefix(path, "/") {
			t.Errorf("index.html is served at every address, and names %s relative to it", path)
		} else if _, err := os.Stat(filepath.Join(built, filepath.FromSlash(path))); err != nil {
			t.Errorf("index.html names what is not there: %v", err)
		}
	}
	if headers := string(read(t, filepath.Join(built, "_headers"))); !strings.Contains(headers, "default-src 'self'") || strings.Contains(headers, "unsafe") {
		t.Errorf("_headers is not strict:\n%s", headers)
	}
}

// look opens the built pages in a browser, where there is one, under their policy: the
// sign-in page asks the API, and says so when sign-in is not set up.
func look(t *testing.T, built string) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Log("there is no chromium in PATH, so no browser has looked at the pages")
		return
	}
	address := onStage(t, built)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+t.TempDir(),
		"--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom", address+"/app")
	var page, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &page, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &said)
	}
	for _, want := range []string{"Sign-in is not set up", "my-app on stage"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page does not say %q:\n%.4000s", want, &page)
		}
	}
	for line := range strings.Lines(said.String()) {
		if strings.Contains(line, "CONSOLE") {
			t.Errorf("the browser says: %s", line)
		}
	}
	if !t.Failed() {
		t.Log("a browser has shown the sign-in page, without a word of complaint")
	}
}

// onStage serves a build as Cloudflare's assets do, and answers for the Worker.
func onStage(t *testing.T, built string) string {
	var headers [][2]string
	for _, m := range regexp.MustCompile(`(?m)^  ([\w-]+): (.+)$`).FindAllSubmatch(read(t, filepath.Join(built, "_headers")), -1) {
		headers = append(headers, [2]string{string(m[1]), string(m[2])})
	}
	files := os.DirFS(built)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/config" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"data":{"name":"my-app on stage","signIn":"off","clerkKey":""}}`)
			return
		}
		for _, h := range headers {
			w.Header().Set(h[0], h[1])
		}
		path := strings.TrimPrefix(r.URL.Path, "/")
		if info, err := fs.Stat(files, path); err != nil || info.IsDir() {
			path = "index.html"
		}
		http.ServeFileFS(w, r, files, path)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

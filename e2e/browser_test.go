package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/templates"
)

// TestBrowser makes every pattern, runs it as npm run dev does, and lets the scripts
// in browser/ use its pages in a real Chromium. CFBOOT_BROWSER is "all", or "some"
// for what fits into a minute; and of one pattern only where one is named behind it.
func TestBrowser(t *testing.T) {
	mode, only, _ := strings.Cut(os.Getenv("CFBOOT_BROWSER"), " ")
	if mode == "" {
		t.Skip("it takes a Chromium and the npm registry; make browser runs this")
	}
	chromium := findChromium(t)
	if mode == "all" {
		t.Run("its own checks", func(t *testing.T) { browse(t, t.TempDir(), "page", "CFBOOT_CHROMIUM="+chromium) })
	}
	for _, p := range templates.Patterns() {
		quick := p.Name == "marketing" || p.Name == "agent"
		if only != "" && only != p.Name || mode == "some" && !quick {
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			dir := projectToServe(t, p.Name, "--domain", "my-app.example")
			played(t, chromium, dir, p.Name, mode)
			if mode == "some" {
				return
			}
			// What a domain makes different is soon seen.
			other := projectToServe(t, p.Name)
			if err := os.Rename(filepath.Join(dir, "node_modules"), filepath.Join(other, "node_modules")); err != nil {
				t.Fatal(err)
			}
			played(t, chromium, other, p.Name, "some")
		})
	}
}

// findChromium finds the browser to use: CFBOOT_CHROMIUM, or the first there is.
func findChromium(t *testing.T) string {
	names := []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome"}
	if named := os.Getenv("CFBOOT_CHROMIUM"); named != "" {
		names = []string{named}
	}
	if runtime.GOOS == "darwin" {
		names = append(names, "/Applications/Chromium.app/Contents/MacOS/Chromium", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatalf("there is none of %s\nhint: apt-get install chromium\nhint: or name one: CFBOOT_CHROMIUM=/path/to/chrome", strings.Join(names, ", "))
	return ""
}

// projectToServe makes a project of a pattern in a folder of its own.
func projectToServe(t *testing.T, pattern string, args ...string) string {
	parent := t.TempDir()
	if err := run(t, parent, append([]string{"new", "my-app", "--pattern", pattern, "--offline", "--yes"}, args...)...); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(parent, "my-app")
}

// played serves a project with this folder's wrangler and runs the pattern's script.
func played(t *testing.T, chromium, dir, pattern, mode string) {
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		npm(t, dir, "ci", "--omit=dev", "--ignore-scripts", "--prefer-offline")
	}
	secretsOfThisMachine(t, dir, nil)
	if scripts(t, dir)["db:migrate:local"] != "" {
		npm(t, dir, "run", "db:migrate:local")
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	pictures, err := filepath.Abs(filepath.Join("browser", "pictures", pattern+map[bool]string{true: "-some"}[mode == "some"]))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(pictures); err != nil {
		t.Fatal(err)
	}
	serve(t, dir, func(origin string) {
		browse(t, dir, pattern, "CFBOOT_BROWSER="+mode, "CFBOOT_CHROMIUM="+chromium, "CFBOOT_ORIGIN="+origin,
			"CFBOOT_PROJECT="+dir, "CFBOOT_PICTURES="+pictures, "CFBOOT_DEVTOOLS_PORT="+port)
	})
	t.Logf("pictures to look at are in %s", pictures)
}

// browse runs a script of the folder browser.
func browse(t *testing.T, dir, name string, env ...string) {
	script, err := filepath.Abs(filepath.Join("browser", name+".test.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cmd := node(t, dir, nodeOfThisFolder(t), "--test", "--test-reporter=spec", script)
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s\n%s", name, out)
	if err != nil {
		t.Errorf("%s: %v", script, err)
	}
	t.Logf("%s: %s", name, time.Since(began).Round(time.Second))
}

// nodeOfThisFolder is the pinned Node, whatever the project has.
func nodeOfThisFolder(t *testing.T) string {
	program, err := filepath.Abs(filepath.Join("node_modules", ".bin", "node"))
	if err != nil {
		t.Fatal(err)
	}
	return program
}

package e2e

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision/emulator"
)

// TestKilledTakeover kills `adopt --from-wrangler` at every durable step. The
// same command then finishes: wrangler.jsonc is as it was, Cloudflare as well,
// everything is recorded once and nothing is left to do.
func TestKilledTakeover(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a process many times; not with -short")
	}
	bin := killable(t)
	s := newStage(t, bin)
	made := filepath.Join(s.dir, "shop")
	if err := os.MkdirAll(made, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{
		"wrangler.jsonc": `{ "name": "shop" }`,
		"cfboot.jsonc": `{ "name": "shop", "resources": {
			"app": { "kind": "worker" }, "db": { "kind": "d1", "binding": "DB" },
			"jobs": { "kind": "queue", "binding": "JOBS", "consumer": { "worker": "app", "dead_letter_queue": "dead" } }, "dead": { "kind": "queue" } } }`,
	} {
		if err := os.WriteFile(filepath.Join(made, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// As wrangler would have made it: without anything that says whose it is.
	s.server.Fail(emulator.Failure{Method: "PUT", Path: "/tags$", Status: 403, Code: 10000, Count: -1})
	s.must(t, s.in("apply", "--yes")...)
	unmark := httptest.NewRequest("PATCH", "/client/v4/accounts/"+testAccount+"/workers/scripts/shop/script-settings", strings.NewReader(`{"tags":[]}`))
	unmark.Header.Set("Authorization", "Bearer "+testToken)
	unmark.Header.Set("Content-Type", "application/json")
	s.server.ServeHTTP(httptest.NewRecorder(), unmark)
	config, err := os.ReadFile(filepath.Join(s.dir, "shop", "wrangler.jsonc"))
	if err != nil {
		t.Fatal(err)
	}
	exist := fmt.Sprint(s.exist())
	folder := func(name string) string {
		if err := os.MkdirAll(filepath.Join(s.dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.dir, name, "wrangler.jsonc"), config, 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	args := func(dir string) []string { return []string{dir, "adopt", "--from-wrangler", "--yes"} }
	points := s.counted(t, args(folder("counted"))...)
	owned := strings.Count(s.must(t, "counted", "status", "--json"), `"key":`)
	if points < owned || owned != 5 {
		t.Fatalf("%d points and %d resources", points, owned)
	}
	killed := 0
	for n := 1; n <= points; n++ {
		dir := folder(fmt.Sprintf("killed-%03d", n))
		s.died = false
		s.die(t, n, nil, args(dir)...)
		if s.died {
			killed++
		}
		if _, err := os.Stat(filepath.Join(s.dir, dir, "cfboot.jsonc")); err != nil {
			s.must(t, args(dir)...)
		}
		code, out := s.run(t, nil, dir, "plan", "--exit-code")
		if want := fmt.Sprintf("Nothing to do: all %d resources", owned); code != 0 || !strings.Contains(out, want) {
			t.Errorf("killed at %d: want %q: exit %d\n%s", n, want, code, out)
		}
		after, err := os.ReadFile(filepath.Join(s.dir, dir, "wrangler.jsonc"))
		if err != nil || !bytes.Equal(after, config) {
			t.Errorf("killed at %d: wrangler.jsonc was touched: %v", n, err)
		}
	}
	if got := fmt.Sprint(s.exist()); got != exist {
		t.Errorf("Cloudflare was changed: %s, before %s", got, exist)
	}
	t.Logf("%d points, killed at %d", points, killed)
	if killed*10 < points*9 {
		t.Errorf("only %d of %d runs were killed", killed, points)
	}
}

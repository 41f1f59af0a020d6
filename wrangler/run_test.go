//go:build unix

package wrangler

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// playing makes a project whose wrangler is a script.
func playing(t *testing.T, script string) (Runner, *bytes.Buffer) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "node_modules", ".bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "wrangler"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "wrangler.pr-7.jsonc"), `{"name": "shop-pr-7"}`)
	out := &bytes.Buffer{}
	return Runner{Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH"), "CLOUDFLARE_API_TOKEN=t", "CLOUDFLARE_ENV=staging", "WRANGLER_CI_OVERRIDE_NAME=shop", "CLOUDFLARE_API_BASE_URL="},
		Out: out, Mask: func(s string) string { return strings.ReplaceAll(s, "hush", "***") }, Grace: 200 * time.Millisecond}, out
}

func TestDeploy(t *testing.T) {
	r, out := playing(t, `echo "$@"; env | grep -E '^(CLOUDFLARE|WRANGLER_CI|CI=)' | sort; echo 'the secret hush' >&2; printf 'no end'
echo '{"type":"wrangler-session","version":1}' >> "$WRANGLER_OUTPUT_FILE_PATH"
echo '{"type":"deploy","version":1,"worker_name":"shop-pr-7","version_id":"v-1","targets":["https://shop-pr-7.acme.workers.dev","pr-7.shop.example/* (zone id: z-1)","api-pr-7.shop.example (custom domain)","www-pr-7.shop.example/a/* (zone name: shop.example)","schedule: 0 * * * *","Producer for shop-pr-7-jobs"]}' >> "$WRANGLER_OUTPUT_FILE_PATH"
`)
	got, err := r.Deploy(context.Background(), "wrangler.pr-7.jsonc", "secrets.json")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"https://shop-pr-7.acme.workers.dev", "https://pr-7.shop.example", "https://api-pr-7.shop.example", "https://www-pr-7.shop.example/a"}
	if d := cmp.Diff(want, got.URLs); d != "" || got.Worker != "shop-pr-7" || got.Version != "v-1" || len(got.Targets) != 6 {
		t.Errorf("%+v %s", got, d)
	}
	lines := strings.Split(out.String(), "\n")
	for _, line := range []string{"deploy --config wrangler.pr-7.jsonc --env= --no-x-provision --no-x-auto-create --secrets-file secrets.json",
		"CLOUDFLARE_API_TOKEN=t", "CI=1", "WRANGLER_CI_OVERRIDE_NAME=shop-pr-7", "the secret ***", "no end"} {
		if n := strings.Count("\n"+strings.Join(lines, "\n")+"\n", "\n"+line+"\n"); n != 1 {
			t.Errorf("%d times %q in:\n%s", n, line, out)
		}
	}
	if strings.Contains(out.String(), "CLOUDFLARE_ENV") || strings.Contains(out.String(), "BASE_URL") || strings.Contains(out.String(), "hush") {
		t.Errorf("it is given too much, or tells it:\n%s", out)
	}
}

func TestDeployFails(t *testing.T) {
	r, _ := playing(t, "printf 'one\\n\\ntwo hush\\n\\033[31mthree\\033[0m\\n'; exit 3\n")
	_, err := r.Deploy(context.Background(), "wrangler.pr-7.jsonc", "")
	var f *Failure
	if !errors.As(err, &f) || f.Status != 3 || err.Error() != "wrangler deploy: ended with status 3\n  one\n  two ***\n  three" {
		t.Errorf("%q", err)
	}
	r, _ = playing(t, "exit 0\n")
	if _, err := r.Deploy(context.Background(), "wrangler.pr-7.jsonc", ""); !errors.As(err, &f) || !strings.Contains(err.Error(), "it said nothing of what it deployed") || len(f.Hints) == 0 {
		t.Errorf("%v", err)
	}
	if _, err := r.Deploy(context.Background(), "wrangler.pr-8.jsonc", ""); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a configuration: %v", err)
	}
}

func TestMigrate(t *testing.T) {
	r, out := playing(t, `echo "$@"`+"\n")
	if err := r.Migrate(context.Background(), "wrangler.pr-7.jsonc", "DB"); err != nil {
		t.Fatal(err)
	}
	if err := r.Execute(context.Background(), "wrangler.pr-7.jsonc", "DB", "seed.sql"); err != nil {
		t.Fatal(err)
	}
	want := "d1 migrations apply DB --remote --config wrangler.pr-7.jsonc --env=\nd1 execute DB --remote --yes --config wrangler.pr-7.jsonc --env= --file seed.sql\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
	r, _ = playing(t, "exit 1\n")
	if err := r.Migrate(context.Background(), "wrangler.pr-7.jsonc", "DB"); err == nil || err.Error() != "wrangler d1 migrations apply DB: ended with status 1" {
		t.Errorf("%v", err)
	}
}

// One that is asked to end does; one that will not is ended, with what it runs.
func TestStopped(t *testing.T) {
	for name, script := range map[string]string{
		"obliging": "trap 'echo bye; exit 0' INT\necho begun; while :; do sleep 0.02; done\n",
		"stubborn": "trap '' INT\necho begun; (trap '' INT; while :; do sleep 0.02; done) & wait\nwhile :; do sleep 0.02; done\n",
	} {
		r, out := playing(t, script)
		begun := make(chan struct{})
		r.Out = writerFunc(func(b []byte) (int, error) {
			if strings.Contains(string(b), "begun") {
				close(begun)
			}
			return out.Write(b)
		})
		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-begun; cancel() }()
		start := time.Now()
		err := r.Migrate(ctx, "wrangler.pr-7.jsonc", "DB")
		if name == "obliging" && err == nil && strings.Contains(out.String(), "bye") {
			continue // it ended well after all
		}
		if !errors.Is(err, context.Canceled) || time.Since(start) > 10*time.Second {
			t.Errorf("%s: %v after %s", name, err, time.Since(start))
		}
		if said := strings.Contains(out.String(), "bye"); said != (name == "obliging") {
			t.Errorf("%s: it said %q", name, out)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestFind(t *testing.T) {
	r, _ := playing(t, "")
	inner := filepath.Join(r.Dir, "a", "b")
	if err := os.MkdirAll(inner, 0o755); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(r.Dir, "node_modules", ".bin")
	for _, from := range []Runner{{Dir: r.Dir}, {Dir: inner}, {Dir: t.TempDir(), Env: []string{"PATH=/nowhere:relative:" + bin}}} {
		if got, err := from.find(); err != nil || got != filepath.Join(bin, "wrangler") {
			t.Errorf("from %s: %q, %v", from.Dir, got, err)
		}
	}
	if _, err := (Runner{Dir: t.TempDir()}).find(); err == nil || !strings.Contains(strings.Join(refusals(t, err), ""), "wrangler is not installed") {
		t.Errorf("none is there: %v", err)
	}
}

package e2e

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKilledPreview kills preview up and preview down on the way, at points of the
// binary and around requests. The same command finishes; and where the state is
// lost on top of it, down finds by the tags all that was made, and takes it away.
func TestKilledPreview(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a process many times; not with -short")
	}
	bin := killable(t)
	up, down := previewArgs("up", "--seed", "seed.sql"), previewArgs("down")
	whole := previewStage(t, bin)
	upPoints := whole.counted(t, up...)
	upRequests := len(whole.server.Requests())
	want := whole.exist()
	whole.server.ResetRequests()
	downPoints := whole.counted(t, down...)
	downRequests := len(whole.server.Requests())
	if d := cmp.Diff(map[string]int{}, whole.exist()); d != "" {
		t.Fatalf("down left (-want +got):\n%s", d)
	}
	t.Logf("up: %d points, %d requests; down: %d points, %d requests", upPoints, upRequests, downPoints, downRequests)

	var tried, killed atomic.Int64
	begin := func(name string, do func(t *testing.T, s *stage)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := previewStage(t, bin)
			tried.Add(1)
			do(t, s)
			if s.died {
				killed.Add(1)
			}
		})
	}
	try := func(name string, do func(t *testing.T, s *stage)) {
		begin(name, func(t *testing.T, s *stage) {
			do(t, s)
			s.must(t, down...)
			if d := cmp.Diff(map[string]int{}, s.exist()); d != "" {
				t.Errorf("left behind (-want +got):\n%s", d)
			}
			if _, err := os.Stat(filepath.Join(s.dir, "shop", ".cfboot", "state.pr-7.json")); err == nil {
				t.Error("the empty state is left")
			}
		})
	}
	resumed := func(t *testing.T, s *stage, n int, arm func()) {
		s.die(t, n, arm, up...)
		s.must(t, up...)
		if d := cmp.Diff(want, s.exist()); d != "" {
			t.Errorf("what exists (-want +got):\n%s", d)
		}
		s.seededOnce(t)
		s.server.ResetRequests()
		s.must(t, up...)
		for _, r := range s.server.Requests() {
			if r.Method != "GET" && !strings.HasSuffix(r.Path, "/query") {
				t.Errorf("a run with nothing to do writes: %s %s", r.Method, r.Path)
			}
		}
	}
	// What was made and not tagged when the run was killed is not provably the
	// preview's, once the state is lost, too: it stays, and down says so.
	lost := func(t *testing.T, s *stage, n int) {
		s.die(t, n, nil, up...)
		if err := os.RemoveAll(filepath.Join(s.dir, "shop", ".cfboot")); err != nil {
			t.Fatal(err)
		}
		code, out := s.run(t, nil, down...)
		left := 0
		for _, n := range s.exist() {
			left += n
		}
		told := len(regexp.MustCompile(`(?m)^error:   \w+/`).FindAllString(out, -1))
		if code != 0 && code != 4 || code == 0 && left > 0 || told < left-s.exist()["consumer"] {
			t.Errorf("exit %d with %v left:\n%s", code, s.exist(), out)
		}
	}
	const step = 5 // of the points; each takes a second or so
	for n := 1; n <= upPoints; n += step {
		try(fmt.Sprintf("up-%03d", n), func(t *testing.T, s *stage) { resumed(t, s, n, nil) })
	}
	for n := 1; n <= downPoints; n += step {
		try(fmt.Sprintf("down-%03d", n), func(t *testing.T, s *stage) {
			s.must(t, up...)
			s.die(t, n, nil, down...)
		})
	}
	for n := 1; n <= upRequests; n += step {
		for _, phase := range []string{"before", "after"} {
			try(fmt.Sprintf("up-%s-request-%03d", phase, n), func(t *testing.T, s *stage) { resumed(t, s, 0, s.killAt(n, phase)) })
		}
	}
	for n := 2; n <= downRequests; n += step {
		try(fmt.Sprintf("down-request-%03d", n), func(t *testing.T, s *stage) {
			s.must(t, up...)
			s.die(t, 0, s.killAt(n, "after"), down...)
		})
	}
	for n := 1; n <= upPoints; n += step {
		begin(fmt.Sprintf("lost-%03d", n), func(t *testing.T, s *stage) { lost(t, s, n) })
	}
	t.Cleanup(func() {
		t.Logf("%d points tried, killed at %d", tried.Load(), killed.Load())
		if killed.Load()*10 < tried.Load()*7 {
			t.Errorf("only %d of %d runs were killed: the points are not where they are thought to be", killed.Load(), tried.Load())
		}
	})
}

func previewArgs(command string, more ...string) []string {
	return append([]string{"shop", "preview", command, "--name", "pr-7", "--yes"}, more...)
}

func previewStage(t *testing.T, bin string) *stage {
	t.Helper()
	s := newStage(t, bin)
	for name, text := range map[string]string{
		"cfboot.jsonc": `{"name": "shop", "domain": "shop.example", "resources": {"app": {"kind": "worker"}, "db": {"kind": "d1", "binding": "DB"}, "files": {"kind": "r2", "binding": "FILES"},
			"jobs": {"kind": "queue", "binding": "JOBS", "consumer": {"worker": "app"}}, "apex": {"kind": "dns", "type": "AAAA", "name": "@", "content": "100::", "proxied": true}, "site": {"kind": "route", "pattern": "@/*", "worker": "app"}}}`,
		"wrangler.jsonc": `{"name": "shop", "d1_databases": [{"binding": "DB", "database_name": "shop-db"}], "r2_buckets": [{"binding": "FILES", "bucket_name": "shop-files"}],
			"queues": {"producers": [{"binding": "JOBS", "queue": "shop-jobs"}], "consumers": [{"queue": "shop-jobs"}]}}`,
		"seed.sql": "CREATE TABLE seeded (x);\nINSERT INTO seeded VALUES (1), (2);\n",
	} {
		file := filepath.Join(s.dir, "shop", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// seededOnce checks that the seed went in, and went in once.
func (s *stage) seededOnce(t *testing.T) {
	t.Helper()
	body := s.query(t, "shop-pr-7-db", "SELECT count(*) AS n FROM seeded")
	if !strings.Contains(body, `"n":2`) {
		t.Errorf("what the seed brought: %s", body)
	}
}

// query asks a database by hand.
func (s *stage) query(t *testing.T, database, sql string) string {
	t.Helper()
	req := httptest.NewRequest("POST", "/client/v4/accounts/"+testAccount+"/d1/database/"+database+"/query", strings.NewReader(fmt.Sprintf(`{"sql":%q}`, sql)))
	req.Header.Set("Authorization", "Bearer "+handToken)
	resp := httptest.NewRecorder()
	s.server.ServeHTTP(resp, req)
	return resp.Body.String()
}

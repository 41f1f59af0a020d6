package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/google/go-cmp/cmp"
)

// TestKilled kills the real binary at every point where it might die, numbered
// in the binary itself (each durable step) and at the emulator (each request,
// before and after its effect). After each the same command is run again: it
// ends well, nothing is doubled, nothing is left to do, and destroy leaves
// nothing behind.
func TestKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills a process some hundred times; not with -short")
	}
	bin := killable(t)
	want := untouched(t, bin)

	var tried, killed, failed atomic.Int64
	t.Run("points", func(t *testing.T) {
		try := func(name string, f func(t *testing.T, s *stage)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, bin)
				s.want = want
				defer func() { // also where f ends the test
					tried.Add(1)
					if s.died {
						killed.Add(1)
					}
					if t.Failed() {
						failed.Add(1)
					}
				}()
				f(t, s)
			})
		}
		for n := 1; n <= want.newPoints; n++ {
			try(fmt.Sprintf("new-%03d", n), func(t *testing.T, s *stage) { s.killedNew(t, n, nil) })
		}
		for n := 1; n <= want.destroyPoints; n++ {
			try(fmt.Sprintf("destroy-%03d", n), func(t *testing.T, s *stage) { s.killedDestroy(t, n, nil) })
		}
		for n := 1; n <= want.applyPoints; n++ {
			try(fmt.Sprintf("apply-%03d", n), func(t *testing.T, s *stage) { s.killedApply(t, n) })
		}
		for _, phase := range []string{"before", "after"} {
			for n := 1; n <= want.newRequests; n++ {
				try(fmt.Sprintf("new-%s-request-%03d", phase, n), func(t *testing.T, s *stage) { s.killedNew(t, 0, s.killAt(n, phase)) })
			}
			for n := 1; n <= want.destroyRequests; n++ {
				try(fmt.Sprintf("destroy-%s-request-%03d", phase, n), func(t *testing.T, s *stage) { s.killedDestroy(t, 0, s.killAt(n, phase)) })
			}
		}
	})
	t.Logf("%d points tried, killed at %d, %d failed", tried.Load(), killed.Load(), failed.Load())
	if killed.Load()*10 < tried.Load()*8 {
		t.Errorf("only %d of %d runs were killed: the points are not where they are thought to be", killed.Load(), tried.Load())
	}
}

// outcome is what a run that nobody disturbs comes to.
type outcome struct {
	exist                                                               map[string]int
	newPoints, destroyPoints, applyPoints, newRequests, destroyRequests int
}

func untouched(t *testing.T, bin string) outcome {
	s := newStage(t, bin)
	var o outcome
	o.newPoints = s.counted(t, s.newArgs()...)
	o.exist = s.exist()
	o.newRequests = len(s.server.Requests())
	s.change(t)
	o.applyPoints = s.counted(t, s.in("apply", "--yes")...)
	s.fill(t)
	s.server.ResetRequests()
	o.destroyPoints = s.counted(t, s.destroyArgs()...)
	o.destroyRequests = len(s.server.Requests())
	if diff := cmp.Diff(map[string]int{}, s.exist()); diff != "" {
		t.Fatalf("destroy left (-want +got):\n%s", diff)
	}
	t.Logf("new: %d points, %d requests; apply: %d points; destroy: %d points, %d requests",
		o.newPoints, o.newRequests, o.applyPoints, o.destroyPoints, o.destroyRequests)
	return o
}

// stage is a Cloudflare and a folder of its own for one kill.
type stage struct {
	bin, dir string
	server   *emulator.Server
	http     *httptest.Server
	want     outcome
	died     bool

	mu      sync.Mutex
	process *os.Process
}

func newStage(t *testing.T, bin string) *stage {
	t.Helper()
	server, err := emulator.Open("", emulator.Options{
		Accounts: []emulator.Account{{ID: testAccount, Name: "Test"}},
		Zones:    []emulator.Zone{{Name: "shop.example", Account: testAccount}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{bin: bin, dir: t.TempDir(), server: server, http: httptest.NewServer(server)}
	t.Cleanup(func() { s.http.Close(); _ = server.Close() })
	return s
}

func (s *stage) newArgs() []string {
	return []string{".", "new", "shop", "--pattern", "saas", "--domain", "shop.example", "--yes"}
}

// in are the arguments of a command in the project's folder.
func (s *stage) in(args ...string) []string { return append([]string{"shop"}, args...) }

// run runs the binary in a folder (args[0]) and returns its exit code, -1 if it
// was killed.
func (s *stage) run(t *testing.T, extra []string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(s.bin, args[1:]...)
	cmd.Dir = filepath.Join(s.dir, args[0])
	cmd.Env = append([]string{"HOME=" + s.dir, "PATH=" + os.Getenv("PATH"), "CLOUDFLARE_API_BASE_URL=" + s.http.URL + "/client/v4",
		"CLOUDFLARE_API_TOKEN=" + testToken}, extra...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	s.process = cmd.Process
	s.mu.Unlock()
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if st, ok := exit.Sys().(syscall.WaitStatus); ok && st.Signaled() {
			return -1, out.String()
		}
		return exit.ExitCode(), out.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String()
}

func (s *stage) must(t *testing.T, args ...string) string {
	t.Helper()
	code, out := s.run(t, nil, args...)
	if code != 0 {
		t.Fatalf("cfboot %s: exit %d\n%s", strings.Join(args[1:], " "), code, out)
	}
	return out
}

// counted runs a command to its end and returns how many points it passed.
func (s *stage) counted(t *testing.T, args ...string) int {
	t.Helper()
	file := filepath.Join(s.dir, "points")
	if code, out := s.run(t, []string{"CFBOOT_CRASH_COUNT=" + file}, args...); code != 0 {
		t.Fatalf("cfboot %s: exit %d\n%s", strings.Join(args[1:], " "), code, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil || n == 0 {
		t.Fatalf("points: %q", b)
	}
	return n
}

func (s *stage) exist() map[string]int {
	n := s.server.Count()
	for k, v := range n {
		if v == 0 {
			delete(n, k)
		}
	}
	return n
}

// killAt arms the emulator: at the n-th request from now on the process dies,
// and its connection with it.
func (s *stage) killAt(n int, phase string) func() {
	return func() {
		var seen atomic.Int64
		s.server.OnRequest(func(_ emulator.Request, at string) {
			if at != phase || seen.Add(1) != int64(n) {
				return
			}
			s.mu.Lock()
			p := s.process
			s.mu.Unlock()
			for p == nil {
				time.Sleep(time.Millisecond)
				s.mu.Lock()
				p = s.process
				s.mu.Unlock()
			}
			_ = p.Kill()
			// The kernel takes a moment to end it; until then it must not get
			// the answer.
			time.Sleep(20 * time.Millisecond)
		})
	}
}

// die runs a command that is killed at the n-th point, or where arm says.
func (s *stage) die(t *testing.T, n int, arm func(), args ...string) {
	t.Helper()
	var extra []string
	if arm != nil {
		s.mu.Lock()
		s.process = nil
		s.mu.Unlock()
		arm()
	} else {
		extra = []string{"CFBOOT_CRASH_AT=" + strconv.Itoa(n)}
	}
	code, out := s.run(t, extra, args...)
	s.server.OnRequest(nil)
	s.died = code == -1
	// Saves that come together are written as one, so a run may pass fewer points
	// than the one that was counted, and end before its turn.
	if code != -1 && code != 0 {
		t.Errorf("not killed, and exit %d\n%s", code, out)
	}
}

func (s *stage) killedNew(t *testing.T, n int, arm func()) {
	s.die(t, n, arm, s.newArgs()...)
	s.must(t, s.newArgs()...)
	s.complete(t)
}

func (s *stage) killedApply(t *testing.T, n int) {
	s.must(t, s.newArgs()...)
	s.change(t)
	s.die(t, n, nil, s.in("apply", "--yes")...)
	s.must(t, s.in("apply", "--yes")...)
	s.complete(t)
}

func (s *stage) killedDestroy(t *testing.T, n int, arm func()) {
	s.must(t, s.newArgs()...)
	s.fill(t)
	s.die(t, n, arm, s.destroyArgs()...)
	s.must(t, s.destroyArgs()...)
	s.saved(t)
	s.gone(t)
}

// fill puts something into a database and a bucket.
func (s *stage) fill(t *testing.T) {
	t.Helper()
	for _, call := range [][3]string{
		{"POST", "d1/database/shop-db/query", `{"sql":"CREATE TABLE a (x); INSERT INTO a VALUES ('kept')"}`},
		{"PUT", "r2/buckets/shop-storage/objects/a", "lost"},
	} {
		req := httptest.NewRequest(call[0], "/client/v4/accounts/"+testAccount+"/"+call[1], strings.NewReader(call[2]))
		req.Header.Set("Authorization", "Bearer by-hand-0123456789012345678901234567890")
		resp := httptest.NewRecorder()
		if s.server.ServeHTTP(resp, req); resp.Code >= 300 {
			t.Fatalf("%s: %d %s", call[1], resp.Code, resp.Body)
		}
	}
	s.server.ResetRequests()
}

// destroyArgs destroys what fill has filled, too.
func (s *stage) destroyArgs() []string {
	return s.in("destroy", "--yes", "--allow", "delete-data=shop-db,delete-data=shop-storage")
}

// saved checks that what has a backup's name is whole, and that one has its sum.
func (s *stage) saved(t *testing.T) {
	t.Helper()
	dir := filepath.Join(s.dir, "shop", ".cfboot", "backup")
	files, _ := filepath.Glob(filepath.Join(dir, "shop-db-*.sql"))
	whole := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(b, []byte("VALUES('kept')")) {
			t.Errorf("%s: %v %q", file, err, b)
		}
		if sum, err := os.ReadFile(file + ".sha256"); err == nil && strings.HasPrefix(string(sum), fmt.Sprintf("%x  ", sha256.Sum256(b))) {
			whole++
		}
	}
	if whole == 0 {
		t.Errorf("none of %v has its sum", files)
	}
}

// change edits the manifest so that an apply updates, replaces, makes and
// deletes something.
func (s *stage) change(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.dir, "shop", "cfboot.jsonc")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for old, new := range map[string]string{
		`"batch_size": 10`:                  `"batch_size": 20`,
		`"kind": "kv", "binding": "CONFIG"`: `"kind": "kv", "binding": "CONFIG", "jurisdiction": "eu"`,
		`"name": "@"`:                       `"name": "www"`,
	} {
		if strings.Count(text, old) != 1 {
			t.Fatalf("%q stands %d times in the manifest", old, strings.Count(text, old))
		}
		text = strings.Replace(text, old, new, 1)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// complete checks that just what is wanted exists and that nothing is left to
// do, and takes it away.
func (s *stage) complete(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(s.want.exist, s.exist()); diff != "" {
		t.Errorf("what exists (-want +got):\n%s", diff)
	}
	if code, out := s.run(t, nil, s.in("plan", "--exit-code")...); code != 0 {
		t.Errorf("plan: exit %d\n%s", code, out)
	}
	wrangler, err := os.ReadFile(filepath.Join(s.dir, "shop", "wrangler.jsonc"))
	if err != nil || !bytes.Contains(wrangler, []byte(`"database_id"`)) {
		t.Errorf("the IDs are not in wrangler.jsonc: %v", err)
	}
	s.must(t, s.in("destroy", "--yes")...)
	s.gone(t)
}

func (s *stage) gone(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(map[string]int{}, s.exist()); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
	if out := s.must(t, s.in("destroy", "--yes")...); !strings.Contains(out, "Nothing to destroy") {
		t.Errorf("a second destroy says: %s", out)
	}
	strays, _ := filepath.Glob(filepath.Join(s.dir, "shop", ".cfboot", ".*.tmp"))
	if len(strays) > 0 {
		t.Errorf("temporary files are left: %v", strays)
	}
}

//go:build !windows

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/google/go-cmp/cmp"
)

// TestPaused: a run that is paused still holds the state, and whoever comes second
// is told who. Where its lock is taken away meanwhile and another run finishes the
// work, the paused one saves nothing more when it wakes, stops, and says so.
func TestPaused(t *testing.T) {
	s := newStage(t, build(t))
	s.must(t, append(s.newArgs(), "--no-apply")...)
	paused := make(chan *os.Process, 1)
	var once sync.Once
	s.server.OnRequest(func(r emulator.Request, at string) {
		if r.Method != "POST" || at != "after" {
			return
		}
		once.Do(func() {
			s.mu.Lock()
			p := s.process
			s.mu.Unlock()
			if err := p.Signal(syscall.SIGSTOP); err != nil {
				t.Error(err)
			}
			time.Sleep(50 * time.Millisecond) // until it has stopped, it must not get the answer
			paused <- p
		})
	})
	type end struct {
		code int
		out  string
	}
	ended := make(chan end, 1)
	go func() {
		code, out := s.run(t, nil, s.in("apply", "--yes")...)
		ended <- end{code, out}
	}()
	var first *os.Process
	select {
	case first = <-paused:
	case e := <-ended:
		t.Fatalf("it ended before it was paused: exit %d\n%s", e.code, e.out)
	}
	t.Cleanup(func() { _ = first.Kill() })
	s.server.OnRequest(nil)

	code, out := s.run(t, nil, s.in("apply", "--yes")...)
	if code != 6 || !strings.Contains(out, fmt.Sprintf("cfboot apply holds it: process %d on ", first.Pid)) || !strings.Contains(out, ", since ") {
		t.Errorf("while it is held: exit %d, want 6\n%s", code, out)
	}
	if code, out := s.run(t, nil, s.in("plan")...); code != 0 {
		t.Errorf("looking needs no lock: exit %d\n%s", code, out)
	}

	state := filepath.Join(s.dir, "shop", ".cfboot", "state.json")
	if err := os.Remove(state + ".lock"); err != nil {
		t.Fatal(err)
	}
	s.must(t, s.in("apply", "--yes")...)
	before, exist := read(t, state), s.exist()
	if err := first.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	select {
	case e := <-ended:
		if e.code != 4 || !strings.Contains(e.out, "its lock file was removed during the run, so something else may have written to it") || !strings.Contains(e.out, "the whole of it") {
			t.Errorf("it woke, and exit %d, want 4:\n%s", e.code, e.out)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it does not end")
	}
	if !bytes.Equal(before, read(t, state)) {
		t.Error("it wrote to the state")
	}
	if diff := cmp.Diff(exist, s.exist()); diff != "" {
		t.Errorf("it made or removed something (-before +after):\n%s", diff)
	}
	s.resumes(t, s.in("apply", "--yes")...)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

//go:build !windows

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision/emulator"
)

// hang holds back the answers to what matches until the test ends, and closes
// the channel it returns when the first one is held.
func (s *stage) hang(t *testing.T, method, phase string) <-chan struct{} {
	held, released := make(chan struct{}), make(chan struct{})
	var first sync.Once
	s.server.OnRequest(func(r emulator.Request, at string) {
		if r.Method == method && at == phase {
			first.Do(func() { close(held) })
			<-released
		}
	})
	t.Cleanup(func() { close(released) })
	return held
}

// slow makes every answer take its time, and closes the channel it returns when
// the first one to method is on its way.
func (s *stage) slow(method string, each time.Duration) <-chan struct{} {
	seen := make(chan struct{})
	var first sync.Once
	s.server.OnRequest(func(r emulator.Request, at string) {
		if at == "before" {
			if r.Method == method {
				first.Do(func() { close(seen) })
			}
			time.Sleep(each)
		}
	})
	return seen
}

// signalled runs a command, sends it the signals, each so long after the one
// before, and returns the exit code, what it said and how long it took from the
// first signal on.
func (s *stage) signalled(t *testing.T, when <-chan struct{}, pause time.Duration, signals []os.Signal, args ...string) (int, string, time.Duration) {
	t.Helper()
	s.mu.Lock()
	s.process = nil
	s.mu.Unlock()
	type end struct {
		code int
		out  string
	}
	ended := make(chan end, 1)
	go func() {
		code, out := s.run(t, nil, args...)
		ended <- end{code, out}
	}()
	select {
	case <-when:
	case e := <-ended:
		t.Fatalf("it ended before the signal: exit %d\n%s", e.code, e.out)
	case <-time.After(20 * time.Second):
		t.Fatal("it never came so far")
	}
	s.mu.Lock()
	p := s.process
	s.mu.Unlock()
	began := time.Now()
	for i, sig := range signals {
		if i > 0 {
			time.Sleep(pause)
		}
		if err := p.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case e := <-ended:
		return e.code, e.out, time.Since(began)
	case <-time.After(20 * time.Second):
		_ = p.Kill()
		t.Fatalf("it does not end\n%s", (<-ended).out)
	}
	panic("unreachable")
}

// resumes checks that the same command finishes the work and nothing is left
// over or doubled.
func (s *stage) resumes(t *testing.T, args ...string) {
	t.Helper()
	s.server.OnRequest(nil)
	s.must(t, args...)
	if code, out := s.run(t, nil, s.in("plan", "--exit-code")...); code != 0 {
		t.Errorf("plan: exit %d\n%s", code, out)
	}
	s.must(t, s.in("destroy", "--yes")...)
	s.gone(t)
}

func TestSignals(t *testing.T) {
	bin := build(t)
	const again = "run the same command again to finish"
	stop := func(t *testing.T, code int, out string, took, most time.Duration) {
		t.Helper()
		if code != 130 || !strings.Contains(out, again) || took > most {
			t.Errorf("exit %d after %s, want 130 within %s:\n%s", code, took, most, out)
		}
	}
	for name, sig := range map[string]os.Signal{"interrupt": os.Interrupt, "terminate": syscall.SIGTERM, "hangup": syscall.SIGHUP} {
		t.Run("one "+name+" finishes what is under way", func(t *testing.T) {
			t.Parallel()
			s := newStage(t, bin)
			seen := s.slow("POST", 300*time.Millisecond)
			code, out, took := s.signalled(t, seen, 0, []os.Signal{sig}, s.newArgs()...)
			stop(t, code, out, took, 4*time.Second)
			if strings.Contains(out, "unknown") || s.exist()["d1"] != 1 {
				t.Errorf("what was under way was not finished: %v\n%s", s.exist(), out)
			}
			if s.exist()["route"] > 0 {
				t.Errorf("something new was begun: %v", s.exist())
			}
			s.resumes(t, s.newArgs()...)
		})
	}
	t.Run("a second one ends what is under way", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, bin)
		held := s.hang(t, "POST", "after")
		code, out, took := s.signalled(t, held, 500*time.Millisecond, []os.Signal{os.Interrupt, os.Interrupt}, s.newArgs()...)
		stop(t, code, out, took, 3*time.Second)
		state, err := os.ReadFile(filepath.Join(s.dir, "shop", ".cfboot", "state.json"))
		if err != nil || !bytes.Contains(state, []byte(`"intents": [`)) || bytes.Contains(state, []byte(`"intents": []`)) {
			t.Errorf("the intents did not stay: %v\n%s", err, state)
		}
		s.resumes(t, s.newArgs()...)
	})
	// A CI system that cancels sends an interrupt, and 7.5 s later what cannot be
	// waited for.
	for name, sig := range map[string]os.Signal{"an interrupt": os.Interrupt, "a termination": syscall.SIGTERM} {
		t.Run("patience ends after "+name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, bin)
			held := s.hang(t, "POST", "after")
			code, out, took := s.signalled(t, held, 0, []os.Signal{sig}, s.newArgs()...)
			stop(t, code, out, took, 7*time.Second)
			if took < 4500*time.Millisecond {
				t.Errorf("it gave only %s", took)
			}
			s.resumes(t, s.newArgs()...)
		})
	}
	t.Run("while planning, at once", func(t *testing.T) {
		t.Parallel()
		s := newStage(t, bin)
		s.must(t, s.newArgs()...)
		held := s.hang(t, "GET", "before")
		code, out, took := s.signalled(t, held, 0, []os.Signal{os.Interrupt}, s.in("plan")...)
		stop(t, code, out, took, 2*time.Second)
		s.resumes(t, s.in("apply", "--yes")...)
	})
	t.Run("while it was told to wait, at once", func(t *testing.T) {
		t.Parallel()
		for _, method := range []string{"GET", "POST"} {
			s := newStage(t, bin)
			asked := make(chan struct{})
			var first sync.Once
			s.server.Fail(emulator.Failure{Method: method, Path: "d1/database", Status: 429, RetryAfter: "120"})
			s.server.OnRequest(func(r emulator.Request, at string) {
				if at == "after" && r.Method == method && strings.Contains(r.Path, "d1/database") {
					first.Do(func() { time.AfterFunc(300*time.Millisecond, func() { close(asked) }) })
				}
			})
			code, out, took := s.signalled(t, asked, 0, []os.Signal{os.Interrupt}, s.newArgs()...)
			stop(t, code, out, took, 2*time.Second)
			s.resumes(t, s.newArgs()...)
		}
	})
}

// TestNobodyReads: a reader that goes away stops nothing and changes no exit
// code, and neither does a terminal that has none.
func TestNobodyReads(t *testing.T) {
	bin := build(t)
	for _, args := range [][]string{{"apply", "--yes"}, {"apply", "--yes", "--json"}, {"apply", "--yes", "-h"}} {
		s := newStage(t, bin)
		s.must(t, append(s.newArgs(), "--no-apply")...)
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		cmd := exec.Command(bin, args...)
		cmd.Dir = filepath.Join(s.dir, "shop")
		cmd.Env = []string{"HOME=" + s.dir, "CLOUDFLARE_API_BASE_URL=" + s.http.URL + "/client/v4", "CLOUDFLARE_API_TOKEN=" + testToken}
		cmd.Stdout, cmd.Stderr = w, w
		if err := cmd.Run(); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		_ = w.Close()
		if args[len(args)-1] != "-h" {
			if code, out := s.run(t, nil, s.in("plan", "--exit-code")...); code != 0 {
				t.Errorf("%q: plan: exit %d\n%s", args, code, out)
			}
		}
	}
}

// TestAnswerThatCannotBeWritten: what was asked for and never arrived is no
// success, however well the rest went.
func TestAnswerThatCannotBeWritten(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("needs /dev/full:", err)
	}
	defer full.Close()
	var said bytes.Buffer
	cmd := exec.Command(build(t), "schema")
	cmd.Stdout, cmd.Stderr = full, &said
	_ = cmd.Run()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(said.String(), "the answer could not be written") {
		t.Errorf("exit %d: %s", cmd.ProcessState.ExitCode(), said.String())
	}
}

// TestNohup: who started it with the hangup ignored wants it to go on.
func TestNohup(t *testing.T) {
	if _, err := exec.LookPath("nohup"); err != nil {
		t.Skip("needs nohup:", err)
	}
	s := newStage(t, build(t))
	s.must(t, append(s.newArgs(), "--no-apply")...)
	cmd := exec.Command("nohup", s.bin, "apply", "--yes")
	var out bytes.Buffer
	var once atomic.Bool
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Dir = filepath.Join(s.dir, "shop")
	cmd.Env = []string{"HOME=" + s.dir, "CLOUDFLARE_API_BASE_URL=" + s.http.URL + "/client/v4", "CLOUDFLARE_API_TOKEN=" + testToken}
	started := make(chan struct{})
	s.server.OnRequest(func(r emulator.Request, at string) {
		if r.Method == "POST" && at == "before" && once.CompareAndSwap(false, true) {
			<-started
			_ = cmd.Process.Signal(syscall.SIGHUP)
			time.Sleep(100 * time.Millisecond)
		}
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	if err := cmd.Wait(); err != nil || !once.Load() {
		t.Errorf("%v\n%s", err, out.String())
	}
}

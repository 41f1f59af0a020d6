package state

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// roles are what this test binary can be when it is run again: the value of
// STATE_TEST_ROLE, with STATE_TEST_PATH the state it is about.
var roles = map[string]func() error{
	"hold": hold,
}

// hold takes the lock, says so and keeps it until it is killed or its input ends.
func hold() error {
	o := options()
	o.Run = "run-other"
	s, err := Open(os.Getenv("STATE_TEST_PATH"), o)
	if err != nil {
		return err
	}
	fmt.Println("held")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	return s.Close()
}

// again makes a command that runs this binary in a role.
func again(binary, role, path string, env ...string) *exec.Cmd {
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), append([]string{"STATE_TEST_ROLE=" + role, "STATE_TEST_PATH=" + path}, env...)...)
	return cmd
}

// startHolder starts a process that holds the lock, and returns it with the end of
// its input.
func startHolder(t *testing.T, path string) (*exec.Cmd, func()) {
	t.Helper()
	cmd := again(os.Args[0], "hold", path)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return cmd, func() { in.Close() }
}

func TestTwoProcesses(t *testing.T) {
	path := saved(t)
	other, end := startHolder(t, path)
	_, err := Open(path, options())
	host, _ := os.Hostname()
	text, class := problem(t, err, filepath.Dir(path))
	want := fmt.Sprintf("DIR/state.json: cfboot apply holds it: process %d on %s, run run-other, since 2026-03-01T12:00:00Z\n"+
		"hint: wait until it has ended\nhint: or, if it hangs, stop it: kill %d", other.Process.Pid, host, other.Process.Pid)
	if class != provision.Locked || text != want {
		t.Errorf("class %d, text:\n%s\nwant:\n%s", class, text, want)
	}
	read(t, path) // looking needs no lock

	// The second waits, and goes on as soon as the first has ended.
	time.AfterFunc(200*time.Millisecond, end)
	o := options()
	o.Wait = 30 * time.Second
	s, err := Open(path, o)
	must(t, err)
	must(t, s.Keep(entry("kv/cache", "id-2")))
	must(t, s.Close())
}

func TestWaitEnds(t *testing.T) {
	path := saved(t)
	startHolder(t, path)
	o := options()
	o.Wait = 120 * time.Millisecond
	begin := time.Now()
	_, err := Open(path, o)
	if _, class := problem(t, err, ""); class != provision.Locked {
		t.Errorf("class %d", class)
	}
	if took := time.Since(begin); took < o.Wait || took > 10*time.Second {
		t.Errorf("it waited %v, not %v", took, o.Wait)
	}

	stop := make(chan struct{})
	time.AfterFunc(50*time.Millisecond, func() { close(stop) })
	o.Wait, o.Stop = time.Hour, stop
	_, err = Open(path, o)
	if _, class := problem(t, err, ""); class != provision.Interrupted {
		t.Errorf("stopped: class %d, %v", class, err)
	}
}

// The file of a holder that was killed is no lock, whatever it says.
func TestDeadHolder(t *testing.T) {
	path := saved(t)
	other, _ := startHolder(t, path)
	must(t, other.Process.Kill())
	other.Wait()
	b, err := os.ReadFile(lockPath(path))
	must(t, err)
	if !strings.Contains(string(b), "run-other") {
		t.Fatalf("the killed holder left %q", b)
	}
	s := open(t, path)
	if b, err = os.ReadFile(lockPath(path)); err != nil {
		t.Fatal(err)
	}
	var h holder
	if err := json.Unmarshal(b[holderAt:], &h); err != nil || h.PID != os.Getpid() || h.Run != "run-1" || h.Command != "cfboot apply" || !h.Since.Equal(noon) {
		t.Errorf("the lock file says %q (%v)", b, err)
	}
	must(t, s.Close())
	if info, err := os.Stat(lockPath(path)); err != nil || info.Size() != holderAt {
		t.Errorf("after Close the lock file is %v, %v", info, err)
	}
}

func TestLockedWithoutHolder(t *testing.T) {
	path := saved(t)
	s := open(t, path)
	for _, content := range []string{"", "{", `{"pid":0}`, "\x00\x00"} {
		must(t, os.WriteFile(lockPath(path), []byte(content), 0o600))
		_, err := Open(path, options())
		if text, class := problem(t, err, filepath.Dir(path)); class != provision.Locked || text != "DIR/state.json: another run holds it\nhint: wait until it has ended" {
			t.Errorf("%q: class %d, %s", content, class, text)
		}
	}
	must(t, os.WriteFile(lockPath(path), []byte(`{"pid":7,"host":"h\u001b[2J","command":"x\ny","run":"r","since":"2026-03-01T12:00:00Z"}`), 0o600))
	_, err := Open(path, options())
	if text, _ := problem(t, err, filepath.Dir(path)); !strings.HasPrefix(text, "DIR/state.json: x?y holds it: process 7 on h?[2J, run r, since ") {
		t.Errorf("what steers a terminal got through: %q", text)
	}
	must(t, s.Close())
}

func TestEnvironmentsDoNotLockEachOther(t *testing.T) {
	path := saved(t)
	open(t, path)
	o := options()
	o.Environment = "staging"
	s, err := Open(Path(filepath.Dir(path), "staging"), o)
	must(t, err)
	must(t, s.Begin(intent("d1/db")))
	must(t, s.Close())
	if st := read(t, Path(filepath.Dir(path), "staging")); st.Environment != "staging" {
		t.Errorf("environment = %q", st.Environment)
	}
}

func TestLockFileCannotBeTaken(t *testing.T) {
	path := saved(t)
	must(t, os.Remove(lockPath(path)))
	must(t, os.Mkdir(lockPath(path), 0o700))
	_, err := Open(path, options())
	text, class := problem(t, err, filepath.Dir(path))
	if class != provision.Failed || text != "DIR/state.json.lock: the lock cannot be taken: it is not a regular file\n"+
		"hint: look at the file, its directory and its disk; nothing was done" {
		t.Errorf("class %d, %s", class, text)
	}
}

// Where the file system has no locks nothing is done, and it is said why.
func TestNoLocksThere(t *testing.T) {
	for _, err := range []error{syscall.ENOLCK, syscall.ENOSYS, syscall.ENOTSUP} {
		text, class := problem(t, lockProblem("DIR/state.json.lock", &os.PathError{Op: "flock", Path: "DIR/state.json.lock", Err: err}), "")
		if class != provision.Failed || !strings.Contains(text, "the lock cannot be taken: "+err.Error()) ||
			!strings.Contains(text, "hint: the file system does not know locks: keep the project on a local disk") {
			t.Errorf("%v: class %d, %s", err, class, text)
		}
	}
}

// A run whose lock file was removed may no longer be alone, and stops writing.
func TestLockFileRemoved(t *testing.T) {
	path := saved(t)
	first := open(t, path)
	must(t, os.Remove(lockPath(path)))
	second := open(t, path)
	must(t, second.Keep(entry("kv/second", "id-2")))
	err := first.Keep(entry("kv/first", "id-3"))
	text, class := problem(t, err, filepath.Dir(path))
	want := "DIR/state.json: it could not be saved: its lock file was removed during the run, so something else may have written to it\n" +
		"hint: see that nothing but one run of cfboot writes to DIR\n" +
		"hint: compare the state that is printed in JSON with DIR/state.json before the next run: what is only in one of them must not be lost"
	if class != provision.Partial || text != want {
		t.Errorf("class %d, text:\n%s\nwant:\n%s", class, text, want)
	}
	var failed *SaveError
	if !errors.As(err, &failed) {
		t.Fatal("no SaveError")
	}
	if st, err := decode(failed.Bundle); err != nil || entriesText(st) != "d1/db=id-1 kv/first=id-3" {
		t.Errorf("bundle: %s, %v", entriesText(st), err)
	}
	if st := read(t, path); entriesText(st) != "d1/db=id-1 kv/second=id-2" {
		t.Errorf("on disk: %s", entriesText(st))
	}
	must(t, first.Close()) // and leaves the second's lock alone
	if _, err := Open(path, options()); err == nil {
		t.Error("the second's lock is gone")
	}
}

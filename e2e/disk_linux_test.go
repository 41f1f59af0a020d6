package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cfboot/cfboot/provision/emulator"
)

// fill writes until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	_ = f.Close()
}

// TestDiskFillsUp: the disk is full before the first id can be saved. The state
// is printed once, and put in its place it lets the same command finish.
func TestDiskFillsUp(t *testing.T) {
	bin := build(t)
	for _, args := range [][]string{{"apply", "--yes"}, {"apply", "--yes", "--json"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			s := newStage(t, bin)
			if err := syscall.Mount("tmpfs", s.dir, "tmpfs", 0, "size=4m"); err != nil {
				t.Skip("needs the right to mount a small file system:", err)
			}
			t.Cleanup(func() { _ = syscall.Unmount(s.dir, syscall.MNT_DETACH) })
			s.must(t, append(s.newArgs(), "--no-apply")...)
			ballast := filepath.Join(s.dir, "ballast")
			var once sync.Once
			s.server.OnRequest(func(r emulator.Request, at string) {
				if r.Method == "POST" && at == "after" {
					once.Do(func() { fill(t, ballast) })
				}
			})
			out, said, code := s.apart(t, nil, nil, args...)
			if code != 4 {
				t.Errorf("exit %d, want 4\n%s\n%s", code, out, said)
			}
			s.server.OnRequest(nil)
			_ = os.Remove(ballast)
			s.finishes(t, out, said, len(args) == 3)
		})
	}
}

// TestFileSizeLimit: a limit on files, which by itself would kill the process,
// is a full disk like any other.
func TestFileSizeLimit(t *testing.T) {
	if _, err := exec.LookPath("prlimit"); err != nil {
		t.Skip("needs prlimit:", err)
	}
	s := newStage(t, build(t))
	s.must(t, append(s.newArgs(), "--no-apply")...)
	var once sync.Once
	s.server.OnRequest(func(r emulator.Request, at string) {
		if r.Method == "POST" && at == "after" {
			once.Do(func() {
				s.mu.Lock()
				p := s.process
				s.mu.Unlock()
				limit(t, p.Pid)
			})
		}
	})
	out, said, code := s.apart(t, nil, nil, "apply", "--yes")
	if code != 4 {
		t.Errorf("exit %d, want 4\n%s\n%s", code, out, said)
	}
	s.server.OnRequest(nil)
	s.finishes(t, out, said, false)
}

// TestReadOnlyPlace: where the project or its state cannot be written nothing is
// made.
func TestReadOnlyPlace(t *testing.T) {
	s := newStage(t, build(t))
	if err := syscall.Mount("tmpfs", s.dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("needs the right to mount a small file system:", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(s.dir, syscall.MNT_DETACH) })
	remount := func(flags uintptr) {
		if err := syscall.Mount("tmpfs", s.dir, "tmpfs", syscall.MS_REMOUNT|flags, "size=4m"); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	code, out := s.run(t, nil, s.newArgs()...)
	if code != 1 || !strings.Contains(out, "its files cannot be written, and nothing is made at Cloudflare before they are: ") || !strings.Contains(out, "hint: or choose another folder: --dir") {
		t.Errorf("exit %d, want 1\n%s", code, out)
	}
	remount(0)
	s.must(t, append(s.newArgs(), "--no-apply")...)
	remount(syscall.MS_RDONLY)
	code, out = s.run(t, nil, s.in("apply", "--yes")...)
	if code != 1 || !strings.Contains(out, "writable for you") || len(s.exist()) > 0 {
		t.Errorf("exit %d, want 1, and %v exist\n%s", code, s.exist(), out)
	}
	remount(0)
	s.resumes(t, s.in("apply", "--yes")...)
}

// TestNobodyReadsTheRescue: where standard output reaches nobody, what could not
// be saved goes to standard error.
func TestNobodyReadsTheRescue(t *testing.T) {
	s := newStage(t, build(t))
	s.must(t, append(s.newArgs(), "--no-apply")...)
	var once sync.Once
	s.server.OnRequest(func(r emulator.Request, at string) {
		if r.Method == "POST" && at == "after" {
			once.Do(func() {
				s.mu.Lock()
				p := s.process
				s.mu.Unlock()
				limit(t, p.Pid)
			})
		}
	})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	defer w.Close()
	_, said, code := s.apart(t, w, nil, "apply", "--yes")
	if code != 4 {
		t.Errorf("exit %d, want 4\n%s", code, said)
	}
	s.server.OnRequest(nil)
	s.finishes(t, "", said, true)
}

// limit bounds the files that a process may write.
func limit(t *testing.T, pid int) {
	if out, err := exec.Command("prlimit", "--fsize=64", "--pid", strconv.Itoa(pid)).CombinedOutput(); err != nil {
		t.Errorf("prlimit: %v\n%s", err, out)
	}
}

// finishes puts the state that was printed into its place and lets the same
// command finish the work.
func (s *stage) finishes(t *testing.T, out, said string, onStderr bool) {
	t.Helper()
	from := out
	if onStderr {
		from = said
	}
	if n := strings.Count(out, "\n{\n") + strings.Count(said, "\n{\n"); n != 1 {
		t.Fatalf("the state was printed %d times:\n%s\n%s", n, out, said)
	}
	bundle := from[strings.Index(from, "\n{\n")+1:]
	end := strings.Index(bundle, "\n}\n")
	if end < 0 {
		t.Fatalf("no state in %q", from)
	}
	bundle = bundle[:end+3]
	if !json.Valid([]byte(bundle)) {
		t.Fatalf("not a state: %s", bundle)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "shop", ".cfboot", "state.json"), []byte(bundle), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must(t, s.in("apply", "--yes")...)
	if code, out := s.run(t, nil, s.in("plan", "--exit-code")...); code != 0 {
		t.Errorf("plan: exit %d\n%s", code, out)
	}
	s.must(t, s.in("destroy", "--yes")...)
	s.gone(t)
}

//go:build linux || darwin

package state

import (
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/cfboot/cfboot/provision"
)

func init() { roles["limited"] = limited }

// outcome is what the limited process tells of its tries.
type outcome struct {
	Preflight, Keep string
	Class           provision.Class
	Bundle          []byte
	Again           string // the error of a save that fits again
}

// limited records under a limit on the size of files, which a large entry
// exceeds in the middle of a write: what a full disk does, with the real system
// calls.
func limited() error {
	signal.Ignore(syscall.SIGXFSZ) // so that the write fails, instead of the process
	s, err := Open(os.Getenv("STATE_TEST_PATH"), options())
	if err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: 32 << 10, Max: 32 << 10}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	out := outcome{Preflight: text(s.Preflight())}
	large := entry("kv/cache", "id-2")
	large.Settings["text"] = strings.Repeat("x", 40<<10)
	err = s.Keep(large)
	out.Keep = text(err)
	var failed *SaveError
	var p *provision.Problem
	if errors.As(err, &failed) && errors.As(err, &p) {
		out.Bundle, out.Class = failed.Bundle, p.Class
	}
	out.Again = text(errors.Join(s.Forget(key("kv/cache")), s.Keep(entry("r2/files", "id-3")), s.Close()))
	return json.NewEncoder(os.Stdout).Encode(out)
}

func TestFullDisk(t *testing.T) {
	path := saved(t)
	b, err := again(os.Args[0], "limited", path).Output()
	must(t, err)
	var out outcome
	must(t, json.Unmarshal(b, &out))
	if want := path + ": what would be made could not be recorded, so nothing was done: file too large"; out.Preflight != want {
		t.Errorf("Preflight: %q, want %q", out.Preflight, want)
	}
	if want := path + ": it could not be saved: file too large"; out.Keep != want || out.Class != provision.Partial {
		t.Errorf("Keep: class %d, %q, want %q", out.Class, out.Keep, want)
	}
	if st, err := decode(out.Bundle); err != nil || entriesText(st) != "d1/db=id-1 kv/cache=id-2" {
		t.Errorf("bundle: %s, %v", entriesText(st), err)
	}
	if out.Again != "" {
		t.Errorf("a save that fits again: %s", out.Again)
	}
	if st := read(t, path); entriesText(st) != "d1/db=id-1 r2/files=id-3" || st.Serial != 4 {
		t.Errorf("on disk: %s, serial %d", entriesText(st), st.Serial)
	}
	if left := strays(path); left != nil {
		t.Errorf("left over: %v", left)
	}
}

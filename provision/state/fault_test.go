package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// calls lists what a save does, first to last.
func calls(t *testing.T, s *Store, do func() error) []string {
	t.Helper()
	var out []string
	s.disk = tappedDisk{before: func(call string) error { out = append(out, call); return nil }}
	must(t, do())
	s.disk = osDisk{}
	return out
}

func TestSaveIsOneSync(t *testing.T) {
	s := open(t, testPath(t))
	first := calls(t, s, func() error { return s.Begin(intent("d1/db")) })
	want := []string{"remove", "create first", "write first", "sync first", "close first", "rename first", "sync directory",
		"remove", "create backup", "write backup", "sync backup", "close backup", "rename backup", "remove"}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("the first save (-want +got):\n%s", diff)
	}
	must(t, s.Keep(entry("d1/db", "id-1")))
	later := calls(t, s, func() error { return s.Keep(entry("kv/cache", "id-2")) })
	want = []string{"remove", "create next", "write next", "sync next", "close next",
		"remove", "link", "rename backup", "remove", "link history", "rename next", "sync directory"}
	if diff := cmp.Diff(want, later); diff != "" {
		t.Errorf("a later save (-want +got):\n%s", diff)
	}
}

// Each call of a save fails once, in each of the ways a disk fails. Whatever
// fails, the file is whole, nothing recorded is lost, and the next save works.
func TestFaults(t *testing.T) {
	for _, save := range []string{"first", "later"} {
		probe := open(t, testPath(t))
		if save == "later" {
			must(t, probe.Keep(entry("d1/db", "id-1")))
		}
		for at, call := range calls(t, probe, func() error { return probe.Keep(entry("kv/cache", "id-2")) }) {
			for _, fault := range []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS} {
				t.Run(fmt.Sprintf("%s/%d %s/%v", save, at, call, fault), func(t *testing.T) {
					checkFault(t, save == "first", at, fault)
				})
			}
		}
	}
}

func checkFault(t *testing.T, first bool, at int, fault error) {
	path := testPath(t)
	s := open(t, path)
	old := ""
	if !first {
		must(t, s.Keep(entry("d1/db", "id-1")))
		old = "d1/db=id-1"
	}
	whole := strings.TrimSpace(old + " kv/cache=id-2")
	n, call := 0, ""
	s.disk = tappedDisk{before: func(c string) error {
		if n++; n == at+1 {
			call = c
			return &os.PathError{Op: "write", Path: path, Err: fault}
		}
		return nil
	}}
	err := s.Keep(entry("kv/cache", "id-2"))
	s.disk = osDisk{}

	st, _, readErr := Read(path)
	must(t, readErr)
	got := entriesText(st)
	onlyBackup := strings.Contains(call, "backup") || call == "link" || (call == "remove" && at > 0)
	switch {
	case call == "link history":
		// Likewise: it is copied instead.
		if err != nil || s.Warnings() != nil || read(t, historyPath(path, 1)).Serial != 1 {
			t.Errorf("err = %v, warnings %v", err, s.Warnings())
		}
	case call == "mkdir":
		want := fmt.Sprintf("%s: the version before could not be kept: %v", historyDir(path), fault)
		if diff := cmp.Diff([]string{want}, s.Warnings()); err != nil || diff != "" {
			t.Errorf("err = %v, warnings (-want +got):\n%s", err, diff)
		}
	case onlyBackup && call == "link":
		// A file system without second names: it is copied instead.
		if err != nil || s.Warnings() != nil || read(t, backupPath(path)).Serial != 1 {
			t.Errorf("err = %v, warnings %v", err, s.Warnings())
		}
	case onlyBackup:
		want := fmt.Sprintf("%s: the version before could not be kept: %v", backupPath(path), fault)
		if diff := cmp.Diff([]string{want}, s.Warnings()); err != nil || diff != "" {
			t.Errorf("err = %v, warnings (-want +got):\n%s", err, diff)
		}
	default:
		checkSaveError(t, err, fault, whole)
	}
	switch {
	case err == nil || call == "sync directory":
		if got != whole {
			t.Errorf("on disk: %s, want %s", got, whole)
		}
	case got != old:
		t.Errorf("on disk: %s, want what was there before: %s", got, old)
	}
	if left := strays(path); left != nil && call != "remove" {
		t.Errorf("left over: %v", left)
	}
	must(t, s.Keep(entry("r2/files", "id-3")))
	if got := entriesText(read(t, path)); got != whole+" r2/files=id-3" {
		t.Errorf("after the next save: %s", got)
	}
	if left := strays(path); left != nil {
		t.Errorf("left over after the next save: %v", left)
	}
	must(t, s.Close())
	open(t, path)
}

func checkSaveError(t *testing.T, err, fault error, bundle string) {
	t.Helper()
	var failed *SaveError
	if !errors.As(err, &failed) || !errors.Is(err, fault) {
		t.Fatalf("err = %v", err)
	}
	text, class := problem(t, err, filepath.Dir(failed.Path))
	hint := map[error]string{
		syscall.ENOSPC: "make room on the disk that holds DIR",
		syscall.EROFS:  "make the directory DIR writable for you",
		syscall.EIO:    "look at the directory DIR and its disk",
	}[fault]
	want := fmt.Sprintf("DIR/state.json: it could not be saved: %v\nhint: %s\n"+
		"hint: put the state that is printed in JSON into DIR/state.json before the next run: it may be the only record of what was made", fault, hint)
	if diff := cmp.Diff(want, text); class != provision.Partial || diff != "" {
		t.Errorf("class %d, text (-want +got):\n%s", class, diff)
	}
	st, err := decode(failed.Bundle)
	if err != nil || entriesText(st) != bundle {
		t.Errorf("bundle: %s, %v; want %s", entriesText(st), err, bundle)
	}
	// The bundle, put where the hint says, is the state from then on.
	path := testPath(t)
	must(t, os.MkdirAll(filepath.Dir(path), 0o700))
	must(t, os.WriteFile(path, failed.Bundle, 0o600))
	if got := entriesText(open(t, path).State()); got != bundle {
		t.Errorf("the bundle put in place: %s", got)
	}
}

// A file system on a network may know neither second names nor directories that
// are synced. A save copies then, and is as whole.
func TestPoorFileSystem(t *testing.T) {
	for _, missing := range []error{syscall.EINVAL, syscall.ENOTSUP, syscall.ENOSYS} {
		path := testPath(t)
		s := open(t, path)
		s.disk = tappedDisk{before: func(call string) error {
			if call == "sync directory" || strings.HasPrefix(call, "link") {
				return &os.PathError{Op: call, Path: path, Err: missing}
			}
			return nil
		}}
		must(t, s.Begin(intent("kv/cache")))
		must(t, s.Keep(entry("kv/cache", "id-1")))
		must(t, s.Keep(entry("d1/db", "id-2")))
		if w := s.Warnings(); w != nil {
			t.Errorf("%v: %v", missing, w)
		}
		if got := entriesText(read(t, path)); got != "d1/db=id-2 kv/cache=id-1" {
			t.Errorf("%v: on disk: %s", missing, got)
		}
		if got := read(t, backupPath(path)).Serial; got != 2 {
			t.Errorf("%v: the backup has serial %d", missing, got)
		}
		if got := read(t, historyPath(path, 1)).Serial; got != 1 {
			t.Errorf("%v: the history has serial %d", missing, got)
		}
		if left := strays(path); left != nil {
			t.Errorf("%v: left over: %v", missing, left)
		}
	}
}

// An intent that could not be saved is taken back, since nothing will be sent;
// what it would have replaced stays.
func TestBeginThatFails(t *testing.T) {
	path := testPath(t)
	s := open(t, path)
	must(t, s.Keep(entry("d1/db", "id-1")))
	s.disk = tappedDisk{before: func(string) error { return syscall.ENOSPC }}
	for _, k := range []string{"d1/db", "kv/cache"} {
		if _, class := problem(t, s.Begin(intent(k)), ""); class != provision.Partial {
			t.Errorf("class %d", class)
		}
	}
	if got := entriesText(s.State()) + "|" + intentsText(s.State()); got != "d1/db=id-1|" {
		t.Errorf("memory holds %s", got)
	}
	s.disk = osDisk{}
	must(t, s.Keep(entry("r2/files", "id-2")))
	if st := read(t, path); entriesText(st) != "d1/db=id-1 r2/files=id-2" || len(st.Intents) != 0 || st.Serial != 2 {
		t.Errorf("on disk: %s, %s, serial %d", entriesText(st), intentsText(st), st.Serial)
	}
}

func TestPreflight(t *testing.T) {
	for _, path := range []string{testPath(t), saved(t)} {
		s := open(t, path)
		before := names(t, filepath.Dir(path))
		must(t, s.Preflight())
		if diff := cmp.Diff(before, names(t, filepath.Dir(path))); diff != "" {
			t.Errorf("Preflight left something (-before +after):\n%s", diff)
		}
		largest := 0
		s.disk = tappedDisk{after: func(call, _, _ string, content []byte) { largest = max(largest, len(content)) }}
		must(t, s.Preflight())
		if content, err := s.Bundle(); err != nil || largest <= len(content) {
			t.Errorf("it tried %d bytes, and the state has %d (%v)", largest, len(content), err)
		}
		for _, call := range []string{"create probe", "write probe", "sync probe", "close probe", "remove"} {
			s.disk = tappedDisk{before: func(c string) error {
				if c == call {
					return &os.PathError{Op: "x", Path: "y", Err: syscall.EROFS}
				}
				return nil
			}}
			text, class := problem(t, s.Preflight(), filepath.Dir(path))
			if class != provision.Failed || text != "DIR/state.json: what would be made could not be recorded, so nothing was done: read-only file system\n"+
				"hint: make the directory DIR writable for you" {
				t.Errorf("%s: class %d, %s", call, class, text)
			}
		}
	}
}

// What somebody else wrote during the run is not written over.
func TestChangedDuringTheRun(t *testing.T) {
	foreign := func(t *testing.T) []byte {
		b, err := os.ReadFile(saved(t))
		must(t, err)
		return b
	}
	tests := []struct {
		name string
		new  bool
		by   func(t *testing.T, path string)
		want string // empty: it may be saved
	}{
		{"replaced", false, func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".x", foreign(t), 0o600))
			must(t, os.Rename(path+".x", path))
		}, "it was changed during the run"},
		{"edited in place", false, func(t *testing.T, path string) { must(t, os.WriteFile(path, append(foreign(t), '\n'), 0o600)) }, "it was changed during the run"},
		{"same size", false, func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			must(t, err)
			must(t, os.WriteFile(path, b, 0o600))
			must(t, os.Chtimes(path, noon, noon))
		}, "it was changed during the run"},
		{"made", true, func(t *testing.T, path string) { must(t, os.WriteFile(path, foreign(t), 0o600)) }, "it was made during the run"},
		{"removed", false, func(t *testing.T, path string) { must(t, os.Remove(path)) }, ""},
		{"read by others from now on", false, func(t *testing.T, path string) { must(t, os.Chmod(path, 0o640)) }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := testPath(t)
			s := open(t, path)
			if !tt.new {
				must(t, s.Keep(entry("kv/cache", "id-0")))
			}
			tt.by(t, path)
			before, _ := os.ReadFile(path)
			err := s.Keep(entry("d1/db", "id-1"))
			if tt.want == "" {
				must(t, err)
				if got := entriesText(read(t, path)); got != "d1/db=id-1 kv/cache=id-0" {
					t.Errorf("on disk: %s", got)
				}
				return
			}
			text, class := problem(t, err, filepath.Dir(path))
			if class != provision.Partial || !strings.HasPrefix(text, "DIR/state.json: it could not be saved: "+tt.want+": something else may have written to it\n") {
				t.Errorf("class %d, %s", class, text)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("it was written over")
			}
			if _, class := problem(t, s.Preflight(), ""); class != provision.Failed {
				t.Errorf("Preflight: class %d", class)
			}
		})
	}
}

// Recording at once from many sides shares writes, and each call returns only
// when the file holds what it recorded. Readers see whole versions throughout.
func TestConcurrent(t *testing.T) {
	const sides, each = 8, 12
	path := testPath(t)
	s := open(t, path)
	s.disk = tappedDisk{before: func(call string) error {
		if call == "sync directory" {
			time.Sleep(time.Millisecond) // as a real disk does, so that others join
		}
		return nil
	}}
	done := make(chan struct{})
	var readers, writers sync.WaitGroup
	readers.Go(func() {
		last := int64(0)
		for {
			st, _, err := Read(path)
			if err != nil || st.Serial < last {
				t.Errorf("a reader: serial %d after %d, %v", st.Serial, last, err)
				return
			}
			last = st.Serial
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for side := range sides {
		writers.Go(func() {
			for i := range each {
				k := fmt.Sprintf("kv/c-%d-%d", side, i)
				steps := []struct {
					do   func() error
					want holding
				}{
					{func() error { return s.Begin(intent(k)) }, holding{intent: &provision.Intent{}}},
					{func() error { return s.Keep(entry(k, "id")) }, holding{entry: &provision.Entry{}}},
				}
				if i%3 == 0 {
					steps = append(steps, struct {
						do   func() error
						want holding
					}{func() error { return s.Forget(key(k)) }, holding{}})
				}
				for _, step := range steps {
					if err := step.do(); err != nil {
						t.Error(err)
						return
					}
					st, _, err := Read(path)
					_, e := st.Entries[key(k)]
					_, i := st.Intents[key(k)]
					if err != nil || e != (step.want.entry != nil) || i != (step.want.intent != nil) {
						t.Errorf("%s is not on disk when the call returns: entry %v, intent %v, %v", k, e, i, err)
						return
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
	st := read(t, path)
	ops := int64(sides * (each*2 + each/3))
	if st.Serial >= ops {
		t.Errorf("%d changes took %d writes: none was shared", ops, st.Serial)
	}
	if len(st.Entries) != sides*each*2/3 || len(st.Intents) != 0 {
		t.Errorf("in the end there are %d entries and %d intents", len(st.Entries), len(st.Intents))
	}
	if diff := cmp.Diff(s.State(), st); diff != "" {
		t.Errorf("memory and disk differ (-memory +disk):\n%s", diff)
	}
}

// What is printed after a failed save is put in the file's place, so it has to
// have what the run has recorded since, too: other steps were under way.
func TestUnsavedHasWhatCameLater(t *testing.T) {
	path := testPath(t)
	s := open(t, path)
	must(t, s.Keep(entry("d1/db", "id-1")))
	s.disk = tappedDisk{before: func(string) error { return syscall.ENOSPC }}
	failed := s.Keep(entry("kv/cache", "id-2"))
	s.disk = osDisk{}
	must(t, s.Keep(entry("kv/config", "id-3")))
	bundle := s.Unsaved(fmt.Errorf("kv/cache: %w", failed))
	must(t, s.Close())
	must(t, os.WriteFile(path, bundle, 0o600))
	st, _, err := Read(path)
	must(t, err)
	if got, want := entriesText(st), "d1/db=id-1 kv/cache=id-2 kv/config=id-3"; got != want {
		t.Errorf("the bundle has %s, want %s", got, want)
	}
	if s.Unsaved(errors.New("something else")) != nil {
		t.Error("something else failed, and the state is printed")
	}
}

package state

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// fourSerials makes a state of serial 4; serial N owns d1/db with id-N.
func fourSerials(t *testing.T) string {
	path := testPath(t)
	s := open(t, path)
	for i := range 4 {
		must(t, s.Keep(entry("d1/db", fmt.Sprintf("id-%d", i+1))))
	}
	must(t, s.Close())
	return path
}

func repair(t *testing.T, path string) *Repair {
	t.Helper()
	r, err := OpenRepair(path, options())
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

func overwrite(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, []byte(content), 0o600))
}

func TestRestore(t *testing.T) {
	const damaged = `{"format": "cfboot-state", "version": 1,`
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		role    string // empty and serial 0: the newest
		serial  int64
		want    string // entries afterwards
		now     int64  // their serial
		kept    string // what the damaged file holds afterwards; "none": there is none
	}{
		{"a step back", func(t *testing.T, path string) {}, "", 0, "d1/db=id-3", 5, "none"},
		{"a serial", func(t *testing.T, path string) {}, "", 2, "d1/db=id-2", 5, "none"},
		{"the backup", func(t *testing.T, path string) {}, RoleBackup, 0, "d1/db=id-3", 5, "none"},
		{"cut off", func(t *testing.T, path string) { overwrite(t, path, damaged) }, "", 0, "d1/db=id-3", 5, damaged},
		{"empty", func(t *testing.T, path string) { overwrite(t, path, "") }, "", 0, "d1/db=id-3", 5, ""},
		{"missing", func(t *testing.T, path string) { must(t, os.Remove(path)) }, "", 0, "d1/db=id-3", 5, "none"},
		{"cut off, to a serial", func(t *testing.T, path string) { overwrite(t, path, damaged) }, "", 1, "d1/db=id-1", 5, damaged},
		{"the backup is bad too", func(t *testing.T, path string) {
			overwrite(t, path, "")
			overwrite(t, backupPath(path), "")
		}, "", 0, "d1/db=id-3", 5, ""},
		{"no history", func(t *testing.T, path string) {
			overwrite(t, path, "")
			must(t, os.RemoveAll(historyDir(path)))
		}, "", 0, "d1/db=id-3", 5, ""},
		{"only history", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Remove(backupPath(path)))
		}, "", 0, "d1/db=id-3", 5, "none"},
		{"unfinished save", func(t *testing.T, path string) {
			must(t, os.Rename(path, filepath.Join(filepath.Dir(path), ".state.json.77.tmp")))
		}, "", 0, "d1/db=id-4", 6, "none"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := fourSerials(t)
			lineage := read(t, path).Lineage
			tt.prepare(t, path)
			r := repair(t, path)
			v, ok := r.Newest(), true
			if tt.role != "" || tt.serial != 0 {
				v, ok = r.Find(tt.role, tt.serial)
			}
			if !ok {
				t.Fatal("not found")
			}
			done, err := r.Restore(v)
			must(t, err)
			must(t, r.Close())
			st := read(t, path)
			if entriesText(st) != tt.want || st.Serial != tt.now || st.Lineage != lineage {
				t.Errorf("now: %s, serial %d, lineage %s; want %s, serial %d, lineage %s", entriesText(st), st.Serial, st.Lineage, tt.want, tt.now, lineage)
			}
			if diff := cmp.Diff(st, done.State); diff != "" {
				t.Errorf("what was said and what is there (-there +said):\n%s", diff)
			}
			if tt.kept == "none" {
				if done.Kept != "" {
					t.Errorf("kept %s", done.Kept)
				}
			} else if b, err := os.ReadFile(path + ".damaged"); err != nil || string(b) != tt.kept || done.Kept != path+".damaged" {
				t.Errorf("kept %q in %s, %v; want %q", b, done.Kept, err, tt.kept)
			}
			if done.Warnings != nil {
				t.Errorf("warnings: %v", done.Warnings)
			}
			s := open(t, path)
			must(t, s.Keep(entry("kv/cache", "id-9")))
			if got := read(t, backupPath(path)); got.Serial != tt.now {
				t.Errorf("after the next save the backup has serial %d", got.Serial)
			}
		})
	}
}

// A sound state that is replaced is the backup and in the history, and a second
// damaged file does not take the place of the first.
func TestRestoreLosesNothing(t *testing.T) {
	path := fourSerials(t)
	r := repair(t, path)
	v, _ := r.Find("", 2)
	_, err := r.Restore(v)
	must(t, err)
	must(t, r.Close())
	checkHistory(t, path, 1, 4)
	if st := read(t, backupPath(path)); entriesText(st) != "d1/db=id-4" {
		t.Errorf("the backup holds %s", entriesText(st))
	}
	for n, want := range []string{path + ".damaged", path + ".damaged.2", path + ".damaged.3"} {
		overwrite(t, path, fmt.Sprint("broken ", n))
		r := repair(t, path)
		done, err := r.Restore(r.Newest())
		must(t, err)
		must(t, r.Close())
		if b, err := os.ReadFile(want); err != nil || string(b) != fmt.Sprint("broken ", n) || done.Kept != want {
			t.Errorf("%s holds %q, %v; said %s", want, b, err, done.Kept)
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		class   provision.Class
		want    string
	}{
		{"never saved", func(t *testing.T, path string) { must(t, os.RemoveAll(filepath.Dir(path))) }, provision.Unusable,
			"DIR/state.json: there is no sound version beside it to put back\nhint: bring it back from a copy of your own"},
		{"nothing sound", func(t *testing.T, path string) {
			overwrite(t, path, "")
			overwrite(t, backupPath(path), "")
			must(t, os.RemoveAll(historyDir(path)))
		}, provision.Unusable,
			"DIR/state.json: there is no sound version beside it to put back\nhint: bring it back from a copy of your own"},
		{"a directory", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o700))
		}, provision.Unusable, "DIR/state.json: it is a directory, not a file\nhint: move it aside: mv DIR/state.json DIR/state.json.damaged"},
		{"made by a newer one", func(t *testing.T, path string) {
			overwrite(t, path, `{"format": "cfboot-state", "version": 99}`)
		}, provision.Unusable, "DIR/state.json: it was made by a newer cfboot: its version is 99, and this one reads up to 3\n" +
			"hint: use the cfboot that made it, or a newer one; nothing was changed"},
		{"locked", func(t *testing.T, path string) { open(t, path) }, provision.Locked, ""},
		{"of another environment", func(t *testing.T, path string) {
			st := read(t, path)
			st.Environment, st.Serial = "staging", 3
			content, err := newEncoder().encode(st)
			must(t, err)
			overwrite(t, backupPath(path), string(content))
		}, provision.Unusable, `DIR/state.json.backup: it is the state of environment "staging", not "production"` +
			"\nhint: run it where environment is \"staging\", or put the state of \"production\" back in its place"},
		{"of another lineage", func(t *testing.T, path string) {
			st := read(t, path)
			st.Lineage, st.Serial = "01ARZ3NDEKTSV4RRFFQ69G5FAV", 3
			content, err := newEncoder().encode(st)
			must(t, err)
			overwrite(t, backupPath(path), string(content))
		}, provision.Refused, "DIR/state.json.backup: it is of lineage 01ARZ3NDEKTSV4RRFFQ69G5FAV, and the state in use is of LINEAGE: they know of different resources\n" +
			"hint: if it is the right one all the same, move the state aside first: mv DIR/state.json DIR/state.json.other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := fourSerials(t)
			lineage := read(t, path).Lineage
			tt.prepare(t, path)
			before, _ := os.ReadFile(path)
			r, err := OpenRepair(path, options())
			if err == nil {
				_, err = r.Restore(r.Newest())
				must(t, r.Close())
			}
			text, class := problem(t, err, filepath.Dir(path))
			text = strings.ReplaceAll(text, lineage, "LINEAGE")
			if class != tt.class || tt.want != "" && text != tt.want {
				t.Errorf("class %d, %s\nwant %s", class, text, tt.want)
			}
			if after, _ := os.ReadFile(path); string(after) != string(before) {
				t.Error("the state was changed")
			}
		})
	}
}

// Each call of a restore fails once: then the file is what it was, and no more
// lies beside it than did.
func TestRestoreFaults(t *testing.T) {
	for at := range 20 {
		path := fourSerials(t)
		overwrite(t, path, "broken")
		r := repair(t, path)
		n, call := 0, ""
		r.disk = tappedDisk{before: func(c string) error {
			if n++; n == at+1 {
				call = c
				return &os.PathError{Op: "write", Path: path, Err: syscall.ENOSPC}
			}
			return nil
		}}
		_, err := r.Restore(r.Newest())
		must(t, r.Close())
		if call == "" {
			if at < 8 || err != nil {
				t.Errorf("only %d calls, %v", at, err)
			}
			return
		}
		b, readErr := os.ReadFile(path)
		must(t, readErr)
		switch {
		case call == "sync directory", call == "link": // done, and not sure to survive; or done by a rename
			if entriesText(read(t, path)) != "d1/db=id-3" {
				t.Errorf("%s: %s", call, b)
			}
		case err == nil || string(b) != "broken":
			t.Errorf("%s: err = %v, the file holds %q", call, err, b)
		}
		if call != "link" {
			text, class := problem(t, err, filepath.Dir(path))
			if class != provision.Failed || text != "DIR/state.json: the version could not be put back: no space left on device\nhint: make room on the disk that holds DIR" {
				t.Errorf("%s: class %d, %s", call, class, text)
			}
		}
		if left := strays(path); left != nil {
			t.Errorf("%s: left over: %v", call, left)
		}
	}
	t.Error("it never ended")
}

func TestLookAtLock(t *testing.T) {
	path := testPath(t)
	l, err := LookAtLock(path)
	if err != nil || l.Held || l.Known {
		t.Errorf("of no state: %+v, %v", l, err)
	}
	s := open(t, path)
	l, err = LookAtLock(path)
	must(t, err)
	want := Lock{Path: lockPath(path), Held: true, Known: true, PID: os.Getpid(), Host: l.Host, Command: "cfboot apply", Run: "run-1", Since: noon, Here: true, Alive: true}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	text, class := problem(t, Unlock(path, l), filepath.Dir(path))
	if class != provision.Locked || !strings.HasPrefix(text, "DIR/state.json: cfboot apply holds it: process ") {
		t.Errorf("class %d, %s", class, text)
	}
	must(t, s.Keep(entry("d1/db", "id-1")))

	// As a run on another machine would have left it.
	record := `{"pid":7,"host":"elsewhere","command":"cfboot apply","run":"run-7","since":"2026-01-02T03:04:05Z"}`
	must(t, os.WriteFile(lockPath(path), []byte(record), 0o600))
	l, err = LookAtLock(path)
	if err != nil || !l.Held || l.Here || l.Alive || l.Host != "elsewhere" {
		t.Fatalf("%+v, %v", l, err)
	}
	other := l
	other.Run = "run-8"
	if text, class := problem(t, Unlock(path, other), filepath.Dir(path)); class != provision.Locked || !strings.Contains(text, "another run (run-7) holds it by now") {
		t.Errorf("class %d, %s", class, text)
	}
	must(t, Unlock(path, l))
	// Who held it is fenced off, and the next one may go on.
	if text, _ := problem(t, s.Keep(entry("kv/cache", "id-2")), filepath.Dir(path)); !strings.Contains(text, "its lock file was removed during the run") {
		t.Error(text)
	}
	next := open(t, path)
	must(t, next.Keep(entry("r2/files", "id-3")))
	if got := entriesText(read(t, path)); got != "d1/db=id-1 r2/files=id-3" {
		t.Errorf("on disk: %s", got)
	}
	must(t, next.Close())
	l, err = LookAtLock(path)
	if err != nil || l.Held || l.Known {
		t.Errorf("given back: %+v, %v", l, err)
	}

	// The lock of a process that died is none, though its record is still there.
	must(t, os.WriteFile(lockPath(path), []byte(record), 0o600))
	l, err = LookAtLock(path)
	if err != nil || l.Held || !l.Known || l.PID != 7 {
		t.Errorf("of a dead process: %+v, %v", l, err)
	}
	must(t, Unlock(path, l))
}

package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// checkHistory fails unless just the serials from..to are kept, each sound.
func checkHistory(t *testing.T, path string, from, to int64) {
	t.Helper()
	past, err := History(path)
	must(t, err)
	var want, got []int64
	for serial := from; serial <= to; serial++ {
		want = append(want, serial)
	}
	for _, p := range past {
		got = append(got, p.Serial)
		if _, err := ReadPast(p); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestHistoryKeepsTheLast50(t *testing.T) {
	path := testPath(t)
	other := open(t, Path(filepath.Dir(path), "pr-1"))
	must(t, other.Keep(entry("d1/db", "id-x")))
	must(t, other.Keep(entry("d1/db", "id-y")))
	s := open(t, path)
	for i := range 30 {
		must(t, s.Keep(entry("d1/db", fmt.Sprintf("id-%d", i+1))))
	}
	must(t, s.Close())
	s = open(t, path)
	for i := range 30 {
		must(t, s.Keep(entry("d1/db", fmt.Sprintf("id-%d", i+31))))
	}
	checkHistory(t, path, 10, 59)
	checkHistory(t, other.path, 1, 1)
	past, err := History(path)
	must(t, err)
	for _, p := range past {
		st, err := ReadPast(p)
		must(t, err)
		if got, want := entriesText(st), fmt.Sprintf("d1/db=id-%d", p.Serial); got != want {
			t.Errorf("serial %d holds %s, want %s", p.Serial, got, want)
		}
		info, err := os.Stat(p.Path)
		must(t, err)
		if p.Size != info.Size() || !p.Time.Equal(info.ModTime()) || hasModes && info.Mode().Perm() != 0o600 {
			t.Errorf("%+v, but the file has %d bytes of %v, mode %04o", p, info.Size(), info.ModTime(), info.Mode().Perm())
		}
	}
	if s.Warnings() != nil {
		t.Errorf("warnings: %v", s.Warnings())
	}
}

// A state that was put back by hand counts its serials anew from there: the new
// versions take the place of those of the same serial, and are not the first to
// be removed.
func TestHistoryAfterAStepBack(t *testing.T) {
	path := testPath(t)
	s := open(t, path)
	for i := range 5 {
		must(t, s.Keep(entry("d1/db", fmt.Sprintf("old-%d", i+1))))
	}
	must(t, s.Close())
	b, err := os.ReadFile(historyPath(path, 2))
	must(t, err)
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, b, 0o600))
	s = open(t, path)
	for i := range 2 {
		must(t, s.Keep(entry("d1/db", fmt.Sprintf("new-%d", i+3))))
	}
	checkHistory(t, path, 1, 4)
	for serial, want := range map[int64]string{1: "old-1", 2: "old-2", 3: "new-3", 4: "old-4"} {
		if got := entriesText(read(t, historyPath(path, serial))); got != "d1/db="+want {
			t.Errorf("serial %d holds %s, want %s", serial, got, want)
		}
	}
	if s.Warnings() != nil {
		t.Errorf("warnings: %v", s.Warnings())
	}
}

// What a killed copy left is cleared away, and what is none of ours stays.
func TestHistoryLeavesOthersFiles(t *testing.T) {
	path := saved(t)
	dir := filepath.Dir(path)
	for _, name := range []string{"notes.txt", "state.1.json.bak", "state.01.json", "state.0.json", "state.x.json", "state.pr-1.7.json"} {
		must(t, os.WriteFile(filepath.Join(historyDir(path), name), nil, 0o600))
	}
	must(t, os.WriteFile(filepath.Join(dir, ".state.json.77.history.tmp"), []byte("{"), 0o600))
	s := open(t, path)
	if left := strays(path); left != nil {
		t.Errorf("left over: %v", left)
	}
	for range 60 {
		must(t, s.Keep(entry("d1/db", "id-1")))
	}
	checkHistory(t, path, 12, 61)
	if got := len(names(t, historyDir(path))); got != 56 {
		t.Errorf("%d files, want 50 of ours and 6 of others", got)
	}
}

// Whatever stands in the history's way, the state is saved, with a warning.
func TestHistoryThatCannotBeKept(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, s *Store)
		want    string // empty: it is kept after all
	}{
		{"a file in its place", func(t *testing.T, s *Store) {
			must(t, os.WriteFile(historyDir(s.path), nil, 0o600))
			s.openHistory()
		}, "DIR/history: the version before could not be kept: it is not a directory"},
		{"a link to elsewhere", func(t *testing.T, s *Store) {
			must(t, os.Symlink(t.TempDir(), historyDir(s.path)))
			s.openHistory()
		}, "DIR/history: the version before could not be kept: it is not a directory"},
		{"removed during the run", func(t *testing.T, s *Store) {
			must(t, s.Keep(entry("d1/db", "id-2")))
			must(t, os.RemoveAll(historyDir(s.path)))
		}, "DIR/history: the version before could not be kept: no such file or directory"},
		{"no second names", func(t *testing.T, s *Store) {
			s.disk = tappedDisk{before: func(call string) error {
				if strings.HasPrefix(call, "link") {
					return &os.LinkError{Op: "link", Err: syscall.EPERM}
				}
				return nil
			}}
		}, ""},
		{"no second names, and full", func(t *testing.T, s *Store) {
			s.disk = tappedDisk{before: func(call string) error {
				if call == "link history" || call == "write history" {
					return &os.PathError{Op: "write", Err: syscall.ENOSPC}
				}
				return nil
			}}
		}, "DIR/history: the version before could not be kept: no space left on device"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, testPath(t))
			must(t, s.Keep(entry("d1/db", "id-1")))
			tt.prepare(t, s)
			must(t, s.Keep(entry("kv/cache", "id-3")))
			got := strings.ReplaceAll(strings.Join(s.Warnings(), "\n"), filepath.Dir(s.path), "DIR")
			if got != tt.want {
				t.Errorf("warnings: %s\nwant: %s", got, tt.want)
			}
			if _, ok := read(t, s.path).Entries[key("kv/cache")]; !ok {
				t.Error("it was not saved")
			}
			if tt.want == "" {
				checkHistory(t, s.path, 1, 1)
			}
			if left := strays(s.path); left != nil {
				t.Errorf("left over: %v", left)
			}
		})
	}
}

func TestReadPast(t *testing.T) {
	path := saved(t)
	dir := filepath.Dir(path)
	p := Past{Path: historyPath(path, 1), Serial: 1, Time: time.Now()}
	if st, err := ReadPast(p); err != nil || st.Serial != 1 {
		t.Errorf("serial %d, %v", st.Serial, err)
	}
	if st, err := ReadBackup(path); err != nil || st.Serial != 1 {
		t.Errorf("backup: serial %d, %v", st.Serial, err)
	}
	p.Serial = 9
	_, err := ReadPast(p)
	text, class := problem(t, err, dir)
	if class != provision.Unusable || text != "DIR/history/state.1.json: it holds serial 1, not the one it is named after\nhint: remove it: rm DIR/history/state.1.json" {
		t.Errorf("class %d, %s", class, text)
	}
	must(t, os.WriteFile(p.Path, []byte("{"), 0o600))
	_, err = ReadPast(p)
	if text, class := problem(t, err, dir); class != provision.Unusable || text != "DIR/history/state.1.json:1:2: it is cut off: the JSON ends too early (byte 1)" {
		t.Errorf("class %d, %s", class, text)
	}
	must(t, os.Remove(backupPath(path)))
	if _, err := ReadBackup(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing backup: %v", err)
	}
}

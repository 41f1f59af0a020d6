package state

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cfboot/cfboot/provision/crashpoint"
)

func init() {
	roles["script"] = script
	roles["many"] = many
	roles["restore"] = func() error {
		r, err := OpenRepair(os.Getenv("STATE_TEST_PATH"), options())
		if err != nil {
			return err
		}
		_, err = r.Restore(r.Newest())
		return errors.Join(err, r.Close())
	}
}

// scripted are the changes that a process makes before and after it is killed.
// Each may be made again after a kill.
func scripted(s *Store) []func() error {
	return []func() error{
		func() error { return s.Begin(intent("d1/db")) },
		func() error { return s.Keep(entry("d1/db", "id-1")) },
		func() error { return s.Begin(intent("kv/cache", "d1/db")) },
		func() error { return s.Keep(entry("kv/cache", "id-2", "d1/db")) },
		func() error { return s.Begin(intent("r2/files")) },
		func() error { return s.Drop(key("r2/files")) },
		func() error { return s.Forget(key("kv/cache")) },
		func() error { return s.Forget(key("d1/db")) },
	}
}

// script makes the changes one by one, and notes each when its call returns.
func script() error {
	s, err := Open(os.Getenv("STATE_TEST_PATH"), options())
	if err != nil {
		return err
	}
	for i, do := range scripted(s) {
		if err := do(); err != nil {
			return err
		}
		if err := os.WriteFile(os.Getenv("STATE_TEST_NOTES"), []byte(strconv.Itoa(i+1)), 0o600); err != nil {
			return err
		}
	}
	return s.Close()
}

// many makes changes from several sides at once, and notes each likewise.
func many() error {
	s, err := Open(os.Getenv("STATE_TEST_PATH"), options())
	if err != nil {
		return err
	}
	notes, err := os.OpenFile(os.Getenv("STATE_TEST_NOTES"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	var sides sync.WaitGroup
	errs := make([]error, 4)
	for side := range errs {
		sides.Go(func() {
			for i := range 3 {
				k := fmt.Sprintf("kv/c-%d-%d", side, i)
				if errs[side] = errors.Join(s.Begin(intent(k)), s.Keep(entry(k, "id"))); errs[side] != nil {
					return
				}
				fmt.Fprintln(notes, k)
			}
		})
	}
	sides.Wait()
	return errors.Join(append(errs, s.Close())...)
}

// crashing is this test binary with crash points.
func crashing(t *testing.T) string {
	t.Helper()
	if crashpoint.Enabled {
		return os.Args[0]
	}
	if testing.Short() {
		t.Skip("builds a binary with crash points")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("needs the go command to build a binary with crash points:", err)
	}
	binary, err := buildCrashing()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// crashingDir is where that is built, once for all tests; TestMain removes it.
var crashingDir string

var buildCrashing = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "crashing")
	if err != nil {
		return "", err
	}
	crashingDir = dir
	binary := filepath.Join(dir, "crashing.exe")
	if out, err := exec.Command("go", "test", "-c", "-tags=crashpoints", "-o", binary, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go test -c: %w\n%s", err, out)
	}
	return binary, nil
})

// points counts the points that a role passes when it is not killed.
func points(t *testing.T, binary, role string) int {
	t.Helper()
	file := filepath.Join(t.TempDir(), "count")
	cmd := again(binary, role, testPath(t), "CFBOOT_CRASH_COUNT="+file, "STATE_TEST_NOTES="+filepath.Join(t.TempDir(), "notes"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(file)
	must(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	must(t, err)
	return n
}

// kill runs a role until the nth point and returns the point's name and the notes.
func kill(t *testing.T, binary, role, path string, n int) (point, notes string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "notes")
	cmd := again(binary, role, path, fmt.Sprintf("CFBOOT_CRASH_AT=%d", n), "STATE_TEST_NOTES="+file)
	out, err := cmd.CombinedOutput()
	point = strings.TrimSpace(string(out))
	if err == nil || !strings.HasPrefix(point, fmt.Sprintf("crashpoint %d: ", n)) {
		t.Fatalf("it was not killed at point %d: %v\n%s", n, err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return point, string(b)
}

// A process that is killed at any point of any save leaves the state before or
// after the change under way, and a later run goes on from there.
func TestKilledAtEveryPoint(t *testing.T) {
	binary := crashing(t)
	type version struct {
		serial int64
		owned  string
	}
	want := []version{{}} // after so many changes
	s := open(t, testPath(t))
	for _, do := range scripted(s) {
		must(t, do())
		st := read(t, s.path)
		want = append(want, version{st.Serial, entriesText(st) + "|" + intentsText(st)})
	}
	want[0].owned = "|"
	n := points(t, binary, "script")
	if n < 7*len(scripted(s)) {
		t.Fatalf("only %d points: some are missing", n)
	}
	seen := map[string]bool{}
	for at := 1; at <= n; at++ {
		path := testPath(t)
		point, notes := kill(t, binary, "script", path, at)
		_, name, _ := strings.Cut(point, ": ")
		seen[name] = true
		done, _ := strconv.Atoi(notes)
		st, _, err := Read(path)
		must(t, err)
		got := version{st.Serial, entriesText(st) + "|" + intentsText(st)}
		if got != want[done] && (done == len(want)-1 || got != want[done+1]) {
			t.Errorf("%s, after %d changes: %v, want %v or the next", point, done, got, want[done])
		}
		if out, err := again(binary, "script", path, "STATE_TEST_NOTES="+filepath.Join(t.TempDir(), "notes")).CombinedOutput(); err != nil {
			t.Errorf("%s: the next run: %v\n%s", point, err, out)
		}
		if st := read(t, path); !st.Empty() || st.Serial != got.serial+int64(len(scripted(s))) {
			t.Errorf("%s: after the next run: serial %d, %s", point, st.Serial, entriesText(st))
		}
		if left := strays(path); left != nil {
			t.Errorf("%s: left over: %v", point, left)
		}
		checkHistory(t, path, 1, got.serial+int64(len(scripted(s)))-1)
		if backup := read(t, backupPath(path)); backup.Serial != got.serial+int64(len(scripted(s)))-1 {
			t.Errorf("%s: the backup has serial %d", point, backup.Serial)
		}
	}
	for _, name := range []string{"state: before a temporary file", "state: temporary file written", "state: temporary file synced",
		"state: backup linked", "state: backup renamed", "state: history linked", "state: renamed", "state: directory synced"} {
		if !seen[name] {
			t.Errorf("it was never killed at %q", name)
		}
	}
	t.Logf("killed at %d points", n)
}

// With changes from several sides, everything whose call had returned is there.
func TestKilledWithManyAtOnce(t *testing.T) {
	binary := crashing(t)
	for at := 1; at <= 40; at += 3 {
		path := testPath(t)
		point, notes := kill(t, binary, "many", path, at)
		st, _, err := Read(path)
		must(t, err)
		for _, k := range strings.Fields(notes) {
			if _, kept := st.Entries[key(k)]; !kept {
				t.Errorf("%s: %s was recorded, and is not there", point, k)
			}
		}
		open(t, path)
	}
}

// A restore that is killed at any point leaves the damaged file or the version
// that was to be put back, and a second one finishes it.
func TestRestoreKilledAtEveryPoint(t *testing.T) {
	binary := crashing(t)
	seen := map[string]bool{}
	for at := 1; !seen["state: restored"]; at++ {
		path := fourSerials(t)
		overwrite(t, path, "broken")
		point, _ := kill(t, binary, "restore", path, at)
		_, name, _ := strings.Cut(point, ": ")
		seen[name] = true
		b, err := os.ReadFile(path)
		must(t, err)
		if name == "state: restored" {
			if got := entriesText(read(t, path)); got != "d1/db=id-3" {
				t.Errorf("%s: %s", point, got)
			}
			continue
		}
		if string(b) != "broken" {
			t.Errorf("%s: the file holds %q", point, b)
		}
		if out, err := again(binary, "restore", path).CombinedOutput(); err != nil {
			t.Errorf("%s: once more: %v\n%s", point, err, out)
		}
		if got := entriesText(read(t, path)); got != "d1/db=id-3" {
			t.Errorf("%s: once more: %s", point, got)
		}
	}
	if !seen["state: damaged file kept"] {
		t.Errorf("it was not killed everywhere: %v", seen)
	}
}

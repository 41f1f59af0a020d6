//go:build unix

package state

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

func TestRefusesWhatIsNoFile(t *testing.T) {
	aside := func(t *testing.T, path string) string { // takes the state away and says where it is
		other := filepath.Join(t.TempDir(), "elsewhere.json")
		must(t, os.Rename(path, other))
		return other
	}
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    string
	}{
		{"directory", func(t *testing.T, path string) { aside(t, path); must(t, os.Mkdir(path, 0o700)) },
			"DIR/state.json: it is a directory, not a file" + fromBackup},
		{"named pipe", func(t *testing.T, path string) { aside(t, path); must(t, syscall.Mkfifo(path, 0o600)) },
			"DIR/state.json: it is a named pipe, not a file" + fromBackup},
		{"socket", func(t *testing.T, path string) {
			aside(t, path)
			t.Chdir(filepath.Dir(path)) // a socket's path must be short
			l, err := net.Listen("unix", filepath.Base(path))
			must(t, err)
			t.Cleanup(func() { l.Close() })
		}, "DIR/state.json: it is a socket, not a file" + fromBackup},
		{"too large", func(t *testing.T, path string) { must(t, os.Truncate(path, maxSize+1)) },
			"DIR/state.json: it is larger than 64 MiB, which no state is" + fromBackup},
		{"link to outside", func(t *testing.T, path string) { must(t, os.Symlink(aside(t, path), path)) },
			"DIR/state.json: it is a symbolic link that leads out of its directory\n" +
				"hint: put what it leads to in its place, or, if you did not make the link, find out who did"},
		{"link up and out", func(t *testing.T, path string) {
			must(t, os.Rename(path, filepath.Join(filepath.Dir(path), "..", "s.json")))
			must(t, os.Symlink("../s.json", path))
		}, "DIR/state.json: it is a symbolic link that leads out of its directory\n" +
			"hint: put what it leads to in its place, or, if you did not make the link, find out who did"},
		{"link to a device", func(t *testing.T, path string) { aside(t, path); must(t, os.Symlink("/dev/zero", path)) },
			"DIR/state.json: it is a symbolic link that leads out of its directory\n" +
				"hint: put what it leads to in its place, or, if you did not make the link, find out who did"},
		{"link to nowhere", func(t *testing.T, path string) { aside(t, path); must(t, os.Symlink("gone.json", path)) },
			"DIR/state.json: it is a symbolic link that leads nowhere\n" +
				"hint: put what it should lead to in its place; the link was: DIR/state.json -> gone.json"},
		{"link to itself", func(t *testing.T, path string) { aside(t, path); must(t, os.Symlink("state.json", path)) },
			"DIR/state.json: it is a symbolic link that leads nowhere\n" +
				"hint: put what it should lead to in its place; the link was: DIR/state.json -> state.json"},
		{"world-writable", func(t *testing.T, path string) { must(t, os.Chmod(path, 0o666)) },
			"DIR/state.json: anybody on this machine could have changed it (mode 0666)\n" +
				"hint: look whether it is as it should be, then: chmod 600 DIR/state.json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := saved(t)
			tt.prepare(t, path)
			within10s(t, func() { checkRefused(t, path, tt.want) })
		})
	}
}

// within10s fails where f blocks, as it would on a pipe that nobody writes to.
func within10s(t *testing.T, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("it blocks")
	}
}

func TestRefusesForeignOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	path := saved(t)
	must(t, os.Chown(path, 4242, -1))
	checkRefused(t, path, "DIR/state.json: it belongs to another user (uid 4242, and this is uid 0)\n"+
		"hint: run as that user; or, if the content is yours: sudo chown 0 DIR/state.json")
}

func TestRefusesUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read everything")
	}
	path := saved(t)
	must(t, os.Chmod(path, 0))
	checkRefused(t, path, "DIR/state.json: it cannot be read: permission denied\nhint: make it readable for you: chmod 600 DIR/state.json")
}

func TestDirectoryLinks(t *testing.T) {
	project, outside := t.TempDir(), t.TempDir()
	must(t, os.Mkdir(filepath.Join(project, "real"), 0o700))
	dir := filepath.Join(project, ".cfboot")
	tests := []struct{ name, to, want string }{
		{"beside it", "real", ""},
		{"outside", outside, "PROJECT/.cfboot: it is a symbolic link that leads out of its directory"},
		{"nowhere", "gone", "PROJECT/.cfboot: it is a symbolic link that leads nowhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			must(t, os.Symlink(tt.to, dir))
			defer os.Remove(dir)
			s, err := Open(Path(dir, ""), options())
			if err == nil {
				must(t, s.Close())
			}
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), project, "PROJECT")
			}
			if got != tt.want {
				t.Errorf("Open = %q, want %q", got, tt.want)
			}
		})
	}
	if got := names(t, outside); got != nil {
		t.Errorf("outside there is now %v", got)
	}
	must(t, os.WriteFile(dir, nil, 0o600))
	_, _, err := Read(Path(dir, ""))
	if text, class := problem(t, err, project); class != provision.Unusable ||
		text != "DIR/.cfboot: it is not a directory\nhint: move it aside: mv DIR/.cfboot DIR/.cfboot.old" {
		t.Errorf("a file in place of the directory: class %d, %s", class, text)
	}
}

// A link within the directory is followed, and stays a link.
func TestFollowsLinkInside(t *testing.T) {
	path := saved(t)
	kept := filepath.Join(filepath.Dir(path), "kept.json")
	must(t, os.Rename(path, kept))
	must(t, os.Symlink("kept.json", path))
	s := open(t, path)
	must(t, s.Keep(entry("kv/cache", "id-2")))
	if to, err := os.Readlink(path); err != nil || to != "kept.json" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	for _, p := range []string{path, kept} {
		if st := read(t, p); len(st.Entries) != 2 {
			t.Errorf("%s has %s", filepath.Base(p), entriesText(st))
		}
	}
	if _, err := Open(kept, options()); err == nil {
		t.Error("the same state was opened twice, under two names")
	}
}

func TestAccessOfOthers(t *testing.T) {
	path := saved(t)
	dir := filepath.Dir(path)
	must(t, os.Chmod(path, 0o644))
	must(t, os.Chmod(dir, 0o777))
	s := open(t, path)
	var got []string
	for _, w := range s.Warnings() {
		got = append(got, strings.ReplaceAll(w, dir, "DIR"))
	}
	want := []string{
		"DIR/state.json: others on this machine have access to it (mode 0644); the next save makes it 0600",
		"DIR: anybody on this machine can replace what is in it (mode 0777): chmod 700 DIR",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	must(t, s.Keep(entry("kv/cache", "id-2")))
	for _, p := range []string{path, backupPath(path)} {
		info, err := os.Stat(p)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("after a save %s has mode %04o", filepath.Base(p), info.Mode().Perm())
		}
	}
	if st := read(t, backupPath(path)); st.Serial != 2 {
		t.Errorf("the backup has serial %d, want 2", st.Serial)
	}
}

// The commands that hints tell people to run do what the hints say.
func TestHintRestores(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's a project $HOME", ".cfboot")
	path := Path(dir, "")
	s := open(t, path)
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, s.Keep(entry("kv/cache", "id-2")))
	must(t, s.Close())
	must(t, os.WriteFile(path, []byte("{"), 0o600))
	_, _, err := Read(path)
	text, _ := problem(t, err, "")
	_, command, ok := strings.Cut(text, "serial 1: ")
	if !ok {
		t.Fatal(text)
	}
	command, _, _ = strings.Cut(command, "\nhint: ")
	shell(t, command)
	if st := read(t, path); entriesText(st) != "d1/db=id-1" {
		t.Errorf("restored: %s", entriesText(st))
	}
	open(t, path)
}

func shell(t *testing.T, command string) {
	t.Helper()
	p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", command}, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stderr}})
	if err != nil {
		t.Skip("needs a shell:", err)
	}
	if st, err := p.Wait(); err != nil || !st.Success() {
		t.Fatalf("%s: %v, %v", command, st, err)
	}
}

func TestRefusesReadOnlyDirectory(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can write everywhere; TestFaults has a read-only disk")
	}
	path := saved(t)
	must(t, os.Remove(lockPath(path)))
	must(t, os.Chmod(filepath.Dir(path), 0o500))
	t.Cleanup(func() { os.Chmod(filepath.Dir(path), 0o700) })
	read(t, path) // looking needs no writing
	_, err := Open(path, options())
	text, class := problem(t, err, filepath.Dir(path))
	if class != provision.Failed || text != "DIR/state.json.lock: the lock cannot be taken: permission denied\nhint: make it and its directory writable for you" {
		t.Errorf("class %d, %s", class, text)
	}
}

func TestStraysAreCleared(t *testing.T) {
	path := saved(t)
	dir := filepath.Dir(path)
	want := append(names(t, dir), ".state.json.old.tmp", "notes.tmp")
	for _, name := range []string{".state.json.77.tmp", ".state.json.77.first.tmp", ".state.json.78.backup.tmp",
		".state.json." + strconv.Itoa(os.Getpid()) + ".probe.tmp", ".state.json.old.tmp", "notes.tmp"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("{"), 0o600))
	}
	read(t, path)
	s := open(t, path)
	if got := s.Warnings(); got != nil {
		t.Errorf("warnings: %v", got)
	}
	has := map[string]bool{}
	for _, n := range names(t, dir) {
		has[n] = true
	}
	for _, n := range want {
		if !has[n] {
			t.Errorf("%s is gone", n)
		}
		delete(has, n)
	}
	for n := range has {
		t.Errorf("%s is still there", n)
	}
}

// 5,000 entries must be read in a second (BenchmarkRead measures it). Here the
// limit is wide, for the race detector, and on processor time, for machines
// that do other things too: it finds what grows with the square.
func TestReads5000InTime(t *testing.T) {
	s := filled(t, 5000)
	begin := processorTime(t)
	st := read(t, s.path)
	if took := processorTime(t) - begin; took > 5*time.Second || len(st.Entries) != 5000 {
		t.Errorf("%d entries were read in %v", len(st.Entries), took)
	}
}

func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

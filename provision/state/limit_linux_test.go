package state

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cfboot/cfboot/provision"
)

// The same on a disk that is really full.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("needs the right to mount a small file system:", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	path := Path(filepath.Join(dir, ".cfboot"), "")
	s := open(t, path)
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, s.Preflight())
	ballast := filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	must(t, err)
	for err = nil; err == nil; {
		_, err = f.Write(make([]byte, 4096))
	}
	must(t, f.Close())
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	text, class := problem(t, s.Preflight(), dir)
	if class != provision.Failed || !strings.HasSuffix(text, "no space left on device\nhint: make room on the disk that holds DIR/.cfboot") {
		t.Errorf("Preflight: class %d, %s", class, text)
	}
	text, class = problem(t, s.Keep(entry("kv/cache", "id-2")), dir)
	if class != provision.Partial || !strings.HasPrefix(text, "DIR/.cfboot/state.json: it could not be saved: no space left on device\nhint: make room") {
		t.Errorf("Keep: class %d, %s", class, text)
	}
	if got := entriesText(read(t, path)); got != "d1/db=id-1" {
		t.Errorf("on the full disk: %s", got)
	}
	must(t, os.Remove(ballast))
	must(t, s.Keep(entry("r2/files", "id-3")))
	if got := entriesText(read(t, path)); got != "d1/db=id-1 kv/cache=id-2 r2/files=id-3" {
		t.Errorf("with room again: %s", got)
	}
}

// A file system mounted read-only refuses even root, and before anything is made.
func TestReadOnlyFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("needs the right to mount a small file system:", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	path := Path(filepath.Join(dir, ".cfboot"), "")
	s := open(t, path)
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, s.Close())
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	if got := entriesText(read(t, path)); got != "d1/db=id-1" {
		t.Errorf("reading: %s", got)
	}
	_, err := Open(path, options())
	text, class := problem(t, err, dir)
	if class != provision.Failed || text != "DIR/.cfboot/state.json.lock: the lock cannot be taken: read-only file system\n"+
		"hint: make it and its directory writable for you" {
		t.Errorf("class %d, %s", class, text)
	}
}

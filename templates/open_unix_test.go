//go:build unix

package templates

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOpenRefusesPipes(t *testing.T) {
	dir := folder(t, nil)
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "pipe: it is neither a file nor a folder") {
		t.Error(err)
	}
}

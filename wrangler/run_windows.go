package wrangler

import (
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// executable is the wrangler in a folder, or empty.
func executable(dir string) string {
	for _, name := range []string{"wrangler.cmd", "wrangler.exe"} {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	return ""
}

// inGroup leaves a command as it is: once its context ends it is ended, for there
// is no asking a process on Windows.
func inGroup(*exec.Cmd, time.Duration) (stop func()) { return func() {} }

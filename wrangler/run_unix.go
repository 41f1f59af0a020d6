//go:build unix

package wrangler

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// executable is the wrangler in a folder, or empty.
func executable(dir string) string {
	path := filepath.Join(dir, "wrangler")
	if info, err := os.Stat(path); err != nil || info.IsDir() || info.Mode()&0o111 == 0 {
		return ""
	}
	return path
}

// inGroup gives a command a process group of its own, for wrangler is a process
// that runs another. Once its context ends the group is asked to end, and after
// the grace it is ended. stop is called when it has.
func inGroup(cmd *exec.Cmd, grace time.Duration) (stop func()) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	done := make(chan struct{})
	cmd.Cancel = func() error {
		go func() {
			timer := time.NewTimer(grace)
			defer timer.Stop()
			select {
			case <-done:
			case <-timer.C:
				_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			}
		}()
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	}
	return func() { close(done) }
}

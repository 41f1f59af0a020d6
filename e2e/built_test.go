package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// builds are the binaries that tests run, made once for all of them: linking one
// takes seconds.
var builds struct {
	sync.Mutex
	dir  string
	made map[string]func() error
}

// build makes the binary that a test runs.
func build(t *testing.T) string { return built(t, "cfboot") }

// killable is the binary that can be told to kill itself at a point on its way.
func killable(t *testing.T) string { return built(t, "cfboot-killable", "-tags", "crashpoints") }

func built(t *testing.T, name string, flags ...string) string {
	t.Helper()
	builds.Lock()
	if builds.made == nil {
		dir, err := os.MkdirTemp("", "cfboot-e2e-")
		if err != nil {
			builds.Unlock()
			t.Fatal(err)
		}
		builds.dir, builds.made = dir, map[string]func() error{}
	}
	bin := filepath.Join(builds.dir, name)
	if builds.made[name] == nil {
		builds.made[name] = sync.OnceValue(func() error {
			args := append(append([]string{"build"}, flags...), "-o", bin, "../cmd/cfboot")
			if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
				return fmt.Errorf("%w\n%s", err, out)
			}
			return nil
		})
	}
	make := builds.made[name]
	builds.Unlock()
	if err := make(); err != nil {
		t.Fatal(err)
	}
	return bin
}

// cleared takes the binaries away after all tests.
type cleared struct{ *testing.M }

func (c cleared) Run() int {
	code := c.M.Run()
	builds.Lock()
	defer builds.Unlock()
	if builds.dir != "" {
		_ = os.RemoveAll(builds.dir)
	}
	return code
}

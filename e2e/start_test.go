package e2e

import (
	"os/exec"
	"testing"
	"time"
)

var now = time.Now

// TestStart: a command that asks nothing answers at once. The best of up to
// two hundred counts, because a busy machine says nothing about the program.
func TestStart(t *testing.T) {
	bin := build(t)
	best := time.Hour
	for range 200 {
		began := time.Now()
		if err := exec.Command(bin, "version").Run(); err != nil {
			t.Fatal(err)
		}
		if best = min(best, time.Since(began)); best <= 10*time.Millisecond {
			break
		}
	}
	t.Logf("cfboot version takes %s", best)
	if best > 10*time.Millisecond {
		t.Errorf("cfboot version takes %s, want at most 10 ms", best)
	}
}

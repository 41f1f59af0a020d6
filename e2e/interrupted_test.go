package e2e

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/cfboot/cfboot/provision/emulator"
)

// TestInterrupted: at the first Ctrl-C what is under way is finished and
// recorded, nothing new is begun, and the same command goes on.
func TestInterrupted(t *testing.T) {
	bin := build(t)
	s := newStage(t, bin)
	var once sync.Once
	s.server.OnRequest(func(r emulator.Request, at string) {
		// After the first creates, before what waits for them.
		if at == "after" && r.Method == "POST" {
			once.Do(func() {
				s.mu.Lock()
				p := s.process
				s.mu.Unlock()
				if err := p.Signal(os.Interrupt); err != nil {
					t.Error(err)
				}
			})
		}
	})
	code, out := s.run(t, nil, s.newArgs()...)
	if code != 130 || !strings.Contains(out, "run the same command again to finish") {
		t.Errorf("exit %d, want 130:\n%s", code, out)
	}
	begun := s.exist()["consumer"] + s.exist()["route"]
	s.server.OnRequest(nil)
	if begun == 2 {
		t.Errorf("everything was made all the same: %v", s.exist())
	}
	s.must(t, s.newArgs()...)
	if code, out := s.run(t, nil, s.in("plan", "--exit-code")...); code != 0 {
		t.Errorf("plan: exit %d\n%s", code, out)
	}
	s.must(t, s.in("destroy", "--yes")...)
	s.gone(t)
}

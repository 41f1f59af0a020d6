//go:build !windows

package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision/emulator"
)

// TestToldToWait: a wait is told with its end; one that is too long ends the run,
// which says when to run it again and is then finished by the same command.
func TestToldToWait(t *testing.T) {
	s := newStage(t, build(t))
	s.server.Fail(emulator.Failure{Method: "POST", Path: "d1/database", Status: 429, RetryAfter: "6"})
	out := s.must(t, s.newArgs()...)
	if n := len(regexp.MustCompile(`(?m)^Cloudflare asks to wait: going on at \d\d:\d\d:\d\d \S+, in 6s$`).FindAllString(out, -1)); n != 1 {
		t.Errorf("told %d times:\n%s", n, out)
	}
	s.must(t, s.in("destroy", "--yes")...)
	for _, method := range []string{"GET", "POST"} {
		s := newStage(t, s.bin)
		s.server.Fail(emulator.Failure{Method: method, Path: "d1/database", Status: 429, RetryAfter: "1800"})
		began := time.Now()
		code, out := s.run(t, nil, s.newArgs()...)
		if code != 4 || time.Since(began) > 5*time.Second || !strings.Contains(out, "run the same command again at ") || !strings.Contains(out, "(in 30m0s)") {
			t.Errorf("%s: exit %d after %s, want 4:\n%s", method, code, time.Since(began), out)
		}
		s.resumes(t, s.newArgs()...)
	}
}

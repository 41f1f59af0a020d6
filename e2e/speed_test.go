package e2e

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision/emulator"
)

// TestSpeed measures whole runs of the real binary, process start and every save
// of the state included, at the latency that Cloudflare's API has for most. The
// bounds are in latencies, so that they hold the number of round trips: 1 to see
// that nothing is to be done, 4 from nothing (one more where the account has to
// be found), 3 for destroy. It is run
// on its own (make speed), because a busy machine adds to every number.
func TestSpeed(t *testing.T) {
	if os.Getenv("CFBOOT_SPEED") == "" {
		t.Skip("measured on its own, on a quiet machine: make speed")
	}
	bin := build(t)
	const latency = 150 * time.Millisecond
	t.Logf("%-28s %10s %10s", "saas pattern", "L = 150 ms", "L = 0")
	slow, quick := timed(t, bin, latency), timed(t, bin, 0)
	for i, m := range slow {
		t.Logf("%-28s %10s %10s", m.name, m.took.Round(time.Millisecond), quick[i].took.Round(time.Millisecond))
		if limit := time.Duration(m.most * float64(latency)); m.took > limit {
			t.Errorf("%s takes %s at L = %s, want at most %.1f L = %s", m.name, m.took, latency, m.most, limit)
		}
	}
}

type measured struct {
	name string
	most float64 // in latencies
	took time.Duration
}

// timed gives the median of five lives of a project.
func timed(t *testing.T, bin string, latency time.Duration) []measured {
	t.Helper()
	runs := []measured{{name: "new, from nothing", most: 4.6}, {name: "plan, nothing to do", most: 1.4}, {name: "apply, nothing to do", most: 1.4}, {name: "destroy", most: 3.4}}
	times := make([][]time.Duration, len(runs))
	for range 5 {
		s := newStage(t, bin)
		s.server.SetLatency(latency)
		for i, args := range [][]string{s.newArgs(), s.in("plan", "--exit-code"), s.in("apply", "--yes"), s.in("destroy", "--yes")} {
			began := time.Now()
			if code, out := s.run(t, []string{"CLOUDFLARE_ACCOUNT_ID=" + testAccount}, args...); code != 0 {
				t.Fatalf("%v: exit %d\n%s", args, code, out)
			}
			times[i] = append(times[i], time.Since(began))
		}
		if n := emulator.Rounds(s.server.Requests()); latency > 0 && n > 4+1+1+3 {
			t.Errorf("%d rounds in all", n)
		}
	}
	for i := range runs {
		slices.Sort(times[i])
		runs[i].took = times[i][len(times[i])/2]
	}
	return runs
}

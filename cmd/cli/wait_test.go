package cli

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"
)

// waiter is a run that shows a wait of so long.
func waiter(t *testing.T, env Env, said *bytes.Buffer, long time.Duration, meanwhile func(*app)) string {
	t.Helper()
	a := &app{Env: env, out: &outlet{to: env.Stdout}, err: &outlet{to: said}}
	a.Stderr = a.err
	var end context.CancelFunc
	a.stopping, end = context.WithCancel(context.Background())
	a.wait(time.Now().Add(long))
	meanwhile(a)
	end()
	a.waits.Wait()
	return said.String()
}

func TestCountdown(t *testing.T) {
	env, _, said := rehearsal(t, strings.NewReader(""))
	text := waiter(t, env, said, 3200*time.Millisecond, func(a *app) {
		time.Sleep(1500 * time.Millisecond)
		a.view().Notice("a step is done")
		time.Sleep(2 * time.Second)
	})
	lines := strings.Split(text, above)
	if n := len(lines); n < 4 || lines[n-1] != "" || strings.Count(text, "\n") != 1 {
		t.Errorf("%q", text)
	}
	if !regexp.MustCompile(`^Cloudflare asks to wait: going on at \d\d:\d\d:\d\d \S+, in 3s$`).MatchString(lines[0]) {
		t.Errorf("%q", lines[0])
	}
	if !strings.Contains(text, above+"a step is done\n") {
		t.Errorf("the countdown stands in another line: %q", text)
	}
}

func TestWaitInLog(t *testing.T) {
	env, _, said := rehearsal(t, strings.NewReader(""))
	env.Terminal = false
	text := waiter(t, env, said, time.Minute, func(*app) { time.Sleep(1200 * time.Millisecond) })
	if !regexp.MustCompile(`^Cloudflare asks to wait: going on at \S+ \S+, in 1m0s\n$`).MatchString(text) {
		t.Errorf("%q", text)
	}
}

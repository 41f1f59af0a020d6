package cli

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// rehearsal is a world in which a person sits at a terminal and rehearses.
func rehearsal(t *testing.T, stdin io.Reader) (Env, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	var out, err bytes.Buffer
	return Env{Dir: t.TempDir(), Stdin: stdin, Stdout: &out, Stderr: &err, Now: time.Now, Terminal: true, Version: "test",
		Getenv: func(name string) string { return map[string]string{"CFBOOT_OFFLINE": "1"}[name] }}, &out, &err
}

// prompted closes asked when the question is written.
type prompted struct {
	io.Writer
	asked chan struct{}
}

func (p *prompted) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("[y/N]")) {
		close(p.asked)
	}
	return p.Writer.Write(b)
}

func TestConsent(t *testing.T) {
	for answer, want := range map[string]int{"y\n": exitDone, "YES\n": exitDone, "n\n": exitRefused, "\n": exitRefused, "y": exitRefused, "": exitRefused} {
		t.Run(answer, func(t *testing.T) {
			env, out, said := rehearsal(t, strings.NewReader(answer))
			if got := Main(env, []string{"new", "shop", "--pattern", "saas"}); got != want {
				t.Errorf("exit %d, want %d\n%s%s", got, want, out, said)
			}
		})
	}
}

// A signal ends the waiting for a person's answer.
func TestConsentInterrupted(t *testing.T) {
	nobody, _ := io.Pipe()
	env, _, said := rehearsal(t, nobody)
	signals := make(chan os.Signal, 1)
	asking := &prompted{Writer: said, asked: make(chan struct{})}
	letGo := make(chan struct{})
	env.Stderr, env.Signals, env.LetGo = asking, signals, func() { close(letGo) }
	go func() { <-asking.asked; signals <- os.Interrupt }()
	if got := Main(env, []string{"new", "shop", "--pattern", "saas"}); got != exitInterrupted {
		t.Errorf("exit %d\n%s", got, said)
	}
	select {
	case <-letGo:
	case <-time.After(5 * time.Second):
		t.Error("the signals were not given back")
	}
	if _, err := os.Stat(filepath.Join(env.Dir, "shop", ".cfboot", "offline", "state.json")); !os.IsNotExist(err) {
		t.Errorf("something was made: %v", err)
	}
}

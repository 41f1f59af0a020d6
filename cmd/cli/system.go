package cli

import (
	"os"
	"os/signal"
	"time"

	"golang.org/x/term"
)

// System is the world of a program that was started from a shell.
func System(version string) Env {
	dir, err := os.Getwd()
	if err != nil {
		dir = "."
	}
	signals := make(chan os.Signal, 2)
	for _, s := range stopSignals {
		if !signal.Ignored(s) { // nohup
			signal.Notify(signals, s)
		}
	}
	if len(writeSignals) > 0 { // none at all would mean every signal
		signal.Notify(make(chan os.Signal, 1), writeSignals...)
	}
	isTerminal := func(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
	return Env{
		Dir: dir, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Now: time.Now,
		Terminal: isTerminal(os.Stdin) && isTerminal(os.Stderr),
		Color:    isTerminal(os.Stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb",
		Signals:  signals, LetGo: func() { signal.Stop(signals) }, Version: version,
	}
}

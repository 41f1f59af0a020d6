package github

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// maxSummary is how many bytes GitHub shows of one step's summary.
const maxSummary = 1 << 20

// A Step is the workflow's step that cfboot runs in: the files it answers into, and
// the log, in which lines may be commands to the runner.
type Step struct {
	Getenv func(string) string
	Log    io.Writer
}

// Inside reports whether there is a runner that reads the log.
func (s Step) Inside() bool { return s.Getenv("GITHUB_ACTIONS") == "true" }

// Output sets one of the step's outputs. The value may be any text: what ends it is
// drawn by lot each time, so that no value can end itself and set another.
func (s Step) Output(name, value string) error {
	path := s.Getenv("GITHUB_OUTPUT")
	if path == "" {
		return nil
	}
	var lot [16]byte
	if _, err := rand.Read(lot[:]); err != nil {
		return err
	}
	end := "cfboot_" + hex.EncodeToString(lot[:])
	return s.add("GITHUB_OUTPUT", path, fmt.Sprintf("%s<<%s\n%s\n%s\n", name, end, value, end))
}

// Summary adds Markdown to what the run's page shows of the step.
func (s Step) Summary(markdown string) error {
	path := s.Getenv("GITHUB_STEP_SUMMARY")
	if path == "" {
		return nil
	}
	room := maxSummary
	if info, err := os.Stat(path); err == nil {
		room -= int(info.Size())
	}
	if room < 1024 { // other commands of the step have filled it
		return nil
	}
	// A character has at most three bytes per unit that fit counts.
	if len(markdown) > room-1 {
		markdown = fit(markdown, "", room/3-1)
	}
	return s.add("GITHUB_STEP_SUMMARY", path, markdown+"\n")
}

func (s Step) add(variable, path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = io.WriteString(f, text)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}
	if err != nil {
		return &provision.Problem{At: variable, Text: "the step's answer cannot be written", Err: err,
			Hints: []string{"in a workflow the runner makes the file; elsewhere leave the variable out"}}
	}
	return nil
}

// Hide has the runner replace a secret in everything that is printed from here
// on. It does nothing where no runner reads the log: there the line would show it.
func (s Step) Hide(secret string) {
	if secret == "" || !s.Inside() {
		return
	}
	// The runner takes line by line; a secret of several has each hidden.
	for line := range strings.SplitSeq(secret, "\n") {
		if line = strings.TrimRight(line, "\r"); line != "" {
			fmt.Fprintf(s.Log, "::add-mask::%s\n", data(line))
		}
	}
}

// Notice, Warning and Error show a text on the run's page.
func (s Step) Notice(text string) { s.say("notice", text) }

// Warning is Notice for what somebody should look at.
func (s Step) Warning(text string) { s.say("warning", text) }

// Error is Notice for what went wrong.
func (s Step) Error(text string) { s.say("error", text) }

func (s Step) say(kind, text string) {
	if s.Inside() {
		fmt.Fprintf(s.Log, "::%s title=cfboot::%s\n", kind, data(text))
		return
	}
	fmt.Fprintf(s.Log, "%s: %s\n", kind, text)
}

// data writes a text so that it stays one command's, whatever is in it.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// RunURL is the address of the workflow's run, if there is one.
func (s Step) RunURL() string {
	server, repository, run := s.Getenv("GITHUB_SERVER_URL"), s.Getenv("GITHUB_REPOSITORY"), s.Getenv("GITHUB_RUN_ID")
	if server == "" || repository == "" || run == "" {
		return ""
	}
	return server + "/" + repository + "/actions/runs/" + run
}

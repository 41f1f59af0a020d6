// Package view turns plans, steps and states into text for people and JSON for
// programs.
//
// The rules of the terminal: what was asked for goes to standard output,
// everything else (progress, notices, errors, questions) to standard error.
// With JSON, standard output is exactly one document. Lines begin in lower case
// and end without a full stop, except whole sentences of a summary. Colour is
// for terminals only, and carries nothing that the symbols do not. Whatever
// came from Cloudflare or a file is cleaned of control characters first, so
// that a name cannot move the cursor or forge a line.
package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// A View prints one command's run.
type View struct {
	Out, Err io.Writer
	JSON     bool // Out gets one JSON document and Err only what a person must see
	Color    bool
}

// Document is what a command answers with --json. Fields that a command has
// nothing to say for are left out.
type Document struct {
	Command     string            `json:"command"`
	OK          bool              `json:"ok"`
	Exit        int               `json:"exit"`
	Offline     bool              `json:"offline,omitempty"`
	Project     string            `json:"project,omitempty"`
	Environment string            `json:"environment,omitempty"`
	Account     string            `json:"account,omitempty"`
	Directory   string            `json:"directory,omitempty"`
	Plan        *PlanDocument     `json:"plan,omitempty"`
	Result      *ResultSummary    `json:"result,omitempty"`
	Resources   []Owned           `json:"resources,omitempty"`
	Adopted     []Adopted         `json:"adopted,omitempty"`
	Left        []Left            `json:"left,omitempty"`
	State       *StateDocument    `json:"state,omitempty"`
	StateInit   *StateInit        `json:"state_init,omitempty"`
	StateMoved  []StateMoved      `json:"state_moved,omitempty"`
	Rendered    *Rendered         `json:"rendered,omitempty"`
	Checks      []Check           `json:"checks,omitempty"`
	Secrets     []Secret          `json:"secrets,omitempty"`
	Put         []string          `json:"put,omitempty"` // names of the secrets that were put on Workers
	Preview     *Preview          `json:"preview,omitempty"`
	Previews    *[]PreviewListed  `json:"previews,omitempty"`
	Sweep       *Sweep            `json:"sweep,omitempty"`
	Patterns    []Named           `json:"patterns,omitempty"`
	Options     []Named           `json:"options,omitempty"`
	Pattern     *PatternDocument  `json:"pattern,omitempty"`
	Files       []File            `json:"files,omitempty"`
	Next        []string          `json:"next,omitempty"`
	Version     string            `json:"version,omitempty"`
	Settings    map[string]string `json:"settings,omitempty"` // environment variables for other tools
	Error       *ErrorDocument    `json:"error,omitempty"`
}

// PlanDocument is a plan with its sums.
type PlanDocument struct {
	provision.Plan
	Summary  map[string]int `json:"summary"`
	Calls    int            `json:"calls"`
	Consents []string       `json:"consents,omitempty"`
	Confirm  int            `json:"confirm_delete,omitempty"` // how many deletions have to be confirmed
	NoBackup []string       `json:"no_backup,omitempty"`      // the keys of what would be lost and is not saved before
}

// ResultSummary is how far a plan was carried out.
type ResultSummary struct {
	Done    int      `json:"done"`
	Failed  int      `json:"failed"`
	Skipped int      `json:"skipped"`
	Calls   int      `json:"calls"`
	Millis  int64    `json:"milliseconds"`
	Steps   []OneRun `json:"steps"`
}

// OneRun is one finished step.
type OneRun struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Part   string `json:"part"`
	Millis int64  `json:"milliseconds"`
	Backup string `json:"backup,omitempty"` // where what it held is
	Error  string `json:"error,omitempty"`
}

// Owned is one resource of ours.
type Owned struct {
	Key  string `json:"key"`
	Name string `json:"name"`
	ID   string `json:"id"`
	Zone string `json:"zone,omitempty"`
	Link string `json:"link,omitempty"`
	// Adopted says that it was there before it was taken over.
	Adopted bool `json:"adopted,omitempty"`
	// Protected says that it is neither deleted nor replaced.
	Protected bool `json:"protected,omitempty"`
}

// File is one that a command writes, and what became of it: "written", "unchanged",
// "different" where it was left as it is, "left out" where another one was different.
type File struct {
	Path   string `json:"path"`
	Status string `json:"status"`
}

// Rendered says what became of wrangler.jsonc.
type Rendered struct {
	File    string `json:"file"`
	Changed bool   `json:"changed"`
}

// ErrorDocument is an error for programs.
type ErrorDocument struct {
	Text  string   `json:"text"`
	Hints []string `json:"hints,omitempty"`
	Class string   `json:"class"`
}

// Document prints d as the one JSON document.
func (v View) Document(d Document) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return err
	}
	_, err := v.Out.Write(document(b.Bytes()))
	return err
}

// Notice tells people something on standard error.
func (v View) Notice(format string, args ...any) {
	fmt.Fprintln(v.Err, Clean(fmt.Sprintf(format, args...)))
}

// Print writes a line of the answer, for people.
func (v View) Print(format string, args ...any) {
	if !v.JSON {
		fmt.Fprintln(v.Out, Clean(fmt.Sprintf(format, args...)))
	}
}

// Failure prints an error with its hints. The class word is for the JSON form.
func (v View) Failure(err error) {
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintln(v.Err, v.paint("31", "error: ")+Clean(line))
	}
	for _, h := range Hints(err) {
		fmt.Fprintln(v.Err, "hint: "+Clean(h))
	}
}

// Hints collects the hints of every problem in err, each once.
func Hints(err error) []string {
	var out []string
	seen := map[string]bool{}
	var walk func(error)
	walk = func(e error) {
		if p := (*provision.Problem)(nil); errors.As(e, &p) && e == error(p) {
			for _, h := range p.Hints {
				if !seen[h] {
					seen[h] = true
					out = append(out, h)
				}
			}
		}
		switch u := e.(type) {
		case interface{ Unwrap() error }:
			if inner := u.Unwrap(); inner != nil {
				walk(inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range u.Unwrap() {
				walk(inner)
			}
		}
	}
	walk(err)
	return out
}

func (v View) paint(code, s string) string {
	if !v.Color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

var colours = map[provision.Action]string{
	provision.Create: "32", provision.Update: "33", provision.Replace: "31", provision.Delete: "31", provision.Adopt: "36", provision.Release: "36",
}

// Event prints the line of a finished step, with its time.
func (v View) Event(e provision.Event) {
	took := Took(e.Took)
	if e.Kept != "" {
		defer fmt.Fprintf(v.Err, "      backed up: %s\n", Clean(e.Kept))
	}
	if e.Err != nil {
		fmt.Fprintf(v.Err, "  %s %-22s %-34s failed after %s\n", v.paint("31", "!"), e.Step.Key, Line(e.Step.Name), took)
		return
	}
	fmt.Fprintf(v.Err, "  %s %-22s %-34s %s in %s\n", v.paint(colours[e.Step.Action], e.Step.Action.Symbol()), e.Step.Key, Line(e.Step.Name), e.Part, took)
}

// Took writes a duration the way people read it.
func Took(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

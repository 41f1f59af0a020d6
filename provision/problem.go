package provision

import "strings"

// Class sorts problems by what the caller should do next; each is one exit code.
type Class int

// The classes a caller decides on.
const (
	Failed      Class = iota // it did not work; the state is consistent
	Refused                  // a guard said no: consent or another input is needed
	Partial                  // some of it was done; running again resumes
	Unusable                 // the state cannot be used
	Locked                   // another run holds the state
	Interrupted              // stopped by a signal; running again resumes
)

// A Problem is an error that a person can act on: where it is, what is wrong,
// what to try.
type Problem struct {
	At    string // the place: "d1/db", "cfboot.jsonc:12:5", ".cfboot/state.json"
	Text  string
	Hints []string // each something to try, with a command where there is one
	Class Class
	Err   error // the cause, if any; its text is part of Error
}

// Error gives place, text and cause in one line. Hints are the printer's.
func (p *Problem) Error() string {
	var b strings.Builder
	for _, part := range []string{p.At, p.Text} {
		if part != "" {
			if b.Len() > 0 {
				b.WriteString(": ")
			}
			b.WriteString(part)
		}
	}
	if p.Err != nil {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(p.Err.Error())
	}
	return b.String()
}

func (p *Problem) Unwrap() error { return p.Err }

package view

import (
	"encoding/json"
	"fmt"
	"time"
)

// StateDocument is what the state commands answer.
type StateDocument struct {
	File    string          `json:"file"`
	Lineage string          `json:"lineage,omitempty"`
	Serial  int64           `json:"serial,omitempty"`
	Entry   json.RawMessage `json:"entry,omitempty"`  // as it stands in the file
	Intent  json.RawMessage `json:"intent,omitempty"` // likewise
	Intents []Begun         `json:"intents,omitempty"`
	// Forgotten is what is no longer known; it exists all the same.
	Forgotten *Owned      `json:"forgotten,omitempty"`
	Renamed   *Renamed    `json:"renamed,omitempty"`
	Files     []StateFile `json:"files,omitempty"`
	History   []StatePast `json:"history,omitempty"`
}

// Renamed is a change of a logical name.
type Renamed struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	Followed []string `json:"followed,omitempty"` // what refers to it
}

// Begun is a create whose outcome is not known.
type Begun struct {
	Key  string    `json:"key"`
	Name string    `json:"name"`
	Run  string    `json:"run"`
	Time time.Time `json:"time"`
}

// StateFile is one file of a state that was checked.
type StateFile struct {
	Role    string   `json:"role"`
	File    string   `json:"file"`
	Sound   bool     `json:"sound"`
	Serial  int64    `json:"serial,omitempty"`
	Entries int      `json:"entries"`
	Intents int      `json:"intents"`
	Error   string   `json:"error,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// StatePast is an earlier version of a state.
type StatePast struct {
	Serial int64     `json:"serial"`
	Time   time.Time `json:"time"`
	Bytes  int64     `json:"bytes"`
	File   string    `json:"file"`
}

// Count writes a number of things: "1 resource", "2 resources".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Checked prints what a check of one file of a state found, for people.
func (v View) Checked(f StateFile) {
	switch {
	case f.Sound:
		v.Print("  ok   %s: serial %d, %s, %s", f.File, f.Serial, Count(f.Entries, "resource"), Count(f.Intents, "open intent"))
	default:
		v.Print("  bad  %s", f.Error)
	}
	for _, n := range f.Notes {
		v.Print("       %s", n)
	}
}

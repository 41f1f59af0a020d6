package view

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/cfboot/cfboot/provision"
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
	Restored  *Restored   `json:"restored,omitempty"`
	Rebuilt   *Rebuilt    `json:"rebuilt,omitempty"`
	Lock      *Lock       `json:"lock,omitempty"`
	Files     []StateFile `json:"files,omitempty"`
	History   []StatePast `json:"history,omitempty"`
}

// StateInit is a bucket that states are to be kept in.
type StateInit struct {
	Address    string `json:"address"` // as the manifest has it
	Bucket     string `json:"bucket"`
	Made       bool   `json:"made,omitempty"`       // it was not there before
	Permission string `json:"permission,omitempty"` // what a token needs for it
	Written    bool   `json:"written,omitempty"`    // into the manifest
}

// StateMoved is one environment's state that was moved to another place.
type StateMoved struct {
	Environment string `json:"environment"`
	From        string `json:"from"`
	To          string `json:"to"`
	Serial      int64  `json:"serial"`
	Lineage     string `json:"lineage"`
	Already     bool   `json:"already,omitempty"` // it was there before
}

// Renamed is a change of a logical name.
type Renamed struct {
	From     string   `json:"from"`
	To       string   `json:"to"`
	With     []string `json:"with,omitempty"`     // what is part of it and took the new name, too
	Followed []string `json:"followed,omitempty"` // what refers to it
}

// Rebuilt is a state made anew of what exists.
type Rebuilt struct {
	Found    []Found              `json:"found"`
	Unproven []provision.Conflict `json:"unproven,omitempty"` // wanted and there, but nothing says that it is ours
	Kept     string               `json:"kept,omitempty"`     // where the damaged file went
}

// Found is a resource that was found to be ours, and by what.
type Found struct {
	Owned
	By string `json:"by"` // "tags", "mark", "references"
}

// byWords are what Found.By says to people.
var byWords = map[string]string{"tags": "by its tags", "mark": "by its mark", "references": "by what it joins"}

// Rebuilding prints what a state would be made of.
func (v View) Rebuilding(r Rebuilt) {
	for _, f := range r.Found {
		v.Print("  = %-22s %-34s %s  (%s)", f.Key, f.Name, f.ID, byWords[f.By])
	}
	for _, c := range r.Unproven {
		v.Print("  ! %-22s %s", c.Key, c.Text)
	}
	v.Print("%s found, %d not provably ours.", Count(len(r.Found), "resource"), len(r.Unproven))
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

// Restored is what putting a version back changes in what is known.
type Restored struct {
	File     string      `json:"file"`
	Serial   int64       `json:"serial"`             // of that version
	Broken   string      `json:"broken,omitempty"`   // what is wrong with the state
	Compared int64       `json:"compared,omitempty"` // the serial that the rest is compared with; none: with nothing
	Again    []Owned     `json:"again,omitempty"`    // known again
	Lost     []Owned     `json:"lost,omitempty"`     // known no longer
	Differs  []Differing `json:"differs,omitempty"`
	Same     int         `json:"same"`
	Intents  int         `json:"intents"`
	Kept     string      `json:"kept,omitempty"` // where the damaged file went
}

// Differing is a key that stands for another resource.
type Differing struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Lock is who holds a state.
type Lock struct {
	Held    bool       `json:"held"`
	PID     int        `json:"pid,omitempty"`
	Host    string     `json:"host,omitempty"`
	Command string     `json:"command,omitempty"`
	Run     string     `json:"run,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
	Alive   bool       `json:"alive,omitempty"`
	Taken   bool       `json:"taken,omitempty"` // the lock was taken away
}

// Restoring prints what putting a version back would change, for people.
func (v View) Restoring(r Restored) {
	if r.Broken != "" {
		v.Print("%s", r.Broken)
	}
	compared := "all that it knows"
	if r.Compared > 0 {
		compared = fmt.Sprintf("compared with serial %d", r.Compared)
	}
	v.Print("Serial %d, from %s; %s:", r.Serial, r.File, compared)
	for _, o := range r.Again {
		v.Print("  + %-22s %-34s %s", o.Key, o.Name, o.ID)
	}
	for _, d := range r.Differs {
		v.Print("  ~ %-22s %-34s %s → %s", d.Key, d.Name, d.Before, d.After)
	}
	for _, o := range r.Lost {
		v.Print("  - %-22s %-34s %s, known no longer", o.Key, o.Name, o.ID)
	}
	v.Print("%d more, %d less, %d different, %d the same; %s.", len(r.Again), len(r.Lost), len(r.Differs), r.Same, Count(r.Intents, "open intent"))
}

package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Action is what a step does. Its value is the symbol that people see.
type Action rune

// The actions. Keep stands in a plan so that a reader sees what stays. Release
// is the reverse of Adopt and looks like it: the record goes, the resource stays.
const (
	Create  Action = '+'
	Update  Action = '~'
	Replace Action = '∓' // delete, then create
	Delete  Action = '-'
	Adopt   Action = '='
	Keep    Action = '.'
	Release Action = -Adopt
)

var actionNames = map[Action]string{
	Create: "create", Update: "update", Replace: "replace", Delete: "delete", Adopt: "adopt", Keep: "keep", Release: "release",
}

// String returns the action's word: "create".
func (a Action) String() string { return actionNames[a] }

// Symbol returns the sign that people see: "+".
func (a Action) Symbol() string { return string(max(a, -a)) }

// MarshalText writes the word, so that JSON needs no symbols.
func (a Action) MarshalText() ([]byte, error) {
	if n, ok := actionNames[a]; ok {
		return []byte(n), nil
	}
	return nil, fmt.Errorf("unknown action %q", rune(a))
}

// UnmarshalText reads the word.
func (a *Action) UnmarshalText(b []byte) error {
	for action, n := range actionNames {
		if n == string(b) {
			*a = action
			return nil
		}
	}
	return fmt.Errorf("unknown action %q", b)
}

// A Change is one setting that differs.
type Change struct {
	Setting  string `json:"setting"`
	Old      any    `json:"old"`
	New      any    `json:"new"`
	Drift    bool   `json:"drift,omitempty"`    // it was changed behind our back
	Local    bool   `json:"local,omitempty"`    // only the project's files are concerned
	Replaces bool   `json:"replaces,omitempty"` // it cannot be changed in place
	Unseen   bool   `json:"unseen,omitempty"`   // Cloudflare does not report it: Old is what was last applied
}

// A Step is one resource's part of a plan.
type Step struct {
	Action    Action   `json:"action"`
	Key       Key      `json:"key"`
	Name      string   `json:"name"`                 // the real name it will have
	PriorName string   `json:"prior_name,omitempty"` // the real name it has, where that differs
	ID        string   `json:"id,omitempty"`
	Zone      string   `json:"zone,omitempty"`
	PriorZone string   `json:"prior_zone,omitempty"` // the zone that a replaced one leaves, where that differs
	Settings  Settings `json:"settings,omitempty"`   // wanted; for a delete, last applied
	Local     Settings `json:"local,omitempty"`
	Prior     Settings `json:"prior,omitempty"` // in force now; of what is gone, what was
	Changes   []Change `json:"changes,omitempty"`
	Ignore    []string `json:"ignore,omitempty"`     // settings that stay as they are
	Refs      []Key    `json:"refs,omitempty"`       // must be there before it is made
	PriorRefs []Key    `json:"prior_refs,omitempty"` // what it stands on now, which may not go before it
	Reason    string   `json:"reason,omitempty"`     // only to be shown
	Data      string   `json:"data,omitempty"`       // what would be lost
	Backup    bool     `json:"backup,omitempty"`     // what would be lost is saved before
	With      []Key    `json:"with,omitempty"`       // what a delete takes along, by kind and real name
	Unseen    string   `json:"unseen,omitempty"`     // why something may be left that a delete should take along; only to be shown
	Consent   string   `json:"consent,omitempty"`    // the consent without which it is not done
	Protected bool     `json:"protected,omitempty"`  // it may not be deleted or replaced
	Adopted   bool     `json:"adopted,omitempty"`    // it deletes what was there before us, which takes the consent DeleteAdopted
	Gone      bool     `json:"gone,omitempty"`       // it does not exist any more; only the record is removed
	Mark      bool     `json:"mark,omitempty"`       // its resource tags are put when it is there
	Calls     int      `json:"calls"`                // API calls it takes when nothing goes wrong
}

// RealName is the real name that the resource has now; for one that is yet to be
// made, the one that it will have.
func (s Step) RealName() string { return firstNonEmpty(s.PriorName, s.Name) }

// remote lists the changes that take a call.
func (s Step) remote() []Change {
	return slices.DeleteFunc(slices.Clone(s.Changes), func(c Change) bool { return c.Local })
}

// What may be consented to.
const (
	DeleteData    = "delete-data"    // to lose what a store holds: always with the store's name, by DeleteDataOf
	DeleteAdopted = "delete-adopted" // to delete what was taken over, where it would be released or kept
)

// DeleteDataOf is the consent to lose what the stores of that real name hold.
func DeleteDataOf(name string) string { return DeleteData + "=" + name }

// Consents lists what has to be allowed before the step may be carried out.
func (s Step) Consents() []string {
	var out []string
	if s.Adopted {
		out = append(out, DeleteAdopted)
	}
	if s.Consent != "" {
		out = append(out, s.Consent)
	}
	return out
}

// A Conflict is a resource that exists, is wanted and is not provably ours.
type Conflict struct {
	Key       Key    `json:"key"`
	Name      string `json:"name"`
	ID        string `json:"id,omitempty"`
	Owner     string `json:"owner,omitempty"`
	Text      string `json:"text"`
	Adoptable bool   `json:"adoptable,omitempty"` // it could be taken over as it is
	Stray     string `json:"stray,omitempty"`     // it is this project's by the record of another state: that one's lineage
}

// A Plan is the ordered list of what would be done, and what it was made from.
type Plan struct {
	Version     int        `json:"version"`
	Project     string     `json:"project"`
	Environment string     `json:"environment"`
	Account     string     `json:"account"`
	Offline     bool       `json:"offline,omitempty"` // made against the emulator; never applied to Cloudflare
	Destroy     bool       `json:"destroy,omitempty"`
	Refresh     bool       `json:"refresh,omitempty"` // it only records what is there, and takes no call
	Lineage     string     `json:"lineage,omitempty"` // of the state it was made from; empty: there was none
	Serial      int64      `json:"serial"`
	Manifest    string     `json:"manifest,omitempty"` // hash of the manifest it was made from
	Steps       []Step     `json:"steps"`
	Conflicts   []Conflict `json:"conflicts,omitempty"`
	Drift       []Drift    `json:"drift,omitempty"` // what somebody else has done to what is ours
	Hash        string     `json:"hash,omitempty"`  // over everything else
}

// PlanVersion is the format this program writes and reads.
const PlanVersion = 2

// Changes counts the steps by action, without those that keep.
func (p Plan) Changes() map[Action]int {
	n := map[Action]int{}
	for _, s := range p.Steps {
		if s.Action != Keep {
			n[s.Action]++
		}
	}
	return n
}

// Empty reports whether there is nothing to do.
func (p Plan) Empty() bool { return len(p.Changes()) == 0 && len(p.Conflicts) == 0 }

// Calls is the number of API calls that carrying it out takes.
func (p Plan) Calls() int {
	n := 0
	for _, s := range p.Steps {
		n += s.Calls
	}
	return n
}

// Consents lists what has to be allowed before it may be carried out.
func (p Plan) Consents() []string {
	var out []string
	for _, s := range p.Steps {
		for _, c := range s.Consents() {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// Seal fills in the hash. A plan that is saved is sealed first.
func (p *Plan) Seal() error {
	h, err := p.digest()
	p.Hash = h
	return err
}

// Check reports whether a plan that was read from a file is the one that was
// sealed, in a format that this program knows.
func (p Plan) Check() error {
	if p.Version != PlanVersion {
		return &Problem{Text: fmt.Sprintf("the plan has format %d and this cfboot reads format %d", p.Version, PlanVersion),
			Hints: []string{"make it again: cfboot plan --out FILE"}, Class: Refused}
	}
	h, err := p.digest()
	if err != nil {
		return err
	}
	if h != p.Hash {
		return &Problem{Text: "the plan was changed after it was saved", Class: Refused,
			Hints: []string{"make it again: cfboot plan --out FILE"}}
	}
	return nil
}

// Fresh reports whether st is the state that the plan was made from. A state
// that has not been saved yet has neither lineage nor serial, so what it belongs
// to counts too.
func (p Plan) Fresh(st State) error {
	problem := &Problem{Hints: []string{"make it again: cfboot plan --out FILE"}, Class: Refused}
	if p.Project != st.Project || p.Environment != st.Environment {
		problem.Text = fmt.Sprintf("the plan is for %s/%s and the state is that of %s/%s", p.Project, p.Environment, st.Project, st.Environment)
		return problem
	}
	if p.Account != "" && st.Account != "" && p.Account != st.Account {
		problem.Text = fmt.Sprintf("the plan is for account %s and the state is that of account %s", p.Account, st.Account)
		return problem
	}
	if p.Lineage != st.Lineage || p.Serial != st.Serial {
		problem.Text = fmt.Sprintf("the plan is stale: it was made from serial %d of state %s, which is now at serial %d of %s",
			p.Serial, orNone(p.Lineage), st.Serial, orNone(st.Lineage))
		return problem
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

func (p Plan) digest() (string, error) {
	p.Hash = ""
	b, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// ConflictProblem words a plan's conflicts as one error, or returns nil.
func (p Plan) ConflictProblem() error {
	if len(p.Conflicts) == 0 {
		return nil
	}
	var lines, hints []string
	stray := false
	for _, c := range p.Conflicts {
		lines = append(lines, fmt.Sprintf("%s: %s", c.Key, c.Text))
		if c.Adoptable {
			hints = append(hints, "to take it over: "+p.AdoptCommand(c))
		}
		stray = stray || c.Stray != ""
	}
	if stray {
		hints = append(hints, "bring the state back that has them, or make it anew of what exists: "+p.Command("state rebuild"))
	}
	// Where nothing is in the way, the lines say what is wanting.
	if slices.ContainsFunc(p.Conflicts, func(c Conflict) bool { return c.ID != "" || c.Adoptable }) {
		hints = append(hints, "cfboot never takes over or deletes by itself what it did not make: remove or rename what exists, or change \"name\" in cfboot.jsonc")
	}
	return &Problem{Text: strings.Join(lines, "\n"), Class: Refused, Hints: hints}
}

// AdoptCommand is what a person would type to take over what is in the way.
func (p Plan) AdoptCommand(c Conflict) string { return p.Command("adopt " + c.Key.String()) }

// Command is a command of cfboot about what the plan is about: "cfboot apply
// --env qa".
func (p Plan) Command(words string) string {
	command := "cfboot " + words
	if p.Environment != "" && p.Environment != Production {
		command += " --env " + p.Environment
	}
	if p.Offline {
		command += " --offline"
	}
	return command
}

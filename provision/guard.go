package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// massDeletion is how many deletions and replacements need no confirmation of
// their number, as long as they are not most of what is owned.
const massDeletion = 5

// Removals counts what the plan deletes or replaces. What is gone already or is
// only released does not count.
func (p Plan) Removals() int {
	n := 0
	for _, s := range p.Steps {
		if s.Removes() {
			n++
		}
	}
	return n
}

// Removes reports whether something that exists goes, if only to be made again.
func (s Step) Removes() bool { return (s.Action == Delete || s.Action == Replace) && !s.Gone }

// owned counts what is owned when the plan begins and is known to exist.
func (p Plan) owned() int {
	n := 0
	for _, s := range p.Steps {
		if s.Action != Create && s.Action != Adopt && !s.Gone {
			n++
		}
	}
	return n
}

// ToConfirm is the number of deletions and replacements that has to be confirmed
// because they are more than five or more than half of what is owned; else 0. To
// destroy says by itself that all is to go.
func (p Plan) ToConfirm() int {
	n := p.Removals()
	if p.Destroy || n <= massDeletion && 2*n <= p.owned() {
		return 0
	}
	return n
}

// Confirmed refuses a plan that removes a good part of all, unless just that
// number was confirmed.
func (p Plan) Confirmed(n int) error {
	want := p.ToConfirm()
	if want == 0 || n == want {
		return nil
	}
	text := fmt.Sprintf("%d of %s would be deleted or replaced", want, count(p.owned(), "owned resource"))
	if n != 0 {
		text += fmt.Sprintf(", and %d were confirmed", n)
	}
	return &Problem{Text: text, Class: Refused, Hints: []string{fmt.Sprintf("if that is meant: --confirm-delete %d", want)}}
}

// ProtectProblem refuses a plan that would delete or replace what is protected,
// and names the way to lift the protection.
func (p Plan) ProtectProblem() error {
	var lines, hints []string
	for _, s := range p.Steps {
		if !s.Protected || !s.Removes() {
			continue
		}
		verb, hint := "deleted", "lift it: "+p.Command("state unprotect "+s.Key.String())
		if s.Action == Replace {
			verb, hint = "replaced", fmt.Sprintf("lift it: \"protect\": false for %q in cfboot.jsonc", s.Key.Name)
		}
		lines = append(lines, fmt.Sprintf("%s: %q is protected, and would be %s", s.Key, s.RealName(), verb))
		hints = append(hints, hint)
	}
	if lines == nil {
		return nil
	}
	return &Problem{Text: strings.Join(lines, "\n"), Class: Refused, Hints: hints}
}

// WithoutBackup is the plan with no store saved before it goes.
func (p Plan) WithoutBackup(traits map[string]Traits) Plan {
	p.Steps = slices.Clone(p.Steps)
	for i := range p.Steps {
		if s := &p.Steps[i]; s.Backup {
			s.Backup, s.Calls = false, s.Calls-traits[s.Key.Kind].Save
		}
	}
	return p
}

func (p Plan) vaulted(v Vault) error {
	if v == nil && slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Backup }) {
		return &Problem{Text: "the plan saves stores before they go, and there is nowhere to save them", Hints: []string{"this is a fault of cfboot: please report it"}}
	}
	return nil
}

// backUp saves what the step destroys. Where that fails, nothing is destroyed.
func (r *runner) backUp(ctx context.Context, s Step) error {
	place, err := r.options.Vault.Keep(s.Name, func(w io.Writer) error { return r.driver.Save(ctx, s, w) })
	if err != nil {
		p := &Problem{Text: fmt.Sprintf("%q was not deleted, because it could not be backed up", s.Name), Err: err}
		if cause := (*Problem)(nil); errors.As(err, &cause) {
			p.Class, p.Hints = cause.Class, slices.Clone(cause.Hints)
		}
		p.Hints = append(p.Hints, "to delete it without a backup: --no-backup")
		return p
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.backups[s.Key] = place
	return nil
}

func (r *runner) kept(k Key) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.backups[k]
}

var needsNoQuotes = regexp.MustCompile(`^[A-Za-z0-9_./:=@%+-]+$`)

// AllowFlag is the flag that gives a consent, as it is typed: the value is one
// field of comma-separated ones, and an argument of a shell.
func AllowFlag(consent string) string {
	if needsNoQuotes.MatchString(consent) {
		return "--allow " + consent
	}
	if strings.ContainsAny(consent, ",\"\r\n") {
		consent = `"` + strings.ReplaceAll(consent, `"`, `""`) + `"`
	}
	return "--allow '" + strings.ReplaceAll(consent, "'", `'\''`) + "'"
}

// Shared lists the entries of a that b has as well: the same resource, by kind,
// id and zone, of the same account. A resource belongs to one environment.
func Shared(a, b State) (out []Entry) {
	if a.Account != "" && b.Account != "" && a.Account != b.Account {
		return nil
	}
	type place struct{ kind, id, zone string }
	theirs := map[place]bool{}
	for k, e := range b.Entries {
		theirs[place{k.Kind, e.ID, e.Zone}] = true
	}
	for _, e := range Sorted(a.Entries) {
		if theirs[place{e.Key.Kind, e.ID, e.Zone}] {
			out = append(out, e)
		}
	}
	return out
}

// Recount looks at the stores that p destroys once more, and says anew what they
// hold and what goes with them: a plan may be applied hours after it was made.
func Recount(ctx context.Context, r Reader, traits map[string]Traits, st State, p Plan) (Plan, error) {
	now, _ := wants(nil, st)
	seen := Seen{Now: map[Key]Observed{}}
	if err := countData(ctx, r, traits, st, now, &seen, p); err != nil {
		return p, err
	}
	d := differ{traits: traits, state: st, seen: seen}
	p.Steps = slices.Clone(p.Steps)
	for i := range p.Steps {
		s := &p.Steps[i]
		obs, again := seen.Now[s.Key]
		if !again {
			continue
		}
		s.With, s.Unseen = nil, "" // of what is gone nobody knows any more what belongs to it
		if obs.Exists {
			s.Data, s.Consent, s.Backup = "", "", false
			d.guard(s, obs)
		}
		s.Calls = d.calls(*s)
	}
	return p, nil
}

package provision

import (
	"fmt"
	"slices"
	"time"
)

// Traits is what Diff has to know of a kind.
type Traits struct {
	Replace  []string // settings that cannot be changed in place; NameSetting for the real name
	Hints    []string // settings that Cloudflare may ignore: never compared
	Defaults Settings // what a setting goes back to when the manifest no longer names it
	Store    bool     // it may hold data that dies with it
	Save     int      // API calls that saving what it holds takes; 0: it cannot be saved
	Marks    int      // API calls that putting tags on a new one takes; 0: it takes none
	Remarks  int      // the same on what is there, which may carry others' tags
	// Ignorable are the settings that the manifest may have left alone once the
	// resource exists.
	Ignorable []string
	// Calls is the number of API calls that a step takes; changes are those of
	// an update, on a create the settings wanted, on a delete those in force.
	Calls func(a Action, changes []Change) int
	Note  func(s Step) string // what to know of one that is made; nil: nothing
}

func (t Traits) replaces(setting string) bool { return slices.Contains(t.Replace, setting) }

// Seen is what was observed for a plan.
type Seen struct {
	Now   map[Key]Observed // what stands where the state, an intent or the manifest says
	Ahead map[Key]Observed // what stands at the wanted name of a resource that is to be renamed, or is gone by its id
}

// clockSkew is how far Cloudflare's clock may be behind ours before a resource
// that appeared after an intent looks older than it.
const clockSkew = 5 * time.Minute

// Diff compares what is wanted with what we own and what Cloudflare reports. It
// reads nothing and changes nothing. With nothing desired the plan destroys.
func Diff(traits map[string]Traits, desired []Resource, st State, seen Seen) Plan {
	d := differ{traits: traits, state: st, seen: seen}
	p := Plan{
		Version: PlanVersion, Project: st.Project, Environment: st.Environment, Account: st.Account,
		Lineage: st.Lineage, Serial: st.Serial,
	}
	wanted := map[Key]bool{}
	for _, r := range desired {
		wanted[r.Key] = true
		step, conflict := d.want(r)
		if conflict != nil {
			p.Conflicts = append(p.Conflicts, *conflict)
			continue
		}
		p.Steps = append(p.Steps, step)
	}
	var rest []Key
	for k := range st.Entries {
		if !wanted[k] {
			rest = append(rest, k)
		}
	}
	for k := range st.Intents {
		if _, owned := st.Entries[k]; !owned && !wanted[k] {
			rest = append(rest, k)
		}
	}
	slices.SortFunc(rest, compareKeys)
	for _, k := range rest {
		p.Steps = append(p.Steps, d.unwant(k))
	}
	d.standOnGuesses(p.Steps)
	d.followReplacements(p.Steps)
	for i := range p.Steps {
		s := &p.Steps[i]
		e, owned := st.Entries[s.Key]
		d.remark(s, e, owned)
		s.Calls = d.calls(*s)
		d.note(s)
	}
	letAlone(p.Steps)
	p.Drift = d.drifts(desired, p)
	return p
}

type differ struct {
	traits map[string]Traits
	state  State
	seen   Seen
}

// want plans one resource of the manifest.
func (d differ) want(r Resource) (Step, *Conflict) {
	s := Step{Key: r.Key, Name: r.Name, Settings: r.Settings, Local: r.Local, Refs: r.Refs, Ignore: r.Ignore}
	obs, ahead := d.seen.Now[r.Key], d.seen.Ahead[r.Key]
	s.Zone = firstNonEmpty(ahead.Zone, obs.Zone)
	entry, owned := d.state.Entries[r.Key]
	intent, begun := d.state.Intents[r.Key]
	begun = begun && !owned
	if s.Protected = entry.Protected; r.Protect != nil {
		s.Protected = *r.Protect
	}
	if owned && !obs.Exists && ahead.Exists && ahead.ID != "" && ahead.ID == entry.ID {
		obs = ahead // it was too fresh to be seen a moment before
	}
	if why := d.blocked(r.Key, owned); why != "" {
		return s, &Conflict{Key: r.Key, Name: r.Name, Text: why}
	}
	switch {
	case owned && obs.Exists && usurped(entry, obs):
		return s, usurper(r, obs)
	case owned && obs.Exists:
		s, conflict := d.compare(s, entry, obs)
		if s.Action == Keep {
			s.Changes = d.traits[r.Key.Kind].leaving(s.Ignore, s.Settings, entry.Settings).unrecorded(s, entry)
		}
		if len(s.Changes) > 0 && s.Action == Keep {
			s.Action = Update
		}
		return s, conflict
	case begun && obs.Exists && proven(intent, obs):
		return d.adopt(s, d.begunAs(intent, obs), obs, "made by a run that was cut off")
	case obs.Exists && !owned && !begun && obs.Ours:
		return d.adopt(s, marked(r, obs), obs, "it carries our mark")
	case obs.Exists && !(begun && intent.Name != r.Name):
		return s, adoptable(foreign(r, obs), obs)
	}
	// Nothing of ours stands where it was looked for. What was begun under another
	// name was never made, and what is gone by its id may stand there made anew by
	// hand; either way what has the name now decides.
	switch {
	case ahead.Exists && ahead.Ours:
		return d.adopt(s, marked(r, ahead), ahead, "it carries our mark")
	case ahead.Exists:
		return s, adoptable(remade(r, entry, ahead), ahead)
	case owned && d.traits[r.Key.Kind].Store:
		s.Reason = "it is gone from Cloudflare with all it held, and will be made again empty"
	case owned:
		s.Reason = "it is gone from Cloudflare and will be made again"
	}
	s.Action = Create
	if owned {
		s.Prior = entry.Settings
	}
	return s, nil
}

// blocked says why the resource can not be made where it is wanted, or why what
// is there cannot be seen.
func (d differ) blocked(k Key, owned bool) string {
	ahead, moves := d.seen.Ahead[k]
	if ahead.Blocked != "" {
		return ahead.Blocked
	}
	if now := d.seen.Now[k]; owned || !moves {
		return now.Blocked
	}
	return ""
}

// adopt plans a resource that exists and is proved to be ours by something else
// than an entry.
func (d differ) adopt(s Step, e Entry, obs Observed, reason string) (Step, *Conflict) {
	s, conflict := d.compare(s, e, obs)
	if s.Action == Keep || s.Action == Update {
		s.Action = Adopt
	}
	s.Reason = reason
	return s, conflict
}

// compare plans a resource that exists and is ours.
func (d differ) compare(s Step, e Entry, obs Observed) (Step, *Conflict) {
	t := d.traits[s.Key.Kind].leaving(s.Ignore, s.Settings, e.Settings)
	s.ID = firstNonEmpty(obs.ID, e.ID)
	s.Prior, s.PriorRefs = merged(e.Settings, obs.Settings), e.Refs
	s.Zone = firstNonEmpty(obs.Zone, e.Zone)
	if old := firstNonEmpty(obs.Name, e.Name); old != s.Name {
		s.PriorName = old
		s.Changes = append(s.Changes, Change{Setting: NameSetting, Old: old, New: s.Name,
			Drift: old != e.Name, Replaces: t.replaces(NameSetting)})
		if ahead := d.seen.Ahead[s.Key]; ahead.Exists && ahead.ID != obs.ID {
			return s, foreign(Resource{Key: s.Key, Name: s.Name}, ahead)
		}
	}
	s.Changes = append(s.Changes, t.compare(s.Settings, e.Settings, obs.Settings)...)
	s.Changes = append(s.Changes, localChanges(s.Local, e.Local)...)
	if s.Protected != e.Protected {
		s.Changes = append(s.Changes, Change{Setting: ProtectSetting, Old: e.Protected, New: s.Protected, Local: true})
	}
	switch {
	case slices.ContainsFunc(s.Changes, func(c Change) bool { return c.Replaces }):
		s.Action = Replace
		d.replace(&s, obs)
	case len(s.Changes) > 0:
		s.Action = Update
	default:
		s.Action = Keep
	}
	return s, nil
}

// replace completes a step that deletes and makes anew, maybe in another zone.
func (d differ) replace(s *Step, obs Observed) {
	d.guard(s, obs)
	if ahead := d.seen.Ahead[s.Key]; ahead.Zone != "" && ahead.Zone != s.Zone {
		s.PriorZone, s.Zone = s.Zone, ahead.Zone
	}
}

// unwant plans an entry or an open intent that the manifest does not name.
func (d differ) unwant(k Key) Step {
	s := Step{Action: Delete, Key: k}
	obs := d.seen.Now[k]
	e, owned := d.state.Entries[k]
	switch intent := d.state.Intents[k]; {
	case owned && obs.Blocked != "":
		// It cannot be seen, which is no proof that it is gone.
	case owned && !obs.Exists:
		s.Gone, s.Reason = true, "it is gone from Cloudflare already; only the record goes"
	case owned && usurped(e, obs):
		s.Gone, s.Reason = true, tookPlace(obs)
	case owned:
	case !obs.Exists:
		s.Gone, s.Reason = true, "begun by a run that was cut off, and never made"
	case !proven(intent, obs):
		s.Gone, s.Reason = true, "not made by us: it is left alone, only the record goes"
	default:
		s.Reason = "begun by a run that was cut off"
	}
	if !owned {
		e = asEntry(d.state.Intents[k])
	}
	s.Name, s.Settings, s.Local, s.PriorRefs = e.Name, e.Settings, e.Local, e.Refs
	s.ID, s.Zone, s.Protected = e.ID, e.Zone, e.Protected
	if s.Gone {
		return s
	}
	if e.Adopted {
		s.Action, s.Reason = Release, "released: it was there before it was taken over, so it stays; only the record goes"
		return s
	}
	s.Name, s.ID, s.Zone = firstNonEmpty(obs.Name, s.Name), firstNonEmpty(obs.ID, s.ID), firstNonEmpty(obs.Zone, s.Zone)
	d.guard(&s, obs)
	return s
}

// guard asks for consent where a step destroys what a store holds, or deletes
// what was there before us, and says what a delete takes along. What is replaced
// may have it again.
func (d differ) guard(s *Step, obs Observed) {
	if s.Action == Delete {
		s.With, s.Unseen = obs.With, obs.Unseen
	}
	s.Adopted = d.state.Entries[s.Key].Adopted
	if obs.Data != "" {
		s.Data, s.Consent = obs.Data, DeleteDataOf(s.RealName())
		s.Backup = d.traits[s.Key.Kind].Save > 0
	}
}

// note says of what is made what its kind has to say of it.
func (d differ) note(s *Step) {
	if note := d.traits[s.Key.Kind].Note; note != nil && s.Reason == "" && (s.Action == Create || s.Action == Replace) {
		s.Reason = note(*s)
	}
}

func (d differ) calls(s Step) int {
	t := d.traits[s.Key.Kind]
	n := 0
	switch {
	case s.Mark && (s.Action == Create || s.Action == Replace):
		n = t.Marks
	case s.Mark:
		n = t.Remarks
	}
	if t.Calls == nil || s.Gone {
		return n
	}
	return n + t.calls(s, d.seen.Now[s.Key].Emptying)
}

func (t Traits) calls(s Step, emptying int) int {
	count := t.Calls
	removal := func(had Settings) int {
		n := count(Delete, asChanges(had)) + emptying + len(s.With)
		if s.Backup {
			n += t.Save
		}
		return n
	}
	switch s.Action {
	case Create:
		return count(Create, asChanges(s.Settings))
	case Replace:
		return removal(s.Prior) + count(Create, asChanges(s.Settings))
	case Delete:
		return removal(s.Settings)
	case Update, Adopt:
		if remote := s.remote(); len(remote) > 0 {
			return count(Update, remote)
		}
	}
	return 0
}

// proven reports whether what was found is what the intent was making: it has
// the very name, looked up as the intent says, and is not older than it.
func proven(i Intent, obs Observed) bool {
	return obs.Ours || obs.Mark == "" && (obs.Created.IsZero() || !obs.Created.Before(i.Time.Add(-clockSkew)))
}

// usurped reports whether what was found at an entry's place is another resource
// than the entry: it has neither its id nor its name. One that has its name
// under another id was made anew, as a deploy does with routes and consumers.
func usurped(e Entry, obs Observed) bool {
	return !obs.Ours && e.ID != "" && obs.ID != "" && obs.ID != e.ID && obs.Name != "" && obs.Name != e.Name
}

func usurper(r Resource, obs Observed) *Conflict {
	return &Conflict{Key: r.Key, Name: obs.Name, ID: obs.ID, Owner: obs.Owner,
		Text: fmt.Sprintf("%q stands in its place now and is not provably ours", obs.Name)}
}

// marked is the entry of a resource of which only its mark says that it is ours.
func marked(r Resource, obs Observed) Entry {
	return Entry{Key: r.Key, Name: obs.Name, Zone: obs.Zone, Local: r.Local}
}

// begunAs is what an open intent has certainly brought about in what was found.
// A setting that can be changed may have been left for a later call of the run
// that was cut off, so nobody knows whether it was applied.
func (d differ) begunAs(i Intent, obs Observed) Entry {
	e := asEntry(i)
	e.Settings = merged(i.Settings, nil)
	for name := range e.Settings {
		if _, reported := obs.Settings[name]; reported || !d.traits[i.Key.Kind].replaces(name) {
			e.Settings[name] = nil
		}
	}
	return e
}

func foreign(r Resource, obs Observed) *Conflict {
	return notOurs(r, obs, fmt.Sprintf("%q exists already and is not provably ours", r.Name))
}

// notOurs is a conflict in these words, and whose the resource seems to be.
func notOurs(r Resource, obs Observed, text string) *Conflict {
	switch {
	case obs.Stray != "":
		text = fmt.Sprintf("%q exists already and is this project's, by the record of another state (lineage %s)", r.Name, obs.Stray)
	case obs.Mark != "":
		text += " (it belongs to the cfboot project " + obs.Mark + ")"
	case obs.Owner != "":
		text += " (it belongs to " + obs.Owner + ")"
	}
	return &Conflict{Key: r.Key, Name: r.Name, ID: obs.ID, Owner: firstNonEmpty(obs.Mark, obs.Owner), Text: text, Stray: obs.Stray}
}

// adoptable notes that nothing of ours stands at the key, so that what was found
// could be taken over, unless it is another project's.
func adoptable(c *Conflict, obs Observed) *Conflict {
	c.Adoptable = obs.Mark == ""
	return c
}

func asEntry(i Intent) Entry {
	return Entry{Key: i.Key, Name: i.Name, Zone: i.Zone, Settings: i.Settings, Local: i.Local, Refs: i.Refs}
}

func firstNonEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

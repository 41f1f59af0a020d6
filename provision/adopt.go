package provision

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Adoption is a resource that exists and is to be taken over, as it is.
type Adoption struct {
	Entry Entry  // what is recorded: the settings that Cloudflare reports, as far as the manifest speaks of them
	Owner string // who it visibly belongs to
	Data  string // what it holds
	Later Step   // what an apply would do to it afterwards
}

// Adoptions looks up, by its id where one is given and else by its real name,
// each of the resources of the manifest, and says what taking it over records.
// It writes nothing. It refuses, for all of them at once, what is owned already,
// what is not there, and what is provably another project's.
func Adoptions(ctx context.Context, r Reader, traits map[string]Traits, desired []Resource, ids map[Key]string, st State, now time.Time) ([]Adoption, error) {
	var mine, theirs []Wanted
	for _, d := range desired {
		if e, owned := st.Entries[d.Key]; owned {
			mine = append(mine, Wanted{Key: e.Key, Name: e.Name, ID: e.ID, Zone: e.Zone, Settings: e.Settings, Local: e.Local, Refs: entriesOf(e.Refs, st)})
		}
		w := asWanted(d, st)
		w.ID = ids[d.Key]
		theirs = append(theirs, w)
	}
	have, err := observe(ctx, r, st, mine, false)
	if err != nil {
		return nil, err
	}
	seen, err := observe(ctx, r, st, theirs, true)
	if err != nil {
		return nil, err
	}
	var out []Adoption
	var problem Problem
	for _, d := range desired {
		obs := seen[d.Key]
		if text, hint := unadoptable(d, ids[d.Key], st, have[d.Key], obs); text != "" {
			problem.Text += "\n" + d.Key.String() + ": " + text
			if hint != "" && !slices.Contains(problem.Hints, hint) {
				problem.Hints = append(problem.Hints, hint)
			}
			continue
		}
		out = append(out, adoption(traits, d, obs, st, now))
	}
	if problem.Text != "" {
		return nil, &Problem{Text: strings.TrimPrefix(problem.Text, "\n"), Hints: problem.Hints, Class: Refused}
	}
	return out, nil
}

// unadoptable says why a resource cannot be taken over, or nothing; mine is what
// stands where its entry says.
func unadoptable(r Resource, id string, st State, mine, obs Observed) (text, hint string) {
	e, owned := st.Entries[r.Key]
	intent, begun := st.Intents[r.Key]
	switch {
	case owned && (mine.Exists || mine.Blocked != "") && !usurped(e, mine):
		return fmt.Sprintf("it is owned already, as %q (%s)", e.Name, e.ID), "see: cfboot status"
	case obs.Blocked != "" && !obs.Exists:
		return obs.Blocked, ""
	case !obs.Exists && id != "":
		return fmt.Sprintf("there is none with the id %q in the account %s", id, st.Account), "an id is in the resource's page of the dashboard"
	case !obs.Exists:
		return fmt.Sprintf("there is no %q in the account %s", r.Name, st.Account), "if its name is another one: set \"name\" in the manifest, or give its --id"
	case id != "" && id != obs.ID:
		return fmt.Sprintf("%q has the id %s, not %s", obs.Name, obs.ID, id), "leave --id out"
	case obs.Stray != "":
		return fmt.Sprintf("%q is this project's, by the record of another state (lineage %s)", obs.Name, obs.Stray), "bring that state back, or make it anew: cfboot state rebuild"
	case obs.Mark != "":
		return fmt.Sprintf("%q belongs to the cfboot project %s", obs.Name, obs.Mark), "destroy it there first, or give this one another \"name\""
	case begun && !owned && proven(intent, obs):
		return fmt.Sprintf("%q was begun by a run that was cut off", obs.Name), "cfboot apply finishes it"
	}
	for _, other := range Sorted(st.Entries) {
		if other.Key != r.Key && other.Key.Kind == r.Key.Kind && other.ID == obs.ID && other.Zone == obs.Zone {
			return fmt.Sprintf("%q is owned already, as %s", obs.Name, other.Key), "see: cfboot status"
		}
	}
	return "", ""
}

// adoption is what is recorded of a resource that was found. Of the settings it
// takes those that the manifest names: on the others it has no say, and an apply
// leaves them as they are.
func adoption(traits map[string]Traits, r Resource, obs Observed, st State, now time.Time) Adoption {
	e := Entry{Key: r.Key, Name: firstNonEmpty(obs.Name, r.Name), ID: obs.ID, Zone: obs.Zone,
		Settings: Settings{}, Local: r.Local, Refs: r.Refs, Created: now.UTC(), Updated: now.UTC(), Adopted: !obs.Ours}
	e.Protected = r.Protect != nil && *r.Protect
	for name := range r.Settings {
		if v, reported := obs.Settings[name]; reported {
			e.Settings[name] = v
		}
	}
	p := Diff(traits, []Resource{r}, State{Project: st.Project, Environment: st.Environment, Account: st.Account, Entries: map[Key]Entry{r.Key: e}}, Seen{Now: map[Key]Observed{r.Key: obs}})
	a := Adoption{Entry: e, Owner: obs.Owner, Data: obs.Data}
	if len(p.Steps) == 1 {
		a.Later = p.Steps[0]
	}
	return a
}

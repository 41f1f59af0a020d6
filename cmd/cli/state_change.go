package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newStateRemove() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "rm KEY",
		Short: "Forget a resource without deleting it",
		Long: "Takes one resource, or one create of unknown outcome, out of the state. The\n" +
			"resource itself stays at Cloudflare, and cfboot neither changes nor destroys it\n" +
			"from then on. Refused while something else that is recorded refers to it.",
		Example: "  cfboot state rm kv/cache\n  cfboot state rm d1/db --env staging --yes",
		Args:    exactly("KEY"),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.stateRemove(t, args[0]) }),
	}
	t.addEnvironment(cmd)
	t.addYes(cmd)
	return cmd
}

func (a *app) stateRemove(t target, arg string) error {
	return a.reviseState(t, "state rm", func(place state.Place, store *state.Store) error {
		st := store.State()
		k, err := a.recorded(place, st, arg)
		if err != nil {
			return err
		}
		if by := state.Referrers(st, k); by != nil {
			return &provision.Problem{At: k.String(), Text: fmt.Sprintf("it cannot be forgotten: it is referred to by %s", keyList(by)), Class: provision.Refused,
				Hints: []string{"forget what refers to it first: " + a.again("state rm "+by[0].String(), st.Environment)}}
		}
		gone := view.Owned{Key: arg, Name: st.Entries[k].Name, ID: st.Entries[k].ID, Zone: st.Entries[k].Zone}
		if i, open := st.Intents[k]; open {
			gone.Name, gone.Zone = i.Name, i.Zone
			a.view().Print("This would no longer be known, and nobody would look whether it was made:\n  %-22s %-34s begun at %s", k, i.Name, i.Time.Format(time.RFC3339))
		} else {
			a.view().Print("This would no longer be known, and go on to exist at Cloudflare:\n  %-22s %-34s %s", k, gone.Name, gone.ID)
		}
		if err := a.ask(t, "Forget it?"); err != nil {
			return err
		}
		if err := store.Remove(k); err != nil {
			return err
		}
		a.describeState(place, store.State()).Forgotten = &gone
		if e := st.Entries[k]; e.Marked == provision.Marked {
			a.view().Print("Forgotten. It carries the tags of this project still: while the manifest wants it, the next apply takes it up again.")
			return nil
		}
		a.view().Print("Forgotten. While the manifest wants it, the next plan finds it as somebody else's.")
		return nil
	})
}

// reviseState opens a state that has to be there, for a change of the record.
func (a *app) reviseState(t target, command string, do func(place state.Place, store *state.Store) error) (err error) {
	a.sayOffline()
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	if _, err := readState(place); err != nil {
		return err
	}
	store, err := a.openState(place, "", t.env(), command)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	a.describeState(place, store.State())
	return do(place, store)
}

func keyList(keys []provision.Key) string {
	var out []string
	for _, k := range keys {
		out = append(out, k.String())
	}
	return strings.Join(out, ", ")
}

func (a *app) newStateMove() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "mv OLD NEW",
		Short: "Record a resource under another logical name",
		Long: "For a name that changes in the manifest: without it a plan would delete the\n" +
			"resource of the old name and create one of the new. What refers to it follows, and\n" +
			"a queue's consumer takes the name with it. The kind stays. Cloudflare is not touched; the next plan shows what the new name\n" +
			"changes there. A name that cannot be changed in place means a replacement, unless\n" +
			"the manifest keeps the real name: \"name\": \"...\".",
		Example: "  cfboot state mv kv/cache kv/sessions\n  cfboot state mv d1/db d1/data --env staging",
		Args:    exactly("OLD", "NEW"),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.stateMove(t, args[0], args[1]) }),
	}
	t.addEnvironment(cmd)
	return cmd
}

func (a *app) stateMove(t target, from, to string) error {
	return a.reviseState(t, "state mv", func(place state.Place, store *state.Store) error {
		st := store.State()
		k, err := a.recorded(place, st, from)
		if err != nil {
			return err
		}
		n, err := provision.ParseKey(to)
		if err != nil {
			return refused(err.Error(), "write it as "+k.Kind+"/NAME")
		}
		along := kinds.Derived(k)
		if err := store.Rename(k, n, along...); err != nil {
			return err
		}
		r := &view.Renamed{From: from, To: to}
		a.view().Print("%s is recorded as %s.", k, n)
		for _, d := range along {
			if _, had := st.Entries[d]; had {
				named := provision.Key{Kind: d.Kind, Name: n.Name}.String()
				r.With = append(r.With, named)
				a.view().Print("  %s is part of it and is recorded as %s", d, named)
			}
		}
		for _, by := range state.Referrers(store.State(), n) {
			if slices.Contains(r.With, by.String()) {
				continue
			}
			r.Followed = append(r.Followed, by.String())
			a.view().Print("  %s refers to it and follows", by)
		}
		a.describeState(place, store.State()).Renamed = r
		a.view().Notice("rename it in %s as well; then see what changes: %s", manifestFile, a.again("plan", st.Environment))
		return nil
	})
}

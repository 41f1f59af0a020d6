package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newAdopt() *cobra.Command {
	var t target
	var id string
	var fromWrangler bool
	cmd := &cobra.Command{
		Use:   "adopt KIND/NAME... | --from-wrangler",
		Short: "Take over resources that exist already, as they are",
		Long: "Looks up what stands in the manifest and exists at Cloudflare, shows what it is,\n" +
			"what it holds and what a later apply would change, asks, and records it as ours.\n" +
			"Nothing is changed at Cloudflare. What was taken over is released, not deleted,\n" +
			"by destroy and when it is taken out of the manifest. With --from-wrangler, in a\n" +
			"folder with a wrangler.jsonc and no manifest, all that it names is taken over and\n" +
			"the manifest is written; wrangler.jsonc stays as it is.",
		Example: "  cfboot adopt d1/db\n  cfboot adopt d1/db kv/cache --yes\n  cfboot adopt d1/db --id 5cd64a3c-0000-4000-8000-2f1d0f3c9a10\n  cfboot adopt --from-wrangler",
		Args: func(cmd *cobra.Command, args []string) error {
			if fromWrangler && (len(args) > 0 || id != "") {
				return refused("--from-wrangler takes over all that wrangler.jsonc names: it goes with neither a resource nor --id", "cfboot adopt --from-wrangler")
			}
			if len(args) == 0 && !fromWrangler {
				return &provision.Problem{Text: "which resource? at least one KIND/NAME is needed", Hints: []string{"cfboot adopt d1/db"}}
			}
			return nil
		},
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			if fromWrangler {
				return a.runFromWrangler(t)
			}
			return a.runAdopt(t, args, id)
		}),
	}
	cmd.Flags().BoolVar(&fromWrangler, "from-wrangler", false, "take over all that wrangler.jsonc names, and write the manifest")
	cmd.Flags().StringVar(&id, "id", "", "the resource's `ID`, where its name is not the manifest's")
	t.addEnvironment(cmd)
	t.addAccount(cmd)
	t.addYes(cmd)
	a.addLocalState(cmd)
	return cmd
}

// adoptableID is the form of the ids that may be given by hand; they become part
// of an address.
var adoptableID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`) })

func (a *app) runAdopt(t target, args []string, id string) error {
	p, err := a.openProject(a.Dir, t.environment)
	if err != nil {
		return err
	}
	wanted, err := pick(p.desired.Resources, args)
	if err != nil {
		return err
	}
	ids := map[provision.Key]string{}
	switch {
	case id != "" && len(wanted) > 1:
		return refused("--id is that of one resource, and several are named", "adopt them one by one")
	case id != "" && !adoptableID().MatchString(id):
		return refused(fmt.Sprintf("%q is no id", id), "an id is in the resource's page of the dashboard")
	case id != "":
		ids[wanted[0].Key] = id
	}
	return a.withState(a.Dir, p, t, "adopt", func(client *kinds.Client, store *state.Store) error {
		if err := a.adopt(client, store, wanted, ids, t); err != nil {
			return err
		}
		a.proceed(t, "plan")
		return nil
	})
}

// pick finds the resources of the manifest that are named: d1/db, or d1 db.
func pick(resources []provision.Resource, args []string) ([]provision.Resource, error) {
	if len(args) == 2 && !strings.Contains(args[0]+args[1], "/") {
		args = []string{args[0] + "/" + args[1]}
	}
	var known []string
	for _, r := range resources {
		known = append(known, r.Key.String())
	}
	var out []provision.Resource
	for _, arg := range args {
		i := slices.Index(known, arg)
		switch {
		case i < 0:
			return nil, refused(fmt.Sprintf("%q does not stand in the manifest%s", arg, suggest(arg, known)), "add it there first; there are: "+strings.Join(known, ", "))
		case slices.ContainsFunc(out, func(r provision.Resource) bool { return r.Key == resources[i].Key }):
			continue
		}
		out = append(out, resources[i])
	}
	return out, nil
}

// adopt looks resources up, shows them, asks, and records them.
func (a *app) adopt(client *kinds.Client, store *state.Store, wanted []provision.Resource, ids map[provision.Key]string, t target) error {
	st := store.State()
	st.Account = client.Account
	found, err := provision.Adoptions(a.ctx, client, kinds.Traits(), wanted, ids, st, a.Now())
	if err != nil {
		return err
	}
	a.doc.Project, a.doc.Environment, a.doc.Account = st.Project, st.Environment, st.Account
	a.doc.Adopted = view.Adopting(found)
	a.view().Adoptions(st.Project, st.Environment, st.Account, found)
	if err := a.ask(t, "Take these over, as they are?"); err != nil {
		return err
	}
	return a.record(client, store, found)
}

// record keeps what is taken over; Cloudflare is told nothing.
func (a *app) record(client *kinds.Client, store *state.Store, found []provision.Adoption) error {
	err := store.SetAccount(client.Account)
	if err == nil {
		err = store.Preflight()
	}
	for _, f := range found {
		if err == nil {
			err = store.Keep(f.Entry)
		}
	}
	var unsaved *state.SaveError
	if errors.As(err, &unsaved) && a.onlyRecord(err) {
		a.rescue(unsaved.Bundle)
	}
	if err != nil {
		return err
	}
	a.view().Print("Took over %s; nothing was changed at Cloudflare.", counted(len(found), "resource"))
	return nil
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// proceed names the command to type next.
func (a *app) proceed(t target, command string) {
	command = "cfboot " + command
	if t.environment != "" {
		command += " --env " + t.environment
	}
	if a.offline {
		command += " --offline"
	}
	a.doc.Next = []string{command}
	a.view().Print("\nNext:\n  %s", command)
}

package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/crashpoint"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/cfboot/cfboot/wrangler"
)

// runFromWrangler takes over a project that has a wrangler.jsonc and no manifest.
// The manifest is written last: while there is none, the same command goes on.
func (a *app) runFromWrangler(t target) error {
	if t.environment != "" {
		return refused("only production, the top level of "+wranglerFile+", is taken over", "leave --env out")
	}
	if _, err := os.Lstat(filepath.Join(a.Dir, manifestFile)); err == nil {
		return refused(manifestFile+" exists already", "to take over what stands in it: cfboot adopt KIND/NAME")
	}
	path := filepath.Join(a.Dir, wranglerFile)
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &provision.Problem{At: path, Text: "there is no wrangler.jsonc to read", Hints: []string{"change into a project's folder", "or begin one: cfboot new my-app --pattern saas"}}
	}
	if err != nil {
		return err
	}
	config, err := wrangler.Read(src)
	if err != nil {
		return asProblem(err)
	}
	env := config.Environment("")
	o := newTakeover(env)
	if o.project == "" || unsafeName().MatchString(env.Worker) {
		return refused(fmt.Sprintf("%s: its name is %q, and the project is to be called by it", wranglerFile, env.Worker), `set "name" in it`)
	}
	for _, e := range config.Environments[1:] {
		o.leave("env."+e.Name, "", "only the top level is taken over")
	}
	p := &project{dir: a.Dir, desired: manifest.Desired{Project: o.project, Account: env.Account}}
	return a.withState(a.Dir, p, t, "adopt", func(client *kinds.Client, store *state.Store) error {
		return a.takeOver(client, store, o, t)
	})
}

// takeOver looks everything up, shows it, asks, records it and writes the
// manifest.
func (a *app) takeOver(client *kinds.Client, store *state.Store, o *takeover, t target) error {
	seen, err := client.Observe(a.ctx, o.wanted(), false)
	if err != nil {
		return err
	}
	o.settle(seen, client.Account)
	account := client.Account
	if a.offline {
		account = ""
	}
	src, err := o.manifest(account)
	if err != nil {
		return err
	}
	p, err := parseProject(a.Dir, src, "")
	if err != nil {
		return err
	}
	st := store.State()
	st.Account = client.Account
	found, err := provision.Adoptions(a.ctx, client, kinds.Traits(), unowned(p.desired.Resources, st), o.ids(), st, a.Now())
	if err != nil {
		return err
	}
	a.doc.Project, a.doc.Environment, a.doc.Account = o.project, provision.Production, client.Account
	a.doc.Adopted, a.doc.Left = view.Adopting(found), o.left
	a.view().Adoptions(o.project, provision.Production, client.Account, found)
	a.view().Leftovers(o.left)
	if len(p.desired.Resources) == 0 {
		return refused("nothing that "+wranglerFile+" names can be taken over", "to begin anew: cfboot new NAME --pattern saas")
	}
	if err := a.ask(t, "Take these over, as they are, and write "+manifestFile+"?"); err != nil {
		return err
	}
	if err := a.record(client, store, found); err != nil {
		return err
	}
	crashpoint.Here("file")
	if err := writeFile(filepath.Join(a.Dir, schemaFile), manifest.Schema(kinds.Catalog{}), 0o644); err != nil {
		return err
	}
	crashpoint.Here("file")
	if err := writeFile(filepath.Join(a.Dir, manifestFile), src, 0o644); err != nil {
		return err
	}
	a.view().Print("Wrote %s and %s; %s is as it was.", manifestFile, schemaFile, wranglerFile)
	a.proceed(t, "plan")
	return nil
}

// unowned leaves out what a run that was cut off has recorded already.
func unowned(resources []provision.Resource, st provision.State) []provision.Resource {
	return slices.DeleteFunc(slices.Clone(resources), func(r provision.Resource) bool {
		_, owned := st.Entries[r.Key]
		return owned
	})
}

// ids are those that wrangler.jsonc gives.
func (o *takeover) ids() map[provision.Key]string {
	out := map[provision.Key]string{}
	for _, f := range o.found {
		if f.wanted.ID != "" {
			out[f.wanted.Key] = f.wanted.ID
		}
	}
	return out
}

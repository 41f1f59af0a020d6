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
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/provision/preview"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/cfboot/cfboot/wrangler"
	"github.com/spf13/cobra"
)

// upping is what preview up is asked for.
type upping struct {
	target
	owner
	name, ttl, seed, seedFrom, secretsFile string
	deploy                                 bool
	patience                               time.Duration
}

func (a *app) newPreviewUp() *cobra.Command {
	var u upping
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Make a preview, or bring it up to date",
		Long: "Applies the manifest to an environment of the preview's own, writes wrangler.NAME.jsonc\n" +
			"for it, with every binding its own, applies the D1 migrations with that file, fills\n" +
			"the database, and with --deploy deploys with wrangler and waits until the address\n" +
			"answers. Run again it does only what has changed since; where nothing has, nothing\n" +
			"is written. Its lease runs from the last run that did something, and is renewed\n" +
			"when half of it is over.\n\n" +
			"A database is seeded once. --seed takes an SQL file (several databases: db=FILE,\n" +
			"by logical name), after the migrations; --seed-from ENV a copy of that\n" +
			"environment's database, before them. Production's may hold what people have\n" +
			"entrusted to it: that takes --allow copy-data=NAME, with the database's real name.\n" +
			"Data in a preview is thrown away without a question when a setting takes that.",
		Example: "  cfboot preview up --name pr-7 --yes\n  cfboot preview up --name pr-7 --seed seed.sql --deploy --yes\n  cfboot preview up --name feature/login --ttl 2d",
		Args:    exactly(),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.runPreviewUp(u) }),
	}
	f := cmd.Flags()
	f.StringVar(&u.name, "name", "", "the preview: `pr-N`, a name, or a branch")
	f.StringVar(&u.ttl, "ttl", "", "how long it lives without a push: `7d`, 36h (default: as the manifest says, else 7d)")
	f.StringVar(&u.seed, "seed", "", "fill a new database with this SQL `FILE`")
	f.StringVar(&u.seedFrom, "seed-from", "", "fill a new database with a copy of that of the environment `ENV`")
	f.BoolVar(&u.deploy, "deploy", false, "deploy with wrangler")
	f.StringVar(&u.secretsFile, "secrets-file", "", "give the Worker the secrets in this `FILE`, as wrangler reads it")
	f.DurationVar(&u.patience, "wait", time.Minute, "how long to wait until the address answers")
	f.StringSliceVar(&u.allow, "allow", nil, "allow what is not done otherwise: copy-data=NAME, with the real name of a database of production")
	cmd.MarkFlagsMutuallyExclusive("seed", "seed-from")
	u.owner.add(cmd)
	u.addAccount(cmd)
	u.addYes(cmd)
	a.addLocalState(cmd)
	return cmd
}

// rising is one preview that is being made or brought up to date.
type rising struct {
	*app
	upping
	client  *kinds.Client
	project *project
	says    manifest.Previews
	store   *state.Store
	record  provision.PreviewRecord // as the state has it
	seeds   []seeding
	fresh   bool // nothing of it was there before
	doc     *view.Preview
}

func (a *app) runPreviewUp(u upping) (err error) {
	r := &rising{app: a, upping: u}
	if err := r.prepare(); err != nil {
		return err
	}
	p := r.project
	client, closer, err := a.connect(a.Dir, r.target, p.desired.Project, r.environment, p.desired.Domain, pinned{manifest: p.desired.Account})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closer()) }()
	r.client = client
	place, err := r.found()
	if err != nil {
		return err
	}
	if r.store, err = a.openState(place, p.desired.Project, r.environment, "preview up"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.store.Close()) }()
	return r.up()
}

// prepare reads all that can be wrong before Cloudflare is asked for anything.
func (r *rising) prepare() (err error) {
	if r.project, err = r.openProject(r.Dir, ""); err != nil {
		return err
	}
	if r.environment, err = previewEnvironment(r.name, r.project, preview.Name); err != nil {
		return err
	}
	if err := r.rehearsable(r.environment); err != nil {
		return err
	}
	if r.environment != r.name {
		r.view().Notice("note: the preview of %q is called %s", r.name, r.environment)
	}
	r.project.desired, err = r.project.manifest.Preview(r.environment, kinds.Catalog{})
	if err != nil {
		return err
	}
	r.says = r.project.manifest.Previews()
	if r.ttl != "" {
		if r.says.TTL, err = preview.ParseTTL(r.ttl); err != nil {
			return err
		}
	}
	if err := r.renderable(r.Dir, ""); err != nil {
		return err
	}
	if err := r.checkTools(); err != nil {
		return err
	}
	r.seeds, err = r.plannedSeeds()
	return err
}

// found is where the preview's state is kept, made anew of what exists where it is
// lost.
func (r *rising) found() (state.Place, error) {
	place, err := r.place(r.Dir, r.environment)
	if err == nil {
		err = r.durable(place) // to take one down the tags are enough
	}
	if err != nil {
		return nil, err
	}
	id, err := r.repository(r.owner)
	if err != nil {
		return nil, err
	}
	take := taking{app: r.app, client: r.client, project: r.project, target: r.target, repositoryID: id}
	st, exists, err := place.Read()
	var broken *provision.Problem
	switch {
	case err != nil && !(errors.As(err, &broken) && broken.Class == provision.Unusable):
		return nil, err
	case err == nil && exists && !st.Empty():
		return place, take.ours(st)
	}
	recovered, _, rerr := take.restore(place, false) // what is not ours is a conflict of the plan
	switch {
	case rerr != nil:
		return nil, rerr
	case !recovered && err != nil:
		return nil, err
	}
	r.fresh = !recovered
	return place, nil
}

// up is the whole of it, under the state's lock.
func (r *rising) up() error {
	if err := r.lease(); err != nil {
		return err
	}
	r.doc = &view.Preview{Environment: r.environment, Config: wrangler.ConfigFile(r.environment)}
	r.app.doc.Preview = r.doc
	if err := r.quota(); err != nil {
		return err
	}
	changed, err := r.apply()
	if err != nil {
		return err
	}
	config, err := r.derive()
	if err != nil {
		return err
	}
	w, err := r.work(config)
	if err != nil {
		return err
	}
	if err := r.renew(changed || w.any()); err != nil {
		return err
	}
	if err := r.fill(config, w); err != nil {
		return err
	}
	if err := r.deployed(config, w); err != nil {
		return err
	}
	r.tell()
	return nil
}

// lease makes a new preview's record, which goes into the state before anything is
// made, and reads an old one's.
func (r *rising) lease() error {
	st := r.store.State()
	if st.Preview != nil && !r.fresh {
		r.record = *st.Preview.Clone()
		return nil
	}
	l, err := r.origin(r.owner, r.environment, r.name, r.client.Now())
	if err != nil {
		return err
	}
	r.fresh = true
	r.record = provision.PreviewRecord{Lease: l}
	r.record.Lease, _ = preview.Renew(l, r.says.TTL, r.client.Now(), true)
	if err := r.store.SetAccount(r.client.Account); err != nil {
		return err
	}
	return r.store.SetPreview(&r.record)
}

// apply makes what is wanted, by the way that every apply goes. A preview's data
// is expendable, so nobody is asked about it.
func (r *rising) apply() (changed bool, err error) {
	plan, err := r.observe(r.client, r.project, r.target, r.store.State(), false)
	if err != nil {
		return false, err
	}
	plan = plan.WithoutBackup(kinds.Traits())
	r.describe(plan)
	r.view().Plan(plan)
	if err := r.unshared(r.store.State()); err != nil {
		return false, err
	}
	t := r.target
	t.allow, t.confirm = expendable(plan), plan.ToConfirm()
	if err := r.consent(&t, plan, "Make this preview?"); err != nil {
		return false, err
	}
	began := r.Now()
	if err := r.carryOut(r.client, r.store, plan, t); err != nil {
		return false, r.overQuota(err)
	}
	r.sum(r.client, plan, r.Now().Sub(began))
	r.doc.Resources = map[string]string{}
	for k, e := range r.store.State().Entries {
		r.doc.Resources[k.String()] = e.ID
	}
	return !plan.Empty(), nil
}

// renew gives the preview its time, where that is due: in the state, and in the
// tags of one resource. What was just made carries it already.
func (r *rising) renew(changed bool) error {
	defer func() { expires := r.record.Expires; r.doc.Expires = &expires }()
	if r.fresh {
		return nil
	}
	l, due := preview.Renew(r.record.Lease, r.says.TTL, r.client.Now(), changed)
	if !due {
		return nil
	}
	r.record.Lease = l
	if err := r.keep(); err != nil {
		return err
	}
	st := r.store.State()
	e, ok := lessee(st)
	if !ok {
		return nil
	}
	_, err := r.client.Mark(r.ctx, e, st.TagsOf(e, st.Lineage), false)
	return err
}

// lessee is the resource whose tags are told of a renewal: the project's Worker,
// else the first that takes any.
func lessee(st provision.State) (provision.Entry, bool) {
	if e, ok := st.Entries[provision.Key{Kind: "worker", Name: kinds.App}]; ok && e.Marked == provision.Marked {
		return e, true
	}
	all := provision.Sorted(st.Entries)
	i := slices.IndexFunc(all, func(e provision.Entry) bool { return e.Marked == provision.Marked })
	if i < 0 {
		return provision.Entry{}, false
	}
	return all[i], true
}

// keep saves the record.
func (r *rising) keep() error { return r.store.SetPreview(&r.record) }

// tell says where the preview is, as the last line.
func (r *rising) tell() {
	r.doc.URLs = r.record.URLs
	if len(r.doc.URLs) > 0 {
		r.doc.URL = r.doc.URLs[0]
	}
	r.view().Print("%s lives until %s. Take it down: %s", r.environment, r.record.Expires.UTC().Format("2006-01-02 15:04 UTC"), r.again("preview down --name "+r.environment, ""))
	if r.doc.URL != "" {
		r.view().Print("%s", r.doc.URL)
	}
}

// quota looks whether the account has room for the databases that are wanted. Only
// who has the Free plan is limited so closely, and which plan an account is on
// cannot be asked: more than that many show that it is another one. Where it could
// be the limit, the databases are made first, so that nothing else is made in vain.
func (r *rising) quota() error {
	var wanted []provision.Resource
	st := r.store.State()
	for _, res := range r.project.desired.Resources {
		if _, have := st.Entries[res.Key]; res.Key.Kind == "d1" && !have {
			wanted = append(wanted, res)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	has, known := r.client.Databases(r.ctx)
	if !known || has > kinds.FreeDatabases || has+len(wanted) <= kinds.FreeDatabases {
		return nil
	}
	r.view().Notice("note: the account has %s, and %d more %s wanted: the Free plan allows %d", view.Count(has, "database"), len(wanted), map[bool]string{true: "is", false: "are"}[len(wanted) == 1], kinds.FreeDatabases)
	return r.databasesFirst(wanted)
}

// databasesFirst makes just the databases.
func (r *rising) databasesFirst(wanted []provision.Resource) error {
	if err := r.ask(r.target, "Make the preview's databases?"); err != nil {
		return err
	}
	r.target.yes = true
	all := r.project.desired.Resources
	defer func() { r.project.desired.Resources = all }()
	r.project.desired.Resources = wanted
	plan, err := r.observe(r.client, r.project, r.target, r.store.State(), false)
	if err != nil {
		return err
	}
	plan.Steps = slices.DeleteFunc(plan.Steps, func(s provision.Step) bool { return s.Action != provision.Create })
	if err := plan.ConflictProblem(); err != nil {
		return err
	}
	return r.overQuota(r.carryOut(r.client, r.store, plan, r.target))
}

// overQuota adds to a refusal for the limit of databases which previews could go.
func (r *rising) overQuota(err error) error {
	if !kinds.Full(err) {
		return err
	}
	all, _, lerr := r.seenPreviews(r.client, r.project.desired.Project)
	if lerr != nil {
		return errors.Join(err, lerr)
	}
	var lines []string
	orphans := 0
	for _, p := range preview.Idle(all) {
		n := p.Counts()["d1"]
		if n == 0 || p.Environment == r.environment {
			continue
		}
		orphans += n
		row := listed(p, r.client.Now())
		lines = append(lines, fmt.Sprintf("  %-20s %-12s %s", p.Environment, view.Ends(row, r.client.Now()), view.Count(n, "database")))
	}
	if lines == nil {
		return err
	}
	return errors.Join(err, &provision.Problem{
		Text:  fmt.Sprintf("previews of this project hold %s, the longest idle first:\n%s", view.Count(orphans, "database"), strings.Join(lines, "\n")),
		Hints: []string{"remove those that are over: " + r.again("preview sweep --yes", ""), "or take one down: " + r.again("preview down --name NAME", "")}})
}

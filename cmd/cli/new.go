package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/agext/levenshtein"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/templates"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// request is what a person asks new for.
type request struct {
	target
	name, pattern, domain, dir, backup string
	frontend, ui                       string
	with                               []string // options, sorted, each once
	noApply                            bool

	source   templates.Pattern // what pattern names
	workflow templates.Workflow
}

func (a *app) newNew() *cobra.Command {
	var r request
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Make a project from a pattern: files, resources, IDs",
		Long: "Checks everything first (name, pattern, folder, token, account, zone, and that\n" +
			"nothing planned exists already), writes the project, shows the plan, asks, makes\n" +
			"the resources and fills their IDs into wrangler.jsonc. Cut off anywhere, the same\n" +
			"command goes on where it stopped.\n\nPatterns (more: cfboot patterns show NAME):\n" + patternList() +
			"\n\nA pattern of your own is a folder: ./my-pattern (its form: cfboot patterns --help).\n\nOptions for --with:\n" + optionList(),
		Example: "  cfboot new my-saas --pattern saas --domain my-saas.example --offline --yes\n  cfboot new my-shop --pattern ./my-pattern --with turnstile,analytics",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &provision.Problem{Text: "one NAME is needed", Hints: []string{"cfboot new my-saas --pattern saas"}}
			}
			return nil
		},
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			r.name = args[0]
			return a.runNew(r)
		}),
	}
	cmd.Flags().StringVar(&r.pattern, "pattern", "", "pattern to make it from: "+strings.Join(patternNames(), ", ")+", or a folder: ./my-pattern")
	cmd.Flags().StringSliceVar(&r.with, "with", nil, "add to it, with an example: "+strings.Join(optionNames(), ", "))
	cmd.Flags().StringVar(&r.backup, "backup", "", "who copies the database every day: worker (a Workflow of the project, default) or export (a GitHub workflow)")
	cmd.Flags().StringVar(&r.frontend, "frontend", "", "pages in place of the static ones, as an application of their own in web/: "+strings.Join(templates.Frontends(), ", ")+" (Angular with Ionic; pattern saas)")
	cmd.Flags().StringVar(&r.ui, "ui", "", "components for the frontend, beside Ionic's: "+strings.Join(templates.UIs(), ", ")+" (mind its licence: web/README.md)")
	cmd.Flags().StringVar(&r.domain, "domain", "", "domain it shall answer on; its zone must be active in the account")
	cmd.Flags().StringVar(&r.dir, "dir", "", "folder to make it in (default: NAME)")
	cmd.Flags().BoolVar(&r.noApply, "no-apply", false, "write the project, make nothing")
	r.addAccount(cmd)
	r.addYes(cmd)
	a.addLocalState(cmd)
	return cmd
}

var projectName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`) })

// maxProjectName leaves room in a host label of 63 characters for what is put
// before and behind it: wrangler's previews are <preview>-<worker>.
const maxProjectName = 40

// check looks at all that can be looked at before the folder and Cloudflare, and
// reads the pattern.
func (a *app) check(r *request) (err error) {
	if !projectName().MatchString(r.name) || len(r.name) > maxProjectName {
		return refused(fmt.Sprintf("%q cannot be a project's name", r.name),
			fmt.Sprintf("small letters, digits and single hyphens, beginning with a letter, at most %d characters: my-saas", maxProjectName))
	}
	if r.source, err = a.pattern(r.pattern); err != nil {
		return err
	}
	if r.domain, err = hostName(r.domain); err != nil {
		return err
	}
	if err := r.checkOptions(); err != nil {
		return err
	}
	if err := r.checkFrontend(); err != nil {
		return err
	}
	switch {
	case r.backup != "" && r.backup != backupWorker && r.backup != backupExport:
		return refused(fmt.Sprintf("--backup is %s or %s, not %q", backupWorker, backupExport, r.backup))
	case r.backup != "" && !r.source.TakesBackup():
		return refused(fmt.Sprintf("the pattern %s copies no database, so there is no --backup to choose", r.pattern), "leave --backup out")
	case r.backup == "":
		r.backup = backupWorker
	}
	return nil
}

// suggest offers the nearest of the known words.
func suggest(word string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := levenshtein.Distance(word, k, nil); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

func (a *app) runNew(r request) (err error) {
	if err := a.check(&r); err != nil {
		return err
	}
	r.workflow = a.workflow(templates.Usual)
	dir := a.path(r.name)
	if r.dir != "" {
		dir = a.path(r.dir)
	}
	a.doc.Directory = dir
	draft, err := a.draft(dir, r)
	if err != nil {
		return err
	}
	if r.noApply {
		return a.newFilesOnly(r, draft)
	}
	// The state's folder comes with the lock, so the project's own marker has to
	// be there first; and nothing at all may be written before all is checked.
	place, err := a.place(dir, provision.Production)
	if err == nil {
		err = a.durable(place)
	}
	if err != nil {
		return err
	}
	st, exists, err := place.Read()
	if err != nil {
		return err
	}
	if !exists {
		st = blankState(r.name, provision.Production, "")
	}
	client, closer, err := a.connectNew(dir, r, draft, st)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closer()) }()
	plan, err := a.preflight(client, draft, st)
	if err != nil {
		return err
	}
	if err := plan.ConflictProblem(); err != nil {
		return withHint(err, "what is taken over needs a manifest; to write the project and make nothing: "+r.command()+" --no-apply")
	}
	if !a.offline {
		draft.account = client.Account
	}
	if err := draft.write(r, a.view()); err != nil {
		return err
	}
	store, err := a.openState(place, r.name, provision.Production, "new")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	p, err := a.openProject(dir, "")
	if err != nil {
		return err
	}
	if err := plan.Fresh(store.State()); err != nil && exists {
		return &provision.Problem{At: dir, Text: "another run has changed the state meanwhile", Class: provision.Locked, Hints: []string{"run the same command again"}}
	}
	plan.Manifest = p.manifest.Hash
	if err := a.applyPlan(client, store, p, plan, r.target); err != nil {
		return err
	}
	a.next(dir, r)
	return nil
}

// command is what was asked for, as a person would type it.
func (r request) command() string {
	c := claimOf(r, "").command()
	if r.dir != "" {
		c += " --dir " + r.dir
	}
	return c
}

// connectNew connects as the request and what stands in the folder say. A
// rehearsal keeps its Cloudflare in the project's folder, which it may make.
func (a *app) connectNew(dir string, r request, d *draft, st provision.State) (*kinds.Client, func() error, error) {
	if a.offline {
		if err := d.claim(r); err != nil {
			return nil, nil, err
		}
	}
	return a.connect(dir, r.target, r.name, provision.Production, d.project.desired.Domain, pinned{manifest: d.project.desired.Account, state: st.Account})
}

// preflight asks everything that has to be known before the first write, at
// once: the token, the account, the zone, and what stands at each planned name.
func (a *app) preflight(client *kinds.Client, d *draft, st provision.State) (plan provision.Plan, err error) {
	var token, account error
	var g errgroup.Group
	g.Go(func() error { token = caught(func() error { return client.Verify(a.ctx) }); return nil })
	g.Go(func() error { account = caught(func() error { return client.CheckAccount(a.ctx) }); return nil })
	g.Go(func() error {
		return caught(func() (err error) { plan, err = a.observe(client, d.project, target{}, st, false); return err })
	})
	err = g.Wait()
	// A bad token fails every call: say so first.
	for _, e := range []error{token, account, err} {
		if e != nil {
			return plan, e
		}
	}
	return plan, nil
}

// newFilesOnly writes the project and asks Cloudflare nothing.
func (a *app) newFilesOnly(r request, d *draft) error {
	if err := d.write(r, a.view()); err != nil {
		return err
	}
	a.view().Notice("nothing was made and nothing was asked at Cloudflare: --no-apply")
	a.next(d.dir, r)
	return nil
}

// next prints the three commands to type now.
func (a *app) next(dir string, r request) {
	first := []string{"cd " + a.shown(dir), "npm ci"}
	if r.frontend != "" {
		first = append(first, "npm run web:install")
	}
	a.doc.Next = append(first, a.doc.Next...)
	switch {
	case r.noApply && a.offline:
		a.doc.Next = append(a.doc.Next, "cfboot apply --offline")
	case r.noApply:
		a.doc.Next = append(a.doc.Next, "cfboot apply")
	case a.offline:
		a.doc.Next = append(a.doc.Next, "npm test")
	default:
		a.doc.Next = append(a.doc.Next, "npm run deploy")
	}
	for _, n := range r.notes() {
		a.view().Notice("note: %s", n)
	}
	a.view().Print("\nNext:\n  %s", strings.Join(a.doc.Next, "\n  "))
}

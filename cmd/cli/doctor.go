package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/wrangler"
	"github.com/spf13/cobra"
)

func (a *app) newDoctor() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what a run depends on, and say what to do; write nothing",
		Long: "Checks the environment variables, the manifest, the state, git, wrangler.jsonc, the\n" +
			"token, the account, the zones and each product that the manifest uses. Nothing is\n" +
			"written, neither here nor at Cloudflare. It ends with 0 where nothing failed, with\n" +
			"3 where it is the token or the account, and with 1 otherwise. With --offline the\n" +
			"checks at Cloudflare are made against an empty emulator.",
		Example: "  cfboot doctor\n  cfboot doctor --env staging --json",
		Args:    exactly(),
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.runDoctor(t) }),
	}
	t.addEnvironment(cmd)
	t.addAccount(cmd)
	return cmd
}

// doctor collects what its checks find.
type doctor struct {
	*app
	target  target
	project *project // nil: there is none, or none that can be read
	state   provision.State
	checks  []view.Check
	refused bool // something about the token or the account has failed
}

func (a *app) runDoctor(t target) error {
	a.sayOffline()
	d := &doctor{app: a, target: t}
	d.checkVariables()
	d.checkManifest()
	d.checkState()
	d.checkGit()
	d.checkWrangler()
	if err := d.checkCloudflare(); err != nil {
		return err
	}
	a.doc.Checks = d.checks
	a.view().Checks(d.checks)
	return d.verdict()
}

// verdict is the error of what has failed, if anything has.
func (d *doctor) verdict() error {
	count := func(status string) (n int) {
		for _, c := range d.checks {
			if c.Status == status {
				n++
			}
		}
		return n
	}
	failed := count(view.CheckFailed)
	d.view().Print("%d ok, %s, %d failed.", count(view.CheckOK), view.Count(count(view.CheckWarning), "warning"), failed)
	if failed == 0 {
		return nil
	}
	p := &provision.Problem{Text: fmt.Sprintf("%d of %s failed", failed, view.Count(len(d.checks), "check"))}
	if d.refused {
		p.Class = provision.Refused
	}
	return p
}

func (d *doctor) add(name, status, text string, hints ...string) {
	d.checks = append(d.checks, view.Check{Name: name, Status: status, Text: view.Clean(text), Hints: hints})
}

func (d *doctor) ok(name, format string, args ...any) {
	d.add(name, view.CheckOK, fmt.Sprintf(format, args...))
}

func (d *doctor) skip(name, format string, args ...any) {
	d.add(name, view.CheckSkipped, fmt.Sprintf(format, args...))
}

func (d *doctor) warn(name, text string, hints ...string) {
	d.add(name, view.CheckWarning, text, hints...)
}

func (d *doctor) fail(name string, err error) {
	d.add(name, view.CheckFailed, err.Error(), view.Hints(err)...)
}

// deny is fail of what is about the token or the account. That Cloudflare could
// not be reached is not.
func (d *doctor) deny(name string, err error) {
	var p *provision.Problem
	d.refused = d.refused || errors.As(err, &p) && p.Class == provision.Refused
	d.fail(name, err)
}

// checkVariables names the variables that are set. One that is set but empty is
// not.
func (d *doctor) checkVariables() {
	const name = "environment"
	if d.offline {
		d.ok(name, "no variable is needed offline")
		return
	}
	var set []string
	for _, v := range []string{tokenVariable, keyVariable, emailVariable, "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL"} {
		if _, ok := d.getenv(v); ok {
			set = append(set, v)
		}
	}
	if set == nil {
		set = []string{"no variable"}
	}
	d.ok(name, "set: %s", strings.Join(set, ", "))
	if base, ok := d.getenv("CLOUDFLARE_API_BASE_URL"); ok && strings.TrimSuffix(base, "/") != strings.TrimSuffix(kinds.DefaultBaseURL, "/") {
		d.warn(name, fmt.Sprintf("all calls go to %s and not to Cloudflare, and the token with them", base), "unset CLOUDFLARE_API_BASE_URL, unless that is meant")
	}
	if slices.Contains(set, tokenVariable) && slices.Contains(set, keyVariable) && !d.globalKey {
		d.warn(name, keyVariable+" is set and not used: the token goes before it", "unset it: it may do everything in every account")
	}
}

func (d *doctor) checkManifest() {
	p, err := d.openProject(d.Dir, d.target.environment)
	switch _, missing := os.Lstat(filepath.Join(d.Dir, manifestFile)); {
	case errors.Is(missing, os.ErrNotExist):
		d.skip("manifest", "there is no %s here", manifestFile)
	case err != nil:
		d.fail("manifest", err)
	default:
		d.project = p
		d.doc.Project, d.doc.Environment = p.desired.Project, d.target.env()
		d.ok("manifest", "%s (%s): %s", p.desired.Project, d.target.env(), view.Count(len(p.desired.Resources), "resource"))
	}
}

// checkState looks at every file of the state; only the one in use can fail.
func (d *doctor) checkState() {
	if !d.checkBucket() {
		return
	}
	place, err := d.place(d.Dir, d.target.env())
	if err != nil {
		d.deny("state", err)
		return
	}
	files := place.Inspect()
	inUse := files[0]
	st, exists, err := place.Read()
	if err == nil && exists && inUse.Err == nil {
		wanted := ""
		if d.project != nil {
			wanted = d.project.desired.Project
		}
		inUse.Err = place.Check(st, wanted, d.target.env(), "")
	}
	switch {
	case inUse.Err != nil:
		d.fail("state", inUse.Err)
	case err != nil:
		d.fail("state", err)
	case !exists:
		d.ok("state", "nothing is owned yet")
	default:
		d.state = st
		d.ok("state", "serial %d: %s", st.Serial, view.Count(len(st.Entries), "resource"))
		if n := len(st.Intents); n > 0 {
			d.warn("state", view.Count(n, "create")+" of unknown outcome", "to find out and finish: "+d.again("apply", d.target.env()))
		}
	}
	for _, n := range inUse.Notes {
		d.warn("state", n)
	}
	for _, f := range files[1:] {
		if f.Err != nil {
			d.warn("state", f.Err.Error(), "the state in use is not concerned; what is kept of it is: cfboot state verify")
		}
	}
}

// checkWrangler reads the file that IDs are filled into, and looks for others
// that wrangler may read in its place.
func (d *doctor) checkWrangler() {
	src, err := os.ReadFile(filepath.Join(d.Dir, wranglerFile))
	switch {
	case errors.Is(err, os.ErrNotExist) && d.project == nil:
		d.skip(wranglerFile, "there is none here")
		return
	case errors.Is(err, os.ErrNotExist):
		err = &provision.Problem{Text: "there is none to fill the IDs into", Hints: []string{"bring it back, or write {} into it"}}
	case err == nil:
		_, err = wrangler.Read(src)
		err = asProblem(err)
	}
	var beside []string
	for _, name := range []string{"wrangler.json", "wrangler.toml", "cloudflare.config.ts", "cloudflare.config.mts", "cloudflare.config.js", "cloudflare.config.mjs"} {
		if _, err := os.Lstat(filepath.Join(d.Dir, name)); err == nil {
			beside = append(beside, name)
		}
	}
	switch {
	case err != nil:
		d.fail(wranglerFile, err)
	case beside != nil:
		d.fail(wranglerFile, &provision.Problem{Text: "beside it stands " + strings.Join(beside, ", ") + ": wrangler may read that one, where no ID is filled in",
			Hints: []string{"keep one of them: move what is still needed into " + wranglerFile}})
	default:
		d.ok(wranglerFile, "it can be read, and is the only one")
	}
}

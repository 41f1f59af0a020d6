package cli

import (
	"bytes"
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
)

// configured is the configuration that was derived for a preview.
type configured struct {
	path string
	data []byte
	url  string // where it will answer; empty where nobody knows
}

// derive writes the preview's configuration of wrangler, once it is sure that no
// binding in it leads to what is another environment's.
func (r *rising) derive() (c configured, err error) {
	src, err := os.ReadFile(filepath.Join(r.Dir, wranglerFile))
	if err != nil {
		return c, err
	}
	if c.url, err = r.address(); err != nil {
		return c, err
	}
	p, err := r.derivation(c.url)
	if err != nil {
		return c, err
	}
	if c.data, err = wrangler.Derive(src, p); err != nil {
		return c, asProblems(err)
	}
	if err := r.own(c.data, p); err != nil {
		return c, err
	}
	c.path = filepath.Join(r.Dir, wrangler.ConfigFile(r.environment))
	have, err := os.ReadFile(c.path)
	changed := err != nil || !bytes.Equal(have, c.data)
	if changed {
		if err := writeFile(c.path, c.data, 0o644); err != nil {
			return c, err
		}
		r.view().Print("Wrote %s.", r.shown(c.path))
	}
	r.app.doc.Rendered = &view.Rendered{File: filepath.ToSlash(r.shown(c.path)), Changed: changed}
	return c, nil
}

// derivation is what the preview's configuration has to say.
func (r *rising) derivation(url string) (wrangler.Preview, error) {
	st, desired := r.store.State(), r.project.desired
	names, err := r.project.manifest.Names(r.environment, kinds.Catalog{})
	if err != nil {
		return wrangler.Preview{}, err
	}
	p := wrangler.Preview{Environment: r.environment, Worker: r.worker(st), Account: r.client.Account, Names: names, Services: r.says.Services,
		Keep: r.says.Keep, Drop: r.says.Drop, Crons: r.says.Crons, Vars: r.says.Expanded(r.environment, url), WorkersDev: desired.WorkersDev || desired.Domain == ""}
	for _, b := range bindings(st) {
		p.Edits = append(p.Edits, edit(b))
	}
	return p, nil
}

// worker is the real name of the Worker that wrangler deploys.
func (r *rising) worker(st provision.State) string {
	if e, ok := st.Entries[provision.Key{Kind: "worker", Name: kinds.App}]; ok {
		return e.Name
	}
	for _, e := range provision.Sorted(st.Entries) {
		if e.Key.Kind == "worker" {
			return e.Name
		}
	}
	return r.project.desired.Project + "-" + r.environment
}

// address is where the preview will answer.
func (r *rising) address() (string, error) {
	desired := r.project.desired
	if desired.Domain != "" {
		return "https://" + desired.Domain, nil
	}
	sub, err := r.client.Subdomain(r.ctx)
	if err != nil || sub == "" {
		return "", err
	}
	return fmt.Sprintf("https://%s.%s.workers.dev", r.worker(r.store.State()), sub), nil
}

// own refuses a configuration in which something resolves to what stands in the
// state of another environment, whatever the derivation made of it.
func (r *rising) own(config []byte, p wrangler.Preview) error {
	refs, err := wrangler.References(config)
	if err != nil {
		return asProblem(err)
	}
	beside, err := r.opened.Beside()
	if err != nil {
		return err
	}
	type place struct{ kind, id string }
	theirs := map[place]string{}
	for _, other := range beside {
		st, exists, err := other.Read()
		if err != nil || !exists || st.Environment == r.environment {
			continue // unshared has told what cannot be read
		}
		for _, e := range st.Entries {
			for _, id := range []string{e.ID, e.Name} {
				if id != "" {
					theirs[place{e.Key.Kind, id}] = st.Environment
				}
			}
		}
	}
	var lines []string
	for _, ref := range refs {
		environment := theirs[place{ref.Kind, ref.Value}]
		if environment != "" && !slices.Contains(p.Keep, ref.Binding) {
			lines = append(lines, fmt.Sprintf("%d:%d: %s of %s %s is %s, which is that of %s", ref.Line, ref.Col, ref.Field, ref.Section, ref.Binding, ref.Value, environment))
		}
	}
	if lines == nil {
		return nil
	}
	return &provision.Problem{At: wrangler.ConfigFile(r.environment), Text: "it would not be the preview's own:\n  " + strings.Join(lines, "\n  "), Class: provision.Refused,
		Hints: []string{`say what a preview shares on purpose: "previews": {"shared": […]} in ` + manifestFile}}
}

// asProblems is asProblem for several errors that were joined.
func asProblems(err error) error {
	joined, is := err.(interface{ Unwrap() []error })
	if !is {
		return asRefusal(err)
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, asRefusal(e))
	}
	return errors.Join(all...)
}

func asRefusal(err error) error {
	var w *wrangler.Error
	if errors.As(err, &w) {
		return &provision.Problem{Err: err, Hints: w.Hints, Class: provision.Refused}
	}
	return err
}

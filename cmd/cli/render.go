package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"time"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/cfboot/cfboot/wrangler"
	"github.com/spf13/cobra"
)

func (a *app) newRender() *cobra.Command {
	var t target
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Fill the IDs of what exists into wrangler.jsonc",
		Long:  "Sets the values that the state knows, each in its binding, and touches no other\nbyte of wrangler.jsonc. It asks Cloudflare nothing.",
		Args:  cobra.NoArgs,
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			a.sayOffline()
			place, err := a.place(a.Dir, t.env())
			if err != nil {
				return err
			}
			st, exists, err := place.Read()
			if err != nil {
				return err
			}
			if !exists || st.Empty() {
				return &provision.Problem{At: place.String(), Text: "nothing is owned yet, so there is nothing to fill in", Hints: []string{"cfboot apply"}}
			}
			a.doc.Project, a.doc.Environment, a.doc.Account = st.Project, st.Environment, st.Account
			return a.render(a.Dir, t.environment, st, st)
		}),
	}
	t.addEnvironment(cmd)
	return cmd
}

// render writes what the state knows into wrangler.jsonc, and takes out what
// stood there for a resource that is ours no longer.
func (a *app) render(dir, environment string, before, after provision.State) error {
	path, config, err := a.readWrangler(dir)
	if err != nil {
		return err
	}
	section := sectionOf(environment)
	wanted := bindings(after)
	edits := removals(config, section, bindings(before), wanted)
	for _, b := range wanted {
		edits = append(edits, edit(b))
	}
	edits = append(edits, ownRoutes(config, section, wanted)...)
	a.compareNames(config, section, after)
	overruled := overrules(config, section, bindings(before), wanted)
	changed, err := wrangler.Update(path, section, edits)
	if err != nil {
		return asProblem(err)
	}
	name := filepath.ToSlash(a.shown(path))
	for _, o := range overruled {
		a.view().Notice("warning: %s: %s", name, o)
	}
	a.doc.Rendered = &view.Rendered{File: name, Changed: changed}
	if changed {
		a.view().Print("Filled the IDs into %s.", name)
	} else {
		a.view().Print("%s has every ID already.", name)
	}
	return nil
}

// renderable checks, before anything is made, that its IDs will find a place.
func (a *app) renderable(dir, environment string) error {
	path, _, err := a.readWrangler(dir)
	if err != nil {
		return err
	}
	_, err = wrangler.Update(path, sectionOf(environment), nil)
	return asProblem(err)
}

// readWrangler reads the file that is rendered into.
func (a *app) readWrangler(dir string) (string, *wrangler.Config, error) {
	path, err := a.wranglerPath(dir)
	if err != nil {
		return "", nil, err
	}
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil, &provision.Problem{At: a.shown(path), Text: "there is no wrangler.jsonc to fill the IDs into", Hints: []string{"bring it back, or write {} into it"}}
	}
	if err != nil {
		return "", nil, err
	}
	config, err := wrangler.Read(src)
	return path, config, asProblem(err)
}

// sectionOf is the name of an environment's block in wrangler.jsonc; production
// is the top level.
func sectionOf(environment string) string {
	if environment == provision.Production {
		return ""
	}
	return environment
}

// wranglerPath is the file to render into. A rehearsal in a project that really
// exists must not put invented IDs where the next deploy takes them from, so it
// works on a copy.
func (a *app) wranglerPath(dir string) (string, error) {
	path := filepath.Join(dir, wranglerFile)
	if !a.offline {
		return path, nil
	}
	real := false
	if w, err := a.whereabouts(dir, ""); err == nil {
		real = w.bucket.Name != ""
	}
	for _, f := range mustGlob(filepath.Join(dir, ownDir, "state*.json")) {
		if _, _, isCopy, _ := state.Origin(f); isCopy {
			real = true
			continue
		}
		st, exists, err := state.Read(f)
		if err != nil {
			return "", err
		}
		real = real || exists && !st.Empty()
	}
	if !real {
		return path, nil
	}
	copied := filepath.Join(dir, filepath.FromSlash(offlineDir), wranglerFile)
	src, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil // the reader says so
	}
	if err != nil {
		return "", err
	}
	return copied, writeFile(copied, src, 0o644)
}

// mustGlob lists files by a pattern that is known to be well formed.
func mustGlob(pattern string) []string {
	names, err := filepath.Glob(pattern)
	if err != nil {
		panic(err)
	}
	return names
}

func bindings(st provision.State) []provision.Binding {
	var out []provision.Binding
	for _, e := range provision.Sorted(st.Entries) {
		out = append(out, kinds.Bindings(e)...)
	}
	return out
}

func edit(b provision.Binding) wrangler.Edit {
	e := wrangler.Edit{Section: b.Section, Match: wrangler.Field(b.Match)}
	for _, f := range b.Set {
		e.Set = append(e.Set, wrangler.Field(f))
	}
	return e
}

// ownRoutes gives an environment that has no routes an empty list of its own.
// Without one it inherits production's, and its next deploy would take them.
func ownRoutes(config *wrangler.Config, environment string, wanted []provision.Binding) []wrangler.Edit {
	isRoutes := func(section []string) bool { return slices.Equal(section, []string{"routes"}) }
	if environment == "" || slices.ContainsFunc(wanted, func(b provision.Binding) bool { return isRoutes(b.Section) }) {
		return nil
	}
	has := func(name string) bool {
		env := config.Environment(name)
		return env != nil && slices.ContainsFunc(env.Bindings, func(b wrangler.Binding) bool { return isRoutes(b.Section) })
	}
	if !has("") || has(environment) {
		return nil
	}
	return []wrangler.Edit{{Section: []string{"routes"}, Set: []wrangler.Field{{Value: []any{}}}}}
}

// compareNames warns where a deploy would go to another Worker than the one that
// routes, domains and queues hang on.
func (a *app) compareNames(config *wrangler.Config, environment string, st provision.State) {
	worker, ok := st.Entries[provision.Key{Kind: "worker", Name: kinds.App}]
	env := config.Environment(environment)
	if ok && env != nil && env.Worker != "" && env.Worker != worker.Name {
		a.view().Notice("warning: wrangler deploys to the Worker %q, but %s is %q: set \"name\" in %s", env.Worker, worker.Key, worker.Name, wranglerFile)
	}
}

// overrules says which values that somebody else wrote are about to be replaced:
// those that are neither what is wanted nor what cfboot itself wrote before.
func overrules(config *wrangler.Config, environment string, before, wanted []provision.Binding) (out []string) {
	env := config.Environment(environment)
	if env == nil {
		return nil
	}
	for _, b := range wanted {
		for _, have := range env.Bindings {
			if b.Match.Name == "" || !slices.Equal(have.Section, b.Section) || have.Field(b.Match.Name) != b.Match.Value {
				continue
			}
			for _, f := range b.Set {
				old := have.Field(f.Name)
				ours := slices.ContainsFunc(before, func(w provision.Binding) bool { return same(w, b) && wrote(w, f.Name, old) })
				if old != nil && old != "" && fmt.Sprint(old) != fmt.Sprint(f.Value) && !ours {
					out = append(out, fmt.Sprintf("%s of %s %v was %v, which cfboot did not write; it is %v now", f.Name, b.Match.Name, b.Match.Value, old, f.Value))
				}
			}
		}
	}
	return out
}

func wrote(b provision.Binding, field string, value any) bool {
	return slices.ContainsFunc(b.Set, func(f provision.BindingField) bool {
		return f.Name == field && fmt.Sprint(f.Value) == fmt.Sprint(value)
	})
}

// removals takes out the elements of what is ours no longer, as far as they
// still say what we wrote.
func removals(config *wrangler.Config, environment string, before, after []provision.Binding) []wrangler.Edit {
	var out []wrangler.Edit
	for _, b := range before {
		if slices.ContainsFunc(after, func(c provision.Binding) bool { return same(b, c) }) {
			continue
		}
		env := config.Environment(environment)
		if env == nil {
			continue
		}
		if b.Match.Name == "" {
			if saysKey(*env, b) {
				out = append(out, wrangler.Edit{Section: b.Section, Remove: true})
			}
			continue
		}
		for _, have := range env.Bindings {
			if slices.Equal(have.Section, b.Section) && have.Field(b.Match.Name) == b.Match.Value && says(have, b) {
				out = append(out, wrangler.Edit{Section: b.Section, Match: wrangler.Field(b.Match), Remove: true})
			}
		}
	}
	return out
}

func same(a, b provision.Binding) bool {
	return slices.Equal(a.Section, b.Section) && reflect.DeepEqual(a.Match, b.Match)
}

func says(have wrangler.Binding, b provision.Binding) bool {
	for _, f := range b.Set {
		if fmt.Sprint(have.Field(f.Name)) != fmt.Sprint(f.Value) {
			return false
		}
	}
	return true
}

// saysKey is says for a binding that is one key of an object: a variable.
func saysKey(env wrangler.Environment, b provision.Binding) bool {
	last := len(b.Section) - 1
	return slices.ContainsFunc(env.Bindings, func(have wrangler.Binding) bool {
		return slices.Equal(have.Section, b.Section[:last]) && have.Field(b.Section[last]) == b.Set[0].Value
	})
}

// asProblem gives the patcher's error the place and hints in our form.
func asProblem(err error) error {
	var w *wrangler.Error
	if errors.As(err, &w) {
		return &provision.Problem{Err: err, Hints: w.Hints}
	}
	return err
}

// sum prints the last line of a change.
func (a *app) sum(client *kinds.Client, plan provision.Plan, took time.Duration) {
	if plan.Empty() {
		return
	}
	n := 0
	for _, c := range plan.Changes() {
		n += c
	}
	word := "Done"
	if plan.Destroy {
		word = "Destroyed"
	}
	released := ""
	if r := plan.Changes()[provision.Release]; r > 0 {
		released = fmt.Sprintf(" (%d released, which stay)", r)
	}
	a.view().Print("%s: %s%s in %s, %s.", word, view.Count(n, "step"), released, view.Took(took), view.Calls(client.Calls(), " in all"))
}

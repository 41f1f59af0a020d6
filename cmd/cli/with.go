package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/templates"
	"github.com/cfboot/cfboot/wrangler"
)

const devVarsExample = ".dev.vars.example"

func optionNames() []string {
	var out []string
	for _, o := range templates.Options() {
		out = append(out, o.Name)
	}
	return out
}

func optionList() string {
	var b strings.Builder
	for _, o := range templates.Options() {
		fmt.Fprintf(&b, "  %-10s %s\n", o.Name, o.Summary)
	}
	return strings.TrimRight(b.String(), "\n")
}

// checkOptions puts what is asked for with --with in order, and refuses what does
// not exist or fit.
func (r *request) checkOptions() error {
	slices.Sort(r.with)
	r.with = slices.Compact(r.with)
	for _, name := range r.with {
		o, err := templates.LookupOption(name, r.values(""))
		switch {
		case !slices.Contains(optionNames(), name):
			return refused(fmt.Sprintf("there is nothing to add under the name %q%s", name, suggest(name, optionNames())), "there are: "+strings.Join(optionNames(), ", "))
		case err != nil:
			return err
		case !r.source.TakesOptions():
			return refused(fmt.Sprintf("nothing can be added to the pattern %s: it has no src/extras/index.ts", r.pattern), "leave --with out, or give the pattern that file")
		case o.NeedsDomain && r.domain == "":
			return refused("--with "+name+" needs a domain", "say which: --domain my-saas.example")
		case o.ByHand && !r.noApply:
			return refused("--with "+name+" needs --no-apply: something has to be set in cfboot.jsonc before it can be made", "write the project with --no-apply, read what is left to do, then: cfboot apply")
		}
	}
	return nil
}

// values is what the project's templates are made with.
func (r request) values(version string) templates.Values {
	return templates.Values{Name: r.name, Domain: r.domain, Account: r.account, Schema: "./" + schemaFile, Version: version, Backup: r.backup,
		Frontend: r.frontend, UI: r.ui, Workflow: r.workflow}
}

// render makes the project's files: the pattern's, with what --backup and
// --frontend change and --with adds.
func (r request) render(version string) ([]templates.File, error) {
	v := r.values(version)
	files, err := r.source.Render(v)
	if err == nil && r.backup == backupExport {
		files, err = templates.ExportBackup(files, v)
	}
	if err == nil && r.frontend != "" {
		files, err = templates.Frontend(files, v)
	}
	if err == nil && isFolder(r.pattern) {
		err = sound(files, r)
	}
	if err != nil && isFolder(r.pattern) {
		err = badPattern(r.pattern, err)
	}
	if err != nil {
		return nil, err
	}
	for _, name := range r.with {
		o, err := templates.LookupOption(name, v)
		if err == nil {
			files, err = r.add(files, o)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(r.with) > 0 {
		files = with(files, templates.Extras(r.with))
	}
	return files, nil
}

// notes is what the options leave for a person to do or to know.
func (r request) notes() []string {
	var out []string
	for _, name := range r.with {
		if o, err := templates.LookupOption(name, r.values("")); err == nil {
			out = append(out, o.Notes...)
		}
	}
	if r.ui == templates.PrimeNG {
		out = append(out, "primeng: what is pinned is free under MIT; its next major version is not: web/README.md")
	}
	return out
}

// with puts a file in, in place of one at the same path.
func with(files []templates.File, f templates.File) []templates.File {
	if i := at(files, f.Path); i >= 0 {
		files[i] = f
		return files
	}
	return append(files, f)
}

func at(files []templates.File, path string) int {
	return slices.IndexFunc(files, func(f templates.File) bool { return f.Path == path })
}

// add puts an option into a project: its files, its resource, its bindings.
func (r request) add(files []templates.File, o templates.Option) ([]templates.File, error) {
	for _, f := range o.Files {
		if at(files, f.Path) >= 0 {
			return nil, refused(fmt.Sprintf("--with %s would write %s, and the pattern %s has one", o.Name, f.Path, r.pattern), "leave "+o.Name+" out")
		}
		files = append(files, f)
	}
	m, w := at(files, manifestFile), at(files, wranglerFile)
	if err := r.addResource(&files[m], o); err != nil {
		return nil, err
	}
	if err := r.addBindings(&files[w], o); err != nil {
		return nil, err
	}
	if len(o.DevVars) == 0 {
		return files, nil
	}
	vars := templates.File{Path: devVarsExample, Mode: 0o644}
	if i := at(files, devVarsExample); i >= 0 {
		vars = files[i]
	}
	vars.Data = append(slices.Clip(vars.Data), "\n# Of --with "+o.Name+": Cloudflare's test values, which always let pass.\n"...)
	for name, value := range o.DevVars {
		vars.Data = append(vars.Data, name+"="+value+"\n"...)
	}
	return with(files, vars), nil
}

func (r request) addResource(f *templates.File, o templates.Option) error {
	if o.Resource == "" {
		return nil
	}
	p, err := parseProject("", f.Data, "")
	if err != nil {
		return err
	}
	var object struct{ Kind string }
	if err := json.Unmarshal(o.Settings, &object); err != nil {
		return err
	}
	for _, have := range p.desired.Resources {
		if have.Key.Kind == object.Kind {
			return r.has(have.Key.String(), o)
		}
	}
	f.Data, err = manifest.AddResource(f.Data, o.Resource, o.Settings)
	return err
}

func (r request) has(what string, o templates.Option) error {
	return refused(fmt.Sprintf("the pattern %s has %s already", r.pattern, what), "leave "+o.Name+" out of --with")
}

func (r request) addBindings(f *templates.File, o templates.Option) error {
	config, err := wrangler.Read(f.Data)
	if err != nil {
		return asProblem(err)
	}
	var edits []wrangler.Edit
	for _, b := range o.Bindings {
		e := wrangler.Edit{Section: b.Section}
		for _, f := range b.Fields {
			e.Set = append(e.Set, wrangler.Field{Name: f[0], Value: f[1]})
		}
		if b.List {
			e.Match, e.Set = e.Set[0], e.Set[1:]
			for _, have := range config.Environment("").Bindings {
				if slices.Equal(have.Section, e.Section) && have.Field(e.Match.Name) == e.Match.Value {
					return r.has(fmt.Sprintf("the binding %s", e.Match.Value), o)
				}
			}
		}
		edits = append(edits, e)
	}
	f.Data, err = wrangler.Apply(f.Data, "", edits)
	return asProblem(err)
}

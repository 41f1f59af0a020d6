package cli

import (
	"slices"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/templates"
	"github.com/cfboot/cfboot/wrangler"
	"github.com/spf13/cobra"
)

func (a *app) newPatterns() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "patterns",
		Short: "List the patterns that a project can be made from, and what each makes",
		Long: "A pattern is a whole project. Those that come with cfboot have names; one of your\n" +
			"own is a folder, which new and show take in a name's place: ./my-pattern.\n\n" +
			"Such a folder is copied as it is, with what is in it below the project's folder:\n" +
			"  cfboot.jsonc.tmpl, wrangler.jsonc.tmpl   needed, with \"name\": [[ json .Name ]]\n" +
			"  src/extras/index.ts   exports a Hono app \"extras\", mounted at /api/v1/extras;\n" +
			"                        without it there is no --with\n" +
			"  pattern.json          not copied: summary, description, secrets, cost (all as in\n" +
			"                        cfboot patterns show NAME --json), and \"frontends\":\n" +
			"                        [\"angular\"] where its API and files are so like the\n" +
			"                        pattern saas's that --frontend angular fits\n" +
			"Files that end in .tmpl are templates, and lose that ending. They may write .Name,\n" +
			".Domain, .Account, .Schema, .Version, .Backup, .Frontend and .UI, as in\n" +
			"[[ json .Name ]] or [[ html .Name ]], and choose with if, else, end, eq, ne, and, or, not, print;\n" +
			"nothing else. Refused are links, device names, names that differ in case alone,\n" +
			".cfboot, .dev.vars, more than 2,000 files, 5 MiB in one or 25 MiB in all.\n" +
			".git, node_modules and .wrangler are left out; nothing becomes executable.",
		Example: "  cfboot patterns list\n  cfboot patterns show saas\n  cfboot patterns show ./my-pattern --json",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "list",
		Short: "List the patterns and the options that come with cfboot",
		Args:  exactly(),
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			for _, p := range templates.Patterns() {
				a.doc.Patterns = append(a.doc.Patterns, view.Named{Name: p.Name, Summary: p.Summary})
			}
			a.doc.Options = optionSummaries()
			a.view().Patterns(a.doc.Patterns, a.doc.Options)
			return nil
		}),
	}, &cobra.Command{
		Use:   "show NAME",
		Short: "Show what a pattern makes, what it needs and what that costs",
		Args:  exactly("NAME"),
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			p, err := a.pattern(args[0])
			if err == nil {
				a.doc.Pattern, err = patternDocument(p)
			}
			if err != nil {
				return err
			}
			a.view().Pattern(*a.doc.Pattern)
			return nil
		}),
	})
	return cmd
}

func optionSummaries() []view.Named {
	var out []view.Named
	for _, o := range templates.Options() {
		out = append(out, view.Named{Name: o.Name, Summary: o.Summary})
	}
	return out
}

// sampleName is the project that patterns are shown by.
const sampleName = "my-app"

// sample makes a project of the pattern, as far as its two files that say what
// there is.
func sample(p templates.Pattern, domain string) (*project, *wrangler.Config, error) {
	r := request{name: sampleName, pattern: p.Name, domain: domain, backup: backupWorker, source: p}
	files, err := r.render("")
	if err != nil {
		return nil, nil, err
	}
	made, err := parseProject("", files[at(files, manifestFile)].Data, "")
	if err != nil {
		return nil, nil, err
	}
	config, err := wrangler.Read(files[at(files, wranglerFile)].Data)
	return made, config, asProblem(err)
}

// patternDocument computes what a pattern makes from what it would write.
func patternDocument(p templates.Pattern) (*view.PatternDocument, error) {
	bare, _, err := sample(p, "")
	if err != nil {
		return nil, err
	}
	whole, config, err := sample(p, sampleName+".example")
	if err != nil {
		return nil, err
	}
	d := &view.PatternDocument{Name: p.Name, Summary: p.Summary, Description: p.Description, Project: sampleName, Cost: costOf(p.Cost)}
	for _, r := range whole.desired.Resources {
		made := slices.ContainsFunc(bare.desired.Resources, func(b provision.Resource) bool { return b.Key == r.Key })
		binding, _ := r.Local["binding"].(string)
		d.Resources = append(d.Resources, view.PatternResource{Key: r.Key.String(), Name: r.Name, Binding: binding, NeedsDomain: !made})
	}
	d.Bindings = bindingsOf(config, whole.desired.Resources)
	for _, s := range whole.manifest.Secrets {
		d.Secrets = append(d.Secrets, view.PatternSecret{Name: s.Name, Description: s.Description, Required: s.Required, Generated: s.Generate != "", URL: s.URL})
	}
	if p.TakesOptions() {
		d.Options = optionSummaries()
	}
	if p.TakesBackup() {
		d.Backup = []string{backupWorker, backupExport}
	}
	if d.Frontends = p.Frontends; len(d.Frontends) > 0 {
		d.UIs = templates.UIs()
	}
	return d, nil
}

// bindingsOf lists what wrangler.jsonc gives the Worker that is no resource of
// the manifest: limits, objects, workflows, models.
func bindingsOf(config *wrangler.Config, resources []provision.Resource) []view.PatternBinding {
	var out []view.PatternBinding
	for _, b := range config.Environment("").Bindings {
		name, _ := b.Field("binding").(string)
		if name == "" && slices.Contains(namedByName, b.Section[len(b.Section)-1]) {
			name, _ = b.Field("name").(string)
		}
		if b.Section[0] == "durable_objects" {
			name, _ = b.Field("name").(string)
		}
		ours := slices.ContainsFunc(resources, func(r provision.Resource) bool { return r.Local["binding"] == name })
		if name != "" && !ours {
			out = append(out, view.PatternBinding{Name: name, Section: b.Section[0]})
		}
	}
	return out
}

// namedByName are the sections of wrangler.jsonc in which a binding is called
// "name".
var namedByName = []string{"ratelimits", "send_email"}

func costOf(c templates.Cost) *view.PatternCost {
	if c.AsOf == "" {
		return nil
	}
	out := &view.PatternCost{AsOf: c.AsOf, Free: c.Monthly.Free, Paid: c.Monthly.Paid, Notes: c.Notes}
	for _, l := range c.Limits {
		out.Limits = append(out.Limits, view.PatternLimit(l))
	}
	return out
}

package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/provision/state"
	"github.com/spf13/cobra"
)

func (a *app) newSecrets() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secrets",
		Short: "See which secrets the Workers need and have, put them there, make some up",
		Long: "The manifest lists under \"secrets\" what the project needs. Cloudflare tells the\n" +
			"names of those that a Worker has, and nobody their values: none is ever shown,\n" +
			"recorded or compared. One that is there already is overwritten with --replace only.\n" +
			"With --offline the Workers are those of the rehearsal.",
		Example: "  cfboot secrets list\n  cfboot secrets push\n  printf 'STRIPE_API_KEY=%s' \"$KEY\" | cfboot secrets push --stdin --yes\n  cfboot secrets generate --env staging",
		Args:    knownCommand,
		RunE:    func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.newSecretsList(), a.newSecretsPush(), a.newSecretsGenerate())
	return cmd
}

func (a *app) newSecretsList() *cobra.Command {
	var t target
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the secrets that are needed, and whether the Worker has them",
		Args:  exactly(),
		RunE: a.answering(func(cmd *cobra.Command, args []string) error {
			return a.withSecrets(t, "secrets list", func(s *secrets) error {
				a.doc.Secrets = s.status()
				a.view().Secrets(a.doc.Secrets)
				missing := slices.ContainsFunc(a.doc.Secrets, func(s view.Secret) bool { return s.Required && !s.Set })
				if exitCode && missing {
					a.exit = exitChanges
				}
				return nil
			})
		}),
	}
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "end with 2 where a required one is missing")
	t.addEnvironment(cmd)
	t.addAccount(cmd)
	return cmd
}

// secrets are those of one environment's Workers.
type secrets struct {
	client  *kinds.Client
	wanted  []manifest.Secret
	workers map[string]string          // real names of the Workers, by secret
	owned   map[string]bool            // of those Workers, by real name
	there   map[string]map[string]bool // names of what each Worker has
}

// withSecrets looks at what is needed and what is there.
func (a *app) withSecrets(t target, command string, do func(*secrets) error) error {
	p, err := a.openProject(a.Dir, t.environment)
	if err != nil {
		return err
	}
	a.doc.Project, a.doc.Environment = p.desired.Project, t.env()
	if len(p.manifest.Secrets) == 0 {
		a.view().Print("The manifest lists no secrets.")
		return nil
	}
	s := &secrets{wanted: p.manifest.Secrets, workers: map[string]string{}, owned: map[string]bool{}, there: map[string]map[string]bool{}}
	if err := s.place(p); err != nil {
		return err
	}
	place, err := a.place(a.Dir, t.env())
	if err != nil {
		return err
	}
	return a.withPlace(place, a.Dir, p, t, command, func(client *kinds.Client, store *state.Store) error {
		s.client = client
		for _, e := range store.State().Entries {
			s.owned[e.Name] = s.owned[e.Name] || e.Key.Kind == "worker"
		}
		if err := s.look(a); err != nil {
			return err
		}
		return do(s)
	})
}

// place finds the Worker of each secret.
func (s *secrets) place(p *project) error {
	named, only := map[string]string{}, ""
	for _, r := range p.desired.Resources {
		if r.Key.Kind == "worker" {
			named[r.Key.Name], only = r.Name, r.Name
		}
	}
	for _, w := range s.wanted {
		name, ok := named[w.Worker]
		if w.Worker == "" {
			name, ok = only, len(named) == 1
		}
		if !ok {
			return &provision.Problem{At: manifestFile, Text: fmt.Sprintf("which Worker gets the secret %s? there are %d in this environment", w.Name, len(named)), Class: provision.Refused,
				Hints: []string{`say it at the secret: "worker": "` + kinds.App + `"`}}
		}
		s.workers[w.Name] = name
	}
	return nil
}

// look asks each Worker that is ours what it has.
func (s *secrets) look(a *app) error {
	for _, worker := range s.workers {
		if s.there[worker] != nil || !s.owned[worker] {
			continue
		}
		names, err := s.client.Secrets(a.ctx, worker)
		if err != nil {
			return err
		}
		s.there[worker] = map[string]bool{}
		for _, n := range names {
			s.there[worker][n] = true
		}
	}
	return nil
}

func (s *secrets) set(name string) bool { return s.there[s.workers[name]][name] }

func (s *secrets) status() []view.Secret {
	var out []view.Secret
	listed := map[string]bool{}
	for _, w := range s.wanted {
		listed[s.workers[w.Name]+"/"+w.Name] = true
		out = append(out, view.Secret{Name: w.Name, Worker: s.workers[w.Name], Set: s.set(w.Name), Required: w.Required, Generated: w.Generate != "", Description: w.Description, URL: w.URL})
	}
	var more []view.Secret
	for worker, names := range s.there {
		for name := range names {
			if !listed[worker+"/"+name] {
				more = append(more, view.Secret{Name: name, Worker: worker, Set: true, Unlisted: true})
			}
		}
	}
	slices.SortFunc(more, func(a, b view.Secret) int { return strings.Compare(a.Worker+"/"+a.Name, b.Worker+"/"+b.Name) })
	return append(out, more...)
}

// picked is what of the manifest's secrets a person has named; none named: all.
func (s *secrets) picked(names []string) ([]manifest.Secret, error) {
	var known []string
	for _, w := range s.wanted {
		known = append(known, w.Name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, unlisted(n, known)
		}
	}
	return slices.DeleteFunc(slices.Clone(s.wanted), func(w manifest.Secret) bool { return len(names) > 0 && !slices.Contains(names, w.Name) }), nil
}

func unlisted(name string, known []string) error {
	return refused(fmt.Sprintf("the manifest lists no secret %q%s", name, suggest(name, known)), "there are: "+strings.Join(known, ", "), `list it in cfboot.jsonc: "secrets": {"`+name+`": {}}`)
}

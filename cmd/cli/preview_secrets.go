package cli

import (
	"os"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision/manifest"
)

// secretsFirst puts on a Worker that is about to be deployed the secrets that may be
// made up and that it does not have, so that a preview works without anybody's
// help; and says which of the others it lacks.
func (r *rising) secretsFirst() error {
	wanted := r.project.manifest.Secrets
	if len(wanted) == 0 {
		return nil
	}
	s := &secrets{client: r.client, wanted: wanted, workers: map[string]string{}, owned: map[string]bool{}, there: map[string]map[string]bool{}}
	if err := s.place(r.project); err != nil {
		return err
	}
	for _, e := range r.store.State().Entries {
		s.owned[e.Name] = s.owned[e.Name] || e.Key.Kind == "worker"
	}
	if err := s.look(r.app); err != nil {
		return err
	}
	given, err := r.givenSecrets()
	if err != nil {
		return err
	}
	lacking := slices.DeleteFunc(slices.Clone(wanted), func(w manifest.Secret) bool {
		return s.set(w.Name) || given[w.Name] != "" || !s.owned[s.workers[w.Name]]
	})
	values := map[string]string{}
	var todo []manifest.Secret
	var missing []string
	for _, w := range lacking {
		switch {
		case w.Generate != "":
			values[w.Name] = generated(w.Generate)
			todo = append(todo, w)
		case w.Required:
			missing = append(missing, w.Name)
		}
	}
	if len(missing) > 0 {
		r.view().Notice("note: the preview lacks required secrets: %s; give them with --secrets-file", strings.Join(missing, ", "))
	}
	if len(todo) == 0 {
		return nil
	}
	r.hide(values)
	return r.putAll(s, todo, values)
}

// givenSecrets are those in the file that wrangler is given.
func (r *rising) givenSecrets() (map[string]string, error) {
	if r.secretsFile == "" {
		return nil, nil
	}
	b, err := os.ReadFile(r.path(r.secretsFile))
	return secretsIn(b), err
}

package cli

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/spf13/cobra"
)

const devVars = ".dev.vars"

// pushing says where secrets come from and whether they may overwrite.
type pushing struct {
	target
	stdin, fromEnv, replace bool
	file                    string          // where the values stand; empty: in no file
	example                 map[string]bool // values that everybody has, of such a file
}

func (a *app) newSecretsPush() *cobra.Command {
	var p pushing
	cmd := &cobra.Command{
		Use:   "push [NAME...]",
		Short: "Put secrets on the Worker: from .dev.vars, standard input or the environment",
		Long: "Takes the values of the secrets that the manifest lists, or of those named, from\n" +
			".dev.vars (.dev.vars.ENV for an environment, where there is one), from standard\n" +
			"input (NAME=VALUE lines, the value as it is) or from environment variables of the\n" +
			"same names. What is empty, set already, or one of Cloudflare's test keys is left out.\n" +
			"A value of a file that stands in .dev.vars.example, too, is everybody's, and refused.",
		Example: "  cfboot secrets push\n  cfboot secrets push STRIPE_API_KEY --from-env --replace --yes",
		RunE:    a.answering(func(cmd *cobra.Command, args []string) error { return a.runPush(p, args) }),
	}
	cmd.Flags().BoolVar(&p.stdin, "stdin", false, "read NAME=VALUE lines from standard input")
	cmd.Flags().BoolVar(&p.fromEnv, "from-env", false, "read environment variables of the secrets' names")
	cmd.Flags().BoolVar(&p.replace, "replace", false, "overwrite those that the Worker has")
	cmd.MarkFlagsMutuallyExclusive("stdin", "from-env")
	p.addEnvironment(cmd)
	p.addAccount(cmd)
	p.addYes(cmd)
	return cmd
}

func (a *app) newSecretsGenerate() *cobra.Command {
	var p pushing
	cmd := &cobra.Command{
		Use:   "generate [NAME...]",
		Short: "Make up the secrets that may be, and put them on the Worker",
		Long: "Makes up those that the manifest gives a \"generate\" and the Worker does not have.\n" +
			"They go to the Worker and nowhere else. With --replace they are made anew: whatever\n" +
			"was signed with the old ones is no longer valid.",
		RunE: a.answering(func(cmd *cobra.Command, args []string) error { return a.runGenerate(p, args) }),
	}
	cmd.Flags().BoolVar(&p.replace, "replace", false, "make new ones also for those that the Worker has")
	p.addEnvironment(cmd)
	p.addAccount(cmd)
	p.addYes(cmd)
	return cmd
}

func (a *app) runPush(p pushing, names []string) error {
	values, err := a.secretValues(&p)
	if err == nil && p.file != "" {
		p.example, err = a.exampleValues()
	}
	if err != nil {
		return err
	}
	return a.withSecrets(p.target, "secrets push", func(s *secrets) error {
		given := values
		if given == nil { // the environment is asked for these only
			given = map[string]string{}
			for _, w := range s.wanted {
				given[w.Name], _ = a.getenv(w.Name)
			}
			a.hide(given)
		}
		picked, err := s.picked(names)
		if err != nil {
			return err
		}
		for name := range given {
			if _, listed := s.workers[name]; !listed && p.stdin {
				return unlisted(name, slices.Sorted(maps.Keys(s.workers)))
			}
		}
		return a.put(s, p, picked, given)
	})
}

// secretValues reads what is to be put, all of it before anything is asked; nil
// where it comes from the environment.
func (a *app) secretValues(p *pushing) (values map[string]string, err error) {
	switch {
	case p.fromEnv:
		return nil, nil
	case p.stdin && !p.yes:
		return nil, refused("with --stdin nobody can be asked", "to do it without being asked: --yes")
	case p.stdin:
		values, err = secretLines(a.Stdin)
	default:
		p.file, values, err = a.readDevVars(p.environment)
	}
	a.hide(values)
	return values, err
}

// readDevVars reads the file that wrangler takes an environment's secrets from.
func (a *app) readDevVars(environment string) (file string, values map[string]string, err error) {
	files := []string{devVars}
	if environment != "" {
		files = []string{devVars + "." + environment, devVars}
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(a.Dir, f))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			a.view().Notice("reading %s", f)
		}
		return f, dotenv(string(b)), err
	}
	return "", nil, refused("there is no "+strings.Join(files, " and no ")+" here", "copy .dev.vars.example and fill it in, or: cfboot secrets push --stdin, --from-env")
}

// exampleValues are those of the file that is copied to begin with, under whatever
// name.
func (a *app) exampleValues() (map[string]bool, error) {
	b, err := os.ReadFile(filepath.Join(a.Dir, devVarsExample))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	out := map[string]bool{}
	for _, v := range dotenv(string(b)) {
		out[v] = true
	}
	return out, nil
}

// notEverybodys refuses what is known to whoever has read the project.
func notEverybodys(todo []manifest.Secret, values map[string]string, p pushing) error {
	var names, made []string
	for _, w := range todo {
		if p.example[values[w.Name]] {
			names = append(names, w.Name)
			if w.Generate != "" {
				made = append(made, w.Name)
			}
		}
	}
	if names == nil {
		return nil
	}
	suffix := ""
	if p.environment != "" {
		suffix = " --env " + p.environment
	}
	var hints []string
	if made != nil {
		hints = append(hints, "have one made up: cfboot secrets generate "+strings.Join(made, " ")+suffix)
	}
	return refused(fmt.Sprintf("what %s has for %s is in %s as well, so everybody knows it; on a Worker it would protect nothing", p.file, strings.Join(names, ", "), devVarsExample),
		append(hints, "give another value, which no file need keep: cfboot secrets push --stdin, --from-env", "or put the others alone: cfboot secrets push NAME..."+suffix)...)
}

func (a *app) runGenerate(p pushing, names []string) error {
	return a.withSecrets(p.target, "secrets generate", func(s *secrets) error {
		picked, err := s.picked(names)
		if err != nil {
			return err
		}
		values := map[string]string{}
		for _, w := range picked {
			if w.Generate == "" && len(names) > 0 {
				return refused(w.Name+" cannot be made up: somebody else has to know it", hintFor(w))
			}
			if w.Generate != "" {
				values[w.Name] = generated(w.Generate)
			}
		}
		a.hide(values)
		picked = slices.DeleteFunc(picked, func(w manifest.Secret) bool { return w.Generate == "" })
		return a.put(s, p, picked, values)
	})
}

func hintFor(w manifest.Secret) string {
	if w.URL != "" {
		return "get it at " + w.URL + " and put it there: cfboot secrets push " + w.Name
	}
	return "put it there: cfboot secrets push " + w.Name
}

// generated makes up a secret of 32 random bytes.
func generated(form string) string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails
	if form == "session" {
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return hex.EncodeToString(b)
}

// testKeys are Cloudflare's own secrets for tests of Turnstile, which anybody may
// pass. On a real Worker they would leave the door open.
var testKeys = []string{"1x0000000000000000000000000000000AA", "2x0000000000000000000000000000000AA", "3x0000000000000000000000000000000AA"}

// put puts the values of the picked secrets on their Workers.
func (a *app) put(s *secrets, p pushing, picked []manifest.Secret, values map[string]string) error {
	var todo []manifest.Secret
	for _, w := range picked {
		why := ""
		switch value := values[w.Name]; {
		case value == "":
			why = "no value is given"
		case slices.Contains(testKeys, value):
			why = "the value is one of Cloudflare's test keys"
		case s.set(w.Name) && !p.replace:
			why = "the Worker has one; to overwrite it: --replace"
		default:
			todo = append(todo, w)
			continue
		}
		a.view().Notice("  . %-26s left out: %s", w.Name, why)
	}
	if err := notEverybodys(todo, values, p); err != nil {
		return err
	}
	for _, w := range todo {
		if worker := s.workers[w.Name]; !s.owned[worker] {
			return refused(fmt.Sprintf("the Worker %q is not recorded as this project's, so no secret is put on it", worker), "make it, or take it over: cfboot apply, cfboot adopt")
		}
	}
	if len(todo) == 0 {
		a.view().Print("Nothing to put.")
		return nil
	}
	for _, w := range todo {
		word := "new"
		if s.set(w.Name) {
			word = "overwritten"
		}
		a.view().Print("  %-28s on %s (%s)", w.Name, s.workers[w.Name], word)
	}
	if err := a.ask(p.target, "Put these secrets on the Worker?"); err != nil {
		return err
	}
	return a.putAll(s, todo, values)
}

func (a *app) putAll(s *secrets, todo []manifest.Secret, values map[string]string) error {
	for i, w := range todo {
		err := a.stopping.Err()
		if err == nil {
			err = s.client.PutSecret(a.ctx, s.workers[w.Name], w.Name, values[w.Name])
		}
		if err != nil && i > 0 {
			return &provision.Problem{Text: fmt.Sprintf("%d of %s were put", i, view.Count(len(todo), "secret")), Err: err, Class: provision.Partial, Hints: []string{"run the same command again for the rest"}}
		}
		if err != nil {
			return err
		}
		a.doc.Put = append(a.doc.Put, w.Name)
		s.there[s.workers[w.Name]][w.Name] = true
	}
	a.view().Print("Put %s.", view.Count(len(todo), "secret"))
	return nil
}

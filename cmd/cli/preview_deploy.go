package cli

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/wrangler"
)

// work is what is left to do once a preview's resources are there.
type work struct {
	seeds    []seeding
	migrate  []migrating
	deploy   bool
	deployed string // the hash of what is deployed
}

func (w work) any() bool { return len(w.seeds) > 0 || len(w.migrate) > 0 || w.deploy }

// migrating is a database whose migrations are not those that were applied.
type migrating struct {
	key               provision.Key
	id, binding, hash string
}

// work finds out what has changed since the last run. It writes nothing.
func (r *rising) work(c configured) (w work, err error) {
	st := r.store.State()
	for _, s := range r.seeds {
		e, made := st.Entries[s.key]
		if !made {
			continue
		}
		pending, err := r.pending(s, r.record.Store(s.key, e.ID))
		if err != nil {
			return w, err
		}
		if pending {
			w.seeds = append(w.seeds, s)
		}
	}
	if w.migrate, err = r.unmigrated(c, st); err != nil {
		return w, err
	}
	if !r.deploy {
		return w, nil
	}
	w.deployed, err = r.fingerprint(c, st)
	w.deploy = w.deployed != r.record.Deployed
	return w, err
}

// unmigrated finds, in the very configuration that wrangler is given, the databases
// whose folder of migrations is another one than that which was applied.
func (r *rising) unmigrated(c configured, st provision.State) (out []migrating, err error) {
	config, err := wrangler.Read(c.data)
	if err != nil {
		return nil, asProblem(err)
	}
	for _, b := range config.Environment("").Bindings {
		if !slices.Equal(b.Section, []string{"d1_databases"}) {
			continue
		}
		id, _ := b.Field("database_id").(string)
		binding, _ := b.Field("binding").(string)
		key, owned := holder(st, id)
		if !owned {
			continue
		}
		dir, stated := b.Field("migrations_dir").(string)
		if !stated {
			dir = "migrations"
		}
		hash, err := hashMigrations(filepath.Join(r.Dir, filepath.FromSlash(dir)))
		if err != nil {
			return nil, err
		}
		if hash != "" && hash != r.record.Store(key, id).Migrations {
			out = append(out, migrating{key, id, binding, hash})
		}
	}
	return out, nil
}

func holder(st provision.State, id string) (provision.Key, bool) {
	for k, e := range st.Entries {
		if k.Kind == "d1" && e.ID == id && id != "" {
			return k, true
		}
	}
	return provision.Key{}, false
}

// hashMigrations is over the SQL files of a folder; empty where there are none.
func hashMigrations(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	sum, n := sha256.New(), 0
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".sql") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%q %d\n", e.Name(), len(b))
		sum.Write(b)
		n++
	}
	if n == 0 {
		return "", nil
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// checkTools looks, before anything is made, for wrangler where it will be needed,
// and reads what it will be given.
func (r *rising) checkTools() error {
	if r.secretsFile != "" {
		if !r.deploy {
			return refused("--secrets-file is for a deploy", "add --deploy")
		}
		b, err := os.ReadFile(r.path(r.secretsFile))
		if err != nil {
			return &provision.Problem{At: r.secretsFile, Text: "the secrets cannot be read", Err: err, Class: provision.Refused}
		}
		r.hide(secretsIn(b))
	}
	needed := r.deploy
	for _, res := range r.project.desired.Resources {
		dir, _ := res.Local["migrations_dir"].(string)
		if hash, err := hashMigrations(filepath.Join(r.Dir, filepath.FromSlash(dir))); res.Key.Kind == "d1" && dir != "" && (err != nil || hash != "") {
			needed = true
		}
	}
	if !needed {
		return nil
	}
	_, err := r.runner().Find()
	return asRefusal(err)
}

// runner runs wrangler with the environment of this process, connected as this run
// is: where credentials come from elsewhere, it gets the same.
func (r *rising) runner() wrangler.Runner {
	set := map[string]string{}
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if name != "GITHUB_TOKEN" && !strings.HasPrefix(name, "INPUT_") { // a build has no use for them
			set[name] = value
		}
	}
	for _, name := range []string{tokenVariable, keyVariable, emailVariable, "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL", "PATH", "HOME"} {
		if v, ok := r.getenv(name); ok {
			set[name] = v
		}
	}
	if r.client != nil {
		set["CLOUDFLARE_ACCOUNT_ID"] = r.client.Account
	}
	if r.client != nil && r.offline {
		set[tokenVariable], set["CLOUDFLARE_API_BASE_URL"] = offlineToken, strings.TrimSuffix(r.client.BaseURL(), "/")
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		env = append(env, name+"="+set[name])
	}
	return wrangler.Runner{Dir: r.Dir, Env: env, Out: r.Stderr}
}

// wranglerContext ends when this run is to begin nothing more, so that a signal
// reaches wrangler, too.
func (r *rising) wranglerContext() (context.Context, func()) {
	ctx, cancel := context.WithCancel(r.ctx)
	stop := context.AfterFunc(r.stopping, cancel)
	return ctx, func() { stop(); cancel() }
}

// fill fills the databases and brings their tables up to date: a copy first, so
// that the migrations are tried on it; a file of seeds after them.
func (r *rising) fill(c configured, w work) error {
	id := func(k provision.Key) string { return r.store.State().Entries[k].ID }
	for _, s := range w.seeds {
		if s.file == "" {
			if err := r.sow(s, id(s.key)); err != nil {
				return err
			}
		}
	}
	ctx, end := r.wranglerContext()
	defer end()
	for _, m := range w.migrate {
		if err := r.runner().Migrate(ctx, wrangler.ConfigFile(r.environment), m.binding); err != nil {
			return r.afterwards(m.key.String(), "its migrations were not applied", err)
		}
		f := r.record.Store(m.key, m.id)
		f.Migrations = m.hash
		r.record.Note(f)
		r.doc.Migrated = true
		if err := r.keep(); err != nil {
			return err
		}
	}
	for _, s := range w.seeds {
		if s.file != "" {
			if err := r.sow(s, id(s.key)); err != nil {
				return err
			}
		}
	}
	return nil
}

// afterwards is the error of something that failed when the resources were there:
// the same command goes on from there.
func (r *rising) afterwards(at, text string, err error) error {
	if r.stopping.Err() != nil {
		return &provision.Problem{At: at, Text: text, Err: err, Class: provision.Interrupted, Hints: []string{"run the same command again to finish"}}
	}
	return &provision.Problem{At: at, Text: text, Err: err, Class: provision.Partial, Hints: []string{"the preview's resources are there; run the same command again to go on"}}
}

// deployed deploys what has changed, and waits until it answers.
func (r *rising) deployed(c configured, w work) error {
	if !r.deploy {
		if len(r.record.URLs) == 0 && c.url != "" {
			r.record.URLs = []string{c.url} // where it will be; only what is deployed is recorded
		}
		return nil
	}
	if w.deploy {
		if err := r.secretsFirst(); err != nil {
			return err
		}
		secrets := ""
		if r.secretsFile != "" {
			secrets = r.path(r.secretsFile)
		}
		began := r.Now()
		ctx, end := r.wranglerContext()
		defer end()
		done, err := r.runner().Deploy(ctx, wrangler.ConfigFile(r.environment), secrets)
		if err != nil {
			return r.afterwards("", "it was not deployed", err)
		}
		r.record.Deployed, r.record.URLs = w.deployed, addresses(c.url, done.URLs)
		if err := r.keep(); err != nil {
			return err
		}
		r.doc.Deployed = true
		r.view().Print("Deployed in %s.", view.Took(r.Now().Sub(began)))
	} else {
		r.view().Print("What is deployed is this very tree, so it is not deployed again.")
	}
	if len(r.record.URLs) > 0 {
		r.doc.Answers = r.awaited(r.record.URLs[0])
	}
	return nil
}

// addresses are where a Worker is, the preview's own host first.
func addresses(first string, all []string) (out []string) {
	if first != "" {
		out = []string{first}
	}
	for _, u := range all {
		host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(u, "https://"), "http://"), "/")
		u = "https://" + host
		if host != "" && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// fingerprint is a hash of what a deploy would upload, as far as that can be known
// without building it: the derived configuration, the tree it is built from, the
// assets and the secrets; and which Worker it goes to, since one made anew has
// nothing of it. Of the secrets it is keyed with what is a secret itself.
func (r *rising) fingerprint(c configured, st provision.State) (string, error) {
	sum := sha256.New()
	fmt.Fprintf(sum, "config %x\n", sha256.Sum256(c.data))
	for _, e := range provision.Sorted(st.Entries) {
		if e.Key.Kind == "worker" {
			fmt.Fprintf(sum, "worker %s %s\n", e.Name, e.Created.UTC())
		}
	}
	tree, err := hashTree(r.ctx, r.Dir, inputs(c.data))
	if err != nil {
		return "", &provision.Problem{Text: "what would be deployed cannot be read", Err: err}
	}
	fmt.Fprintf(sum, "tree %s\n", tree)
	if r.secretsFile != "" {
		b, err := os.ReadFile(r.path(r.secretsFile))
		if err != nil {
			return "", err
		}
		key, _ := r.getenv(tokenVariable)
		mac := hmac.New(sha256.New, []byte("cfboot secrets "+key))
		mac.Write(b)
		fmt.Fprintf(sum, "secrets %x\n", mac.Sum(nil))
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// inputs are the paths that a configuration names and that git may ignore because
// they are built: the assets, and the folder of the main module.
func inputs(config []byte) (out []string) {
	mainModule := regexp.MustCompile(`"main"\s*:\s*"([^"\\]+)"`)
	for _, m := range mainModule.FindAllStringSubmatch(string(config), -1) {
		if dir := path.Dir(m[1]); dir != "." {
			out = append(out, dir)
		} else {
			out = append(out, m[1])
		}
	}
	c, err := wrangler.Read(config)
	if err != nil {
		return nil
	}
	for _, b := range c.Environment("").Bindings {
		if dir, ok := b.Field("directory").(string); ok && slices.Equal(b.Section, []string{"assets"}) {
			out = append(out, dir)
		}
	}
	return out
}

// secretsIn are the values in a file of secrets, in either of wrangler's forms.
func secretsIn(b []byte) map[string]string {
	out := dotenv(string(b))
	for k, v := range jsonStrings(b) {
		out[k] = v
	}
	return out
}

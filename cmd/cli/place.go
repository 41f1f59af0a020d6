package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/provision/objects"
	"github.com/cfboot/cfboot/provision/state"
)

// endpointVariable is where R2's S3 API is, if not at Cloudflare's usual address.
const endpointVariable = "CFBOOT_R2_ENDPOINT"

// stateVariable says where the states are, in a workflow, of a project whose manifest
// does not: r2://BUCKET/PREFIX.
const stateVariable = "CFBOOT_STATE"

// localVariable is --allow-local-state for a whole workflow.
const localVariable = "CFBOOT_ALLOW_LOCAL_STATE"

// whereabouts is where a project's states are, as far as that can be known without
// a sound manifest.
type whereabouts struct {
	project string
	account string          // as the manifest has it; may be empty
	bucket  manifest.Bucket // zero: in files
}

// place is where the state of a project's environment is kept.
func (a *app) place(dir, environment string) (state.Place, error) {
	w, err := a.whereabouts(dir, environment)
	if err != nil {
		return nil, err
	}
	if w.bucket.Name == "" {
		return state.File(a.statePath(dir, environment)), nil
	}
	return a.bucketPlace(dir, environment, w)
}

// whereabouts asks the manifest. Where that is gone, or cannot be read, the copy on
// this machine knows what it is a copy of.
func (a *app) whereabouts(dir, environment string) (whereabouts, error) {
	src, err := os.ReadFile(filepath.Join(dir, manifestFile))
	var w whereabouts
	if err == nil {
		if w.project, w.bucket, err = manifest.Whereabouts(manifestFile, src); err == nil {
			w.account = accountOf(src, environment)
			w.bucket, err = a.stateBucket(w.bucket)
			return w, err
		}
	}
	path := a.statePath(dir, environment)
	address, project, isCopy, oerr := state.Origin(path)
	switch {
	case oerr != nil:
		return w, oerr
	case isCopy:
		w.project = project
		w.bucket, oerr = manifest.ParseBucket(address)
		return w, oerr
	case errors.Is(err, fs.ErrNotExist) || isNotDir(dir):
		return w, nil
	}
	if _, serr := os.Lstat(path); serr == nil {
		return w, nil // it is enough to destroy by
	}
	return w, err
}

// stateBucket is the bucket that the manifest names; where it names none, that of
// the variable.
func (a *app) stateBucket(named manifest.Bucket) (manifest.Bucket, error) {
	v, ok := a.getenv(stateVariable)
	if !ok || a.offline {
		return named, nil
	}
	b, err := manifest.ParseBucket(v)
	if err != nil {
		return named, &provision.Problem{At: stateVariable, Err: err, Class: provision.Refused, Hints: []string{"write it like r2://BUCKET/PREFIX"}}
	}
	if named.Name != "" && named.String() != b.String() {
		return named, refused(fmt.Sprintf("the state is in %s by %s, and in %s by %s", named, manifestFile, b, stateVariable), "say it in one of them")
	}
	return b, nil
}

// accountOf is the account that a manifest wants for an environment, if it is sound
// and wants one.
func accountOf(src []byte, environment string) string {
	m, err := manifest.Parse(manifestFile, src, kinds.Catalog{})
	if err != nil {
		return ""
	}
	if d, err := m.Desired(environment, kinds.Catalog{}); err == nil {
		return d.Account
	}
	return m.Account
}

// bucketPlace is a place in a bucket.
func (a *app) bucketPlace(dir, environment string, w whereabouts) (state.Place, error) {
	b, err := a.bucket(dir, w)
	if err != nil {
		return nil, err
	}
	return state.Bucket(state.Remote{Objects: b, Address: w.bucket.String(), Prefix: w.bucket.Prefix, Project: w.project, Environment: environment,
		Dir: filepath.Dir(a.statePath(dir, environment)), Notice: func(text string) { a.view().Notice("%s", text) }})
}

// bucket connects to a bucket for the run, once. Its keys follow from the API
// token, whose id has to be asked for.
func (a *app) bucket(dir string, w whereabouts) (*objects.Bucket, error) {
	if b := a.buckets[w.bucket.String()]; b != nil {
		return b, nil
	}
	client, token, err := a.connectForBucket(dir, w)
	if err != nil {
		return nil, err
	}
	endpoint, err := a.r2Endpoint(client.Account, w.bucket.Jurisdiction)
	if err != nil {
		return nil, err
	}
	keyID := offlineAccount // any will do, of 32 characters
	if !a.offline {
		standing, err := client.Standing(a.ctx)
		if err != nil {
			return nil, err
		}
		keyID = standing.ID
	}
	c := objects.Connection{Endpoint: endpoint, Bucket: w.bucket.Name, KeyID: keyID, Secret: objects.SecretOf(token),
		UserAgent: "cfboot/" + a.Version, Stopping: a.stopping, Bodies: a.verbose >= 2}
	if a.verbose > 0 {
		c.Trace = func(one objects.Call) { a.trace(kinds.Call(one)) }
	}
	b := objects.Connect(c)
	if a.buckets == nil {
		a.buckets = map[string]*objects.Bucket{}
	}
	a.buckets[w.bucket.String()] = b
	return b, nil
}

// connectForBucket makes the client that keys and account are asked of, and gives
// the token. In a rehearsal the bucket is there.
func (a *app) connectForBucket(dir string, w whereabouts) (*kinds.Client, string, error) {
	c := a.connection(w.project, "")
	if a.offline {
		o, err := a.openOffline(dir, "")
		if err != nil {
			return nil, "", err
		}
		a.closers = append(a.closers, o.close)
		a.rehearsed = o.url
		c.BaseURL, c.Token, c.Account = o.url, offlineToken, offlineAccount
		client, err := kinds.Connect(c)
		if err == nil {
			_, err = client.StateBucket(a.ctx, w.bucket.Name, w.bucket.Jurisdiction, "")
		}
		return client, offlineToken, err
	}
	if err := a.credentials(&c); err != nil {
		return nil, "", err
	}
	if c.Token == "" {
		return nil, "", refused("the state is in R2, whose keys follow from an API token; the Global API Key has none",
			"make a token and set "+tokenVariable, "or keep the state in files: cfboot state migrate --to local")
	}
	account, err := a.chooseAccount(pinned{flag: a.account, manifest: w.account})
	if err != nil {
		return nil, "", err
	}
	c.Account = account
	if c.BaseURL, err = a.baseURL(); err != nil {
		return nil, "", err
	}
	client, err := kinds.Connect(c)
	if err == nil && client.Account == "" {
		err = client.FindAccount(a.ctx)
	}
	return client, c.Token, err
}

// r2Endpoint is where R2's S3 API of an account is. An emulator serves it beside the
// other one.
func (a *app) r2Endpoint(account, jurisdiction string) (string, error) {
	if v, ok := a.getenv(endpointVariable); ok && !a.offline {
		if u, err := url.Parse(v); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return "", refused(fmt.Sprintf("%s is %q, which is no address", endpointVariable, v), "unset it, or set it to something like "+objects.Endpoint("ACCOUNT", jurisdiction))
		}
		return v, a.mayGo(endpointVariable, "the state", v)
	}
	base := a.rehearsed
	if !a.offline {
		base, _ = a.getenv("CLOUDFLARE_API_BASE_URL")
	}
	if u, err := url.Parse(base); err == nil && isThisMachine(u.Hostname()) {
		return u.Scheme + "://" + u.Host + "/__s3/" + objects.Account(account, jurisdiction), nil
	}
	return objects.Endpoint(account, jurisdiction), nil
}

// isCopy reports whether the place is elsewhere, and what is on this machine a copy.
func isCopy(p state.Place) bool { return p.Copy() != p.String() }

// durable refuses, in CI, to make or change anything whose record would go with the
// machine.
func (a *app) durable(p state.Place) error {
	if a.offline || a.allowLocal || isCopy(p) || !a.inCI() {
		return nil
	}
	if v, ok := a.getenv(localVariable); ok && v != "0" && v != "false" {
		return nil
	}
	return refused("in CI the state has to outlive the machine, and it would be the file "+a.shown(p.String()),
		"keep it in an R2 bucket: cfboot state init, or of a project that has one: cfboot state migrate --to r2://BUCKET/PREFIX",
		"or, if something else keeps that file: --allow-local-state, or "+localVariable+"=1")
}

// ownBucket refuses a project that would make, and one day destroy, the bucket that
// its own record is in.
func ownBucket(m *manifest.Manifest, d manifest.Desired) error {
	for _, r := range d.Resources {
		if r.Key.Kind == "r2" && r.Name == m.State.Name {
			return &provision.Problem{At: m.StatePlace(), Text: fmt.Sprintf("the state would be in the bucket %q, which is the project's own %s and goes with it", r.Name, r.Key), Class: provision.Refused,
				Hints: []string{"choose another bucket: cfboot state init r2://" + strings.TrimSuffix("cfboot-state/"+m.State.Prefix, "/")}}
		}
	}
	return nil
}

// spared refuses a plan that would delete the bucket which the state is in.
func (a *app) spared(p provision.Plan) error {
	w, err := a.whereabouts(a.Dir, p.Environment)
	if err != nil || w.bucket.Name == "" {
		return nil
	}
	for _, s := range p.Steps {
		gone := s.Action == provision.Delete || s.Action == provision.Replace
		if gone && s.Key.Kind == "r2" && s.RealName() == w.bucket.Name {
			return refused(fmt.Sprintf("%s: the bucket %q has the state in it, and is not deleted", s.Key, w.bucket.Name),
				"move the state elsewhere first: cfboot state migrate --to local", "or leave the bucket alone: "+a.again("state rm "+s.Key.String(), p.Environment))
		}
	}
	return nil
}

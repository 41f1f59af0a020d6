// Package manifest reads cfboot.jsonc, the file in which a project says what it
// wants, into the desired resources of one environment.
//
// The way is always the same. The text becomes a tree in which every part knows
// the byte it begins at. An environment is the production tree with overrides
// merged in (RFC 7396), and because parts are moved and never copied, a merged
// value still knows where a person wrote it. Each resource object is held
// against the schema of its kind, then resolved by its kind into provision's
// resources, and these are held against each other: what refers to what, which
// bindings and real names are taken twice.
//
// The package knows no kind. A Catalog brings them: names, schemas and the step
// from an object to resources.
//
// Nothing stops at the first fault. Parse looks at production and at every
// declared environment and returns all faults, in the order of the file, each a
// *provision.Problem that names file, line and column and says what to try. What
// an environment merely inherits is reported once, for production.
package manifest

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/cfboot/cfboot/provision"
)

// File is the manifest's usual name.
const File = "cfboot.jsonc"

// Production is the environment that is meant when none is named.
const Production = provision.Production

// The nouns that a Catalog speaks in are provision's.
type (
	// Spec is one resource object, ready to be resolved.
	Spec = provision.Spec
	// Ref says that one resource needs another, and where the manifest says so.
	// An empty Path is a need that no setting states.
	Ref = provision.Ref
	// SettingError is a fault in one setting of a resource object.
	SettingError = provision.SettingError
)

// A Catalog knows the kinds that a manifest may use.
type Catalog interface {
	// Kinds lists them in the order in which they are shown.
	Kinds() []string
	// Schema is the JSON Schema (2020-12) of a kind's settings, without "kind" and
	// "name": {"type": "object", "description": …, "properties": {…}, "required":
	// […]}. It stands by itself: no $ref, no $id. Where an object names its
	// properties and is silent about others, others are unknown keys.
	Schema(kind string) []byte
	// Ignorable lists the settings of a kind that may be left as they are once the
	// resource exists, in the order in which they are shown.
	Ignorable(kind string) []string
	// Resolve gives the resources that one object stands for, its own first; a
	// queue with a consumer gives two. No two resources of a kind may have the same
	// Identity, or where they have none the same real name, within an account.
	// Resolve is a pure function. Its error is or joins *SettingErrors where it can
	// say which setting is at fault.
	Resolve(Spec) ([]provision.Resource, []Ref, error)
}

// Manifest is a cfboot.jsonc without faults.
type Manifest struct {
	File         string   // as given to Parse
	Name         string   // the project
	Pattern      string   // the template it was made from; may be empty
	Account      string   // production's account id, 32 hex digits; may be empty
	Domain       string   // production's host name, in lower case; may be empty
	State        Bucket   // where the states of all environments are kept
	Environments []string // declared ones, in the order of the file; production is not among them
	Secrets      []Secret // what a person or cfboot brings, in the order of the file
	Hash         string   // SHA-256 of the file's bytes, in hex

	source       *source
	stateAt      int // where "state" is
	declareAt    int // where further environments would be declared
	resources    []member
	secretAt     []member // those of Secrets
	environments []overlay
	previews     previews
}

// overlay is one declared environment, or what previews are.
type overlay struct {
	name            string
	at              int // of its name
	domain, account string
	resources       []member // partial objects, new ones, and nulls
	misnamed        bool     // told already; nothing can be resolved under such a name
}

// Desired is what one environment wants.
type Desired struct {
	Project     string
	Environment string // Production unless named
	Account     string // may be empty: whatever the credentials give
	Domain      string // may be empty
	WorkersDev  bool   // a preview whose Worker answers on workers.dev; Domain is then its host, as far as it is known
	// Resources holds one resource for each object, in the order of the file, then
	// those that objects stand for besides.
	Resources []provision.Resource
}

// Parse reads a manifest and checks it for production and for every environment
// it declares. file is only shown. The error joins a *provision.Problem for each
// fault, in the order of the file; any other error means that the catalog itself
// is broken.
func Parse(file string, src []byte, c Catalog) (*Manifest, error) {
	sum := sha256.Sum256(src)
	m := &Manifest{File: file, Hash: hex.EncodeToString(sum[:]), source: newSource(file, src)}
	r := &report{source: m.source, told: map[string]bool{}}
	root := parse(m.source, r)
	if root == nil {
		return nil, r.err()
	}
	m.readTop(root, r)
	ch := newChecker(c, r)
	var stages []*stage
	for _, name := range append([]string{Production}, m.Environments...) {
		st, err := m.prepare(name, r, ch)
		if err != nil {
			return nil, err
		}
		st.resolve(c)
		st.checkReferences()
		st.checkBindings()
		if name == Production {
			m.checkSecrets(st, r)
		}
		stages = append(stages, st)
	}
	if m.previews.declared {
		st, err := m.samplePreview(r, ch, c)
		if err != nil {
			return nil, err
		}
		stages = append(stages, st)
	}
	checkNames(stages, r)
	if err := r.err(); err != nil {
		return nil, err
	}
	return m, nil
}

// Desired gives what an environment wants; "" means production. The catalog is
// the one that the manifest was parsed with. An environment that is not declared
// is a *provision.Problem.
func (m *Manifest) Desired(environment string, c Catalog) (Desired, error) {
	if environment == "" {
		environment = Production
	}
	if environment != Production && m.overlay(environment) == nil {
		return Desired{}, m.undeclared(environment)
	}
	r := &report{source: m.source, told: map[string]bool{}}
	st, err := m.prepare(environment, r, nil)
	if err != nil {
		return Desired{}, err
	}
	st.resolve(c)
	st.checkReferences()
	if err := r.err(); err != nil {
		return Desired{}, err
	}
	return Desired{Project: m.Name, Environment: environment, Account: st.account, Domain: st.domain, Resources: st.ordered()}, nil
}

func (m *Manifest) undeclared(environment string) error {
	var hints []string
	if name, ok := closest(environment, append([]string{Production}, m.Environments...)); ok {
		hints = append(hints, didYouMean(name))
	}
	if len(m.Environments) > 0 {
		hints = append(hints, "declared are "+list(m.Environments))
	}
	hints = append(hints, `declare it: "environments": {`+quote(environment)+`: {}}`)
	return problem(m.source.place(m.declareAt), "there is no environment "+quote(environment), hints...)
}

func (m *Manifest) overlay(environment string) *overlay {
	for i := range m.environments {
		if m.environments[i].name == environment {
			return &m.environments[i]
		}
	}
	return nil
}

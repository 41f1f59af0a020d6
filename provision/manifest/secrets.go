package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// A Secret is one that a Worker of the project needs. The manifest knows its name
// and what it is for, never its value.
type Secret struct {
	Name        string
	Description string // one or two sentences; may be empty
	Required    bool   // without it the Worker does not do its work
	Generate    string // what may be made up for it: one of Generators; empty: a person brings it
	URL         string // where a person gets it; may be empty
	Worker      string // logical name of the Worker that gets it; empty: the only one
}

// Generators are what a secret may be made up as.
var Generators = []string{"hmac", "session"}

// workerKind is the one kind that is known here by its name: secrets hang on it.
const workerKind = "worker"

// secretPattern is narrower than JavaScript's names: wrangler reads secrets from
// .dev.vars, where a name has no $.
const (
	secretPattern = `^[A-Za-z_][A-Za-z0-9_]*$`
	maxSecret     = 64
)

var secretForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(secretPattern) })

func secretSchema() map[string]any {
	return map[string]any{
		"type": "object", "additionalProperties": false, "description": "A secret that a Worker needs. Its value is never written here: cfboot secrets push puts it on the Worker.",
		"properties": map[string]any{
			"description": map[string]any{"type": "string", "description": "What it is for."},
			"required":    map[string]any{"type": "boolean", "default": false, "description": "Whether the Worker cannot do without it. Left out, what needs it is off."},
			"generate": map[string]any{"enum": anys(Generators),
				"description": "Whether cfboot secrets generate may make it up: hmac is a key of 32 random bytes in hex, session one in base64url. Never for what another service must know."},
			"url":    map[string]any{"type": "string", "pattern": "^https://", "description": "Where one gets it.", "examples": []any{"https://dashboard.stripe.com/apikeys"}},
			"worker": map[string]any{"type": "string", "minLength": json.Number("1"), "description": "Logical name of the Worker that gets it. Left out, it is the only one.", "examples": []any{"app"}},
		},
	}
}

func secretsSchema() map[string]any {
	return map[string]any{"type": "object", "description": "The secrets that the project needs, by name. They are the same in every environment; their values are not.",
		"propertyNames": named(secretPattern, maxSecret, ""), "additionalProperties": ref("secret")}
}

// readSecrets reads what the project needs to be told in confidence.
func (m *Manifest) readSecrets(root *value, r *report) {
	in, ok := root.get("secrets")
	if !ok || !object(in, r) {
		return
	}
	shape, err := compile(secretSchema(), "a secret")
	if err != nil {
		panic("manifest: " + err.Error()) // it is written above
	}
	for _, s := range in.value.members {
		if s.value.form == '"' {
			r.add(s.value.at, fmt.Sprintf("the secret %s must be an object that tells what it is for, never its value", quote(s.name)),
				"take the value out of the file, and change it where it was issued if the file was shared", "write "+quote(s.name)+`: {"description": "…"}; then: cfboot secrets push`)
			continue
		}
		if !object(s, r) || !checkSecretName(s, r) {
			continue
		}
		found := shape.misfits(s.value)
		for _, f := range found {
			at := s.value.place(f.path)
			if f.key && len(f.path) > 0 {
				at = s.value.keyAt(f.path)
			}
			r.add(at, "the secret "+quote(s.name)+": "+f.text, f.hints...)
		}
		if len(found) > 0 {
			continue
		}
		m.secretAt = append(m.secretAt, s)
		required, _ := s.value.get("required")
		m.Secrets = append(m.Secrets, Secret{Name: s.name, Description: s.value.str("description"), Required: required.value != nil && required.value.form == 't',
			Generate: s.value.str("generate"), URL: s.value.str("url"), Worker: s.value.str("worker")})
	}
}

func checkSecretName(s member, r *report) bool {
	if secretForm().MatchString(s.name) && len(s.name) <= maxSecret && !slices.Contains(strings.Fields(reservedWords), s.name) {
		return true
	}
	hint := "write something like " + quote("SESSION_KEY")
	if better := strings.ToUpper(strings.ReplaceAll(slug(s.name, maxSecret), "-", "_")); secretForm().MatchString(better) {
		hint = "write " + quote(better)
	}
	r.add(s.at, fmt.Sprintf("%s cannot be the name of a secret: letters, digits and _, no digit first, no word of JavaScript, at most %d characters", quote(s.name), maxSecret), hint)
	return false
}

// checkSecrets holds the secrets against the resources: each hangs on a Worker
// that is there, under a name that is no binding's.
func (m *Manifest) checkSecrets(st *stage, r *report) {
	for _, s := range m.secretAt {
		if w, ok := s.value.get("worker"); ok {
			m.checkSecretWorker(s, w, r)
		}
		for _, p := range st.placed {
			if binding, _ := p.Local[bindingSetting].(string); binding == s.name {
				r.add(s.at, fmt.Sprintf("the secret %s has the name of the binding of %s (%s)", quote(s.name), label(p.Key), r.source.place(bindingAt(p.from))), "give one of the two another name")
			}
		}
	}
}

func (m *Manifest) checkSecretWorker(s, worker member, r *report) {
	name := worker.value.text
	i := slices.IndexFunc(m.resources, func(res member) bool { return res.name == name })
	var workers []string
	for _, res := range m.resources {
		if res.value.str("kind") == workerKind {
			workers = append(workers, res.name)
		}
	}
	hint := `add it to "resources": ` + quote(name) + `: {"kind": "worker"}`
	if len(workers) > 0 {
		hint = "the Workers here: " + list(workers)
	}
	switch {
	case i < 0:
		r.add(worker.value.at, fmt.Sprintf("the secret %s: there is no Worker %s among the resources", quote(s.name), quote(name)), hint)
	case !slices.Contains(workers, name):
		r.add(worker.value.at, fmt.Sprintf("the secret %s: %s is no Worker (%s)", quote(s.name), quote(name), r.source.place(m.resources[i].at)), hint)
	}
}

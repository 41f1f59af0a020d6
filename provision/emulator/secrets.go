package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
)

// Secrets are bindings whose values the emulator does not keep.

func (s *Server) registerSecrets(base string) {
	s.on("GET", base+"/secrets", groupScripts, s.listSecrets)
	s.on("PUT", base+"/secrets", groupScripts, s.putSecret)
	s.on("GET", base+"/secrets/{secret}", groupScripts, s.getSecret)
	s.on("DELETE", base+"/secrets/{secret}", groupScripts, s.deleteSecret)
	s.on("PATCH", base+"/secrets-bulk", groupScripts, s.patchSecrets)
}

type secretBody struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Type string `json:"type"`
}

func (in secretBody) check() error {
	if in.Name == "" || in.Type != "secret_text" && in.Type != "secret_key" {
		// guess: the code.
		return refuse(http.StatusBadRequest, 10013, "workers.api.error.invalid_secret")
	}
	return nil
}

func isSecret(b binding) bool { return b.Type == "secret_text" || b.Type == "secret_key" }

func showSecret(b binding) any { return map[string]string{"name": b.Name, "type": b.Type} }

func (s *Server) listSecrets(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, b := range s.boundBy(w) {
		if isSecret(b) {
			list = append(list, showSecret(b))
		}
	}
	return ok(list)
}

// withSecret is the bindings with one set or, when kind is "", dropped.
func withSecret(bindings []binding, name, kind string) []binding {
	out := slices.DeleteFunc(slices.Clone(bindings), func(b binding) bool { return b.Name == name })
	if kind != "" {
		out = append(out, secretBinding(name, kind))
	}
	return out
}

// changeSecrets makes and deploys a version with other secrets. It needs the
// newest version to be the deployed one.
func (s *Server) changeSecrets(c *call, w *script, edit func([]binding) []binding) error {
	newest, has := s.latest(w)
	if !has {
		return errNoVersions
	}
	if !s.deployed(w, newest) {
		// guess: the status.
		return refuse(http.StatusBadRequest, 10215, "Secret edit failed. You attempted to modify a secret, but the latest version of your Worker isn't currently deployed.")
	}
	next := *w
	v, err := s.revise(c, &next, map[string]string{"workers/triggered_by": "secret"}, func(v *version) { v.Bindings = edit(v.Bindings) })
	if err != nil {
		return err
	}
	s.scripts.put(c.x, &next)
	s.deploy(c, &next, []share{{v.ID, 100}}, map[string]string{"workers/triggered_by": "secret"})
	return nil
}

func (s *Server) putSecret(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	var in secretBody
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	err = s.changeSecrets(c, w, func(b []binding) []binding { return withSecret(b, in.Name, in.Type) })
	if err != nil {
		return nil, err
	}
	return ok(map[string]string{"name": in.Name, "type": in.Type})
}

// theSecret finds the path's secret.
func (s *Server) theSecret(c *call) (*script, binding, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, binding{}, err
	}
	for _, b := range s.boundBy(w) {
		if isSecret(b) && b.Name == c.params["secret"] {
			return w, b, nil
		}
	}
	return nil, binding{}, refuse(http.StatusNotFound, 10056, "workers.api.error.secret_not_found")
}

func (s *Server) getSecret(c *call) (*reply, error) {
	_, b, err := s.theSecret(c)
	if err != nil {
		return nil, err
	}
	return ok(showSecret(b))
}

func (s *Server) deleteSecret(c *call) (*reply, error) {
	w, b, err := s.theSecret(c)
	if err != nil {
		return nil, err
	}
	if err := s.changeSecrets(c, w, func(all []binding) []binding { return withSecret(all, b.Name, "") }); err != nil {
		return nil, err
	}
	return ok(nil)
}

// patchSecrets is a merge patch: a null deletes.
func (s *Server) patchSecrets(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Secrets map[string]*secretBody `json:"secrets"`
	}
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	if err := checkSecrets(in.Secrets); err != nil {
		return nil, err
	}
	err = s.changeSecrets(c, w, func(b []binding) []binding { return mergeSecrets(b, in.Secrets) })
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, b := range s.boundBy(w) {
		if isSecret(b) {
			list = append(list, showSecret(b))
		}
	}
	return ok(list)
}

func checkSecrets(secrets map[string]*secretBody) error {
	for name, in := range secrets {
		if in == nil {
			continue
		}
		in.Name = name
		if err := in.check(); err != nil {
			return err
		}
	}
	return nil
}

func mergeSecrets(bindings []binding, secrets map[string]*secretBody) []binding {
	names := make([]string, 0, len(secrets))
	for name := range secrets {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		kind := ""
		if in := secrets[name]; in != nil {
			kind = in.Type
		}
		bindings = withSecret(bindings, name, kind)
	}
	return bindings
}

// patchLatest merges {env: {NAME: binding|null}} into a new version that is not
// deployed, as wrangler versions secret does.
func (s *Server) patchLatest(c *call) (*reply, error) {
	w, err := s.workerByAny(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Env         map[string]*secretBody `json:"env"`
		Annotations map[string]string      `json:"annotations"`
	}
	if json.Unmarshal(c.body, &in) != nil {
		return nil, errBadWorkersBody
	}
	if err := checkSecrets(in.Env); err != nil {
		return nil, err
	}
	next := *w
	v, err := s.revise(c, &next, in.Annotations, func(v *version) { v.Bindings = mergeSecrets(v.Bindings, in.Env) })
	if err != nil {
		return nil, err
	}
	s.scripts.put(c.x, &next)
	return ok(s.showVersion(&next, v))
}

package emulator

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
)

// binding is what a version may reach by a name. The fields the emulator looks
// at are here; all of them, but for secrets' values, are in raw.
type binding struct {
	Name         string `json:"name"`
	Type         string `json:"type"`
	ID           string `json:"id"`           // d1 and others
	Namespace    string `json:"namespace_id"` // kv_namespace, ratelimit
	Bucket       string `json:"bucket_name"`
	Jurisdiction string `json:"jurisdiction"`
	Queue        string `json:"queue_name"`
	Service      string `json:"service"`
	Class        string `json:"class_name"`
	Script       string `json:"script_name"`
	Index        string `json:"index_name"`
	OldName      string `json:"old_name"` // inherit

	raw json.RawMessage
}

type plainBinding binding

// UnmarshalJSON keeps the binding as it came, without a secret's value.
func (b *binding) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, (*plainBinding)(b)); err != nil {
		return err
	}
	if b.Type != "secret_text" && b.Type != "secret_key" {
		b.raw = slices.Clone(data)
		return nil
	}
	b.raw = secretBinding(b.Name, b.Type).raw
	return nil
}

// MarshalJSON writes the binding as it came.
func (b binding) MarshalJSON() ([]byte, error) { return b.raw, nil }

// secretBinding is a secret; its value is nowhere kept.
func secretBinding(name, kind string) binding {
	raw, err := json.Marshal(map[string]string{"name": name, "type": kind})
	if err != nil {
		raw = nil
	}
	return binding{Name: name, Type: kind, raw: raw}
}

// resolve makes the version's bindings: what is inherited or kept comes from
// the version before, all else must exist.
func (s *Server) resolve(c *call, w *script, up *upload) ([]binding, error) {
	old := s.boundBy(w)
	var out []binding
	named := map[string]bool{}
	for _, b := range up.Bindings {
		if b.Name == "" || b.Type == "" {
			return nil, invalidScript("A binding needs a name and a type.")
		}
		if named[b.Name] {
			return nil, invalidScript("Binding name '%s' already in use. Please use a different name and try again.", b.Name)
		}
		named[b.Name] = true
		if b.Type == "inherit" {
			from := cmp.Or(b.OldName, b.Name)
			i := slices.IndexFunc(old, func(o binding) bool { return o.Name == from })
			if i < 0 {
				// guess: the status.
				return nil, refuse(http.StatusBadRequest, 10057, "Cannot inherit binding '%s': the previous version has none of that name.", from)
			}
			b = renamed(old[i], b.Name)
		}
		if err := s.checkBinding(c, w, b); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	for _, b := range old {
		if !named[b.Name] && slices.Contains(up.KeepBindings, b.Type) {
			out = append(out, b)
		}
	}
	return out, nil
}

// renamed is a binding under another name.
func renamed(b binding, name string) binding {
	if b.Name == name {
		return b
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(b.raw, &fields) != nil {
		return b
	}
	fields["name"], _ = json.Marshal(name)
	b.raw, _ = json.Marshal(fields)
	b.Name = name
	return b
}

// checkBinding refuses a binding to what does not exist. Types whose products
// are not emulated pass. guess: the statuses.
func (s *Server) checkBinding(c *call, w *script, b binding) error {
	switch b.Type {
	case "d1":
		if b.ID == "" {
			return invalidScript("binding %s of type d1 must have a valid `id` specified", b.Name)
		}
		if d, has := find(s, c, s.databases, b.ID); !has || d.Account != c.account.ID {
			return refuse(http.StatusBadRequest, 10181, "D1 binding '%s' references database '%s' which was not found.", b.Name, b.ID)
		}
	case "kv_namespace":
		if b.Namespace == "" {
			return invalidScript("binding %s of type kv_namespace must have a valid `namespace_id` specified", b.Name)
		}
		if n, has := find(s, c, s.namespaces, b.Namespace); !has || n.Account != c.account.ID {
			return refuse(http.StatusBadRequest, 10041, "KV namespace '%s' not found.", b.Namespace)
		}
	case "r2_bucket":
		bucket, has := s.bucketsByName.one(c.account.ID, cmp.Or(b.Jurisdiction, "default"), b.Bucket)
		if !has || !s.seen(c, bucket.head()) {
			return refuse(http.StatusBadRequest, 10085, "R2 bucket '%s' not found. Please use a different name and try again.", b.Bucket)
		}
	case "queue":
		q, has := s.queuesByName.one(c.account.ID, b.Queue)
		if !has || !s.seen(c, q.head()) {
			return refuse(http.StatusBadRequest, 11000, "Queue \"%s\" does not exist. To create it, run: wrangler queues create %s", b.Queue, b.Queue)
		}
	case "service":
		other, has := s.scriptsByName.one(c.account.ID, b.Service)
		if b.Service != w.Name && (!has || !s.seen(c, other.head())) {
			return refuse(http.StatusBadRequest, 10144, "Service binding '%s' references Worker '%s' which was not found.", b.Name, b.Service)
		}
	case "durable_object_namespace":
		return s.checkClass(c, w, b)
	}
	if check := s.bindable[b.Type]; check != nil {
		return check(c, b)
	}
	return nil
}

func (s *Server) checkClass(c *call, w *script, b binding) error {
	if b.Namespace != "" && b.Class == "" {
		return nil
	}
	owner := w
	if b.Script != "" && b.Script != w.Name {
		other, has := s.scriptsByName.one(c.account.ID, b.Script)
		if !has {
			return refuse(http.StatusBadRequest, 10061, "Cannot create binding for class '%s' in script '%s' because the script does not exist.", b.Class, b.Script)
		}
		owner = other
	}
	if _, has := s.doByScript.one(owner.ID, b.Class); !has {
		return refuse(http.StatusBadRequest, 10061, "Cannot create binding for class '%s' because it is not currently configured to implement Durable Objects. Did you forget to apply a migration?", b.Class)
	}
	return nil
}

// usersOf names the scripts that bind to a script.
func (s *Server) usersOf(w *script) []string {
	return s.linkedTo(w.Account, linkScript, w.Name)
}

func (b binding) pointsAt(script string) bool {
	return b.Type == "service" && b.Service == script || b.Type == "durable_object_namespace" && b.Script == script
}

// unbind takes the bindings to a script out of the scripts that have them, as
// force does.
func (s *Server) unbind(c *call, w *script, users []string) {
	for _, name := range users {
		user, _ := s.scriptsByName.one(w.Account, name)
		v, has := s.latest(user)
		if !has {
			continue
		}
		next := *v
		next.Bindings = slices.DeleteFunc(slices.Clone(v.Bindings), func(b binding) bool { return b.pointsAt(w.Name) })
		s.versions.put(c.x, &next)
		s.relink(c, user, next.Bindings)
	}
}

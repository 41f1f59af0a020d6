package emulator

import "slices"

// link says that a script's newest version is bound to something that must not
// vanish under it: a queue by its name, or another script. Links are what the
// bindings say already, kept apart so that "who uses this?" needs no walk over
// all scripts.
type link struct {
	row
	Account, Script, ScriptName string
	Kind, Target                string
}

// Kinds of links.
const (
	linkQueue  = "queue"
	linkScript = "script"
)

// target says what a binding links to, if it does.
func (b binding) target() (kind, target string) {
	switch {
	case b.Type == "queue":
		return linkQueue, b.Queue
	case b.Type == "service":
		return linkScript, b.Service
	case b.Type == "durable_object_namespace" && b.Script != "":
		return linkScript, b.Script
	}
	return "", ""
}

// relink makes a script's links those of the bindings.
func (s *Server) relink(c *call, w *script, bindings []binding) {
	for _, e := range slices.Clone(s.linksByScript.within(w.ID)) {
		s.links.remove(c.x, e.row.ID)
	}
	for _, b := range bindings {
		kind, target := b.target()
		id := w.ID + "/" + kind + "/" + target
		if _, has := s.links.get(id); kind == "" || has || target == w.Name && kind == linkScript {
			continue
		}
		s.links.put(c.x, &link{row{ID: id}, w.Account, w.ID, w.Name, kind, target})
	}
}

// linkedTo names the scripts bound to something, the oldest link first.
func (s *Server) linkedTo(account, kind, target string) []string {
	var out []string
	for _, e := range s.linksByTarget.all(account, kind, target) {
		out = append(out, e.row.ScriptName)
	}
	return out
}

package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) registerServices() {
	const base = "accounts/{account}/workers"
	s.on("GET", base+"/services/{script}", groupScripts, s.getService)
	s.on("DELETE", base+"/services/{script}", groupScripts, s.deleteService)
	s.on("GET", base+"/scripts/{script}/references", groupScripts, s.getReferences)
	s.on("GET", base+"/tails/by-consumer/{script}", groupScripts, s.tailsByConsumer)
	s.on("GET", base+"/workers", groupScripts, s.listWorkers)
	s.on("GET", base+"/workers/{worker}", groupScripts, s.getWorker)
	s.on("DELETE", base+"/workers/{worker}", groupScripts, s.deleteWorker)
	s.on("PATCH", base+"/workers/{worker}/versions/latest", groupScripts, s.patchLatest)
}

// errNoService is services' own not-found.
var errNoService = refuse(http.StatusNotFound, 10090, "workers.api.error.service_not_found")

func (s *Server) getService(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, errNoService
	}
	environment := map[string]any{"environment": "production", "created_on": micros(w.Made), "modified_on": micros(w.Modified),
		"script": s.showScript(w)}
	return ok(map[string]any{"id": w.Name, "created_on": micros(w.Made), "modified_on": micros(w.Modified),
		"default_environment": environment, "environments": []any{environment}})
}

func (s *Server) deleteService(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, errNoService
	}
	if err := s.dropScript(c, w); err != nil {
		return nil, err
	}
	return ok(nil)
}

// getReferences says who needs a script; wrangler asks before it deletes.
func (s *Server) getReferences(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	incoming, outgoing, objects := []any{}, []any{}, []any{}
	for _, name := range s.usersOf(w) {
		user, _ := s.scriptsByName.one(w.Account, name)
		for _, b := range s.boundBy(user) {
			switch {
			case b.Type == "service" && b.Service == w.Name:
				incoming = append(incoming, map[string]string{"name": b.Name, "service": name, "environment": "production"})
			case b.pointsAt(w.Name):
				n, _ := s.doByScript.one(w.ID, b.Class)
				objects = append(objects, map[string]string{"service": name, "environment": "production",
					"durable_object_namespace_id": n.ID, "durable_object_namespace_name": n.Name})
			}
		}
	}
	for _, b := range s.boundBy(w) {
		if b.Type == "service" {
			outgoing = append(outgoing, map[string]string{"name": b.Name, "service": b.Service, "environment": "production"})
		}
	}
	return ok(map[string]any{
		"services":        map[string]any{"incoming": incoming, "outgoing": outgoing, "pages_function": false},
		"durable_objects": objects, "dispatch_outbounds": []any{}})
}

// tailsByConsumer lists the scripts whose logs go to this one.
func (s *Server) tailsByConsumer(c *call) (*reply, error) {
	name := c.params["script"]
	list := []any{}
	for _, e := range s.scriptsByName.within(c.account.ID) {
		var tails []struct {
			Service string `json:"service"`
		}
		if len(e.row.Tails) == 0 || json.Unmarshal(e.row.Tails, &tails) != nil {
			continue
		}
		if slices.ContainsFunc(tails, func(t struct {
			Service string `json:"service"`
		}) bool {
			return t.Service == name
		}) {
			list = append(list, map[string]any{"tag": e.row.ID, "consumer": map[string]string{"script": name},
				"producer":   map[string]string{"script": e.row.Name},
				"created_on": micros(e.row.Made), "modified_on": micros(e.row.Modified)})
		}
	}
	return ok(list)
}

// workerByAny finds a script by name or id, as the newer API does.
func (s *Server) workerByAny(c *call) (*script, error) {
	id := c.params["worker"]
	if w, has := find(s, c, s.scripts, id); has && w.Account == c.account.ID {
		return w, nil
	}
	return s.scriptNamed(c, id)
}

func (s *Server) showWorker(c *call, w *script) any {
	host := w.Name + "." + c.account.Subdomain + ".workers.dev"
	none := []any{} // who refers to it is not followed here
	out := map[string]any{"id": w.ID, "name": w.Name, "created_on": micros(w.Made), "updated_on": micros(w.Modified),
		"observability": map[string]any{"enabled": false}, "tail_consumers": none,
		"references": map[string]any{"dispatch_namespace_outbounds": none, "domains": none, "durable_objects": none, "queues": none, "workers": none},
		"logpush":    w.Logpush, "tags": orEmpty(w.Tags),
		"subdomain": map[string]any{"enabled": w.Enabled, "previews_enabled": w.Previews,
			"url": "https://" + host, "preview_url_suffix": "-" + host}}
	setRaw(out, "tail_consumers", w.Tails)
	setRaw(out, "observability", w.Observability)
	return out
}

func (s *Server) listWorkers(c *call) (*reply, error) {
	return paged(s, c, s.scriptsByName.within(c.account.ID), pageSize{10, 100}, func(w *script) any { return s.showWorker(c, w) })
}

func (s *Server) getWorker(c *call) (*reply, error) {
	w, err := s.workerByAny(c)
	if err != nil {
		return nil, err
	}
	return ok(s.showWorker(c, w))
}

func (s *Server) deleteWorker(c *call) (*reply, error) {
	w, err := s.workerByAny(c)
	if err != nil {
		return nil, err
	}
	if err := s.dropScript(c, w); err != nil {
		return nil, err
	}
	return ok(map[string]any{})
}

// bearerValue is the token of the Authorization header.
func bearerValue(r *http.Request) string {
	_, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return value
}

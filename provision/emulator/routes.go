package emulator

import (
	"net/http"
	"slices"
	"strings"
)

// workerRoute maps a pattern of a zone to a script; without a script it keeps
// Workers off what the pattern matches.
type workerRoute struct {
	row
	Zone, Account, Pattern, Script string
}

func (s *Server) registerRoutes() {
	const base = "zones/{zone}/workers/routes"
	s.on("POST", base, groupRoutes, s.createRoute)
	s.on("GET", base, groupRoutes, s.listRoutes)
	s.on("GET", base+"/{route}", groupRoutes, s.getRoute)
	s.on("PUT", base+"/{route}", groupRoutes, s.putRoute)
	s.on("DELETE", base+"/{route}", groupRoutes, s.deleteRoute)
}

type routeView struct {
	ID      string `json:"id"`
	Pattern string `json:"pattern"`
	Script  string `json:"script,omitempty"`
}

func showRoute(r *workerRoute) any { return routeView{r.ID, r.Pattern, r.Script} }

type routeBody struct {
	Pattern string `json:"pattern"`
	Script  string `json:"script"`
}

func errBadPattern(pattern string) *refusal {
	return refuse(http.StatusBadRequest, 10022, "workers.api.error.invalid_route_pattern: %s", pattern)
}

// setRoute checks the pattern and script and takes them.
func (s *Server) setRoute(c *call, z *zone, r *workerRoute, in routeBody) error {
	if !validPattern(in.Pattern, z.Name) {
		return errBadPattern(in.Pattern)
	}
	if other, taken := s.routesByZone.one(z.ID, in.Pattern); taken && other.ID != r.ID {
		return refuse(http.StatusConflict, 10020, "workers.api.error.duplicate_route")
	}
	if in.Script != "" {
		if w, has := s.scriptsByName.one(z.Account, in.Script); !has || !s.seen(c, w.head()) {
			// guess: the status.
			return refuse(http.StatusBadRequest, 10019, "workers.api.error.route_script_not_found")
		}
	}
	r.Zone, r.Account, r.Pattern, r.Script = z.ID, z.Account, in.Pattern, in.Script
	return nil
}

// validPattern: a host of the zone, with a wildcard only at its start, and a
// path, with a wildcard only at its end.
func validPattern(pattern, zone string) bool {
	pattern = strings.TrimPrefix(strings.TrimPrefix(pattern, "https://"), "http://")
	host, path, _ := strings.Cut(pattern, "/")
	plain := strings.TrimPrefix(strings.TrimPrefix(host, "*"), ".")
	if host == "" || strings.Contains(plain, "*") || !within(strings.ToLower(plain), zone) {
		return false
	}
	if i := strings.IndexByte(path, '*'); i >= 0 && i != len(path)-1 {
		return false
	}
	return !strings.ContainsAny(pattern, "?# \t")
}

func (s *Server) createRoute(c *call) (*reply, error) {
	var in routeBody
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	r := &workerRoute{row: row{ID: newID()}}
	if err := s.setRoute(c, c.zone, r, in); err != nil {
		return nil, err
	}
	s.routes.put(c.x, r)
	return ok(showRoute(r))
}

// listRoutes gives all routes at once: the list is not paged.
func (s *Server) listRoutes(c *call) (*reply, error) {
	list := []any{}
	for _, e := range visible(s, c, s.routesByZone.within(c.zone.ID)) {
		list = append(list, showRoute(e.row))
	}
	return ok(list)
}

func (s *Server) theRoute(c *call) (*workerRoute, error) {
	r, has := find(s, c, s.routes, c.params["route"])
	if !has || r.Zone != c.zone.ID {
		return nil, refuse(http.StatusNotFound, 10009, "workers.api.error.route_not_found")
	}
	return r, nil
}

func (s *Server) getRoute(c *call) (*reply, error) {
	r, err := s.theRoute(c)
	if err != nil {
		return nil, err
	}
	return ok(showRoute(r))
}

func (s *Server) putRoute(c *call) (*reply, error) {
	old, err := s.theRoute(c)
	if err != nil {
		return nil, err
	}
	var in routeBody
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	next := *old
	if err := s.setRoute(c, c.zone, &next, in); err != nil {
		return nil, err
	}
	s.routes.put(c.x, &next)
	return ok(showRoute(&next))
}

func (s *Server) deleteRoute(c *call) (*reply, error) {
	r, err := s.theRoute(c)
	if err != nil {
		return nil, err
	}
	s.dropRoute(c, r)
	return ok(map[string]any{"id": r.ID})
}

func (s *Server) dropRoute(c *call, r *workerRoute) {
	s.routes.remove(c.x, r.ID)
	s.removeTags(c.x, "worker_route", r.ID)
}

// dropRoutesOf removes all routes of a script but those kept.
func (s *Server) dropRoutesOf(c *call, w *script) {
	for _, e := range slices.Clone(s.routesByScript.all(w.Account, w.Name)) {
		s.dropRoute(c, e.row)
	}
}

package emulator

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// An endpoint answers one method of one path.
type endpoint func(*call) (*reply, error)

// A route is an endpoint and what it needs.
type route struct {
	method string
	group  string // permission group without Read or Write; "": any token
	serve  endpoint
	free   bool // holds no lock while it works; takes what it needs itself
	// session: the bearer token is that of an upload, which the endpoint checks.
	session bool
	reads   bool // needs only the right to read, whatever the method
	items   bool // the right to the bucket's objects is enough
	stream  bool // reads the request's body itself; it is free, too
}

// A node is one segment of the tree of paths. A literal segment wins over a
// parameter, a parameter over a rest.
type node struct {
	literal map[string]*node
	param   *node
	name    string // of the parameter or rest
	rest    *node
	routes  map[string]*route
}

func newNode() *node { return &node{literal: map[string]*node{}} }

// on registers an endpoint. In the pattern {x} stands for one segment and
// {x...} for all that follow.
func (s *Server) on(method, pattern, group string, serve endpoint) *route {
	n := s.root
	for seg := range strings.SplitSeq(pattern, "/") {
		n = n.child(seg)
	}
	if n.routes == nil {
		n.routes = map[string]*route{}
	}
	r := &route{method: method, group: group, serve: serve}
	n.routes[method] = r
	s.endpoints = append(s.endpoints, Endpoint{method, pattern})
	return r
}

// An Endpoint is a method and a path below /client/v4/ that the emulator
// answers. In the path {x} stands for one segment, {x...} for all that follow.
type Endpoint struct{ Method, Path string }

func (e Endpoint) String() string { return e.Method + " " + e.Path }

// Endpoints lists all that is answered, by path.
func (s *Server) Endpoints() []Endpoint {
	return slices.SortedFunc(slices.Values(s.endpoints), func(a, b Endpoint) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Method, b.Method))
	})
}

// asks marks an endpoint that holds no lock and that whoever may read may call; it
// decides itself what else the caller may.
func (r *route) asks() { r.free, r.reads = true, true }

func (n *node) child(seg string) *node {
	name, isParam := strings.CutPrefix(seg, "{")
	if !isParam {
		if n.literal[seg] == nil {
			n.literal[seg] = newNode()
		}
		return n.literal[seg]
	}
	name = strings.TrimSuffix(name, "}")
	to := &n.param
	if short, isRest := strings.CutSuffix(name, "..."); isRest {
		name, to = short, &n.rest
	}
	if *to == nil {
		*to = newNode()
		(*to).name = name
	}
	return *to
}

// match finds the node for the path's segments and what the parameters are.
func (n *node) match(segs []string, params map[string]string) *node {
	if len(segs) == 0 {
		if n.routes == nil {
			return nil
		}
		return n
	}
	if next := n.literal[segs[0]]; next != nil {
		if found := next.match(segs[1:], params); found != nil {
			return found
		}
	}
	if n.param != nil && segs[0] != "" {
		if found := n.param.match(segs[1:], params); found != nil {
			params[n.param.name] = segs[0]
			return found
		}
	}
	if n.rest != nil {
		params[n.rest.name] = strings.Join(segs, "/")
		return n.rest
	}
	return nil
}

// segments splits an escaped path before it unescapes, so that %2F stays
// inside a segment.
func segments(escaped string) []string {
	segs := strings.Split(strings.TrimPrefix(escaped, "/"), "/")
	for i, seg := range segs {
		if plain, err := url.PathUnescape(seg); err == nil {
			segs[i] = plain
		}
	}
	return segs
}

// lookup finds the route for a request.
func (s *Server) lookup(r *http.Request, path string) (*route, map[string]string, *refusal) {
	params := map[string]string{}
	n := s.root.match(segments(path), params)
	if n == nil {
		return nil, nil, noRoute(path)
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if found := n.routes[method]; found != nil {
		return found, params, nil
	}
	// guess: the status; the reference has the code for zones and accounts, KV and others say 10405.
	return nil, nil, refuse(http.StatusMethodNotAllowed, 7001, "Method %s not available for that URI.", r.Method)
}

// noRoute is the answer for unknown paths and malformed or unknown account ids.
func noRoute(path string) *refusal {
	return refuse(http.StatusNotFound, 7003,
		"Could not route to %s, perhaps your object identifier is invalid?", path).
		and(7000, "No route for that URI")
}

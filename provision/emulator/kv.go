package emulator

import (
	"net/http"
	"slices"
)

// namespace is a KV namespace as it is kept; its keys are records of their own.
type namespace struct {
	row
	Account, Title, Jurisdiction string
}

func (s *Server) registerKV() {
	const base = "accounts/{account}/storage/kv/namespaces"
	s.on("POST", base, groupKV, s.createNamespace)
	s.on("GET", base, groupKV, s.listNamespaces)
	s.on("GET", base+"/{ns}", groupKV, s.getNamespace)
	s.on("PUT", base+"/{ns}", groupKV, s.renameNamespace)
	s.on("DELETE", base+"/{ns}", groupKV, s.deleteNamespace)
	s.registerKVValues(base + "/{ns}")
}

var (
	errBadKVBody   = refuse(http.StatusBadRequest, 10012, "could not parse request body: invalid JSON")
	errNoTitle     = refuse(http.StatusBadRequest, 10019, "a title is required")
	errNoNamespace = refuse(http.StatusNotFound, 10013, "namespace not found")
)

type namespaceView struct {
	ID           string `json:"id"`
	Title        string `json:"title"`
	URLEncoding  bool   `json:"supports_url_encoding"`
	Jurisdiction string `json:"jurisdiction,omitempty"`
}

func showNamespace(n *namespace) any { return namespaceView{n.ID, n.Title, true, n.Jurisdiction} }

// maxTitle is the longest title in characters. guess: no source gives it.
const maxTitle = 512

func (s *Server) checkTitle(c *call, title, doing string) error {
	if title == "" {
		return errNoTitle
	}
	if len([]rune(title)) > maxTitle {
		return refuse(http.StatusBadRequest, 10019, "the title is too long")
	}
	if _, taken := s.namespacesByTitle.one(c.account.ID, title); taken {
		return refuse(http.StatusBadRequest, 10014,
			"%s namespace: 'A namespace with this account ID and title already exists'", doing)
	}
	return nil
}

func (s *Server) createNamespace(c *call) (*reply, error) {
	var in struct {
		Title        string `json:"title"`
		Jurisdiction string `json:"jurisdiction"`
	}
	if err := c.decode(&in, errBadKVBody); err != nil {
		return nil, err
	}
	if err := s.checkTitle(c, in.Title, "create"); err != nil {
		return nil, err
	}
	if in.Jurisdiction != "" && !slices.Contains([]string{"eu", "fedramp", "us"}, in.Jurisdiction) {
		return nil, refuse(http.StatusBadRequest, 10012, "invalid jurisdiction")
	}
	if err := full(len(s.namespacesByID.within(c.account.ID)), c.account.limits().namespaces, "KV namespaces"); err != nil {
		return nil, err
	}
	n := &namespace{row{ID: newID()}, c.account.ID, in.Title, in.Jurisdiction}
	s.namespaces.put(c.x, n)
	return ok(showNamespace(n))
}

func (s *Server) listNamespaces(c *call) (*reply, error) {
	all := s.namespacesByID.within(c.account.ID)
	if c.query.Get("order") == "title" {
		all = s.namespacesByTitle.within(c.account.ID)
	}
	return paged(s, c, all, pageSize{20, 1000}, showNamespace)
}

func (s *Server) theNamespace(c *call) (*namespace, error) {
	n, has := find(s, c, s.namespaces, c.params["ns"])
	if !has || n.Account != c.account.ID {
		return nil, errNoNamespace
	}
	return n, nil
}

func (s *Server) getNamespace(c *call) (*reply, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	return ok(showNamespace(n))
}

func (s *Server) renameNamespace(c *call) (*reply, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Title string `json:"title"`
	}
	if err := c.decode(&in, errBadKVBody); err != nil {
		return nil, err
	}
	if in.Title == n.Title {
		return ok(showNamespace(n))
	}
	if err := s.checkTitle(c, in.Title, "rename"); err != nil {
		return nil, err
	}
	next := *n
	next.Title = in.Title
	s.namespaces.put(c.x, &next)
	return ok(showNamespace(&next))
}

// deleteNamespace drops a namespace with all its keys; there is no guard.
func (s *Server) deleteNamespace(c *call) (*reply, error) {
	n, err := s.theNamespace(c)
	if err != nil {
		return nil, err
	}
	for _, e := range slices.Clone(s.kvKeysByName.within(n.ID)) {
		s.kvKeys.remove(c.x, e.row.ID)
	}
	c.x.removeBlobs("kv/" + n.ID + "/")
	s.namespaces.remove(c.x, n.ID)
	s.removeTags(c.x, "kv_namespace", n.ID)
	return ok(nil)
}

package emulator

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const groupHyperdrive = "Hyperdrive"

// hyperdrives is Hyperdrive: configurations of connections to databases.
type hyperdrives struct {
	s      *Server
	rows   *table[*hyperdriveConfig]
	byName *index[*hyperdriveConfig]
}

// hyperdriveConfig is a configuration as it is kept. Its passwords are not:
// nothing connects here, and nothing may ever give them back.
type hyperdriveConfig struct {
	row
	Account, Name string
	Origin        databaseOrigin
	Caching       hyperdriveCaching
	MTLS          json.RawMessage
	Connections   int // soft limit, 0: the plan's
	Modified      time.Time
}

// databaseOrigin is where a database is: at a host and port, behind Access, or a
// service of a private network.
type databaseOrigin struct {
	Scheme         string `json:"scheme"`
	Database       string `json:"database"`
	User           string `json:"user"`
	Host           string `json:"host,omitempty"`
	Port           int    `json:"port,omitempty"`
	AccessClientID string `json:"access_client_id,omitempty"`
	ServiceID      string `json:"service_id,omitempty"`
}

type hyperdriveCaching struct {
	Disabled             bool `json:"disabled"`
	MaxAge               *int `json:"max_age,omitempty"`                // seconds
	StaleWhileRevalidate *int `json:"stale_while_revalidate,omitempty"` // seconds
}

// hyperdriveBody is what is sent; what is absent from a PATCH stays as it is.
type hyperdriveBody struct {
	Name   *string `json:"name"`
	Origin *struct {
		Scheme       *string `json:"scheme"`
		Database     *string `json:"database"`
		User         *string `json:"user"`
		Host         *string `json:"host"`
		Port         *int    `json:"port"`
		ClientID     *string `json:"access_client_id"`
		ServiceID    *string `json:"service_id"`
		Password     *string `json:"password"`
		ClientSecret *string `json:"access_client_secret"`
	} `json:"origin"`
	Caching     *hyperdriveCaching `json:"caching"`
	MTLS        json.RawMessage    `json:"mtls"`
	Connections *int               `json:"origin_connection_limit"`
}

var _ = provide(func(s *Server) (string, func() []Resource) {
	h := &hyperdrives{s: s, rows: newTable(s.store, "hyperdrive", func() *hyperdriveConfig { return new(hyperdriveConfig) })}
	h.byName = h.rows.by(func(r *hyperdriveConfig) string { return key(r.Account, r.Name) })
	const base = "accounts/{account}/hyperdrive/configs"
	s.on("POST", base, groupHyperdrive, h.create)
	s.on("GET", base, groupHyperdrive, h.list)
	s.on("GET", base+"/{config}", groupHyperdrive, h.get)
	s.on("PUT", base+"/{config}", groupHyperdrive, h.put)
	s.on("PATCH", base+"/{config}", groupHyperdrive, h.patch)
	s.on("DELETE", base+"/{config}", groupHyperdrive, h.delete)
	s.bindable["hyperdrive"] = h.checkBinding
	return "hyperdrive", h.resources
})

// The codes are the reference's. guess: the statuses of 2007 and 2009, the texts
// of all but 2017, and the code of a database that cannot be reached.
var (
	errNoHyperdrive    = refuse(http.StatusNotFound, 2006, "Hyperdrive config not found")
	errHyperdriveTaken = refuse(http.StatusBadRequest, 2017, "A Hyperdrive config with the given name already exists")
	errPrivateHost     = refuse(http.StatusBadRequest, 2009, "The origin's host must be a public one")
	errUnreachable     = refuse(http.StatusBadRequest, 2011, "Failed to connect to upstream database: the host could not be reached")
	originSchemes      = []string{"postgres", "postgresql", "mysql"}
)

func badHyperdrive(what string) *refusal {
	return refuse(http.StatusBadRequest, 2007, "Invalid Hyperdrive config: %s", what)
}

func (h *hyperdrives) resources() []Resource {
	var out []Resource
	for _, r := range h.rows.rows {
		out = append(out, Resource{Kind: "hyperdrive", ID: r.ID, Name: r.Name, Account: r.Account})
	}
	return out
}

func showHyperdrive(r *hyperdriveConfig) any {
	out := map[string]any{"id": r.ID, "name": r.Name, "origin": r.Origin, "caching": r.Caching,
		"created_on": micros(r.Made), "modified_on": micros(r.Modified)}
	if r.Connections > 0 {
		out["origin_connection_limit"] = r.Connections
	}
	setRaw(out, "mtls", r.MTLS)
	return out
}

// list gives pages. guess: their sizes.
func (h *hyperdrives) list(c *call) (*reply, error) {
	return paged(h.s, c, h.byName.within(c.account.ID), pageSize{20, 100}, showHyperdrive)
}

// the finds the path's configuration. An id of another form is no route.
func (h *hyperdrives) the(c *call) (*hyperdriveConfig, error) {
	id := c.params["config"]
	if !isHex(id, 32) {
		return nil, noRoute(strings.TrimPrefix(c.URL.EscapedPath(), apiPrefix))
	}
	r, has := find(h.s, c, h.rows, id)
	if !has || r.Account != c.account.ID {
		return nil, errNoHyperdrive
	}
	return r, nil
}

func (h *hyperdrives) get(c *call) (*reply, error) {
	r, err := h.the(c)
	if err != nil {
		return nil, err
	}
	return ok(showHyperdrive(r))
}

func (h *hyperdrives) create(c *call) (*reply, error) {
	return h.save(c, hyperdriveConfig{row: row{ID: newID()}, Account: c.account.ID}, true)
}

// put replaces all of a configuration, so it needs the password again.
func (h *hyperdrives) put(c *call) (*reply, error) {
	old, err := h.the(c)
	if err != nil {
		return nil, err
	}
	return h.save(c, hyperdriveConfig{row: old.row, Account: old.Account}, true)
}

func (h *hyperdrives) patch(c *call) (*reply, error) {
	old, err := h.the(c)
	if err != nil {
		return nil, err
	}
	return h.save(c, *old, false)
}

// save merges the body into a configuration and keeps it. Whole asks for all
// that a new one needs.
func (h *hyperdrives) save(c *call, next hyperdriveConfig, whole bool) (*reply, error) {
	var in hyperdriveBody
	if err := c.decode(&in, badHyperdrive("the body is no JSON object")); err != nil {
		return nil, err
	}
	if whole && (in.Name == nil || in.Origin == nil || in.Origin.Password == nil || *in.Origin.Password == "") {
		return nil, badHyperdrive("it needs a name, and an origin with a password")
	}
	if in.Origin != nil && in.Origin.ClientID != nil && in.Origin.ClientSecret == nil {
		return nil, badHyperdrive("access_client_id needs access_client_secret")
	}
	in.mergeInto(&next)
	if err := next.check(); err != nil {
		return nil, err
	}
	if other, taken := h.byName.one(next.Account, next.Name); taken && other.ID != next.ID {
		return nil, errHyperdriveTaken
	}
	// The real one connects now. Names ending in .invalid never resolve (RFC 2606),
	// so they stand for a database that cannot be reached.
	if strings.HasSuffix(next.Origin.Host, ".invalid") {
		return nil, errUnreachable
	}
	next.Modified = c.x.now
	h.rows.put(c.x, &next)
	return ok(showHyperdrive(&next))
}

func (in *hyperdriveBody) mergeInto(r *hyperdriveConfig) {
	set(&r.Name, in.Name)
	set(&r.Caching, in.Caching)
	set(&r.Connections, in.Connections)
	if len(in.MTLS) > 0 {
		r.MTLS = in.MTLS
	}
	o := in.Origin
	if o == nil {
		return
	}
	// The three ways to reach a database exclude each other: the one that is named
	// replaces the one before.
	switch {
	case o.ServiceID != nil:
		r.Origin.Host, r.Origin.Port, r.Origin.AccessClientID = "", 0, ""
	case o.ClientID != nil:
		r.Origin.Port, r.Origin.ServiceID = 0, ""
	case o.Host != nil || o.Port != nil:
		r.Origin.AccessClientID, r.Origin.ServiceID = "", ""
	}
	set(&r.Origin.Scheme, o.Scheme)
	set(&r.Origin.Database, o.Database)
	set(&r.Origin.User, o.User)
	set(&r.Origin.Host, o.Host)
	set(&r.Origin.Port, o.Port)
	set(&r.Origin.AccessClientID, o.ClientID)
	set(&r.Origin.ServiceID, o.ServiceID)
}

// set gives a field its new value, if there is one.
func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func (r *hyperdriveConfig) check() error {
	o := r.Origin
	switch {
	case r.Name == "":
		return badHyperdrive("its name is empty")
	case !slices.Contains(originSchemes, o.Scheme):
		return badHyperdrive("the origin's scheme is not one of " + strings.Join(originSchemes, ", "))
	case o.Database == "" || o.User == "":
		return badHyperdrive("the origin needs a database and a user")
	case o.ServiceID != "":
		return nil
	case o.Host == "":
		return badHyperdrive("the origin needs a host or a service_id")
	case o.AccessClientID == "" && (o.Port < 1 || o.Port > 65535):
		return badHyperdrive("the origin's port is not one")
	case privateHost(o.Host):
		return errPrivateHost
	}
	return nil
}

// privateHost says whether a host can only be reached from within a network.
func privateHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && (ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}

func (h *hyperdrives) delete(c *call) (*reply, error) {
	r, err := h.the(c)
	if err != nil {
		return nil, err
	}
	h.rows.remove(c.x, r.ID)
	return ok(nil)
}

// checkBinding refuses a binding to what does not exist. guess: the status.
func (h *hyperdrives) checkBinding(c *call, b binding) error {
	if r, has := find(h.s, c, h.rows, b.ID); !has || r.Account != c.account.ID {
		return refuse(http.StatusBadRequest, 10157, "Hyperdrive binding '%s' references config '%s' which was not found.", b.Name, b.ID)
	}
	return nil
}

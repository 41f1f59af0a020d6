package kinds

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/hyperdrive"
)

// The database's password is nobody's to keep: the manifest names the environment
// variable that it is in, it is sent with what makes or moves the connection, and
// Cloudflare never gives it back. So that it has changed cannot be seen; another
// password_version says it.

type hyperdriveSettings struct {
	Binding         string `json:"binding,omitempty"`
	Scheme          string `json:"scheme"`
	Host            string `json:"host"`
	Port            int    `json:"port"`
	Database        string `json:"database"`
	User            string `json:"user"`
	PasswordEnv     string `json:"password_env"`
	PasswordVersion int    `json:"password_version,omitempty"`
	Caching         *bool  `json:"caching,omitempty"`
	MaxAge          int    `json:"max_age,omitempty"`
	Stale           int    `json:"stale_while_revalidate,omitempty"`
	Connections     int    `json:"connection_limit,omitempty"`
}

var _ = register(kind[hyperdriveSettings]{
	name:       "hyperdrive",
	permission: "Hyperdrive Write",
	page:       "{account}/workers/hyperdrive/{id}",
	schema: `{
	"description": "A Hyperdrive: pooled and cached connections to a Postgres or MySQL database of yours. Cloudflare connects to it as soon as it is made.",
	"required": ["scheme", "host", "port", "database", "user", "password_env"],
	"properties": {
		"binding": {"type": "string", "description": "The name under which the Worker sees it.", "examples": ["HYPERDRIVE"]},
		"scheme": {"enum": ["postgres", "mysql"], "description": "What the database speaks."},
		"host": {"type": "string", "minLength": 1, "description": "Where the database is, publicly reachable.", "examples": ["db.example.com"]},
		"port": {"type": "integer", "minimum": 1, "maximum": 65535, "examples": [5432]},
		"database": {"type": "string", "minLength": 1, "description": "The database's name.", "examples": ["app"]},
		"user": {"type": "string", "minLength": 1, "examples": ["app"]},
		"password_env": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "description": "The environment variable that holds the password while cfboot runs. The password itself is never written here, nor kept.", "examples": ["HYPERDRIVE_PASSWORD"]},
		"password_version": {"type": "integer", "minimum": 1, "description": "Raise it when the password has changed: it is sent again."},
		"caching": {"type": "boolean", "default": true, "description": "Whether answers are cached."},
		"max_age": {"type": "integer", "minimum": 1, "description": "Seconds that an answer is cached."},
		"stale_while_revalidate": {"type": "integer", "minimum": 1, "description": "Seconds that an old answer is given while a new one is fetched."},
		"connection_limit": {"type": "integer", "minimum": 1, "description": "Connections to the database at once, about."}
	}
}`,
	example: Example{
		Made:    `{"binding": "HYPERDRIVE", "scheme": "postgres", "host": "db.shop.example", "port": 5432, "database": "app", "user": "app", "password_env": "HYPERDRIVE_PASSWORD"}`,
		Changed: `{"binding": "HYPERDRIVE", "scheme": "postgres", "host": "db.shop.example", "port": 6432, "database": "app", "user": "app", "password_env": "HYPERDRIVE_PASSWORD", "max_age": 30}`,
		Setting: "port",
	},
	// guess: the rule for names, which is not documented.
	naming:   naming{form(`^[A-Za-z0-9][A-Za-z0-9_-]*$`), "letters, digits, - and _, at most 63 characters", 63},
	local:    []string{"binding"},
	defaults: map[string]any{"caching": true},
	calls:    func(provision.Action, []provision.Change) int { return 1 },
	resolve: func(in provision.Spec, s *hyperdriveSettings, r *resolution) error {
		if err := ownDatabase(in, s); err != nil {
			return err
		}
		off := s.Caching != nil && !*s.Caching
		if off && (s.MaxAge > 0 || s.Stale > 0) {
			return &provision.SettingError{Path: "/caching", Text: "without caching nothing has an age", Hints: []string{"leave max_age and stale_while_revalidate out"}}
		}
		return nil
	},
	read: readHyperdrive,
	create: func(ctx context.Context, c *Client, s step[hyperdriveSettings]) (made[hyperdriveSettings], error) {
		password, err := c.password(s.S.PasswordEnv)
		if err != nil {
			return made[hyperdriveSettings]{}, err
		}
		wire := map[string]any{"name": s.Name, "origin": wireOrigin(s.S, password), "caching": wireCaching(s.S)}
		if s.S.Connections > 0 {
			wire["origin_connection_limit"] = s.S.Connections
		}
		var e envelope[hyperdriveAnswer]
		_, err = hyperdrive.NewConfigService(c.options...).New(ctx, inAccount[hyperdrive.ConfigNewParams](c), body(wire), into(&e))
		if codeIs(err, 2017) {
			return made[hyperdriveSettings]{}, exists(err)
		}
		return madeAs[hyperdriveSettings](e.Result.ID, "", err)
	},
	update: func(ctx context.Context, c *Client, s step[hyperdriveSettings]) error {
		wire := map[string]any{}
		if s.changes(provision.NameSetting) {
			wire["name"] = s.Name
		}
		if slices.ContainsFunc(originSettings, s.changes) {
			password, err := c.password(s.S.PasswordEnv)
			if err != nil {
				return err
			}
			wire["origin"] = wireOrigin(s.S, password)
		}
		if slices.ContainsFunc(cachingSettings, s.changes) {
			wire["caching"] = wireCaching(s.S)
		}
		if s.changes("connection_limit") && s.S.Connections > 0 {
			wire["origin_connection_limit"] = s.S.Connections
		}
		if len(wire) == 0 {
			return nil // only what nobody is told has changed
		}
		var e envelope[any]
		_, err := hyperdrive.NewConfigService(c.options...).Edit(ctx, s.ID, inAccount[hyperdrive.ConfigEditParams](c), body(wire), into(&e))
		return err
	},
	delete: func(ctx context.Context, c *Client, s step[hyperdriveSettings]) error {
		var e envelope[any]
		_, err := hyperdrive.NewConfigService(c.options...).Delete(ctx, s.ID, inAccount[hyperdrive.ConfigDeleteParams](c), into(&e))
		return unlessGone(err, noHyperdrive)
	},
	bind: func(e provision.Entry, s hyperdriveSettings) []provision.Binding {
		if s.Binding == "" {
			return nil
		}
		return []provision.Binding{{Section: []string{"hyperdrive"}, Match: field("binding", s.Binding), Set: fields("id", e.ID)}}
	},
})

// noHyperdrive is the code for a configuration that is not there.
const noHyperdrive = 2006

var (
	originSettings  = []string{"scheme", "host", "port", "database", "user", "password_env", "password_version"}
	cachingSettings = []string{"caching", "max_age", "stale_while_revalidate"}
)

// password is what the environment variable holds.
func (c *Client) password(variable string) (string, error) {
	if c.secrets != nil {
		if v, ok := c.secrets(variable); ok && v != "" {
			c.transport.mask.Add(v)
			return v, nil
		}
	}
	return "", &provision.Problem{Text: noPassword(variable), Class: provision.Refused, Hints: []string{"set " + variable + " for this command, and nowhere else"}}
}

func noPassword(variable string) string {
	return fmt.Sprintf("the database's password is not there: the environment variable %s is not set", variable)
}

func wireOrigin(s hyperdriveSettings, password string) map[string]any {
	return map[string]any{"scheme": s.Scheme, "host": s.Host, "port": s.Port, "database": s.Database, "user": s.User, "password": password}
}

func wireCaching(s hyperdriveSettings) map[string]any {
	out := map[string]any{"disabled": s.Caching != nil && !*s.Caching}
	if s.MaxAge > 0 {
		out["max_age"] = s.MaxAge
	}
	if s.Stale > 0 {
		out["stale_while_revalidate"] = s.Stale
	}
	return out
}

// hyperdriveAnswer is a configuration as Cloudflare tells of it.
type hyperdriveAnswer struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Origin struct {
		Scheme   string `json:"scheme"`
		Host     string `json:"host"`
		Port     int    `json:"port"`
		Database string `json:"database"`
		User     string `json:"user"`
	} `json:"origin"`
	Caching struct {
		Disabled bool `json:"disabled"`
		MaxAge   int  `json:"max_age"`
		Stale    int  `json:"stale_while_revalidate"`
	} `json:"caching"`
	Connections int `json:"origin_connection_limit"`
}

func readHyperdrive(ctx context.Context, c *Client, w wanted[hyperdriveSettings]) (o provision.Observed, err error) {
	var found hyperdriveAnswer
	if w.ID == "" {
		found, err = c.hyperdriveNamed(ctx, w.Name)
	} else {
		var e envelope[hyperdriveAnswer]
		_, err = hyperdrive.NewConfigService(c.options...).Get(ctx, w.ID, inAccount[hyperdrive.ConfigGetParams](c), into(&e))
		found = e.Result
		err = unlessGone(whole(err, found.ID), noHyperdrive)
	}
	switch {
	case err != nil:
		return o, err
	case found.ID == "" && w.ID == "" && w.S.PasswordEnv != "":
		// Better told in the plan than halfway through.
		if _, err := c.password(w.S.PasswordEnv); err != nil {
			o.Blocked = noPassword(w.S.PasswordEnv)
		}
		return o, nil
	case found.ID == "":
		return o, nil
	}
	scheme := found.Origin.Scheme
	if scheme == "postgresql" { // another word for it
		scheme = "postgres"
	}
	on := !found.Caching.Disabled
	settings := canonical(hyperdriveSettings{Scheme: scheme, Host: found.Origin.Host, Port: found.Origin.Port, Database: found.Origin.Database, User: found.Origin.User,
		Caching: &on, MaxAge: found.Caching.MaxAge, Stale: found.Caching.Stale, Connections: found.Connections})
	delete(settings, "password_env")
	return provision.Observed{Exists: true, ID: found.ID, Name: found.Name, Settings: settings}, nil
}

// hyperdriveNamed finds a configuration by its name; one without an id is none.
func (c *Client) hyperdriveNamed(ctx context.Context, name string) (hyperdriveAnswer, error) {
	all, err := remember(c, "hyperdrive", func() (all []hyperdriveAnswer, err error) {
		seen := map[string]bool{}
		for n := 1; ; n++ {
			// guess: that a page of 100 may be asked for. One that is smaller is seen.
			e, err := get[[]hyperdriveAnswer](ctx, c, "accounts/"+c.Account+"/hyperdrive/configs", url.Values{"page": {fmt.Sprint(n)}, "per_page": {"100"}})
			if err != nil || len(e.Result) == 0 || seen[e.Result[0].ID] {
				return all, err
			}
			seen[e.Result[0].ID] = true
			all = append(all, e.Result...)
			if len(all) >= e.Info.TotalCount && len(e.Result) < 100 {
				return all, nil
			}
		}
	})
	i := slices.IndexFunc(all, func(h hyperdriveAnswer) bool { return h.Name == name })
	if err != nil || i < 0 {
		return hyperdriveAnswer{}, err
	}
	return all[i], nil
}

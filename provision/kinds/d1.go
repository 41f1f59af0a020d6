package kinds

import (
	"context"
	"net/url"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cloudflare/cloudflare-go/v4/d1"
)

// d1Full is what to do where the limit is reached: 10 databases on the Free
// plan, 50,000 on Paid (developers.cloudflare.com/d1/platform/limits).
const d1Full = "the account's limit of D1 databases is reached (10 on the Free plan): delete one that is no longer used, or upgrade"

type d1Settings struct {
	Binding         string `json:"binding,omitempty"`
	LocationHint    string `json:"location_hint,omitempty"`
	Jurisdiction    string `json:"jurisdiction,omitempty"`
	ReadReplication string `json:"read_replication,omitempty"`
	MigrationsDir   string `json:"migrations_dir,omitempty"`
}

// The length is not documented; 63 is what the other stores allow.
var d1Naming = naming{form(`^[a-z0-9][a-z0-9_-]*$`), "small letters, digits, - and _, at most 63 characters", 63}

var _ = register(kind[d1Settings]{
	name:       "d1",
	permission: "D1 Write",
	page:       "{account}/workers/d1/databases/{id}",
	tags:       tagging{kind: "d1_database"},
	schema: `{
	"description": "A D1 database (SQLite).",
	"properties": {
		"binding": {"type": "string", "description": "The name under which the Worker sees it.", "examples": ["DB"]},
		"location_hint": {"enum": ["wnam", "enam", "weur", "eeur", "apac", "oc"], "description": "Where the primary should live. Advice: changing it later has no effect."},
		"jurisdiction": {"enum": ["eu", "fedramp", "us"], "description": "Where the data must stay. Changing it replaces the database."},
		"read_replication": {"enum": ["auto", "disabled"], "default": "disabled", "description": "Whether read replicas are kept near the users."},
		"migrations_dir": {"type": "string", "description": "The folder of migrations, written into wrangler.jsonc.", "examples": ["migrations"]}
	}
}`,
	naming:   d1Naming,
	local:    []string{"binding", "migrations_dir"},
	replace:  []string{provision.NameSetting, "jurisdiction"},
	hints:    []string{"location_hint"},
	defaults: map[string]any{"read_replication": "disabled", "jurisdiction": "default"},
	store:    true,
	settles:  []int{7404, 7500},
	calls: func(a provision.Action, changes []provision.Change) int {
		if a == provision.Create && changed(changes, "read_replication") {
			return 2
		}
		return 1
	},
	resolve: func(in provision.Spec, s *d1Settings, r *resolution) error { return nil },
	read: func(ctx context.Context, c *Client, w wanted[d1Settings]) (o provision.Observed, err error) {
		type database struct {
			UUID            string    `json:"uuid"`
			Name            string    `json:"name"`
			CreatedAt       time.Time `json:"created_at"`
			NumTables       int       `json:"num_tables"`
			FileSize        int64     `json:"file_size"`
			Jurisdiction    string    `json:"jurisdiction"`
			ReadReplication struct {
				Mode string `json:"mode"`
			} `json:"read_replication"`
		}
		// The path takes an id or a name.
		key := w.ID
		if key == "" {
			key = url.PathEscape(w.Name)
		}
		var e envelope[database]
		var held d1Holding
		var g group
		g.Go(func() error {
			_, err := d1.NewDatabaseService(c.options...).Get(ctx, key, inAccount[d1.DatabaseGetParams](c), into(&e))
			return unlessGone(whole(err, e.Result.UUID), 7404)
		})
		count := func(id string) func() error {
			return func() (err error) {
				if held, err = c.countRows(ctx, id); codeIs(err, 7404) {
					held.tables = -1 // it is going, or not everywhere yet
				}
				return unlessGone(err, 7404)
			}
		}
		if w.WithData && w.ID != "" {
			g.Go(count(w.ID))
		}
		if err := g.Wait(); err != nil {
			return o, err
		}
		db := e.Result
		if db.UUID == "" || w.ID == "" && db.Name != w.Name {
			return o, nil
		}
		if w.WithData && w.ID == "" {
			if err := count(db.UUID)(); err != nil {
				return o, err
			}
		}
		o = provision.Observed{Exists: true, ID: db.UUID, Name: db.Name, Created: db.CreatedAt, Settings: reported("jurisdiction", db.Jurisdiction)}
		if mode := db.ReadReplication.Mode; mode != "" {
			o.Settings["read_replication"] = mode
		}
		if w.WithData {
			if held.tables < 0 {
				held = d1Holding{tables: db.NumTables, rows: -1}
			}
			o.Data = held.text(db.FileSize)
		}
		return o, nil
	},
	create: func(ctx context.Context, c *Client, s step[d1Settings]) (made[d1Settings], error) {
		var e envelope[struct {
			UUID string `json:"uuid"`
		}]
		_, err := d1.NewDatabaseService(c.options...).New(ctx, inAccount[d1.DatabaseNewParams](c), body(struct {
			Name         string `json:"name"`
			LocationHint string `json:"primary_location_hint,omitempty"`
			Jurisdiction string `json:"jurisdiction,omitempty"`
		}{s.Name, s.S.LocationHint, s.S.Jurisdiction}), into(&e))
		if codeIs(err, 7502) {
			return made[d1Settings]{}, exists(err)
		}
		if codeIs(err, 7406) {
			err = c.full(ctx, "D1 databases", "d1/database", d1Full, err)
		}
		return madeAs[d1Settings](e.Result.UUID, "", err, "read_replication")
	},
	update: func(ctx context.Context, c *Client, s step[d1Settings]) error {
		type replication struct {
			Mode string `json:"mode"`
		}
		var e envelope[any]
		_, err := d1.NewDatabaseService(c.options...).Edit(ctx, s.ID, inAccount[d1.DatabaseEditParams](c), body(struct {
			ReadReplication replication `json:"read_replication"`
		}{replication{orDefault(s.S.ReadReplication, "disabled")}}), into(&e))
		return err
	},
	delete: func(ctx context.Context, c *Client, s step[d1Settings]) error {
		var e envelope[any]
		_, err := d1.NewDatabaseService(c.options...).Delete(ctx, s.ID, inAccount[d1.DatabaseDeleteParams](c), into(&e))
		return unlessGone(err, 7404)
	},
	save: exportDatabase,
	bind: func(e provision.Entry, s d1Settings) []provision.Binding {
		if s.Binding == "" {
			return nil
		}
		set := fields("database_name", e.Name, "database_id", e.ID)
		if s.MigrationsDir != "" {
			set = append(set, fields("migrations_dir", s.MigrationsDir)...)
		}
		return []provision.Binding{{Section: []string{"d1_databases"}, Match: field("binding", s.Binding), Set: set}}
	},
})

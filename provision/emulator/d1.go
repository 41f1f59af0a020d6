package emulator

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// database is a D1 database as it is kept; its contents are in a SQLite file.
type database struct {
	row
	Account, Name, Jurisdiction string
	Location                    string // upper case, where it runs
	Replication                 string // auto or disabled
	Tables                      int
	Size                        int64 // bytes
}

// emptyDatabase is the size in bytes of a database without tables.
const emptyDatabase = 12288

func (s *Server) registerD1() {
	s.on("POST", "accounts/{account}/d1/database", groupD1, s.createDatabase)
	s.on("GET", "accounts/{account}/d1/database", groupD1, s.listDatabases)
	s.on("GET", "accounts/{account}/d1/database/{db}", groupD1, s.getDatabase)
	s.on("PUT", "accounts/{account}/d1/database/{db}", groupD1, s.updateDatabase)
	s.on("PATCH", "accounts/{account}/d1/database/{db}", groupD1, s.updateDatabase)
	s.on("DELETE", "accounts/{account}/d1/database/{db}", groupD1, s.deleteDatabase).free = true
	s.on("POST", "accounts/{account}/d1/database/{db}/query", groupD1, s.queryDatabase).asks()
	s.on("POST", "accounts/{account}/d1/database/{db}/raw", groupD1, s.rawDatabase).asks()
	s.registerD1Transfer()
	s.registerTimeTravel()
}

var (
	databaseName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-_]*$`) })
	locations    = []string{"wnam", "enam", "weur", "eeur", "apac", "oc"}
)

var errBadD1Body = refuse(http.StatusBadRequest, 7400, "The request is malformed: the body is not the JSON that was expected.")

func errNoDatabase(name string) *refusal {
	return refuse(http.StatusNotFound, 7404, "The database %s could not be found", name)
}

type replication struct {
	Mode string `json:"mode"`
}

func (r *replication) check() error {
	if r != nil && r.Mode != "auto" && r.Mode != "disabled" {
		return refuse(http.StatusBadRequest, 7400, "Invalid property: read_replication.mode => must be auto or disabled")
	}
	return nil
}

func (s *Server) createDatabase(c *call) (*reply, error) {
	var in struct {
		Name         string       `json:"name"`
		Jurisdiction string       `json:"jurisdiction"`
		Hint         string       `json:"primary_location_hint"`
		Replication  *replication `json:"read_replication"`
	}
	if err := c.decode(&in, errBadD1Body); err != nil {
		return nil, err
	}
	switch {
	case !databaseName().MatchString(in.Name):
		return nil, refuse(http.StatusBadRequest, 7400, "Invalid property: name => Invalid database name, must match ^[a-z0-9][a-z0-9-_]*$")
	case in.Jurisdiction != "" && !slices.Contains([]string{"eu", "fedramp", "us"}, in.Jurisdiction):
		return nil, refuse(http.StatusBadRequest, 7400, "Invalid property: jurisdiction => Invalid enum value")
	case in.Hint != "" && !slices.Contains(locations, in.Hint):
		return nil, refuse(http.StatusBadRequest, 7400, "Invalid property: primary_location_hint => Invalid enum value")
	}
	if err := in.Replication.check(); err != nil {
		return nil, err
	}
	if _, taken := s.databasesByName.one(c.account.ID, in.Name); taken {
		// guess: the status, by analogy with 7406.
		return nil, refuse(http.StatusBadRequest, 7502, "Database with name '%s' already exists", in.Name)
	}
	if err := s.databaseLimit(c.account); err != nil {
		return nil, err
	}
	d := &database{row: row{ID: newUUID()}, Account: c.account.ID, Name: in.Name, Jurisdiction: in.Jurisdiction,
		Location: strings.ToUpper(cmp.Or(in.Hint, "weur")), Replication: "disabled", Size: emptyDatabase}
	if in.Replication != nil {
		d.Replication = in.Replication.Mode
	}
	s.databases.put(c.x, d)
	return ok(showDatabase(d))
}

type databaseRow struct {
	UUID         string `json:"uuid"`
	Name         string `json:"name"`
	Version      string `json:"version"`
	CreatedAt    string `json:"created_at"`
	Jurisdiction string `json:"jurisdiction,omitempty"`
}

type databaseView struct {
	databaseRow
	Tables      int         `json:"num_tables"`
	Size        int64       `json:"file_size"`
	Region      string      `json:"running_in_region"`
	Replication replication `json:"read_replication"`
}

func showDatabaseRow(d *database) any {
	return databaseRow{d.ID, d.Name, "production", millis(d.Made), d.Jurisdiction}
}

func showDatabase(d *database) databaseView {
	return databaseView{databaseRow{d.ID, d.Name, "production", millis(d.Made), d.Jurisdiction},
		d.Tables, d.Size, d.Location, replication{d.Replication}}
}

// listDatabases: name is a search, not an exact filter.
func (s *Server) listDatabases(c *call) (*reply, error) {
	all := s.databasesByAge.within(c.account.ID)
	if name := c.query.Get("name"); name != "" {
		var found []entry[*database]
		for _, e := range all {
			if strings.Contains(e.row.Name, name) {
				found = append(found, e)
			}
		}
		all = found
	}
	return paged(s, c, all, pageSize{1000, 10000}, showDatabaseRow)
}

// theDatabase finds the path's database by uuid or by name.
func (s *Server) theDatabase(c *call) (*database, error) {
	id := c.params["db"]
	d, has := find(s, c, s.databases, id)
	if !has {
		d, has = s.databasesByName.one(c.account.ID, id)
		has = has && s.seen(c, d.head())
	}
	if !has || d.Account != c.account.ID {
		return nil, errNoDatabase(id)
	}
	return d, nil
}

func (s *Server) getDatabase(c *call) (*reply, error) {
	d, err := s.theDatabase(c)
	if err != nil {
		return nil, err
	}
	view := showDatabase(d)
	fields := c.query.Get("fields")
	if fields == "" {
		return ok(view)
	}
	part := map[string]any{}
	for field := range strings.SplitSeq(fields, ",") {
		switch field {
		case "uuid":
			part[field] = view.UUID
		case "name":
			part[field] = view.Name
		case "version":
			part[field] = view.Version
		case "created_at":
			part[field] = view.CreatedAt
		case "num_tables":
			part[field] = view.Tables
		case "file_size":
			part[field] = view.Size
		case "running_in_region":
			part[field] = view.Region
		case "jurisdiction":
			part[field] = view.Jurisdiction
		case "read_replication":
			part[field] = view.Replication
		}
	}
	return ok(part)
}

func (s *Server) updateDatabase(c *call) (*reply, error) {
	d, err := s.theDatabase(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Replication *replication `json:"read_replication"`
	}
	if err := c.decode(&in, errBadD1Body); err != nil {
		return nil, err
	}
	if in.Replication == nil {
		// An empty PATCH was seen to answer this.
		return nil, refuse(http.StatusInternalServerError, 7500, "An internal error occurred")
	}
	if err := in.Replication.check(); err != nil {
		return nil, err
	}
	next := *d
	next.Replication = in.Replication.Mode
	s.databases.put(c.x, &next)
	return ok(showDatabase(&next))
}

// deleteDatabase waits for the database's file without the tables' lock: whoever
// has the file may be waiting for that.
func (s *Server) deleteDatabase(c *call) (*reply, error) {
	id := ""
	err := s.change(func(x *txn) error {
		d, err := s.theDatabase(c)
		if err != nil {
			return err
		}
		id = d.ID
		s.databases.remove(x, id)
		s.dropHistory(x, id)
		s.removeTags(x, "d1_database", id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.sqlite.remove(id); err != nil {
		return nil, err
	}
	return ok(nil)
}

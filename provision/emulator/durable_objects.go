package emulator

import (
	"cmp"
	"net/http"
	"slices"
)

// doNamespace is a Durable Object class that a script implements.
type doNamespace struct {
	row
	Account, Script, ScriptName, Class, Name string
	SQLite                                   bool
}

// migrations change which Durable Object classes a script implements. The
// steps of the older form stand beside the tags.
type migrations struct {
	OldTag *string `json:"old_tag"`
	NewTag string  `json:"new_tag"`
	migrationStep
	Steps []migrationStep `json:"steps"`
}

type migrationStep struct {
	New       []string        `json:"new_classes"`
	NewSQLite []string        `json:"new_sqlite_classes"`
	Deleted   []string        `json:"deleted_classes"`
	Renamed   []migrationMove `json:"renamed_classes"`
	Transfers []migrationMove `json:"transferred_classes"`
}

type migrationMove struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Script string `json:"from_script"`
}

func (s *Server) registerDurableObjects() {
	s.on("GET", "accounts/{account}/workers/durable_objects/namespaces", groupScripts, s.listNamespacesDO)
	s.on("GET", "accounts/{account}/workers/durable_objects/namespaces/{ns}/objects", groupScripts, s.listObjectsDO)
}

func (s *Server) listNamespacesDO(c *call) (*reply, error) {
	return paged(s, c, s.doByAge.within(c.account.ID), pageSize{20, 1000}, func(n *doNamespace) any {
		return map[string]any{"id": n.ID, "name": n.Name, "script": n.ScriptName, "class": n.Class, "use_sqlite": n.SQLite}
	})
}

// listObjectsDO: Workers do not run here, so a namespace has no objects.
func (s *Server) listObjectsDO(c *call) (*reply, error) {
	if n, has := s.doNamespaces.get(c.params["ns"]); !has || n.Account != c.account.ID {
		return nil, refuse(http.StatusNotFound, 10066, "workers.api.error.actor_namespace_not_found")
	}
	return &reply{result: []any{}, info: map[string]any{"count": 0, "cursor": ""}}, nil
}

// migrate runs an upload's migrations and sets the script's tag.
func (s *Server) migrate(c *call, w *script, m *migrations) error {
	if m == nil {
		return nil
	}
	if given := cmp.Or(m.OldTag, new(string)); *given != w.MigrationTag {
		return refuse(http.StatusPreconditionFailed, 10079,
			"Actor migration tag precondition failed; migration tag is '%s' when expected tag is '%s'.", w.MigrationTag, *given)
	}
	steps := m.Steps
	if len(steps) == 0 {
		steps = []migrationStep{m.migrationStep}
	}
	for _, step := range steps {
		if err := s.migrateStep(c, w, step); err != nil {
			return err
		}
	}
	w.MigrationTag = m.NewTag
	return nil
}

func errMigration(format string, args ...any) *refusal {
	return refuse(http.StatusBadRequest, 10074, format, args...)
}

func (s *Server) migrateStep(c *call, w *script, step migrationStep) error {
	for i, class := range slices.Concat(step.New, step.NewSQLite) {
		if _, has := s.doByScript.one(w.ID, class); has {
			return errMigration("Cannot apply new-class migration to class '%s' that is already depended on by existing Durable Objects", class)
		}
		s.doNamespaces.put(c.x, &doNamespace{row: row{ID: newID()}, Account: w.Account, Script: w.ID, ScriptName: w.Name,
			Class: class, Name: w.Name + "_" + class, SQLite: i >= len(step.New)})
	}
	for _, class := range step.Deleted {
		n, has := s.doByScript.one(w.ID, class)
		if !has {
			return errMigration("Cannot apply delete-class migration to class '%s' that does not exist", class)
		}
		s.doNamespaces.remove(c.x, n.ID)
	}
	for _, move := range slices.Concat(step.Renamed, step.Transfers) {
		if err := s.moveClass(c, w, move); err != nil {
			return err
		}
	}
	return nil
}

// moveClass renames a class, or takes it over from another script.
func (s *Server) moveClass(c *call, w *script, move migrationMove) error {
	from := w
	if move.Script != "" {
		other, has := s.scriptsByName.one(w.Account, move.Script)
		if !has {
			return errMigration("Cannot transfer class '%s' from script '%s' that does not exist", move.From, move.Script)
		}
		from = other
	}
	n, has := s.doByScript.one(from.ID, move.From)
	if !has {
		return errMigration("Cannot move class '%s' that does not exist", move.From)
	}
	if _, taken := s.doByScript.one(w.ID, move.To); taken {
		return errMigration("Class '%s' cannot be the target of more than one migration", move.To)
	}
	next := *n
	next.Script, next.ScriptName, next.Class, next.Name = w.ID, w.Name, move.To, w.Name+"_"+move.To
	s.doNamespaces.put(c.x, &next)
	return nil
}

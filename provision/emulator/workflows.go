package emulator

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// workflow is a Workflow as it is kept; no instance ever runs here.
type workflow struct {
	row
	Account, Name, Class, Script, Version string
	Modified                              time.Time
	Schedules                             json.RawMessage
}

var workflowName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9-_]{0,63}$`) })

func (s *Server) registerWorkflows() {
	const base = "accounts/{account}/workflows"
	s.on("GET", base, groupScripts, s.listWorkflows)
	s.on("GET", base+"/{workflow}", groupScripts, s.getWorkflow)
	s.on("PUT", base+"/{workflow}", groupScripts, s.putWorkflow)
	s.on("DELETE", base+"/{workflow}", groupScripts, s.deleteWorkflow)
}

func showWorkflow(f *workflow) map[string]any {
	out := map[string]any{"id": f.ID, "name": f.Name, "class_name": f.Class, "script_name": f.Script,
		"created_on": micros(f.Made), "modified_on": micros(f.Modified), "triggered_on": nil,
		"instances": map[string]int{"complete": 0, "errored": 0, "paused": 0, "queued": 0, "running": 0,
			"terminated": 0, "waiting": 0, "waitingForPause": 0}}
	setRaw(out, "schedules", f.Schedules)
	return out
}

func (s *Server) listWorkflows(c *call) (*reply, error) {
	all := s.workflowsByName.within(c.account.ID)
	if search := c.query.Get("search"); search != "" {
		var found []entry[*workflow]
		for _, e := range all {
			if strings.Contains(e.row.Name, search) {
				found = append(found, e)
			}
		}
		all = found
	}
	return paged(s, c, all, pageSize{25, 100}, func(f *workflow) any { return showWorkflow(f) })
}

func (s *Server) theWorkflow(c *call) (*workflow, error) {
	f, has := s.workflowsByName.one(c.account.ID, c.params["workflow"])
	if !has || !s.seen(c, f.head()) {
		return nil, refuse(http.StatusNotFound, 10200, "workflows.api.error.not_found")
	}
	return f, nil
}

func (s *Server) getWorkflow(c *call) (*reply, error) {
	f, err := s.theWorkflow(c)
	if err != nil {
		return nil, err
	}
	return ok(showWorkflow(f))
}

// putWorkflow makes or changes a workflow. An unknown script was seen to
// answer an internal error.
func (s *Server) putWorkflow(c *call) (*reply, error) {
	var in struct {
		Class     string          `json:"class_name"`
		Script    string          `json:"script_name"`
		Schedules json.RawMessage `json:"schedules"`
	}
	bad := refuse(http.StatusBadRequest, 10002, "workflows.api.error.invalid_body")
	if err := c.decode(&in, bad); err != nil {
		return nil, err
	}
	name := c.params["workflow"]
	if in.Class == "" || in.Script == "" || !workflowName().MatchString(name) {
		return nil, bad
	}
	if c.account.Plan == PlanFree && len(in.Schedules) > 0 && !slices.Contains([]string{"null", "[]"}, string(in.Schedules)) {
		// guess: the status.
		return nil, refuse(http.StatusForbidden, 10208, "workflow.cron_requires_paid_plan")
	}
	if _, err := s.scriptNamed(c, in.Script); err != nil {
		return nil, refuse(http.StatusInternalServerError, 10001, "workflows.api.error.internal_server")
	}
	next := workflow{row: row{ID: newUUID()}, Account: c.account.ID, Name: name}
	if old, has := s.workflowsByName.one(c.account.ID, name); has {
		next = *old
	}
	next.Class, next.Script, next.Schedules = in.Class, in.Script, in.Schedules
	next.Modified, next.Version = c.x.now, newUUID()
	s.workflows.put(c.x, &next)
	out := showWorkflow(&next)
	delete(out, "instances") // a change answers the version, not how its instances fare
	out["version_id"], out["is_deleted"], out["terminator_running"] = next.Version, 0, 0
	return ok(out)
}

func (s *Server) deleteWorkflow(c *call) (*reply, error) {
	f, err := s.theWorkflow(c)
	if err != nil {
		return nil, err
	}
	s.workflows.remove(c.x, f.ID)
	return ok(map[string]any{"status": "ok", "success": true})
}

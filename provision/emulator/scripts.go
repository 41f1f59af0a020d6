package emulator

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// script is a Worker as it is kept; its ID is what the API calls tag. What it
// runs is in versions, what it served when in deployments.
type script struct {
	row
	Account, Name string
	Modified      time.Time
	MigrationTag  string
	DeployedFrom  string
	Tags          []string
	Logpush       bool
	Tails         json.RawMessage
	Observability json.RawMessage
	Enabled       bool // at <name>.<subdomain>.workers.dev
	Previews      bool
	Schedules     []schedule
	Count         int // of versions, ever
}

func (s *Server) registerScripts() {
	const base = "accounts/{account}/workers/scripts"
	s.on("GET", base, groupScripts, s.listScripts)
	s.on("PUT", base+"/{script}", groupScripts, s.putScript)
	s.on("GET", base+"/{script}", groupScripts, s.getScript)
	s.on("DELETE", base+"/{script}", groupScripts, s.deleteScript)
	s.on("PUT", base+"/{script}/content", groupScripts, s.putContent)
	s.on("GET", base+"/{script}/content/v2", groupScripts, s.getScript)
	s.registerSettings(base + "/{script}")
	s.registerVersions(base + "/{script}")
	s.registerSecrets(base + "/{script}")
	s.registerTriggers(base + "/{script}")
	s.registerServices()
	s.registerAssets(base + "/{script}")
	s.registerDurableObjects()
	s.registerWorkflows()
}

var scriptName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9_][a-z0-9-_]{0,62}$`) })

var (
	errNoScript       = refuse(http.StatusNotFound, 10007, "This Worker does not exist on your account.")
	errBadWorkersBody = refuse(http.StatusBadRequest, 10013, "workers.api.error.invalid_request_body")
)

// scriptNamed finds a script of the path's account.
func (s *Server) scriptNamed(c *call, name string) (*script, error) {
	w, has := s.scriptsByName.one(c.account.ID, name)
	if !has || !s.seen(c, w.head()) {
		return nil, errNoScript
	}
	return w, nil
}

func (s *Server) theScript(c *call) (*script, error) { return s.scriptNamed(c, c.params["script"]) }

// latest is a script's newest version, deployed or not.
func (s *Server) latest(w *script) (*version, bool) {
	all := s.versionsByScript.within(w.ID)
	if len(all) == 0 {
		return nil, false
	}
	return all[len(all)-1].row, true
}

// boundBy are the bindings of a script's newest version: what guards look at.
func (s *Server) boundBy(w *script) []binding {
	if v, has := s.latest(w); has {
		return v.Bindings
	}
	return nil
}

func (s *Server) showScript(w *script) map[string]any {
	out := map[string]any{"id": w.Name, "tag": w.ID, "tags": orEmpty(w.Tags), "created_on": micros(w.Made),
		"modified_on": micros(w.Modified), "logpush": w.Logpush, "usage_model": "standard",
		"last_deployed_from": w.DeployedFrom}
	if w.MigrationTag != "" {
		out["migration_tag"] = w.MigrationTag
	}
	setRaw(out, "tail_consumers", w.Tails)
	setRaw(out, "observability", w.Observability)
	if v, has := s.latest(w); has {
		out["etag"], out["handlers"], out["has_assets"] = v.ETag, v.Handlers, v.Assets != nil
		out["has_modules"], out["compatibility_date"] = v.MainModule != "", v.CompatDate
		out["compatibility_flags"] = orEmpty(v.CompatFlags)
		setRaw(out, "placement", v.Placement)
	}
	return out
}

// setRaw sets a field that came as JSON and is kept as it is.
func setRaw(out map[string]any, name string, raw json.RawMessage) {
	if len(raw) > 0 && string(raw) != "null" {
		out[name] = raw
	}
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *Server) listScripts(c *call) (*reply, error) {
	list := []any{}
	for _, e := range visible(s, c, s.scriptsByName.within(c.account.ID)) {
		if tagsMatch(e.row.Tags, c.query.Get("tags")) {
			list = append(list, s.showScript(e.row))
		}
	}
	return ok(list)
}

// tagsMatch reads the filter "a:yes,b:no".
func tagsMatch(have []string, filter string) bool {
	if filter == "" {
		return true
	}
	for want := range strings.SplitSeq(filter, ",") {
		tag, isWanted := strings.CutSuffix(want, ":yes")
		if !isWanted {
			tag = strings.TrimSuffix(want, ":no")
		}
		if slices.Contains(have, tag) != isWanted {
			return false
		}
	}
	return true
}

// putScript uploads a version and deploys it, making the script if there is
// none.
func (s *Server) putScript(c *call) (*reply, error) {
	name := c.params["script"]
	if !scriptName().MatchString(name) {
		// guess: the code.
		return nil, refuse(http.StatusBadRequest, 10016, "workers.api.error.invalid_script_name")
	}
	up, err := readUpload(c)
	if err != nil {
		return nil, err
	}
	w, has := s.scriptsByName.one(c.account.ID, name)
	if !has {
		if err := full(len(s.scriptsByName.within(c.account.ID)), c.account.limits().scripts, "Workers"); err != nil {
			return nil, err
		}
		w = &script{row: row{ID: newID()}, Account: c.account.ID, Name: name}
	}
	next := *w
	v, err := s.addVersion(c, &next, up)
	if err != nil {
		return nil, err
	}
	up.applyTo(&next)
	s.scripts.put(c.x, &next)
	s.deploy(c, &next, []share{{v.ID, 100}}, map[string]string{"workers/triggered_by": "upload"})
	out := s.showScript(&next)
	out["deployment_id"] = strings.ReplaceAll(v.ID, "-", "")
	out["entry_point"], out["startup_time_ms"] = v.MainModule, 7
	return ok(out)
}

// putContent replaces a script's code and keeps its metadata.
func (s *Server) putContent(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	up, err := readUpload(c)
	if err != nil {
		return nil, err
	}
	if old, has := s.latest(w); has {
		up.keepAll(old)
	}
	next := *w
	v, err := s.addVersion(c, &next, up)
	if err != nil {
		return nil, err
	}
	s.scripts.put(c.x, &next)
	s.deploy(c, &next, []share{{v.ID, 100}}, nil)
	return ok(s.showScript(&next))
}

// getScript answers the code: a multipart form for modules.
func (s *Server) getScript(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	v, has := s.latest(w)
	if !has {
		return nil, errNoVersions
	}
	if v.MainModule == "" && len(v.Modules) == 1 {
		body, _ := s.store.blob(v.blob(w.ID, v.Modules[0].Name))
		return raw("application/javascript", body), nil
	}
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	for _, m := range v.Modules {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", `form-data; name="`+quoteName(m.Name)+`"; filename="`+quoteName(m.Name)+`"`)
		h.Set("Content-Type", m.Kind)
		part, err := form.CreatePart(h)
		if err != nil {
			return nil, err
		}
		body, _ := s.store.blob(v.blob(w.ID, m.Name))
		if _, err := part.Write(body); err != nil {
			return nil, err
		}
	}
	if err := form.Close(); err != nil {
		return nil, err
	}
	out := raw(form.FormDataContentType(), b.Bytes())
	out.header = http.Header{"Cf-Entrypoint": {v.MainModule}, "Etag": {v.ETag}}
	return out, nil
}

func quoteName(name string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "", "\n", "").Replace(name)
}

func (s *Server) deleteScript(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	if err := s.dropScript(c, w); err != nil {
		return nil, err
	}
	return ok(nil)
}

// dropScript removes a script unless something needs it. Force overrides
// every guard but that of a queue consumer.
func (s *Server) dropScript(c *call, w *script) error {
	if len(s.consumersByWork.all(w.Account, w.Name)) > 0 {
		return refuse(http.StatusBadRequest, 10064,
			"Cannot delete this Worker as it is a consumer for a Queue. Remove the consumer first.")
	}
	force := c.query.Get("force") == "true"
	users := s.usersOf(w)
	if len(users) > 0 && !force {
		// guess: the code for users of its Durable Objects, and that a script's
		// own classes, which nobody else is bound to, stop nothing: wrangler
		// deletes such a script without force.
		return refuse(http.StatusBadRequest, 10142,
			"The script %s is still referenced by service bindings in Workers: %s", w.Name, strings.Join(users, ", "))
	}
	s.unbind(c, w, users)
	s.relink(c, w, nil)
	// guess: routes and custom domains go with the script.
	s.dropRoutesOf(c, w)
	for _, e := range slices.Clone(s.domainsByScript.all(w.Account, w.Name)) {
		s.dropDomain(c, e.row)
	}
	for _, e := range slices.Clone(s.doByScript.within(w.ID)) {
		s.doNamespaces.remove(c.x, e.row.ID)
	}
	for _, e := range slices.Clone(s.versionsByScript.within(w.ID)) {
		s.versions.remove(c.x, e.row.ID)
	}
	for _, e := range slices.Clone(s.deploysByScript.within(w.ID)) {
		s.deployments.remove(c.x, e.row.ID)
	}
	c.x.removeBlobs("worker/" + w.ID + "/")
	s.scripts.remove(c.x, w.ID)
	s.removeTags(c.x, "worker", w.ID)
	return nil
}

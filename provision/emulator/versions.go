package emulator

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// version is one upload of a script, never changed afterwards but for bindings
// that a forced deletion takes away.
type version struct {
	row
	Script      string // id
	Source      string // id of the version whose blobs are its modules
	Number      int
	MainModule  string
	Modules     []module
	Bindings    []binding
	Handlers    []string
	ETag        string
	CompatDate  string
	CompatFlags []string
	Placement   json.RawMessage
	Limits      json.RawMessage
	Assets      *versionAssets
	Annotations map[string]string
	Client      string // what made it: wrangler or api
}

type module struct {
	Name string
	Kind string // media type
	Size int    // bytes
}

// deployment says which versions get which share of the traffic.
type deployment struct {
	row
	Script      string
	Client      string
	Versions    []share
	Annotations map[string]string
}

type share struct {
	Version string  `json:"version_id"`
	Percent float64 `json:"percentage"`
}

var (
	errNoVersions = refuse(http.StatusNotFound, 10007, "This Worker has no versions.")
	errNoVersion  = refuse(http.StatusNotFound, 100146, "The requested Worker version could not be found.")
)

func (s *Server) registerVersions(base string) {
	s.on("GET", base+"/versions", groupScripts, s.listVersions)
	s.on("POST", base+"/versions", groupScripts, s.postVersion)
	s.on("GET", base+"/versions/{version}", groupScripts, s.getVersion)
	s.on("GET", base+"/deployments", groupScripts, s.listDeployments)
	s.on("POST", base+"/deployments", groupScripts, s.postDeployment)
	s.on("GET", base+"/deployments/{deployment}", groupScripts, s.getDeployment)
}

// blob is where a module's code is kept.
func (v *version) blob(script, name string) string {
	return "worker/" + script + "/" + v.Source + "/" + name
}

// addVersion stores an upload as a new version of a script, which the caller
// puts afterwards: its migration tag and count change here.
func (s *Server) addVersion(c *call, w *script, up *upload) (*version, error) {
	if c.account.Subdomain == "" {
		return nil, refuse(http.StatusBadRequest, 10063, "You need a workers.dev subdomain in order to proceed. Please go to the dashboard and open the Workers menu.")
	}
	if err := s.migrate(c, w, up.Migrations); err != nil {
		return nil, err
	}
	bindings, err := s.resolve(c, w, up)
	if err != nil {
		return nil, err
	}
	assets, err := s.assetsOf(c, w, up)
	if err != nil {
		return nil, err
	}
	id := newUUID()
	v := &version{row: row{ID: id}, Script: w.ID, Source: id, MainModule: up.MainModule, Bindings: bindings,
		Handlers: up.handlers(), ETag: up.etag(), CompatDate: up.CompatDate, CompatFlags: up.CompatFlags,
		Placement: up.Placement, Limits: up.Limits, Assets: assets, Annotations: up.Annotations, Client: clientOf(c)}
	for _, m := range up.modules {
		v.Modules = append(v.Modules, m.module)
		c.x.putBlob(v.blob(w.ID, m.Name), m.body)
	}
	s.number(c, w, v)
	return v, nil
}

// number puts a version as the script's newest.
func (s *Server) number(c *call, w *script, v *version) {
	w.Count++
	w.Modified = c.x.now
	v.Number = w.Count
	s.versions.put(c.x, v)
	s.relink(c, w, v.Bindings)
}

// revise makes a new version out of the newest one, with the same code.
func (s *Server) revise(c *call, w *script, annotations map[string]string, edit func(*version)) (*version, error) {
	old, has := s.latest(w)
	if !has {
		return nil, errNoVersions
	}
	v := *old
	v.row = row{ID: newUUID()}
	v.Annotations, v.Client = annotations, clientOf(c)
	edit(&v)
	s.number(c, w, &v)
	return &v, nil
}

// clientOf tells wrangler from others.
func clientOf(c *call) string {
	if strings.HasPrefix(c.Header.Get("User-Agent"), "wrangler") {
		return "wrangler"
	}
	return "api"
}

// deploy makes a deployment of the versions.
func (s *Server) deploy(c *call, w *script, versions []share, annotations map[string]string) *deployment {
	d := &deployment{row: row{ID: newUUID()}, Script: w.ID, Client: clientOf(c), Versions: versions, Annotations: annotations}
	s.deployments.put(c.x, d)
	return d
}

func (s *Server) showVersion(w *script, v *version) map[string]any {
	code := map[string]any{"etag": v.ETag, "handlers": v.Handlers, "last_deployed_from": v.Client}
	runtime := map[string]any{"compatibility_date": v.CompatDate, "compatibility_flags": orEmpty(v.CompatFlags), "usage_model": "standard"}
	if w.MigrationTag != "" {
		runtime["migration_tag"] = w.MigrationTag
	}
	setRaw(runtime, "limits", v.Limits)
	annotations := map[string]string{"workers/triggered_by": "upload"}
	maps.Copy(annotations, v.Annotations)
	return map[string]any{
		"id": v.ID, "number": v.Number, "annotations": annotations,
		"metadata": map[string]any{"created_on": micros(v.Made), "modified_on": micros(v.Made), "source": v.Client,
			"author_id": userID, "author_email": userEmail, "has_preview": w.Previews},
		"resources": map[string]any{"bindings": shown(v.Bindings), "script": code, "script_runtime": runtime},
	}
}

// shown are bindings as the API lists them: never null.
func shown(b []binding) []binding {
	if b == nil {
		return []binding{}
	}
	return b
}

// versionPages: guess: both sizes; that there are pages is in the document of 2026.
var versionPages = pageSize{25, 100}

func (s *Server) listVersions(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(s.versionsByScript.within(w.ID))
	slices.Reverse(all)
	out, err := paged(s, c, all, versionPages, func(v *version) any { return s.showVersion(w, v) })
	if err != nil {
		return nil, err
	}
	out.result = map[string]any{"items": out.result}
	return out, nil
}

// postVersion uploads without deploying. Durable Object migrations only go
// with a deployment.
func (s *Server) postVersion(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	up, err := readUpload(c)
	if err != nil {
		return nil, err
	}
	if up.Migrations != nil {
		// guess: the code.
		return nil, refuse(http.StatusBadRequest, 10211, "Durable Object migrations must be deployed with the script; they cannot go with a version.")
	}
	next := *w
	v, err := s.addVersion(c, &next, up)
	if err != nil {
		return nil, err
	}
	s.scripts.put(c.x, &next)
	out := s.showVersion(&next, v)
	out["startup_time_ms"] = 7
	return ok(out)
}

// theVersion finds a version of a script.
func (s *Server) theVersion(w *script, id string) (*version, error) {
	v, has := s.versions.get(id)
	if !has || v.Script != w.ID {
		return nil, errNoVersion
	}
	return v, nil
}

func (s *Server) getVersion(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	v, err := s.theVersion(w, c.params["version"])
	if err != nil {
		return nil, err
	}
	return ok(s.showVersion(w, v))
}

func showDeployment(d *deployment) any {
	annotations := d.Annotations
	if annotations == nil {
		annotations = map[string]string{}
	}
	return map[string]any{"id": d.ID, "source": d.Client, "strategy": "percentage", "author_email": userEmail,
		"annotations": annotations, "versions": d.Versions, "created_on": micros(d.Made)}
}

// listDeployments lists the newest ten, newest first.
func (s *Server) listDeployments(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	list := []any{}
	for _, e := range slices.Backward(s.deploysByScript.within(w.ID)) {
		if len(list) == 10 {
			break
		}
		list = append(list, showDeployment(e.row))
	}
	return ok(map[string]any{"deployments": list})
}

func (s *Server) getDeployment(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	d, has := s.deployments.get(c.params["deployment"])
	if !has || d.Script != w.ID {
		// guess: the status.
		return nil, refuse(http.StatusNotFound, 10336, "The requested deployment could not be found.")
	}
	return ok(showDeployment(d))
}

func (s *Server) postDeployment(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Strategy    string            `json:"strategy"`
		Versions    []share           `json:"versions"`
		Annotations map[string]string `json:"annotations"`
	}
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	sum := 0.0
	for _, share := range in.Versions {
		if _, err := s.theVersion(w, share.Version); err != nil {
			return nil, err
		}
		sum += share.Percent
	}
	if in.Strategy != "percentage" || sum != 100 {
		return nil, errBadWorkersBody
	}
	next := *w
	next.Modified, next.DeployedFrom = c.x.now, clientOf(c)
	s.scripts.put(c.x, &next)
	return ok(showDeployment(s.deploy(c, w, in.Versions, in.Annotations)))
}

// deployed says whether a version has traffic.
func (s *Server) deployed(w *script, v *version) bool {
	all := s.deploysByScript.within(w.ID)
	if len(all) == 0 {
		return false
	}
	return slices.ContainsFunc(all[len(all)-1].row.Versions, func(sh share) bool { return sh.Version == v.ID })
}

package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

func (s *Server) registerSettings(base string) {
	s.on("GET", base+"/settings", groupScripts, s.getSettings)
	s.on("PATCH", base+"/settings", groupScripts, s.patchSettings)
	s.on("GET", base+"/script-settings", groupScripts, s.getScriptSettings)
	s.on("PATCH", base+"/script-settings", groupScripts, s.patchScriptSettings)
}

func (s *Server) showSettings(w *script, v *version) map[string]any {
	out := s.showScriptSettings(w)
	out["bindings"], out["usage_model"] = shown(v.Bindings), "standard"
	out["compatibility_date"], out["compatibility_flags"] = v.CompatDate, orEmpty(v.CompatFlags)
	if w.MigrationTag != "" {
		out["migration_tag"] = w.MigrationTag
	}
	setRaw(out, "placement", v.Placement)
	setRaw(out, "limits", v.Limits)
	return out
}

// showScriptSettings are the settings that are not part of versions.
func (s *Server) showScriptSettings(w *script) map[string]any {
	out := map[string]any{"logpush": w.Logpush, "tags": orEmpty(w.Tags)}
	setRaw(out, "tail_consumers", w.Tails)
	setRaw(out, "observability", w.Observability)
	return out
}

func (s *Server) getSettings(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	v, has := s.latest(w)
	if !has {
		return nil, errNoVersions
	}
	return ok(s.showSettings(w, v))
}

// settingsPart takes the form field that holds the settings.
func settingsPart(c *call) ([]byte, error) {
	bad := refuse(http.StatusBadRequest, 10001, "Content type required: multipart/form-data with a field named settings")
	kind, params, _ := mime.ParseMediaType(c.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return nil, bad
	}
	parts := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return nil, bad
		}
		if part.FormName() != "settings" {
			continue
		}
		if raw, err := io.ReadAll(part); err == nil {
			return raw, nil
		}
		return nil, bad
	}
}

// patchSettings merges settings into a new version and deploys it.
func (s *Server) patchSettings(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	raw, err := settingsPart(c)
	if err != nil {
		return nil, err
	}
	old, has := s.latest(w)
	if !has {
		return nil, errNoVersions
	}
	up := &upload{}
	up.Bindings, up.CompatDate, up.CompatFlags = old.Bindings, old.CompatDate, old.CompatFlags
	up.Placement, up.Limits = old.Placement, old.Limits
	// A list in the body replaces: do not decode into the old one's elements.
	var given struct {
		Bindings *[]binding `json:"bindings"`
	}
	if json.Unmarshal(raw, &given) != nil {
		return nil, errBadWorkersBody
	}
	if given.Bindings != nil {
		up.Bindings = nil
	}
	if json.Unmarshal(raw, &up.uploadMetadata) != nil {
		return nil, errBadWorkersBody
	}
	if err := checkTags(up.Tags); err != nil {
		return nil, err
	}
	next := *w
	up.applyTo(&next)
	if err := s.migrate(c, &next, up.Migrations); err != nil {
		return nil, err
	}
	bindings, err := s.resolve(c, w, up)
	if err != nil {
		return nil, err
	}
	v, err := s.revise(c, &next, up.Annotations, func(v *version) {
		v.Bindings, v.CompatDate, v.CompatFlags = bindings, up.CompatDate, up.CompatFlags
		v.Placement, v.Limits = up.Placement, up.Limits
	})
	if err != nil {
		return nil, err
	}
	s.scripts.put(c.x, &next)
	s.deploy(c, &next, []share{{v.ID, 100}}, nil)
	return ok(s.showSettings(&next, v))
}

func (s *Server) getScriptSettings(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	return ok(s.showScriptSettings(w))
}

func (s *Server) patchScriptSettings(c *call) (*reply, error) {
	w, err := s.theScript(c)
	if err != nil {
		return nil, err
	}
	var in struct {
		Logpush       *bool           `json:"logpush"`
		Tags          *[]string       `json:"tags"`
		Tails         json.RawMessage `json:"tail_consumers"`
		Observability json.RawMessage `json:"observability"`
	}
	if err := c.decode(&in, errBadWorkersBody); err != nil {
		return nil, err
	}
	next := *w
	if in.Logpush != nil {
		next.Logpush = *in.Logpush
	}
	if in.Tags != nil {
		if err := checkTags(*in.Tags); err != nil {
			return nil, err
		}
		next.Tags = *in.Tags
	}
	if len(in.Tails) > 0 {
		next.Tails = in.Tails
	}
	if len(in.Observability) > 0 {
		next.Observability = in.Observability
	}
	s.scripts.put(c.x, &next)
	return ok(s.showScriptSettings(&next))
}

package emulator

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"strings"
)

// bundleMetadata is what there is to know of a deployed Worker, beside its code
// and files, to run it elsewhere. Secrets' values are nowhere kept.
type bundleMetadata struct {
	Name               string            `json:"name"`
	Version            string            `json:"version_id"`
	MainModule         string            `json:"main_module"`
	CompatibilityDate  string            `json:"compatibility_date"`
	CompatibilityFlags []string          `json:"compatibility_flags"`
	Bindings           []binding         `json:"bindings"`
	Modules            map[string]string `json:"modules"`                 // media types by name
	DurableObjects     []bundleClass     `json:"durable_objects"`         // that it implements
	Assets             json.RawMessage   `json:"assets_config,omitempty"` // null: has no assets
	AssetHashes        map[string]string `json:"asset_hashes,omitempty"`  // by path
	Schedules          []string          `json:"schedules"`
}

type bundleClass struct {
	Class  string `json:"class_name"`
	SQLite bool   `json:"use_sqlite"`
}

// serveBundle answers a Worker as it is deployed, as a zip file: metadata.json,
// modules/NAME, assets/PATH. The path is ACCOUNT/NAME.
func (s *Server) serveBundle(w http.ResponseWriter, at string) {
	data, err := s.bundleAt(at)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/zip")
	_, err = w.Write(data)
	_ = err // the client has gone: nobody left to tell
}

func (s *Server) bundleAt(at string) ([]byte, error) {
	account, name, _ := strings.Cut(at, "/")
	s.mu.RLock()
	defer s.mu.RUnlock()
	w, has := s.scriptsByName.one(account, name)
	if !has {
		return nil, errors.New("there is no such Worker in the account")
	}
	v, has := s.serving(w)
	if !has {
		return nil, errors.New("no version of the Worker is deployed")
	}
	return s.bundle(w, v)
}

// serving is the version with the greatest share of the traffic.
func (s *Server) serving(w *script) (*version, bool) {
	all := s.deploysByScript.within(w.ID)
	if len(all) == 0 {
		return nil, false
	}
	best := share{}
	for _, one := range all[len(all)-1].row.Versions {
		if one.Percent > best.Percent {
			best = one
		}
	}
	return s.versions.get(best.Version)
}

func (s *Server) bundle(w *script, v *version) ([]byte, error) {
	meta := bundleMetadata{Name: w.Name, Version: v.ID, MainModule: v.MainModule, CompatibilityDate: v.CompatDate,
		CompatibilityFlags: orEmpty(v.CompatFlags), Bindings: shown(v.Bindings), Modules: map[string]string{},
		DurableObjects: []bundleClass{}, Schedules: []string{}}
	files := map[string][]byte{}
	for _, m := range v.Modules {
		meta.Modules[m.Name] = m.Kind
		files[entryName("modules", m.Name)], _ = s.store.blob(v.blob(w.ID, m.Name))
	}
	if v.Assets != nil {
		meta.Assets, meta.AssetHashes = v.Assets.Config, map[string]string{}
		for file, f := range v.Assets.Manifest {
			meta.AssetHashes[file] = f.Hash
			files[entryName("assets", file)], _ = s.store.blob(assetBlob(w.Account, f.Hash))
		}
	}
	for _, e := range s.doByScript.within(w.ID) {
		meta.DurableObjects = append(meta.DurableObjects, bundleClass{e.row.Class, e.row.SQLite})
	}
	for _, one := range w.Schedules {
		meta.Schedules = append(meta.Schedules, one.Cron)
	}
	var err error
	if files["metadata.json"], err = json.MarshalIndent(meta, "", "  "); err != nil {
		return nil, err
	}
	return zipped(files)
}

// entryName keeps a name within its folder.
func entryName(folder, name string) string { return folder + path.Clean("/"+name) }

func zipped(files map[string][]byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

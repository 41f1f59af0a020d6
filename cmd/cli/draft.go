package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/crashpoint"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/cfboot/cfboot/templates"
	"github.com/cfboot/cfboot/wrangler"
)

// schemaFile is where a project keeps the manifest's schema for editors.
const schemaFile = "cfboot.schema.json"

// A draft is a project that is being made. It is written only when everything
// has been checked; claimFile is written before all else, so that a folder that
// a cut-off run left behind is known for what it is.
type draft struct {
	dir     string
	shown   string // the folder as a person would name it
	claimed *claim // of an earlier run, if any
	files   []templates.File
	project *project
	account string // to be pinned in the manifest
}

const claimFile = ".cfboot/new.json"

// claim says what a folder is being made into.
type claim struct {
	Name     string   `json:"name"`
	Pattern  string   `json:"pattern"`
	Digest   string   `json:"digest,omitempty"` // of a pattern that is a folder
	Domain   string   `json:"domain"`
	With     []string `json:"with,omitempty"`
	Backup   string   `json:"backup,omitempty"` // where it is not the usual
	Frontend string   `json:"frontend,omitempty"`
	UI       string   `json:"ui,omitempty"`
	Version  string   `json:"cfboot"`
	Complete bool     `json:"complete"` // every file has been written; what is missing was taken out by its owner
}

func claimOf(r request, version string) claim {
	c := claim{Name: r.name, Pattern: r.pattern, Domain: r.domain, With: r.with, Frontend: r.frontend, UI: r.ui, Version: version}
	if isFolder(r.pattern) {
		c.Digest = r.source.Digest()
	}
	if r.backup != backupWorker {
		c.Backup = r.backup
	}
	return c
}

// command is what was asked for, as a person would type it.
func (c claim) command() string {
	out := "cfboot new " + c.Name + " --pattern " + c.Pattern
	if c.Domain != "" {
		out += " --domain " + c.Domain
	}
	if len(c.With) > 0 {
		out += " --with " + strings.Join(c.With, ",")
	}
	if c.Backup != "" {
		out += " --backup " + c.Backup
	}
	if c.Frontend != "" {
		out += " --frontend " + c.Frontend
	}
	if c.UI != "" {
		out += " --ui " + c.UI
	}
	return out
}

// draft looks at the folder and renders the project in memory. Where an earlier
// run has written the manifest already, that one counts: it may have been
// edited.
func (a *app) draft(dir string, r request) (*draft, error) {
	d := &draft{dir: dir, shown: a.shown(dir)}
	var err error
	if d.claimed, err = readClaim(dir); err != nil {
		return nil, err
	}
	if err := d.vacant(r); err != nil {
		return nil, err
	}
	if d.files, err = r.render(a.Version); err != nil {
		return nil, err
	}
	d.files = append(d.files, templates.File{Path: schemaFile, Data: manifest.Schema(kinds.Catalog{}), Mode: 0o644})
	src, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		for _, f := range d.files {
			if f.Path == manifestFile {
				src, err = f.Data, nil
			}
		}
	}
	if err != nil {
		return nil, err
	}
	d.project, err = parseProject(dir, src, "")
	return d, err
}

// sound makes sure that what a pattern of a person's own makes is a project: its
// manifest and wrangler.jsonc can be read, and are those of this project.
func sound(files []templates.File, r request) error {
	p, err := parseProject("", files[at(files, manifestFile)].Data, "")
	if err != nil {
		return err
	}
	if p.manifest.Name != r.name {
		return fmt.Errorf("%s: \"name\" is %q and not the project's: write \"name\": [[ json .Name ]]", manifestFile, p.manifest.Name)
	}
	config, err := wrangler.Read(files[at(files, wranglerFile)].Data)
	if err != nil {
		return asProblem(err)
	}
	if config.Name != r.name {
		return fmt.Errorf("%s: \"name\" is %q and not the project's: write \"name\": [[ json .Name ]]", wranglerFile, config.Name)
	}
	return nil
}

func readClaim(dir string) (*claim, error) {
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(claimFile)))
	if errors.Is(err, fs.ErrNotExist) || isNotDir(dir) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c claim
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, &provision.Problem{At: filepath.Join(dir, claimFile), Text: "this is not what cfboot wrote", Err: err, Hints: []string{"choose another folder: --dir"}}
	}
	return &c, nil
}

func isNotDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir()
}

// vacant refuses a folder that holds something else than this very project.
func (d *draft) vacant(r request) error {
	if isNotDir(d.dir) {
		return refused(fmt.Sprintf("%s exists and is no folder", d.dir), "choose another folder: --dir")
	}
	if c := d.claimed; c != nil {
		now := claimOf(r, "")
		if c.command() != now.command() {
			return refused(fmt.Sprintf("%s was begun as: %s", d.dir, c.command()), "say the same again to go on with it, or choose another folder: --dir")
		}
		if c.Digest != now.Digest && !c.Complete {
			return refused(fmt.Sprintf("%s was begun from %s as it was then, and it has changed since", d.dir, c.Pattern), "put it back to go on, or begin anew in another folder: --dir")
		}
		return nil
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return refused(fmt.Sprintf("%s is not empty (it holds %s)", d.dir, entries[0].Name()), "choose another folder: --dir")
	}
	return nil
}

// claim marks the folder as this project's.
func (d *draft) claim(r request) error {
	if d.claimed != nil {
		return nil
	}
	c := claimOf(r, "")
	d.claimed = &c
	return d.saveClaim()
}

func (d *draft) saveClaim() error {
	b, err := json.MarshalIndent(d.claimed, "", "  ")
	if err != nil {
		return err
	}
	crashpoint.Here("claim")
	return d.put(claimFile, append(b, '\n'), 0o600)
}

// put writes one file of the project.
func (d *draft) put(name string, data []byte, mode os.FileMode) error {
	err := writeFile(filepath.Join(d.dir, filepath.FromSlash(name)), data, mode)
	if err == nil {
		return nil
	}
	return &provision.Problem{At: d.shown, Text: "its files cannot be written, and nothing is made at Cloudflare before they are", Err: err,
		Hints: []string{"make the folder writable and see that its disk has room, then run the same command again", "or choose another folder: --dir"}}
}

// write puts the project's files into the folder, each whole or not at all.
// What is there already stays, and once all have been written, what was taken
// out stays out.
func (d *draft) write(r request, v view.View) error {
	if err := d.claim(r); err != nil {
		return err
	}
	if d.claimed.Complete {
		return nil
	}
	for _, f := range d.files {
		if _, err := os.Lstat(filepath.Join(d.dir, filepath.FromSlash(f.Path))); err == nil {
			continue
		}
		data := f.Data
		if f.Path == manifestFile && d.account != "" {
			var err error
			if data, err = manifest.SetTop(data, "account", d.account); err != nil {
				return err
			}
		}
		crashpoint.Here("file")
		if err := d.put(f.Path, data, f.Mode.Perm()); err != nil {
			return err
		}
	}
	v.Print("Wrote %d files to %s.", len(d.files), d.shown)
	d.claimed.Complete = true
	return d.saveClaim()
}

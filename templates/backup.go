package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// exportFolder holds what a project has instead, where its database is exported
// by a GitHub workflow.
const exportFolder = "with/backup-export"

// changesFile says what goes and what changes in the files that stay.
const changesFile = "changes.json.tmpl"

// changes are made to what a pattern has rendered.
type changes struct {
	Remove []string `json:"remove"` // paths; a pattern need not have them all
	Edits  []struct {
		File    string `json:"file"`
		Find    string `json:"find"` // stands in it once
		Replace string `json:"replace"`
	} `json:"edits"`
}

// ExportBackup gives the files of a project whose database is copied by a GitHub
// workflow that exports it, in place of a Workflow in the Worker.
func ExportBackup(files []File, v Values) ([]File, error) {
	from, err := embedded(exportFolder)
	if err != nil {
		return nil, err
	}
	text, err := execute(changesFile, from[changesFile], v)
	if err != nil {
		return nil, err
	}
	delete(from, changesFile)
	more, err := render(from, v)
	if err != nil {
		return nil, err
	}
	var c changes
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return nil, fmt.Errorf("%s/%s: %w", exportFolder, changesFile, err)
	}
	out := slices.DeleteFunc(slices.Clone(files), func(f File) bool {
		return slices.Contains(c.Remove, f.Path) || slices.ContainsFunc(more, func(m File) bool { return m.Path == f.Path })
	})
	for _, e := range c.Edits {
		i := slices.IndexFunc(out, func(f File) bool { return f.Path == e.File })
		if i < 0 || strings.Count(string(out[i].Data), e.Find) != 1 {
			return nil, fmt.Errorf("%s: it does not have once what --backup export takes out of it: %q", e.File, e.Find)
		}
		out[i].Data = []byte(strings.Replace(string(out[i].Data), e.Find, e.Replace, 1))
	}
	out = append(out, more...)
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, check(out)
}

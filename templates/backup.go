package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
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
		File     string `json:"file"`
		Find     string `json:"find"` // a regular expression that fits once
		Replace  string `json:"replace"`
		Optional bool   `json:"optional"` // some patterns have it, others not
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
		find, err := regexp.Compile(e.Find)
		if err != nil {
			return nil, fmt.Errorf("%s/%s: %w", exportFolder, changesFile, err)
		}
		i := slices.IndexFunc(out, func(f File) bool { return f.Path == e.File })
		times := 0
		if i >= 0 {
			times = len(find.FindAllIndex(out[i].Data, -1))
		}
		switch {
		case times == 1:
			out[i].Data = find.ReplaceAllLiteral(out[i].Data, []byte(e.Replace))
		case times > 1 || !e.Optional:
			return nil, fmt.Errorf("%s: what --backup export changes stands in it %d times, not once: %s", e.File, times, e.Find)
		}
	}
	out = append(out, more...)
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, check(out)
}

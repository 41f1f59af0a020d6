package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// changesFile says what goes, moves and changes in the files of a project. The
// other files of its folder are put in, each in place of one at the same path.
const changesFile = "changes.json.tmpl"

// changes are made to what a pattern has rendered, in this order.
type changes struct {
	Move []struct {
		From     string `json:"from"`
		To       string `json:"to"`
		Optional bool   `json:"optional"`
	} `json:"move"`
	Remove []string     `json:"remove"` // paths, or folders with a slash at their end; a pattern need not have them all
	Edits  []changeEdit `json:"edits"`
}

type changeEdit struct {
	File     string `json:"file"`
	Find     string `json:"find"` // a regular expression that fits once
	Replace  string `json:"replace"`
	Optional bool   `json:"optional"` // some patterns have it, others not
}

// change makes of a project what a folder of with/ says; reason is the flag that
// asked for it.
func change(files []File, folder, reason string, v Values) ([]File, error) {
	from, err := embedded(folder)
	if err != nil {
		return nil, err
	}
	c, err := readChanges(folder, from[changesFile], v)
	if err != nil {
		return nil, err
	}
	delete(from, changesFile)
	more, err := render(from, v)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(files)
	if err := c.move(out, reason); err != nil {
		return nil, err
	}
	out = slices.DeleteFunc(out, func(f File) bool {
		return c.removes(f.Path) || slices.ContainsFunc(more, func(m File) bool { return m.Path == f.Path })
	})
	if err := c.edit(out, reason); err != nil {
		return nil, err
	}
	out = append(out, more...)
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, check(out)
}

func readChanges(folder string, text []byte, v Values) (c changes, err error) {
	if text, err = execute(changesFile, text, v); err != nil {
		return c, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, fmt.Errorf("%s/%s: %w", folder, changesFile, err)
	}
	return c, nil
}

func (c changes) move(files []File, reason string) error {
	for _, m := range c.Move {
		i := slices.IndexFunc(files, func(f File) bool { return f.Path == m.From })
		switch {
		case i >= 0:
			files[i].Path = m.To
		case !m.Optional:
			return fmt.Errorf("%s: it is missing, and %s moves it to %s", m.From, reason, m.To)
		}
	}
	return nil
}

func (c changes) removes(path string) bool {
	return slices.ContainsFunc(c.Remove, func(r string) bool {
		return r == path || strings.HasSuffix(r, "/") && strings.HasPrefix(path, r)
	})
}

func (c changes) edit(files []File, reason string) error {
	for _, e := range c.Edits {
		find, err := regexp.Compile(e.Find)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", reason, e.File, err)
		}
		i := slices.IndexFunc(files, func(f File) bool { return f.Path == e.File })
		times := 0
		if i >= 0 {
			times = len(find.FindAllIndex(files[i].Data, -1))
		}
		switch {
		case times == 1:
			files[i].Data = find.ReplaceAllLiteral(files[i].Data, []byte(e.Replace))
		case times > 1 || !e.Optional:
			return fmt.Errorf("%s: what %s changes stands in it %d times, not once: %s", e.File, reason, times, e.Find)
		}
	}
	return nil
}

package templates

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// descriptionFile tells of a pattern what its files do not. It is never written
// into a project.
const descriptionFile = "pattern.json"

// A Pattern is one kind of project.
type Pattern struct {
	Name        string   `json:"name"`
	Summary     string   `json:"summary"`     // one line
	Description string   `json:"description"` // a paragraph; may be empty
	Secrets     []string `json:"secrets"`     // names, those that matter most first; what each is for stands in cfboot.jsonc
	Cost        Cost     `json:"cost"`
	Frontends   []string `json:"frontends"` // those that its projects can have in place of their static pages

	files sources
}

// Cost is what a project of a pattern costs at Cloudflare, as its documentation
// said on a day.
type Cost struct {
	AsOf    string   `json:"as_of"` // YYYY-MM-DD
	Monthly Monthly  `json:"monthly_usd"`
	Limits  []Limit  `json:"limits"`
	Notes   []string `json:"notes"`
}

// Monthly is the base price of an account's plan in US dollars, before use
// beyond what is included.
type Monthly struct {
	Free float64 `json:"free"`
	Paid float64 `json:"paid"`
}

// Limit is what is included in the plans, in words: "5 million rows read a day".
type Limit struct {
	What string `json:"what"`
	Free string `json:"free"`
	Paid string `json:"paid"`
}

var day = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// describe reads a pattern's description. A pattern without one has its name
// for a summary.
func describe(name string, files sources) (Pattern, error) {
	p := Pattern{Name: name, Summary: name, files: files}
	b, ok := files[descriptionFile]
	if !ok {
		return p, nil
	}
	p.Summary = ""
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil {
		return p, fmt.Errorf("%s: %w", descriptionFile, err)
	}
	p.Name = name
	switch _, rest := dec.Token(); {
	case rest != io.EOF:
		return p, fmt.Errorf("%s: there is more after the object", descriptionFile)
	case p.Summary == "" || strings.ContainsAny(p.Summary, "\r\n"):
		return p, fmt.Errorf("%s: \"summary\" must be one line", descriptionFile)
	case p.Cost.AsOf != "" && !day.MatchString(p.Cost.AsOf):
		return p, fmt.Errorf("%s: \"cost.as_of\" must be a day: 2026-01-31, not %q", descriptionFile, p.Cost.AsOf)
	}
	for _, f := range p.Frontends {
		if !slices.Contains(Frontends(), f) {
			return p, fmt.Errorf("%s: \"frontends\" has %q; there are: %s", descriptionFile, f, strings.Join(Frontends(), ", "))
		}
	}
	return p, nil
}

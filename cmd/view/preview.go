package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Preview is what became of one preview.
type Preview struct {
	Environment string            `json:"environment"`
	URL         string            `json:"url,omitempty"`
	URLs        []string          `json:"urls,omitempty"`
	Config      string            `json:"config,omitempty"` // the configuration of wrangler that was derived for it
	Expires     *time.Time        `json:"expires_at,omitempty"`
	Resources   map[string]string `json:"resources,omitempty"` // ids by key
	Migrated    bool              `json:"migrated"`
	Seeded      bool              `json:"seeded"`
	Deployed    bool              `json:"deployed"`
	Answers     bool              `json:"answers"`
	Removed     bool              `json:"removed,omitempty"`
	Leftovers   []string          `json:"leftovers,omitempty"`
}

// PreviewListed is one preview of several.
type PreviewListed struct {
	Environment  string         `json:"environment"`
	URL          string         `json:"url,omitempty"`
	PullRequest  int            `json:"pull_request,omitempty"`
	Repository   string         `json:"repository,omitempty"`
	RepositoryID string         `json:"repository_id,omitempty"`
	Branch       string         `json:"branch,omitempty"`
	Created      *time.Time     `json:"created,omitempty"`
	Expires      *time.Time     `json:"expires_at,omitempty"`
	Expired      bool           `json:"expired"`
	Resources    int            `json:"resources"`
	Counts       map[string]int `json:"counts"`
	Tagged       bool           `json:"tagged"` // its tags were found; else only a state knows of it
}

// Sweep is what was decided of previews, and what became of that.
type Sweep struct {
	DryRun    bool      `json:"dry_run"`
	Remove    []Decided `json:"remove"`
	Keep      []Decided `json:"keep"`
	Removed   []Decided `json:"removed"`
	Leftovers []string  `json:"leftovers"`
}

// Decided is a preview and why it goes or stays.
type Decided struct {
	Environment string `json:"environment"`
	Why         string `json:"why"`
}

// Previews prints what there is, for people.
func (v View) Previews(all []PreviewListed, now time.Time) {
	if len(all) == 0 {
		v.Print("There is no preview.")
		return
	}
	v.Print("  %-20s %-8s %-13s %-28s %s", "PREVIEW", "AGE", "EXPIRES", "OWNER", "RESOURCES")
	for _, p := range all {
		v.Print("  %-20s %-8s %-13s %-28s %s", p.Environment, p.age(now), Ends(p, now), Line(p.owner()), p.counted())
		if p.URL != "" {
			v.Print("  %-20s %s", "", p.URL)
		}
	}
	v.Print("%s.", Count(len(all), "preview"))
}

func (p PreviewListed) age(now time.Time) string {
	if p.Created == nil {
		return "?"
	}
	return Span(now.Sub(*p.Created))
}

// Ends is when a preview expires, as people say it.
func Ends(p PreviewListed, now time.Time) string {
	switch {
	case p.Expires == nil:
		return "?"
	case p.Expired:
		return "expired"
	}
	return "in " + Span(p.Expires.Sub(now))
}

func (p PreviewListed) owner() string {
	var parts []string
	if p.Repository != "" {
		parts = append(parts, p.Repository)
	}
	if p.PullRequest > 0 {
		parts = append(parts, fmt.Sprintf("#%d", p.PullRequest))
	}
	if p.Branch != "" {
		parts = append(parts, p.Branch)
	}
	if parts == nil {
		return "-"
	}
	return strings.Join(parts, " ")
}

func (p PreviewListed) counted() string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(p.Counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", p.Counts[kind], kind))
	}
	return strings.Join(parts, ", ")
}

// Span is a stretch of time as people say it: the largest unit, and no more.
func Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "0m"
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// Decisions prints what a sweep would do, for people.
func (v View) Decisions(s Sweep) {
	for _, d := range s.Remove {
		v.Print("  %s %-20s %s", v.paint("31", "-"), d.Environment, d.Why)
	}
	for _, d := range s.Keep {
		v.Print("  . %-20s %s", d.Environment, d.Why)
	}
	v.Print("%d to remove, %d to keep.", len(s.Remove), len(s.Keep))
}

package view

import (
	"fmt"
	"strings"
)

// Named is a pattern or an option, by its name.
type Named struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
}

// PatternDocument is what a pattern makes, needs and costs.
type PatternDocument struct {
	Name        string            `json:"name"`
	Summary     string            `json:"summary"`
	Description string            `json:"description,omitempty"`
	Project     string            `json:"project"` // what the project is called in the names below
	Resources   []PatternResource `json:"resources"`
	Bindings    []PatternBinding  `json:"bindings,omitempty"` // those for which nothing has to be made
	Secrets     []PatternSecret   `json:"secrets,omitempty"`
	Options     []Named           `json:"options,omitempty"`
	Backup      []string          `json:"backup,omitempty"`
	Frontends   []string          `json:"frontends,omitempty"`
	UIs         []string          `json:"uis,omitempty"` // components that may be added to a frontend
	Cost        *PatternCost      `json:"cost,omitempty"`
}

// PatternResource is a resource that a pattern makes.
type PatternResource struct {
	Key         string `json:"key"`
	Name        string `json:"name"`
	Binding     string `json:"binding,omitempty"`
	NeedsDomain bool   `json:"needs_domain,omitempty"` // it is made with --domain only
}

// PatternBinding is a binding that is but configuration.
type PatternBinding struct {
	Name    string `json:"name"`
	Section string `json:"section"` // of wrangler.jsonc
}

// PatternSecret is a secret that a pattern's Worker needs.
type PatternSecret struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Required    bool   `json:"required"`
	Generated   bool   `json:"generated,omitempty"` // cfboot can make it up
	URL         string `json:"url,omitempty"`
}

// PatternCost is what a project costs and how far the plans reach, as of a day.
type PatternCost struct {
	AsOf   string         `json:"as_of"`
	Free   float64        `json:"free_monthly_usd"`
	Paid   float64        `json:"paid_monthly_usd"`
	Limits []PatternLimit `json:"limits,omitempty"`
	Notes  []string       `json:"notes,omitempty"`
}

// PatternLimit is what is included in the plans.
type PatternLimit struct {
	What string `json:"what"`
	Free string `json:"free"`
	Paid string `json:"paid"`
}

// Patterns lists patterns and options, for people.
func (v View) Patterns(patterns, options []Named) {
	for _, p := range patterns {
		v.Print("  %-12s %s", p.Name, p.Summary)
	}
	v.Print("\nOptions, for cfboot new --with:")
	for _, o := range options {
		v.Print("  %-12s %s", o.Name, o.Summary)
	}
	v.Print("\nMore of one: cfboot patterns show NAME")
}

// Pattern shows one pattern, for people.
func (v View) Pattern(d PatternDocument) {
	v.Print("%s: %s", Line(d.Name), Line(d.Summary))
	if d.Description != "" {
		v.Print("\n%s", wrapped(d.Description, 80))
	}
	v.Print("\nResources of a project %q:", d.Project)
	for _, r := range d.Resources {
		note := ""
		if r.NeedsDomain {
			note = "  (with --domain)"
		}
		v.Print("%s", strings.TrimRight(fmt.Sprintf("  %-22s %-26s %s%s", Line(r.Key), Line(r.Name), Line(r.Binding), note), " "))
	}
	if len(d.Bindings) > 0 {
		v.Print("\nBindings for which nothing is made:")
	}
	for _, b := range d.Bindings {
		v.Print("  %-22s %s", Line(b.Name), Line(b.Section))
	}
	v.secrets(d.Secrets)
	if len(d.Options) > 0 {
		v.Print("\nOptions, for cfboot new --with:")
	}
	for _, o := range d.Options {
		v.Print("  %-22s %s", o.Name, o.Summary)
	}
	if len(d.Backup) > 0 {
		v.Print("\nDaily copy of the database, for cfboot new --backup: %s", strings.Join(d.Backup, " or "))
	}
	if len(d.Frontends) > 0 {
		v.Print("\nPages of their own in web/, for cfboot new --frontend: %s", strings.Join(d.Frontends, " or "))
	}
	if len(d.UIs) > 0 {
		v.Print("  with more components, for --ui: %s", strings.Join(d.UIs, " or "))
	}
	v.cost(d.Cost)
}

func (v View) secrets(secrets []PatternSecret) {
	if len(secrets) > 0 {
		v.Print("\nSecrets (cfboot secrets):")
	}
	for _, s := range secrets {
		word := "optional"
		if s.Required {
			word = "required"
		}
		if s.Generated {
			word += ", generated"
		}
		v.Print("  %-22s %s (%s)", Line(s.Name), Line(s.Description), word)
	}
}

func (v View) cost(c *PatternCost) {
	if c == nil {
		return
	}
	v.Print("\nCost, as of %s: $%g a month on the Free plan, from $%g on the Paid plan", Line(c.AsOf), c.Free, c.Paid)
	for _, l := range c.Limits {
		v.Print("  %-22s free: %s; paid: %s", Line(l.What), Line(l.Free), Line(l.Paid))
	}
	for _, n := range c.Notes {
		v.Print("  %s", Line(n))
	}
}

// wrapped breaks a text into lines of at most so many characters, between words.
func wrapped(text string, width int) string {
	var b strings.Builder
	n := 0
	for _, w := range strings.Fields(text) {
		switch l := len([]rune(w)); {
		case n == 0:
			n = l
		case n+1+l > width:
			b.WriteByte('\n')
			n = l
		default:
			b.WriteByte(' ')
			n += 1 + l
		}
		fmt.Fprint(&b, w)
	}
	return b.String()
}

package view

import (
	"fmt"

	"github.com/cfboot/cfboot/provision"
)

// Adopted is a resource that is taken over, and what a later apply would do.
type Adopted struct {
	Key     string             `json:"key"`
	Name    string             `json:"name"`
	ID      string             `json:"id"`
	Zone    string             `json:"zone,omitempty"`
	Owner   string             `json:"owner,omitempty"`
	Holds   string             `json:"holds,omitempty"`
	Later   provision.Action   `json:"later"`
	Changes []provision.Change `json:"changes,omitempty"`
}

// Adopting is what is to be taken over, for JSON.
func Adopting(all []provision.Adoption) []Adopted {
	var out []Adopted
	for _, a := range all {
		out = append(out, Adopted{Key: a.Entry.Key.String(), Name: a.Entry.Name, ID: a.Entry.ID, Zone: a.Entry.Zone,
			Owner: a.Owner, Holds: a.Data, Later: a.Later.Action, Changes: a.Later.Changes})
	}
	return out
}

// Adoptions prints what is to be taken over, for people.
func (v View) Adoptions(project, environment, account string, all []provision.Adoption) {
	if v.JSON {
		return
	}
	fmt.Fprintf(v.Out, "%s (%s), account %s\n", project, environment, account)
	for _, a := range all {
		fmt.Fprintf(v.Out, "  %s %-22s %-34s %s\n", v.paint(colours[provision.Adopt], provision.Adopt.Symbol()), a.Entry.Key, Clean(a.Entry.Name), Clean(a.Entry.ID))
		if a.Owner != "" {
			fmt.Fprintf(v.Out, "      belongs to %s\n", Clean(a.Owner))
		}
		if a.Data != "" {
			fmt.Fprintf(v.Out, "      holds %s\n", Clean(a.Data))
		}
		switch {
		case a.Later.Action == provision.Replace:
			fmt.Fprintf(v.Out, "      a later apply would replace it:\n")
		case len(a.Later.Changes) > 0:
			fmt.Fprintf(v.Out, "      a later apply would change:\n")
		}
		v.changes(a.Later.Changes)
	}
}

// Left is something that was not taken over, and why.
type Left struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Leftovers prints what is not taken over, for people.
func (v View) Leftovers(all []Left) {
	if len(all) > 0 {
		v.Print("\nNot taken over:")
	}
	for _, l := range all {
		v.Print("  %-22s %s", l.What, l.Why)
	}
}

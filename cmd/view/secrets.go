package view

import "fmt"

// Secret is a secret that a Worker needs or has. Of its value nobody is told.
type Secret struct {
	Name        string `json:"name"`
	Worker      string `json:"worker"`
	Set         bool   `json:"set"`
	Required    bool   `json:"required,omitempty"`
	Generated   bool   `json:"generated,omitempty"` // cfboot can make it up
	Unlisted    bool   `json:"unlisted,omitempty"`  // the Worker has it and the manifest does not list it
	Description string `json:"description,omitempty"`
	URL         string `json:"url,omitempty"`
}

// Secrets prints what is needed and what is there, for people.
func (v View) Secrets(secrets []Secret) {
	if v.JSON {
		return
	}
	missing := 0
	for _, s := range secrets {
		word, colour := "set", "32"
		switch {
		case !s.Set && s.Required:
			word, colour, missing = "missing", "31", missing+1
		case !s.Set:
			word, colour = "not set", "33"
		}
		about := s.Description
		if s.Unlisted {
			about = "(not listed in cfboot.jsonc)"
		}
		fmt.Fprintf(v.Out, "  %s %-28s %-20s %s\n", v.paint(colour, fmt.Sprintf("%-8s", word)), Line(s.Name), Line(s.Worker), Line(about))
		switch {
		case s.Set:
		case s.Generated:
			fmt.Fprintf(v.Out, "  %8s %-28s cfboot secrets generate %s\n", "", "", Line(s.Name))
		case s.URL != "":
			fmt.Fprintf(v.Out, "  %8s %-28s %s\n", "", "", Line(s.URL))
		}
	}
	v.Print("%s, %d required and missing.", Count(len(secrets), "secret"), missing)
}

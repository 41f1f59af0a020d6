package view

import "fmt"

// What came of a check.
const (
	CheckOK      = "ok"
	CheckWarning = "warning" // it works, and something should be seen to
	CheckFailed  = "failed"
	CheckSkipped = "skipped" // it could not be checked, or there is nothing to check
)

// A Check is one of those that doctor makes.
type Check struct {
	Name   string   `json:"name"`
	Status string   `json:"status"`
	Text   string   `json:"text"`
	Hints  []string `json:"hints,omitempty"` // what to do
}

var checkColours = map[string]string{CheckOK: "32", CheckWarning: "33", CheckFailed: "31"}

// Checks prints checks as a table, for people.
func (v View) Checks(checks []Check) {
	if v.JSON {
		return
	}
	for _, c := range checks {
		fmt.Fprintf(v.Out, "  %s %-14s %s\n", v.paint(checkColours[c.Status], fmt.Sprintf("%-8s", c.Status)), Line(c.Name), indented(c.Text))
		for _, h := range c.Hints {
			fmt.Fprintf(v.Out, "  %8s %-14s hint: %s\n", "", "", indented(h))
		}
	}
}

package cli

import (
	"fmt"
	"strings"

	"github.com/cfboot/cfboot/provision/kinds"
)

// trace shows one API call on standard error: a line, and with -vv a line each
// for what was sent and what was answered.
func (a *app) trace(c kinds.Call) {
	status := fmt.Sprint(c.Status)
	if c.Status == 0 {
		status = "no answer (" + oneLine(c.Err) + ")"
	}
	text := fmt.Sprintf("api: %s %s %s in %d ms", c.Method, c.Path, status, c.Took.Milliseconds())
	if c.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", c.Attempt)
	}
	for _, body := range []struct{ name, text string }{{"sent", c.Request}, {"answered", c.Response}} {
		if body.text != "" {
			text += "\napi:   " + body.name + " " + oneLine(body.text)
		}
	}
	a.view().Notice("%s", text)
}

// oneLine keeps every line of a trace one that begins with "api:".
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

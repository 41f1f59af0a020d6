package cli

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/cmd/view"
)

// title is the heading of summary and comment.
func (s *step) title() string {
	what := map[string]string{stepPlan: "plan of", stepApply: "apply to", stepUp: "preview", stepDown: "preview", stepSweep: "sweep of the previews",
		stepDestroy: "destroy", stepDoctor: "doctor"}[s.in.command]
	if s.in.command == stepSweep {
		return "### cfboot: " + what + "\n"
	}
	return "### cfboot: " + what + " " + view.Code(s.in.environment()) + "\n"
}

// body is what summary and comment say; the picture is the summary's.
func (s *step) body(got answer, picture bool) string {
	var b strings.Builder
	if p := got.Preview; p != nil {
		s.previewText(&b, *p)
	}
	if e := got.Error; e != nil {
		fmt.Fprintf(&b, "**%s:** %s\n", ended(s.exit), view.Prose(e.Text))
		for _, h := range e.Hints {
			b.WriteString("- " + view.Code(h) + "\n")
		}
		b.WriteString("\n")
	}
	if p := got.Plan; p != nil {
		s.planText(&b, got, picture)
	}
	if got.Sweep != nil {
		sweepText(&b, *got.Sweep)
	}
	if len(got.Checks) > 0 {
		checksText(&b, got.Checks)
	}
	s.foot(&b)
	return b.String()
}

// ended words an exit code that is not 0.
func ended(code int) string {
	for _, e := range exitMeaning {
		if e.code == code {
			return e.text
		}
	}
	return "failed"
}

func (s *step) previewText(b *strings.Builder, p view.Preview) {
	switch {
	case s.in.command == stepDown && s.exit == exitDone:
		b.WriteString("Removed: nothing of it is left.\n\n")
	case s.in.command == stepUp && s.exit == exitDone && p.URL == "":
		b.WriteString("Its resources are there; no Worker is deployed to it.\n\n")
	case s.in.command == stepUp && s.exit == exitDone:
		fmt.Fprintf(b, "**%s**\n\n", view.Address(p.URL))
		if !p.Answers {
			b.WriteString("It does not answer yet: a new address may take some minutes.\n\n")
		}
		for _, u := range p.URLs {
			if u != p.URL {
				fmt.Fprintf(b, "- %s\n", view.Address(u))
			}
		}
	}
	if p.Expires != nil && s.in.command == stepUp {
		fmt.Fprintf(b, "It is removed when the pull request is closed, and at %s unless there is another push.\n\n", view.Code(p.Expires.UTC().Format("2006-01-02 15:04 UTC")))
	}
	leftovers(b, p.Leftovers)
}

func leftovers(b *strings.Builder, left []string) {
	if len(left) == 0 {
		return
	}
	b.WriteString("**Left over, and still there:**\n\n")
	for _, l := range left {
		b.WriteString("- " + view.Code(l) + "\n")
	}
	b.WriteString("\n")
}

func (s *step) planText(b *strings.Builder, got answer, picture bool) {
	if n := parts(got); got.Result != nil {
		fmt.Fprintf(b, "%d created, %d updated, %d deleted, %s in all.\n\n", n["created"], n["updated"], n["deleted"], view.Calls(got.Result.Calls, ""))
	}
	fmt.Fprintf(b, "<details><summary>Plan</summary>\n\n%s\n", view.MarkdownPlan(got.Plan.Plan))
	if picture {
		b.WriteString(view.Mermaid(got.Plan.Plan))
	}
	b.WriteString("\n</details>\n\n")
}

func sweepText(b *strings.Builder, sweep view.Sweep) {
	if sweep.DryRun {
		b.WriteString("Nothing was removed: this was a look only.\n\n")
	}
	leftovers(b, sweep.Leftovers)
	if len(sweep.Remove)+len(sweep.Keep) == 0 {
		b.WriteString("There is no preview.\n\n")
		return
	}
	removed := map[string]bool{}
	for _, d := range sweep.Removed {
		removed[d.Environment] = true
	}
	b.WriteString("| preview | | why |\n|---|---|---|\n")
	for _, d := range sweep.Remove {
		what := "to be removed"
		if removed[d.Environment] {
			what = "removed"
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", view.Code(d.Environment), what, view.Prose(d.Why))
	}
	for _, d := range sweep.Keep {
		fmt.Fprintf(b, "| %s | kept | %s |\n", view.Code(d.Environment), view.Prose(d.Why))
	}
	b.WriteString("\n")
}

func checksText(b *strings.Builder, checks []view.Check) {
	b.WriteString("| | check | |\n|---|---|---|\n")
	for _, c := range checks {
		fmt.Fprintf(b, "| %s | %s | %s |\n", view.Prose(c.Status), view.Code(c.Name), view.Prose(c.Text))
	}
	b.WriteString("\n")
}

var commit = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{7,64}$`) })

// foot says which commit and which run it was.
func (s *step) foot(b *strings.Builder) {
	var parts []string
	if commit().MatchString(s.event.Head) {
		parts = append(parts, "`"+s.event.Head[:7]+"`")
	}
	if run := s.files.RunURL(); web(run) != "" {
		parts = append(parts, view.Address(run))
	}
	if parts != nil {
		b.WriteString("<sub>" + strings.Join(parts, " · ") + "</sub>\n")
	}
}

// web is an address of the web as it is, and nothing for what is none.
func web(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return s
}

// fail shows an error of the step's own.
func (s *step) fail(err error) {
	s.files.Error(view.Clean(err.Error()))
	for _, h := range view.Hints(err) {
		s.view().Notice("hint: %s", h)
	}
	if s.in.command != "" && s.in.environment() != "" {
		s.summary(s.title() + "\n**" + ended(s.exit) + ":** " + view.Prose(err.Error()) + "\n")
	}
}

// failed shows the error that a command ended with.
func (s *step) failed(got answer) {
	if got.Error == nil {
		return
	}
	s.files.Error(got.Error.Text)
	for _, h := range got.Error.Hints {
		s.view().Notice("hint: %s", h)
	}
}

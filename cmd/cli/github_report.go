package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cfboot/cfboot/cmd/github"
	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
)

// lastWords is how long a run that was interrupted may take to tell GitHub so.
const lastWords = time.Second

// report carries what a command said to the outputs, the summary, the comment and
// the deployment. The first two are files and always written.
func (s *step) report(got answer) {
	if p := got.Plan; p != nil && !p.Empty() {
		s.view().Plan(p.Plan)
	}
	s.outputs(got)
	s.summary(s.title() + "\n" + s.body(got, true))
	s.failed(got)
	if s.hub == nil {
		return
	}
	if s.exit == exitInterrupted {
		s.abandon()
		return
	}
	s.deployed(got)
	s.comment(got)
	if got.Sweep != nil {
		s.swept(*got.Sweep)
	}
}

// deployed gives the deployment its end, and what is gone its own.
func (s *step) deployed(got answer) {
	var err error
	switch d := s.deployment; {
	case d != nil && s.exit == exitDone && got.Preview != nil:
		err = s.hub.Succeed(s.ctx, d, web(got.Preview.URL))
	case d != nil:
		err = s.hub.Fail(s.ctx, d)
	case s.in.hub && s.in.command == stepDown && s.project != "" && (s.exit == exitDone || s.exit == exitPartial):
		err = s.hub.Retire(s.ctx, s.markOf(s.in.env), s.in.env)
	}
	if err != nil {
		s.lacking("deployments: write", err)
	}
}

// comment says on the pull request what became of its preview. What is gone is said
// only where something was said before.
func (s *step) comment(got answer) {
	number := s.in.pull
	if number == 0 {
		number = s.event.Number
	}
	if !s.in.comment || number == 0 || s.project == "" || s.in.command == stepSweep || s.in.command == stepDoctor {
		return
	}
	only := s.in.command == stepDown && s.exit == exitDone
	s.say(number, s.in.environment(), s.title()+"\n"+s.body(got, false), only)
}

func (s *step) say(number int, environment, text string, only bool) {
	err := s.hub.Comment(s.ctx, number, github.Marker(s.project, environment), s.out.mask.Text(text), s.files.RunURL(), only)
	if err != nil {
		s.lacking("pull-requests: write", err)
	}
}

// swept tells the pull requests whose previews are gone.
func (s *step) swept(sweep view.Sweep) {
	why := map[string]string{}
	for _, d := range sweep.Remove {
		why[d.Environment] = d.Why
	}
	for _, gone := range sweep.Removed {
		if why[gone.Environment] != "" {
			gone.Why = why[gone.Environment]
		}
		s.files.Warning(fmt.Sprintf("removed %s: %s", gone.Environment, view.Line(gone.Why)))
		number, err := strconv.Atoi(strings.TrimPrefix(gone.Environment, "pr-"))
		if err != nil || s.project == "" {
			continue
		}
		if s.in.hub {
			if err := s.hub.Retire(s.ctx, s.markOf(gone.Environment), gone.Environment); err != nil {
				s.lacking("deployments: write", err)
			}
		}
		if s.in.comment {
			s.say(number, gone.Environment, fmt.Sprintf("### cfboot: preview %s\n\nRemoved: %s\n", view.Code(gone.Environment), view.Prose(gone.Why)), true)
		}
	}
}

// outputs sets the step's outputs. Those that a command says nothing about stay
// unset, which reads as empty.
func (s *step) outputs(got answer) {
	set := map[string]string{"env": s.in.environment(), "changes": "false"}
	if s.in.command == stepSweep {
		delete(set, "env")
	}
	if p := got.Plan; p != nil {
		set["changes"] = strconv.FormatBool(!p.Empty())
		set["plan-json"] = s.savedPlan(got)
	}
	for part, n := range parts(got) {
		set[part] = strconv.Itoa(n)
	}
	if ids := s.ids(got); len(ids) > 0 {
		set["resource-ids"] = inJSON(ids)
	}
	if p := got.Preview; p != nil {
		set["url"] = p.URL
		if p.Expires != nil {
			set["expires-at"] = p.Expires.UTC().Format(time.RFC3339)
		}
		set["urls"], set["leftovers"] = inJSON(orEmpty(p.URLs)), inJSON(orEmpty(p.Leftovers))
		if p.Environment != "" {
			set["env"] = p.Environment
		}
		if p.Config != "" {
			set["wrangler-config"] = p.Config
		}
	}
	if got.Sweep != nil {
		set["changes"] = strconv.FormatBool(len(got.Sweep.Remove) > 0)
		set["leftovers"] = inJSON(orEmpty(got.Sweep.Leftovers))
	}
	if r := got.Rendered; r != nil && set["wrangler-config"] == "" {
		set["wrangler-config"] = r.File
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if err := s.files.Output(name, s.out.mask.Text(set[name])); err != nil {
			s.files.Warning(err.Error())
		}
	}
}

// parts counts what was made, changed and deleted; for a plan, what would be.
func parts(got answer) map[string]int {
	n := map[string]int{"created": 0, "updated": 0, "deleted": 0}
	if got.Result == nil && got.Plan == nil {
		return nil
	}
	if got.Result == nil {
		for _, step := range got.Plan.Steps {
			switch step.Action {
			case provision.Create:
				n["created"]++
			case provision.Update:
				n["updated"]++
			case provision.Delete:
				n["deleted"]++
			case provision.Replace:
				n["created"]++
				n["deleted"]++
			}
		}
		return n
	}
	for _, one := range got.Result.Steps {
		switch {
		case one.Error != "":
		case one.Part == "replaced":
			n["created"]++ // what was there before has a line of its own
		default:
			if _, counted := n[one.Part]; counted {
				n[one.Part]++
			}
		}
	}
	return n
}

// ids are those of all resources, by key.
func (s *step) ids(got answer) map[string]string {
	if got.Preview != nil {
		return got.Preview.Resources
	}
	if s.in.command != stepApply || got.Plan == nil {
		return nil
	}
	words := []string{"status", "--json"}
	if s.in.env != "" {
		words = append(words, "--env="+s.in.env)
	}
	owned, _ := s.command(words)
	out := map[string]string{}
	for _, r := range owned.Resources {
		out[r.Key] = r.ID
	}
	return out
}

// savedPlan is the file with the plan: that of plan --out, which apply takes, and
// for the others what was planned.
func (s *step) savedPlan(got answer) string {
	file := s.planFile()
	if s.in.command == stepPlan || file == "" {
		return file
	}
	b, err := json.MarshalIndent(got.Plan, "", "  ")
	if err == nil {
		err = writeFile(file, []byte(s.out.mask.Text(string(b)+"\n")), 0o600)
	}
	if err != nil {
		s.files.Warning("the plan could not be saved: " + err.Error())
		return ""
	}
	return file
}

func inJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

func orEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (s *step) summary(text string) {
	if !s.in.summary {
		return
	}
	if err := s.files.Summary(s.out.mask.Text(text)); err != nil {
		s.files.Warning(err.Error())
	}
}

package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/provision"
)

// The commands of a step.
const (
	stepPlan    = "plan"
	stepApply   = "apply"
	stepUp      = "preview-up"
	stepDown    = "preview-down"
	stepSweep   = "sweep"
	stepDestroy = "destroy"
	stepDoctor  = "doctor"
)

var stepCommands = []string{stepPlan, stepApply, stepUp, stepDown, stepSweep, stepDestroy, stepDoctor}

// stepInputs are what a workflow gives a step.
type stepInputs struct {
	command, env, dir      string
	state                  string
	token, account         string
	ttl, seed, secretsFile string
	allow, confirm         string
	pull                   int
	deploy, dryRun         bool
	comment, summary, hub  bool // hub: make deployments at GitHub
	githubToken            string
}

// inputVariable is where the input of a name is: api-token in INPUT_API_TOKEN.
func inputVariable(name string) string {
	return "INPUT_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// input is one that is given; secrets and variables that a repository does not have
// arrive empty.
func (a *app) input(name string) string {
	v, _ := a.getenv(inputVariable(name))
	return strings.TrimSpace(v)
}

var environmentForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`) })

func (a *app) inputs() (in stepInputs, err error) {
	in = stepInputs{command: a.input("command"), env: a.input("env"), dir: a.input("working-directory"), state: a.input("state"), token: a.input("api-token"), account: a.input("account-id"),
		ttl: a.input("ttl"), seed: a.input("seed"), secretsFile: a.input("secrets-file"), allow: a.input("allow"), confirm: a.input("confirm-delete")}
	if in.token == "" {
		in.token, _ = a.getenv(tokenVariable)
	}
	if in.account == "" {
		in.account, _ = a.getenv("CLOUDFLARE_ACCOUNT_ID")
	}
	in.githubToken, _ = a.getenv("GITHUB_TOKEN")
	if !slices.Contains(stepCommands, in.command) {
		return in, refused(fmt.Sprintf("the input command is %q%s", in.command, suggest(in.command, stepCommands)), "it is one of: "+strings.Join(stepCommands, ", "))
	}
	if in.env != "" && !in.preview() && !environmentForm().MatchString(in.env) {
		return in, refused(fmt.Sprintf("the input env is %q, which is no environment's name", in.env), "small letters, digits and single hyphens, beginning with a letter: staging")
	}
	if n := a.input("pull-request"); n != "" {
		if in.pull, err = strconv.Atoi(n); err != nil || in.pull <= 0 {
			return in, refused(fmt.Sprintf("the input pull-request is %q, which is no number", n), "leave it out where the event is the pull request's")
		}
	}
	for _, b := range []struct {
		name   string
		to     *bool
		unless bool
	}{{"deploy", &in.deploy, true}, {"dry-run", &in.dryRun, false}, {"comment", &in.comment, true}, {"summary", &in.summary, true}, {"deployment", &in.hub, true}} {
		if *b.to, err = a.inputSwitch(b.name, b.unless); err != nil {
			return in, err
		}
	}
	return in, nil
}

func (a *app) inputSwitch(name string, unless bool) (bool, error) {
	switch v := a.input(name); v {
	case "":
		return unless, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return false, refused(fmt.Sprintf("the input %s is %q", name, v), "it is true or false")
	}
}

// words are the command of cfboot that a step runs, and its flags. Whatever came
// from the workflow is the value of a flag, behind =, and never a flag.
func (in stepInputs) words() []string {
	flag := func(name, value string) []string {
		if value == "" {
			return nil
		}
		return []string{"--" + name + "=" + value}
	}
	var w []string
	switch in.command {
	case stepUp:
		w = append([]string{"preview", "up", "--yes", "--name=" + in.env}, slices.Concat(flag("ttl", in.ttl), flag("seed", in.seed))...)
		if in.deploy {
			w = append(w, "--deploy")
			w = append(w, flag("secrets-file", in.secretsFile)...)
		}
	case stepDown:
		w = []string{"preview", "down", "--yes", "--name=" + in.env}
	case stepSweep:
		w = []string{"preview", "sweep"}
		if !in.dryRun {
			w = append(w, "--yes")
		}
	case stepApply, stepDestroy:
		w = slices.Concat([]string{in.command, "--yes"}, flag("env", in.env), flag("allow", in.allow))
		if in.command == stepApply {
			w = append(w, flag("confirm-delete", in.confirm)...)
		}
	default: // plan, doctor
		w = slices.Concat([]string{in.command}, flag("env", in.env))
	}
	return append(w, "--json")
}

// about gives the inputs the environment that they are about: what was named, or
// that of the pull request.
func (in *stepInputs) about(number int) error {
	if in.pull == 0 {
		in.pull = number
	}
	switch preview := in.preview(); {
	case in.env == "" && preview && in.pull > 0:
		in.env = fmt.Sprintf("pr-%d", in.pull)
	case in.env == "" && preview:
		return refused("this event is about no pull request, so it is not known which preview is meant",
			"run it on: pull_request", "or say which: the input env or pull-request")
	case in.env != "" && preview && in.env != fmt.Sprintf("pr-%d", in.pull):
		in.pull = 0 // a preview of its own, that no pull request ends
	}
	return nil
}

// preview reports whether they are about one preview.
func (in stepInputs) preview() bool { return in.command == stepUp || in.command == stepDown }

// environment is the one that a step is about, for people.
func (in stepInputs) environment() string {
	if in.env == "" {
		return provision.Production
	}
	return in.env
}

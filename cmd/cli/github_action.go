package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"github.com/cfboot/cfboot/cmd/github"
	"github.com/cfboot/cfboot/provision"
)

// How long a step waits for another run that holds the state, and how long between
// two tries.
const (
	lockPatience = 10 * time.Minute
	lockPause    = 5 * time.Second
)

// step is one step of a GitHub workflow: it runs a command of cfboot's own and
// carries what that says to where people see it.
type step struct {
	*app
	main  func(Env, []string) int
	pause func(context.Context, time.Duration) error
	files github.Step
	in    stepInputs
	event github.Event
	hub   *github.Client // nil: GitHub cannot be asked, and is told nothing

	project    string
	deployment *github.Deployment
}

func newStep(a *app, main func(Env, []string) int) *step {
	return &step{app: a, main: main, pause: pause, files: github.Step{Getenv: a.Getenv, Log: a.Stdout}}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run does it all. What it refuses itself is shown like what the command refuses.
func (s *step) run() error {
	s.mask()
	err := s.prepare()
	if err == nil {
		err = s.act()
	}
	if err != nil {
		s.exit = exitCode(err)
		s.fail(err)
	}
	return nil
}

// mask hides the secrets in all that is printed: by us, and, where a runner reads
// the log, by whatever runs after us. R2's secret key is made from the token, so it
// is one, too.
func (s *step) mask() {
	raw := github.Step{Getenv: s.Getenv, Log: s.out.to}
	for _, name := range []string{inputVariable("api-token"), tokenVariable, "GITHUB_TOKEN"} {
		v, ok := s.getenv(name)
		if !ok {
			continue
		}
		raw.Hide(v)
		s.hide(map[string]string{name: v})
		if name != "GITHUB_TOKEN" {
			sum := sha256.Sum256([]byte(v))
			raw.Hide(hex.EncodeToString(sum[:]))
			s.hide(map[string]string{name: hex.EncodeToString(sum[:])})
		}
	}
}

// prepare reads what the step is about.
func (s *step) prepare() (err error) {
	if s.in, err = s.inputs(); err != nil {
		return err
	}
	if s.event, err = github.ReadEvent(s.Getenv); err != nil {
		return err
	}
	if s.event.Fork && s.event.Name == "pull_request_target" {
		return refused("pull_request_target would run a stranger's files with this repository's secrets", "run it on: pull_request")
	}
	if err := s.in.about(s.event.Number); err != nil {
		return err
	}
	if s.stranger() {
		s.in.token = ""
		return nil
	}
	if p, err := s.openProject(s.path(s.in.dir), ""); err == nil {
		s.project = p.desired.Project // where it cannot be read, the command says so
	}
	if s.in.token == "" {
		return refused("the input api-token is empty, and so is "+tokenVariable, "is there such a secret? Settings, Secrets and variables, Actions",
			"give it to the step: api-token: ${{ secrets."+tokenVariable+" }}")
	}
	return s.connectHub()
}

// stranger reports a pull request that gets no secrets, and none of them used where
// a repository is set to hand them out all the same: from another repository, or,
// without a token, by Dependabot.
func (s *step) stranger() bool {
	actor, _ := s.getenv("GITHUB_ACTOR")
	return s.event.Name == "pull_request" && (s.event.Fork || s.in.token == "" && actor == "dependabot[bot]")
}

// connectHub makes the client of GitHub. Without a token the step goes on: it knows
// less, and says less.
func (s *step) connectHub() (err error) {
	if s.in.githubToken == "" {
		if s.in.pull > 0 {
			s.files.Warning("there is no GITHUB_TOKEN, so GitHub is neither asked nor told anything")
		}
		return nil
	}
	s.hub, err = github.FromEnvironment(s.Getenv)
	return err
}

// act runs the command, when it is wanted and as soon as no other run is in the
// way, and reports.
func (s *step) act() error {
	if s.stranger() {
		return s.rehearse()
	}
	began := s.Now()
	for {
		wanted, err := s.wanted()
		if err != nil || !wanted {
			s.abandon()
			return err
		}
		s.begin()
		got, code := s.command(s.words())
		if code == exitLocked && s.Now().Sub(began) < lockPatience {
			s.files.Notice("another run holds the state; waiting for it")
			if err := s.pause(s.ctx, lockPause); err != nil {
				return &provision.Problem{Text: "interrupted", Class: provision.Interrupted, Hints: []string{"nothing was begun; run it again"}}
			}
			continue
		}
		s.exit = code
		s.report(got)
		return nil
	}
}

// words are the command, and where its plan goes.
func (s *step) words() []string {
	w := s.in.words()
	if file := s.planFile(); s.in.command == stepPlan && file != "" {
		w = append(w, "--out="+file)
	}
	return w
}

// wanted asks GitHub whether the pull request is as it was when the run began, right
// before anything is made or deleted for it.
func (s *step) wanted() (bool, error) {
	if !s.in.preview() || s.in.pull == 0 {
		return true, nil
	}
	state, head, err := github.Unknown, "", error(nil)
	if s.hub != nil {
		state, head, err = s.hub.PullRequest(s.ctx, s.in.pull)
	}
	if s.ctx.Err() != nil {
		return false, &provision.Problem{Text: "interrupted", Class: provision.Interrupted, Hints: []string{"nothing was begun; run it again"}}
	}
	if s.in.command == stepDown {
		return s.wantedDown(state, err)
	}
	return s.wantedUp(state, head, err)
}

func (s *step) wantedUp(state github.PullState, head string, err error) (bool, error) {
	switch {
	case state == github.Closed:
		return false, refused(fmt.Sprintf("pull request %d is closed, so nothing is made for it", s.in.pull))
	case state == github.Unknown && s.event.State != github.Open:
		return false, &provision.Problem{Text: fmt.Sprintf("it is not known whether pull request %d is open, so nothing is made for it", s.in.pull), Err: err, Class: provision.Refused,
			Hints: []string{"run it again", "the step needs GITHUB_TOKEN, with the permission pull-requests: read"}}
	case state == github.Unknown:
		s.files.Warning(fmt.Sprintf("GitHub does not say whether pull request %d is still open: %v; going on, since it was when this run began", s.in.pull, err))
	case head != "" && s.event.Head != "" && head != s.event.Head:
		s.skip(fmt.Sprintf("superseded: pull request %d has a newer commit, whose own run makes the preview", s.in.pull))
		return false, nil
	}
	return true, nil
}

// wantedDown keeps what may still be wanted: what is kept is found again by the
// sweep, what is deleted is gone.
func (s *step) wantedDown(state github.PullState, err error) (bool, error) {
	switch state {
	case github.Open:
		s.skip(fmt.Sprintf("pull request %d is open, so its preview stays", s.in.pull))
		return false, nil
	case github.Unknown:
		return false, &provision.Problem{Text: fmt.Sprintf("it is not known whether pull request %d is closed, so its preview stays", s.in.pull), Err: err, Class: provision.Partial,
			Hints: []string{"run it again; the sweep removes it, too", "the step needs GITHUB_TOKEN, with the permission pull-requests: read"}}
	}
	return true, nil
}

// skip ends a step well that had nothing to do.
func (s *step) skip(why string) {
	s.files.Notice(why)
	s.outputs(answer{})
	s.summary(s.title() + "\n" + why + "\n")
}

// rehearse is what can be done without secrets: a plan against an empty emulator
// tells whether the manifest holds. GitHub is told nothing; that token may only read.
func (s *step) rehearse() error {
	if s.in.command == stepDown || s.in.command == stepSweep {
		s.skip("this pull request gets no secrets, so it has no preview to take away")
		return nil
	}
	const why = "this pull request gets no secrets, so nothing is made: this is the plan for an empty account"
	s.files.Notice(why)
	s.in.command = stepPlan
	if s.in.env != "" && s.in.pull > 0 {
		s.in.env = ""
	}
	got, code := s.command(append(s.in.words(), "--offline"))
	s.exit = code
	s.outputs(got)
	s.summary(s.title() + "\n" + why + ".\n\n" + s.body(got, true))
	s.failed(got)
	return nil
}

// begin makes the deployment that people see on the pull request.
func (s *step) begin() {
	if s.hub == nil || !s.in.hub || !s.in.deploy || s.in.command != stepUp || s.event.Head == "" || s.project == "" || s.deployment != nil {
		return
	}
	d, err := s.hub.Begin(s.ctx, s.markOf(s.in.env), s.in.env, s.event.Head, "preview by cfboot", s.files.RunURL())
	if err != nil {
		s.lacking("deployments: write", err)
	}
	s.deployment = d
}

// abandon ends a deployment that was begun before the step had to wait, and is not
// wanted any more.
func (s *step) abandon() {
	if s.deployment == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), lastWords)
	defer cancel()
	if err := s.hub.Fail(ctx, s.deployment); err != nil {
		s.lacking("deployments: write", err)
	}
}

// markOf tells what is said about an environment of this project from what is said
// of others'.
func (s *step) markOf(environment string) string { return s.project + ":" + environment }

// lacking warns of what could not be told to GitHub. The work is done all the same.
func (s *step) lacking(permission string, err error) {
	s.files.Warning(fmt.Sprintf("GitHub could not be told: %v. The step needs the permission %s", err, permission))
}

// relay hands the signals of this run to the one inside it.
func (s *step) relay() (signals chan os.Signal, end func()) {
	signals = make(chan os.Signal, 2)
	done := make(chan struct{})
	s.relays.Store(true)
	s.stepping.Store(true)
	go func() {
		for _, asked := range []<-chan struct{}{s.stopping.Done(), s.ctx.Done()} {
			select {
			case <-asked:
				signals <- os.Interrupt
			case <-done:
				return
			}
		}
	}()
	return signals, func() { close(done); s.stepping.Store(false); s.relays.Store(false) }
}

package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/state"
	"pgregory.net/rapid"
)

// TestTorture lets random manifests be edited and applied while random things go
// wrong: requests and answers are lost, Cloudflare refuses, lags and limits, the
// disk fails, the process dies, people work in the dashboard. After each run the
// state can be read, nothing foreign was touched and nothing is doubled or
// unknown. When the fault is over one run converges, the next has nothing to do,
// and in the end destroy leaves what is foreign and nothing else.
//
// By itself it plays the same few cases each time, over real connections and on
// a real disk. Told how many (make torture), it plays thousands, without either:
// with SEED the same ones each time, as CI does to notice what a change breaks,
// and without it new ones, to find what nobody knows yet.
func TestTorture(t *testing.T) {
	var figures tally
	place, lanes := onDisk, 1
	if flagGiven("rapid.checks") {
		place, lanes = inMemory, tortureLanes
	} else {
		for name, value := range map[string]string{"rapid.seed": "1", "rapid.checks": "40", "rapid.nofailfile": "true"} {
			setFlag(t, name, value)
		}
	}
	t.Run("cases", func(t *testing.T) {
		for i := range lanes {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				begun := laneBegins(t, i)
				rapid.Check(t, func(rt *rapid.T) {
					begun()
					figures.add("cases")
					ok := false
					defer func() {
						if !ok {
							figures.add("failures")
						}
					}()
					torture(rt, place, &figures)
					ok = true
				})
			})
		}
	})
	t.Log(figures.line())
}

func flagGiven(name string) (given bool) {
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}

// setFlag gives a flag another value until the test ends.
func setFlag(t *testing.T, name, value string) {
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, before) }) // it took the other value
}

// tortureLanes is how many cases run at once.
const tortureLanes = 2

// starting lets one lane begin at a time, because rapid takes its seed from a
// flag that all share.
var starting sync.Mutex

// laneBegins gives a lane a seed of its own, far from the others', where one was
// given at all. What it returns is called when rapid has taken it.
func laneBegins(t *testing.T, lane int) (begun func()) {
	starting.Lock()
	seed := flag.Lookup("rapid.seed").Value.String()
	begun = sync.OnceFunc(func() {
		_ = flag.Set("rapid.seed", seed) // it took it before
		starting.Unlock()
	})
	t.Cleanup(begun)
	n, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if n > 0 {
		n += uint64(lane) << 40
	}
	if err := flag.Set("rapid.seed", strconv.FormatUint(n, 10)); err != nil {
		t.Fatal(err)
	}
	return begun
}

// A tally counts what was played.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (y *tally) add(what string) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.n == nil {
		y.n = map[string]int{}
	}
	y.n[what]++
}

func (y *tally) line() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%d cases, %d runs, %d failures; faults that struck:", y.n["cases"], y.n["runs"], y.n["failures"])
	for _, k := range slices.Sorted(maps.Keys(y.n)) {
		if name, is := strings.CutPrefix(k, "fault "); is {
			fmt.Fprintf(&b, " %s %d", name, y.n[k])
		}
	}
	return b.String()
}

// torture plays one case.
func torture(t *rapid.T, place place, figures *tally) {
	lag := rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "lag") > 0
	w := newTortured(t, place, lag)
	defer w.close()
	w.neighbours()
	p := drawProgram(t)
	for range rapid.IntRange(1, 5).Draw(t, "rounds") {
		if rapid.Bool().Draw(t, "meddle") {
			figures.add("fault by-hand-" + w.meddle(p))
		}
		s := drawStrike(t, strikes)
		w.struck(p, s, false, figures)
		if lag {
			figures.add("fault lag")
		}
		if rapid.IntRange(0, 2).Draw(t, "converge") == 0 {
			w.converge(p, figures)
		}
		for range rapid.IntRange(0, 5).Draw(t, "edits") {
			p.edit(t)
		}
	}
	w.converge(p, figures)
	if rapid.Bool().Draw(t, "deploy") {
		w.deploy()
	}
	if rapid.Bool().Draw(t, "struck destroy") {
		w.struck(p, drawStrike(t, strikes), true, figures)
	}
	w.destroy(p, figures)
}

// struck is one run in which something goes wrong.
func (w *tortured) struck(p *program, s strike, destroy bool, figures *tally) {
	figures.add("runs")
	ran := w.run(p, s, destroy)
	w.t.Logf("%s with %+v: %d of %d steps, %v", map[bool]string{false: "apply", true: "destroy"}[destroy], s, ran.result.Done, len(ran.plan.Steps), ran.err)
	if ran.err != nil || slices.ContainsFunc(w.sent, func(r emulator.Request) bool { return r.Code == tortureCode || r.Status == 0 }) {
		figures.add("fault " + s.kind)
	}
	w.check(s.kind)
	w.clock.advance(time.Minute) // the next run comes when all that is fresh can be seen
	var problem *provision.Problem
	if ran.result.Done > 0 && ran.err != nil && s.kind != "kill" &&
		(!errors.As(ran.err, &problem) || problem.Class != provision.Partial && problem.Class != provision.Interrupted) {
		w.t.Fatalf("%s: %d steps were done, and it does not end as partly done: %v", s.kind, ran.result.Done, ran.err)
	}
	switch again := w.run(p, strike{kind: "look"}, destroy); {
	case ran.err == nil && again.err != nil:
		w.t.Fatalf("%s was done, and now there is no plan: %v", s.kind, again.err)
	case ran.err == nil && !again.plan.Empty():
		w.t.Fatalf("%s: said to be done, and the next plan is %s", s.kind, steps(again.plan))
	}
}

// converge asserts that one run without a fault brings about what is wanted.
// What others have put in the way is refused first, and taken away by hand.
func (w *tortured) converge(p *program, figures *tally) {
	figures.add("runs")
	first := w.run(p, strike{kind: "none"}, false)
	w.check("a run without a fault")
	if len(first.plan.Conflicts) > 0 {
		for _, c := range first.plan.Conflicts {
			for _, r := range slices.Clone(w.squats[c.Key]) {
				w.destroyByHand(r)
			}
		}
		first = w.run(p, strike{kind: "none"}, false)
		w.check("a run after a conflict was settled")
	}
	if late := (*provision.Problem)(nil); errors.As(first.err, &late) && late.Class == provision.Partial && strings.Contains(first.err.Error(), "when the plan was made") {
		w.clock.advance(time.Minute)
		first = w.run(p, strike{kind: "none"}, false) // it could not be seen, and the run said so
	}
	if first.err != nil {
		w.t.Fatalf("one run without a fault does not converge: %v\nplan %s\nstate %+v", first.err, steps(first.plan), w.readState().Intents)
	}
	w.t.Logf("converged by %s", steps(first.plan))
	w.clock.advance(time.Minute)
	if again := w.run(p, strike{kind: "look"}, false); again.err != nil || !again.plan.Empty() {
		w.t.Fatalf("after a run without a fault the plan is not empty: %s %v\nbefore: %s", steps(again.plan), again.err, steps(first.plan))
	}
}

// destroy asserts that one run without a fault leaves only what is foreign.
func (w *tortured) destroy(p *program, figures *tally) {
	figures.add("runs")
	if ran := w.run(p, strike{kind: "none"}, true); ran.err != nil {
		w.t.Fatalf("destroy fails without a fault: %v\nplan %s", ran.err, steps(ran.plan))
	}
	w.check("destroy")
	if left := w.ours(); len(left) > 0 {
		w.t.Fatalf("destroy left %+v", left)
	}
	if st := w.readState(); !st.Empty() {
		w.t.Fatalf("destroy left in the state: %+v", st)
	}
}

// A ran is how a run ended.
type ran struct {
	plan   provision.Plan
	result provision.Result
	err    error
}

// run is cfboot apply or destroy: a process of its own, from the state on disk.
// A run that only looks makes the plan and no more.
func (w *tortured) run(p *program, s strike, destroy bool) (out ran) {
	w.server.ResetRequests()
	defer w.calm()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop, l := make(chan struct{}), &life{}
	if s.early {
		w.strike(s, l, cancel, stop)
	}
	store, err := state.Open(w.path, state.Options{Project: "shop", Environment: p.environment, Account: tortureAccount, Now: w.clock.now})
	if err != nil {
		w.t.Fatalf("the state cannot be opened: %v", err)
	}
	defer func() { _ = store.Close() }()
	base, hangUp := w.dial()
	defer hangUp()
	client, err := kinds.Connect(kinds.Connection{Token: "token-0123456789012345678901234567890123456", Account: tortureAccount, BaseURL: w.url + "/client/v4",
		Project: "shop", Environment: p.environment, Transport: mortal{l, base}, Clock: kinds.Clock{Now: w.clock.now, Sleep: w.clock.sleep}})
	if err != nil {
		w.t.Fatal(err)
	}
	var desired []provision.Resource
	if !destroy {
		desired = p.desired(w.t)
	}
	if out.plan, out.err = provision.NewPlan(ctx, client, kinds.Traits(), desired, store.State(), destroy); out.err != nil || s.kind == "look" {
		return out
	}
	var allow []string
	if s.kind != "no-consent" {
		allow = out.plan.Consents()
	}
	if s.kind == "squat-late" {
		w.squatLate(out.plan, store.State())
	}
	w.server.ResetRequests()
	if !s.early {
		w.strike(s, l, cancel, stop)
	}
	recorder := &flawed{Recorder: store, life: l, path: w.path}
	if s.kind == "save" {
		recorder.fails = s.at
	}
	out.result, out.err = provision.Apply(ctx, out.plan, store.State(), kinds.Traits(), client, recorder, provision.Options{
		Run: store.Run(), Parallel: rapid.SampledFrom([]int{1, 1, 16}).Draw(w.t, "parallel"), Allow: allow, Confirm: out.plan.ToConfirm(), Vault: mortalVault{l}, Stop: stop, Now: w.clock.now, Settle: w.place.settle, Lineage: store.Lineage,
	})
	w.judge(out, allow)
	w.rescue(store, out.err, s)
	return out
}

// strike makes ready what is to go wrong.
func (w *tortured) strike(s strike, l *life, cancel func(), stop chan struct{}) {
	for _, f := range s.failures {
		w.server.Fail(f)
	}
	switch s.kind {
	case "kill":
		l.begin(s.at, true, cancel)
	case "cancel":
		l.begin(s.at, false, cancel)
	case "stop":
		l.begin(s.at, false, func() { close(stop) })
	}
}

// calm ends a run's faults.
func (w *tortured) calm() {
	w.sent = w.server.Requests()
	w.server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/__emulator/reset", nil))
}

// judge asserts that what a guard refuses is refused before anything is done,
// and that only what others have put in the way is in the way.
func (w *tortured) judge(r ran, allow []string) {
	for _, c := range r.plan.Conflicts {
		if len(w.squats[c.Key]) == 0 {
			w.t.Fatalf("nobody is in the way, and still: %+v\nstate %+v\nplan %s", c, w.readState(), steps(r.plan))
		}
	}
	if len(r.plan.Conflicts) == 0 && provision.Consented(r.plan, allow) == nil {
		return
	}
	var p *provision.Problem
	if !errors.As(r.err, &p) || p.Class != provision.Refused {
		w.t.Fatalf("not refused: %v", r.err)
	}
	if sent := w.server.Requests(); len(sent) > 0 {
		w.t.Fatalf("refused, and yet %d requests were sent", len(sent))
	}
}

// rescue does with a state that could not be saved what the message says.
func (w *tortured) rescue(store *state.Store, err error, s strike) {
	bundle := store.Unsaved(err)
	if bundle == nil || !s.restore {
		return
	}
	if err := os.WriteFile(w.path, bundle, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// meddle does behind our back what people do in the dashboard.
func (w *tortured) meddle(p *program) string {
	st := w.readState()
	entries := provision.Sorted(st.Entries)
	what := rapid.SampledFrom([]string{"change", "delete", "fill", "usurp", "squat"}).Draw(w.t, "by hand")
	if what == "squat" {
		all := append(p.desired(w.t), provision.Resource{})
		r := all[rapid.IntRange(0, len(all)-1).Draw(w.t, "squat")]
		_, begun := st.Intents[r.Key]
		_, owned := st.Entries[r.Key]
		if !begun && !owned && r.Name != "" && r.Key != jurisdictional {
			w.squat(r.Key, r.Name, r.Settings)
		}
		return what
	}
	if len(entries) == 0 {
		return "nothing"
	}
	e := entries[rapid.IntRange(0, len(entries)-1).Draw(w.t, "whose")]
	ours := slices.IndexFunc(w.ours(), func(r emulator.Resource) bool { return r.Kind == e.Key.Kind && r.ID == e.ID })
	switch {
	case what == "change":
		w.changeByHand(e)
	case what == "fill" && w.fillByHand(e):
	case ours < 0:
		return "nothing"
	case what == "delete":
		w.destroyByHand(w.ours()[ours])
	case what == "usurp" && slices.Contains([]string{"d1", "kv", "queue"}, e.Key.Kind):
		if r := w.ours()[ours]; r.Name == e.Name { // else it was renamed by hand
			w.destroyByHand(r)
			w.squat(e.Key, e.Name, e.Settings)
		}
	default:
		return "nothing"
	}
	return what
}

// squat puts something of somebody else's where one of ours is to be.
func (w *tortured) squat(k provision.Key, name string, settings provision.Settings) {
	before := len(w.foreign)
	if w.settle(k.Kind, name, settings) {
		w.squats[k] = append(w.squats[k], w.foreign[before:]...)
	}
}

// squatLate does so between plan and apply. What a Worker's or a domain's PUT
// would overwrite just then, nobody could tell.
func (w *tortured) squatLate(p provision.Plan, st provision.State) {
	for _, s := range p.Steps {
		_, begun := st.Intents[s.Key]
		if s.Action == provision.Create && !begun && s.Key.Kind != "worker" && s.Key != jurisdictional {
			w.squat(s.Key, s.Name, s.Settings)
			return
		}
	}
}

// jurisdictional is the bucket that may be one of two of its name, which nobody
// could tell apart here: so nobody else makes one.
var jurisdictional = provision.Key{Kind: "r2", Name: "backups"}

func steps(p provision.Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		if s.Action != provision.Keep {
			fmt.Fprintf(&b, "\n  %c %s %s %+v %s", s.Action, s.Key, s.Name, s.Changes, s.Reason)
		}
	}
	for _, c := range p.Conflicts {
		fmt.Fprintf(&b, "\n  ! %s %s", c.Key, c.Text)
	}
	return b.String()
}

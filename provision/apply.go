package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Options say how Apply goes about it.
type Options struct {
	Run      string          // id of this run, kept with each intent
	Parallel int             // steps under way at once; at least 1
	Allow    []string        // consents given
	Confirm  int             // how many deletions were confirmed, where the plan asks for that
	Vault    Vault           // where stores are saved to; needed by a plan with backups
	Stop     <-chan struct{} // closed: start nothing new, finish what is under way
	Now      func() time.Time
	Lineage  func() string // of the state that rec keeps, for tags; it is made by the first save. Nil: none
	Settle   time.Duration // how long something fresh may stay invisible; the wait before it is looked for again
	Report   func(Event)   // called from one goroutine at a time
}

// An Event is one step's progress, to be shown.
type Event struct {
	Step Step
	Part string // "created", "updated", "replaced", "deleted", "adopted", "released", "recorded"; empty where it failed. A replacement is "deleted" first.
	Took time.Duration
	Kept string // where the backup is of what is being deleted
	Err  error
}

// Result is how far a plan was carried out.
type Result struct {
	Done    int // steps finished
	Failed  int
	Skipped int // not begun or not finished, because something before them failed or the run was stopped
}

// Apply carries p out on the resources of st, which it keeps in step through
// rec. It checks every consent, guard and conflict before it does anything. Steps that
// do not depend on a failed one are finished all the same; the error then names
// every failure, and a further run resumes. Only where rec fails nothing more is
// begun.
func Apply(ctx context.Context, p Plan, st State, traits map[string]Traits, d Driver, rec Recorder, o Options) (Result, error) {
	if err := p.ConflictProblem(); err != nil {
		return Result{}, err
	}
	for _, err := range []error{p.ProtectProblem(), Consented(p, o.Allow), p.Confirmed(o.Confirm), p.vaulted(o.Vault)} {
		if err != nil {
			return Result{}, err
		}
	}
	r := &runner{traits: traits, driver: d, recorder: rec, options: o, entries: maps.Clone(st.Entries), begun: st.Intents,
		state: st, made: map[Key]bool{}, backups: map[Key]string{}}
	if r.entries == nil {
		r.entries = map[Key]Entry{}
	}
	nodes := graph(p.Steps)
	storesLast(nodes, traits)
	return r.run(ctx, &schedule{nodes: nodes})
}

// Consented reports, as an error that lists them all, the consents that p needs
// and that are not given.
func Consented(p Plan, allowed []string) error {
	var lines []string
	hint := map[string]bool{}
	for _, s := range p.Steps {
		for _, c := range s.Consents() {
			if slices.Contains(allowed, c) {
				continue
			}
			name := s.RealName()
			why := fmt.Sprintf("%q holds %s, which would be lost", name, s.Data)
			if c == DeleteAdopted {
				why = fmt.Sprintf("%q was there before it was taken over, and would be deleted", name)
			}
			lines = append(lines, fmt.Sprintf("%s: %s", s.Key, why))
			hint["allow it: "+AllowFlag(c)] = true
		}
	}
	if lines == nil {
		return nil
	}
	return &Problem{Text: strings.Join(lines, "\n"), Hints: slices.Sorted(maps.Keys(hint)), Class: Refused}
}

type outcome struct {
	node int
	part string
	took time.Duration
	kept string
	err  error
}

// run begins whatever is ready, as many at once as allowed, until nothing is.
func (r *runner) run(ctx context.Context, sch *schedule) (Result, error) {
	results := make(chan outcome)
	stop := r.options.Stop
	active, stopped, unkept := 0, false, false
	failures := map[int]error{}
	sch.begin()
	for {
		select {
		case <-stop:
			stop, stopped = nil, true
		default:
		}
		for _, i := range sch.ready() {
			if stopped || unkept || ctx.Err() != nil || active >= max(1, r.options.Parallel) {
				break
			}
			sch.status[i] = running
			active++
			go func() { results <- r.carry(ctx, i, sch.nodes[i]) }()
		}
		if active == 0 {
			break
		}
		select {
		case <-stop:
			stop, stopped = nil, true
		case out := <-results:
			active--
			s := sch.nodes[out.node].step
			sch.status[out.node] = done
			if out.err != nil {
				sch.status[out.node] = failed
				var rec *unrecorded
				unkept = unkept || errors.As(out.err, &rec)
				failures[out.node] = placed(s.Key, out.err)
			}
			if quiet := sch.nodes[out.node].part == marks && out.err == nil; r.options.Report != nil && !quiet {
				r.options.Report(Event{Step: s, Part: out.part, Took: out.took, Kept: out.kept, Err: out.err})
			}
		}
	}
	var errs []error
	for _, i := range slices.Sorted(maps.Keys(failures)) {
		errs = append(errs, failures[i])
	}
	if sch.waits() && !stopped && !unkept && ctx.Err() == nil {
		errs = append(errs, &Problem{Text: "the steps wait for one another in a circle", Hints: []string{"this is a fault of cfboot: please report it"}})
	}
	interrupted := stopped && sch.waits() || ctx.Err() != nil && (sch.waits() || len(errs) > 0)
	res := sch.result()
	return res, verdict(res, errs, interrupted, r.resumable.Load(), unkept)
}

// carry carries one node out. A panic in it is one more failure: what was
// recorded stays, an intent stays open, and the other steps are finished.
func (r *runner) carry(ctx context.Context, i int, n node) (out outcome) {
	begin := r.options.Now()
	defer func() {
		if p := recover(); p != nil {
			out.err = &Problem{Text: fmt.Sprintf("cfboot itself failed: %v", p), Err: fmt.Errorf("%s", debug.Stack()),
				Hints: []string{"this is a fault of cfboot: please report it"}}
		}
		out.node, out.took = i, r.options.Now().Sub(begin)
		if out.err != nil {
			out.part = ""
		}
	}()
	out.part, out.err = r.node(ctx, n)
	if n.part == removes {
		out.kept = r.kept(n.step.Key)
	}
	return out
}

// placed is err with the resource's key before it, once.
func placed(k Key, err error) error {
	if strings.HasPrefix(err.Error(), k.String()+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", k, err)
}

const resumeHint = "what was done is recorded; run the same command again to finish"

// verdict turns a run's outcome into the one error that tells the caller
// whether to run again.
func verdict(res Result, errs []error, interrupted, resumable, unkept bool) error {
	if len(errs) == 0 && !interrupted {
		return nil
	}
	p := &Problem{Class: Failed, Err: errors.Join(errs...)}
	for i, err := range errs {
		var cause *Problem
		if !errors.As(err, &cause) {
			continue
		}
		if i == 0 || p.Class == Failed {
			p.Class = cause.Class
		}
		for _, h := range cause.Hints {
			if !slices.Contains(p.Hints, h) {
				p.Hints = append(p.Hints, h)
			}
		}
	}
	if resumable {
		p.Class = Partial
	}
	if interrupted {
		p.Class = Interrupted
		p.Text = fmt.Sprintf("stopped with %s not begun", count(res.Skipped, "step"))
	}
	if (resumable || interrupted) && !unkept {
		p.Hints = append(p.Hints, resumeHint)
	}
	return p
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

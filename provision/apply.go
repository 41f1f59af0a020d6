package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say how Apply goes about it.
type Options struct {
	Run      string          // id of this run, kept with each intent
	Parallel int             // steps under way at once; at least 1
	Allow    []string        // consents given
	Stop     <-chan struct{} // closed: start nothing new, finish what is under way
	Now      func() time.Time
	Settle   time.Duration // wait before something that was not found is looked for again
	Report   func(Event)   // called from one goroutine at a time
}

// An Event is one step's progress, to be shown.
type Event struct {
	Step Step
	Part string // "created", "updated", "replaced", "deleted", "adopted", "recorded"; empty where it failed
	Took time.Duration
	Err  error
}

// Result is how far a plan was carried out.
type Result struct {
	Done    int // steps finished
	Failed  int
	Skipped int // not begun, because something before them failed or the run was stopped
}

// Apply carries p out on the resources of st, which it keeps in step through
// rec. It checks every consent and conflict before it does anything. Steps that
// do not depend on a failed one are finished all the same; the error then names
// every failure, and a further run resumes.
func Apply(ctx context.Context, p Plan, st State, traits map[string]Traits, d Driver, rec Recorder, o Options) (Result, error) {
	if err := p.ConflictProblem(); err != nil {
		return Result{}, err
	}
	if err := Consented(p, o.Allow); err != nil {
		return Result{}, err
	}
	r := &runner{traits: traits, driver: d, recorder: rec, options: o, entries: maps.Clone(st.Entries), begun: st.Intents}
	if r.entries == nil {
		r.entries = map[Key]Entry{}
	}
	return r.run(ctx, graph(p.Steps))
}

// Consented reports, as an error that lists them all, the consents that p needs
// and that are not given.
func Consented(p Plan, allowed []string) error {
	var lines []string
	hint := map[string]bool{}
	for _, s := range p.Steps {
		if s.Consent == "" || slices.Contains(allowed, s.Consent) {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: %q holds %s, which would be lost", s.Key, firstNonEmpty(s.PriorName, s.Name), s.Data))
		hint["allow it: --allow "+s.Consent] = true
	}
	if lines == nil {
		return nil
	}
	return &Problem{Text: strings.Join(lines, "\n"), Hints: slices.Sorted(maps.Keys(hint)), Class: Refused}
}

type runner struct {
	traits   map[string]Traits
	driver   Driver
	recorder Recorder
	options  Options
	begun    map[Key]Intent

	mu      sync.Mutex
	entries map[Key]Entry
}

type outcome struct {
	node int
	part string
	took time.Duration
	err  error
}

func (r *runner) run(ctx context.Context, nodes []node) (Result, error) {
	const waiting, running, done, failed = 0, 1, 2, 3
	status := make([]int, len(nodes))
	results := make(chan outcome)
	active, stopped := 0, false
	stop := r.options.Stop
	var errs []error
	var res Result

	ready := func(i int) (ok, dead bool) {
		for _, j := range nodes[i].after {
			if status[j] == failed {
				return false, true
			}
			if status[j] != done {
				return false, false
			}
		}
		return true, false
	}
	for {
		for i := range nodes {
			if status[i] != waiting {
				continue
			}
			ok, dead := ready(i)
			if dead {
				status[i] = failed
				res.Skipped++
			} else if ok && !stopped && ctx.Err() == nil && active < max(1, r.options.Parallel) {
				status[i] = running
				active++
				go func() {
					begin := r.options.Now()
					part, err := r.node(ctx, nodes[i])
					results <- outcome{i, part, r.options.Now().Sub(begin), err}
				}()
			}
		}
		if active == 0 {
			break
		}
		select {
		case <-stop:
			stop, stopped = nil, true
		case out := <-results:
			active--
			s := nodes[out.node].step
			status[out.node] = done
			if out.err != nil {
				status[out.node] = failed
				res.Failed++
				errs = append(errs, fmt.Errorf("%s: %w", s.Key, out.err))
			} else {
				res.Done++
			}
			if r.options.Report != nil {
				r.options.Report(Event{Step: s, Part: out.part, Took: out.took, Err: out.err})
			}
		}
	}
	for _, st := range status {
		if st == waiting {
			res.Skipped++
		}
	}
	return res, verdict(res, errs, stopped || ctx.Err() != nil)
}

// verdict turns a run's outcome into the one error that tells the caller
// whether to run again.
func verdict(res Result, errs []error, interrupted bool) error {
	if len(errs) == 0 && !interrupted {
		return nil
	}
	if len(errs) == 0 && res.Skipped == 0 {
		return nil
	}
	p := &Problem{Class: Failed, Err: errors.Join(errs...)}
	var first *Problem
	for _, err := range errs {
		var cause *Problem
		if errors.As(err, &cause) {
			if first == nil {
				first = cause
			}
			p.Hints = append(p.Hints, cause.Hints...)
		}
	}
	if first != nil && res.Done == 0 {
		p.Class = first.Class
	}
	if res.Done > 0 {
		p.Class = Partial
		p.Hints = append(p.Hints, "what was done is recorded; run the same command again to finish")
	}
	if interrupted {
		p.Class = Interrupted
		p.Text = fmt.Sprintf("stopped with %d steps not begun", res.Skipped)
		p.Hints = []string{"what was done is recorded; run the same command again to finish"}
	}
	return p
}

func (r *runner) node(ctx context.Context, n node) (string, error) {
	switch {
	case n.part == removes:
		return "deleted", r.remove(ctx, n.step)
	case n.part == makes && n.step.Action == Replace:
		return "replaced", r.create(ctx, n.step)
	case n.part == makes:
		return "created", r.create(ctx, n.step)
	case n.step.Action == Adopt:
		return "adopted", r.change(ctx, n.step)
	case n.step.Calls == 0:
		return "recorded", r.change(ctx, n.step)
	}
	return "updated", r.change(ctx, n.step)
}

// create announces, makes and records one resource, then applies the settings
// that the create call itself cannot carry.
func (r *runner) create(ctx context.Context, s Step) error {
	intent := Intent{Key: s.Key, Name: s.Name, Zone: s.Zone, Settings: s.Settings, Local: s.Local, Refs: s.Refs,
		Run: r.options.Run, Time: r.options.Now().UTC()}
	// An intent that is open already keeps its time: what it made may be older
	// than this run.
	before, resumed := r.begun[s.Key]
	if resumed {
		intent.Time = before.Time
	}
	if err := r.recorder.Begin(intent); err != nil {
		return err
	}
	made, err := r.make(ctx, s, intent, resumed)
	if err != nil {
		var lost *LostError
		if !errors.As(err, &lost) {
			return errors.Join(err, r.recorder.Drop(s.Key))
		}
		return err
	}
	rest := r.traits[s.Key.Kind].compare(s.Settings, nil, made.Settings)
	if len(rest) == 0 {
		made.Settings = s.Settings
	}
	e := r.entry(s, made)
	if err := r.keep(e); err != nil || len(rest) == 0 {
		return err
	}
	s.Action, s.ID, s.Zone, s.Prior, s.Changes = Update, e.ID, e.Zone, made.Settings, rest
	if err := r.driver.Update(ctx, s, r.refs(s)); err != nil {
		return err
	}
	e.Settings = s.Settings
	return r.keep(e)
}

// make sends the create. A lost answer is looked up twice, with a wait between
// because a fresh resource may not be visible at once; only what is proved
// absent is made again, once.
func (r *runner) make(ctx context.Context, s Step, intent Intent, resumed bool) (Entry, error) {
	made, err := r.driver.Create(ctx, s, r.refs(s))
	var lost *LostError
	var exists *ExistsError
	switch {
	case err == nil:
		return made, nil
	case errors.As(err, &exists) && resumed:
		// The earlier run did make it; it was not visible when this plan was made.
	case errors.As(err, &lost):
	default:
		return Entry{}, err
	}
	for attempt := range 3 {
		if attempt > 0 {
			if werr := wait(ctx, r.options.Settle); werr != nil {
				return Entry{}, &LostError{Err: errors.Join(err, werr)}
			}
		}
		found, ferr := r.driver.Find(ctx, s, r.refs(s))
		if ferr != nil {
			return Entry{}, &LostError{Err: errors.Join(err, fmt.Errorf("and looking it up failed: %w", ferr))}
		}
		if found.Exists && proven(intent, found) {
			return Entry{ID: found.ID, Zone: found.Zone, Settings: found.Settings}, nil
		}
		if found.Exists {
			return Entry{}, err
		}
	}
	made, again := r.driver.Create(ctx, s, r.refs(s))
	if errors.As(again, &exists) || errors.As(again, &lost) {
		// Not visible a moment ago and taken now: ours, but do not guess; the
		// next run looks again.
		return Entry{}, &LostError{Err: again}
	}
	return made, again
}

// change applies an update's settings and records what the entry now is.
func (r *runner) change(ctx context.Context, s Step) error {
	e := r.entry(s, Entry{ID: s.ID, Zone: s.Zone, Settings: s.Settings})
	r.mu.Lock()
	if old, ok := r.entries[s.Key]; ok {
		e.Created = old.Created
	}
	r.mu.Unlock()
	remote := slices.DeleteFunc(slices.Clone(s.Changes), func(c Change) bool { return c.Local })
	if s.Action == Adopt && len(remote) > 0 {
		// Recorded before it is touched, so that a failure below loses nothing.
		adopted := e
		adopted.Settings = s.Prior
		if err := r.keep(adopted); err != nil {
			return err
		}
	}
	if len(remote) > 0 {
		s.Changes = remote
		if err := r.driver.Update(ctx, s, r.refs(s)); err != nil {
			return err
		}
	}
	return r.keep(e)
}

func (r *runner) remove(ctx context.Context, s Step) error {
	if !s.Gone {
		if s.PriorName != "" {
			s.Name = s.PriorName
		}
		if s.Action == Replace {
			s.Settings = s.Prior
		}
		if err := r.driver.Delete(ctx, s); err != nil {
			return err
		}
	}
	if err := r.recorder.Forget(s.Key); err != nil {
		return err
	}
	r.mu.Lock()
	delete(r.entries, s.Key)
	r.mu.Unlock()
	return nil
}

func (r *runner) entry(s Step, made Entry) Entry {
	now := r.options.Now().UTC()
	return Entry{Key: s.Key, Name: s.Name, ID: made.ID, Zone: firstNonEmpty(made.Zone, s.Zone),
		Settings: made.Settings, Local: s.Local, Refs: s.Refs, Created: now, Updated: now}
}

func (r *runner) keep(e Entry) error {
	if err := r.recorder.Keep(e); err != nil {
		return err
	}
	r.mu.Lock()
	r.entries[e.Key] = e
	r.mu.Unlock()
	return nil
}

// refs gives the entries that a step refers to, as they are by now.
func (r *runner) refs(s Step) map[Key]Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[Key]Entry{}
	for _, k := range append(slices.Clone(s.Refs), s.PriorRefs...) {
		if e, ok := r.entries[k]; ok {
			out[k] = e
		}
	}
	return out
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

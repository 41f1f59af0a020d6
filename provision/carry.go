package provision

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A runner carries out one node of the graph after another and keeps the entries
// that later ones refer to.
type runner struct {
	traits    map[string]Traits
	driver    Driver
	recorder  Recorder
	options   Options
	state     State          // as the run began
	begun     map[Key]Intent // open when the run began
	resumable atomic.Bool    // something is recorded, or may have been made, that a further run takes up

	mu      sync.Mutex
	entries map[Key]Entry
	backups map[Key]string // where they are
	made    map[Key]bool   // by an answer that this run got: nobody else has touched them yet
}

// unrecorded says that progress could not be kept, which ends the run.
type unrecorded struct{ error }

func (e *unrecorded) Unwrap() error { return e.error }

func (r *runner) node(ctx context.Context, n node) (part string, err error) {
	switch {
	case n.part == marks:
		return "marked", r.mark(ctx, n.step)
	case n.part == removes && n.step.Gone:
		return "recorded", r.forget(ctx, n.step)
	case n.step.Action == Release:
		return "released", r.recordGone(n.step.Key)
	case n.part == removes:
		return "deleted", r.remove(ctx, n.step)
	case n.part == makes && n.step.Action == Replace:
		return "replaced", r.create(ctx, n.step)
	case n.part == makes:
		return "created", r.create(ctx, n.step)
	case n.step.Action == Adopt:
		return "adopted", r.change(ctx, n.step)
	case len(n.step.remote()) == 0:
		return "recorded", r.change(ctx, n.step)
	}
	return "updated", r.change(ctx, n.step)
}

// create announces, makes and records one resource, then applies the settings
// that the create call itself cannot carry.
func (r *runner) create(ctx context.Context, s Step) error {
	intent := Intent{Key: s.Key, Name: s.Name, Zone: s.Zone, Settings: s.Settings, Local: s.Local, Refs: s.Refs,
		Run: r.options.Run, Time: r.options.Now().UTC()}
	before, resumed := r.begun[s.Key]
	if resumed = resumed && s.Action == Create; resumed { // removing what is replaced has closed its intent
		found, err := r.appeared(ctx, before)
		switch {
		case err != nil:
			return err
		case found.Exists && before.makes(s):
			return r.finish(ctx, s, asMade(found))
		case found.Exists:
			return itAppeared(before)
		}
		// What that run made under this name may be older than this one.
		if resumed = before.Name == s.Name; resumed {
			intent.Time = before.Time
		}
	}
	if err := r.recorder.Begin(intent); err != nil {
		return &unrecorded{err}
	}
	made, open, err := r.make(ctx, s, intent, resumed)
	switch {
	case err != nil && open:
		r.resumable.Store(true)
		return err
	case err != nil:
		if rerr := r.recorder.Drop(s.Key); rerr != nil {
			return errors.Join(err, &unrecorded{rerr})
		}
		return err
	}
	return r.finish(ctx, s, made)
}

// finish records what was made and applies what it still lacks.
func (r *runner) finish(ctx context.Context, s Step, made Entry) error {
	rest := slices.DeleteFunc(r.traits[s.Key.Kind].compare(s.Settings, nil, made.Settings),
		func(c Change) bool { return c.Replaces }) // it was sent with the create; where it differs, the next plan says so
	if len(rest) == 0 {
		made.Settings = s.Settings
	}
	e := r.entry(s, made)
	s.Action, s.ID, s.Zone, s.Prior, s.Changes = Update, e.ID, e.Zone, made.Settings, rest
	expect(&e, s)
	if err := r.keep(e); err != nil || len(rest) == 0 {
		return err
	}
	var put <-chan Mark
	if s.Mark {
		put = r.alongside(ctx, e)
	}
	err := r.driver.Update(ctx, s, r.refs(s))
	if s.Mark {
		e.Marked = <-put
	}
	if err != nil {
		return err
	}
	e.Settings = s.Settings
	return r.keep(e)
}

// make sends the create. After a lost answer it looks; only what is proved
// absent is made again, once. With an error it says whether the intent stays
// open, because something may have been made after all.
func (r *runner) make(ctx context.Context, s Step, intent Intent, resumed bool) (made Entry, open bool, err error) {
	r.mu.Lock()
	was, owned := r.entries[s.Key] // the plan took it for gone
	r.mu.Unlock()
	if made, err = r.driver.Create(ctx, s, r.refs(s)); err == nil {
		r.mu.Lock()
		r.made[s.Key] = true
		r.mu.Unlock()
	}
	var lost *LostError
	var exists *ExistsError
	switch {
	case err == nil:
		return made, false, nil
	case errors.As(err, &lost):
	case errors.As(err, &exists) && resumed && r.begun[s.Key].makes(s):
		// The earlier run did make it; it was not visible a moment ago.
	case errors.As(err, &exists) && owned:
		// Maybe it was never gone, only too fresh to be seen by its id.
	default:
		return made, resumed || owned && r.fresh(was), err
	}
	found, ferr := r.find(ctx, s)
	switch {
	case ferr != nil:
		return made, true, errors.Join(err, fmt.Errorf("and looking it up failed: %w", ferr))
	case found.Exists && (owned && r.remains(was, found) || (lost != nil || !owned) && proven(intent, found)):
		return asMade(found), false, nil
	case found.Exists:
		c := foreign(Resource{Key: s.Key, Name: s.Name}, found)
		return made, lost != nil, &Problem{Text: c.Text, Err: err, Class: Refused}
	}
	made, err = r.driver.Create(ctx, s, r.refs(s))
	return made, err != nil, err
}

// find looks three times, with a wait between, because something fresh may not
// be visible at once.
func (r *runner) find(ctx context.Context, s Step) (found Observed, err error) {
	for attempt := range 3 {
		if attempt > 0 {
			if err := wait(ctx, r.options.Settle); err != nil {
				return found, err
			}
		}
		if found, err = r.driver.Find(ctx, s, r.refs(s)); err != nil || found.Exists {
			r.state.judge(&found)
			return found, err
		}
	}
	return found, nil
}

// appeared looks once more for what an open intent was making, which the plan
// did not find, and waits first where it may be too fresh to be seen. What it
// finds exists and is ours.
func (r *runner) appeared(ctx context.Context, i Intent) (Observed, error) {
	fresh := i.Time.Add(2 * r.options.Settle).Sub(r.options.Now())
	if err := wait(ctx, min(fresh, r.options.Settle)); err != nil {
		return Observed{}, err
	}
	s := Step{Action: Create, Key: i.Key, Name: i.Name, Zone: i.Zone, Settings: i.Settings, Local: i.Local, Refs: i.Refs}
	found, err := r.driver.Find(ctx, s, r.refs(s))
	r.state.judge(&found)
	if err != nil || !found.Exists || !proven(i, found) {
		return Observed{}, err
	}
	return found, nil
}

// makes reports whether the intent is for the very resource that s wants.
func (i Intent) makes(s Step) bool {
	return i.Name == s.Name && slices.Equal(i.Refs, s.Refs) &&
		reflect.DeepEqual(merged(i.Settings, nil), merged(s.Settings, nil))
}

func itAppeared(i Intent) error {
	return &Problem{Text: fmt.Sprintf("%q, begun by a run that was cut off, has appeared after the plan was made", i.Name),
		Class: Partial, Hints: []string{"run the same command again: the new plan knows it"}}
}

// change applies an update's settings and records what the entry now is. What
// is adopted, and what is set for the first time, is recorded before it is
// touched, so that a failure loses neither.
func (r *runner) change(ctx context.Context, s Step) error {
	e := r.entry(s, Entry{ID: s.ID, Zone: s.Zone, Settings: s.Settings})
	was := e
	was.Settings, was.Refs = s.Prior, s.PriorRefs
	r.mu.Lock()
	old, owned := r.entries[s.Key]
	r.mu.Unlock()
	if owned {
		was, e.Created, e.Adopted, e.Marked = old, old.Created, old.Adopted, old.Marked
	}
	switch {
	case s.Mark:
		e.Marked, was.Marked = Unmarked, Unmarked // the tags there, if any, do not say this yet
	case !owned && r.traits[s.Key.Kind].Marks > 0:
		e.Marked, was.Marked = Marked, Marked // it is by its tags that it is known
	}
	was.Name = firstNonEmpty(s.PriorName, s.Name)
	if remote := s.remote(); len(remote) > 0 {
		if expect(&was, s) || !owned {
			if err := r.keep(was); err != nil {
				return err
			}
		}
		s.Changes = remote
		if err := r.driver.Update(ctx, s, r.refs(s)); err != nil {
			return err
		}
	}
	return r.keep(e)
}

// expect notes in an entry what the step is about to bring about and nobody could
// find out if the answer were lost: settings that are new or that Cloudflare does
// not report, as null, which is applied, but nobody knows to what; and new
// references. It reports whether there are any. Without that such an update could
// not be taken back by the manifest, and what it refers to might go before it.
func expect(e *Entry, s Step) (more bool) {
	settings, refs := merged(e.Settings, nil), slices.Clone(e.Refs)
	for _, c := range s.remote() {
		if last, known := settings[c.Setting]; c.Setting != NameSetting && (!known || c.Unseen && last != nil) {
			settings[c.Setting] = nil
			more = true
		}
	}
	for _, k := range s.Refs {
		if !slices.Contains(refs, k) {
			refs = append(refs, k)
			more = true
		}
	}
	e.Settings, e.Refs = settings, refs
	return more
}

// remove deletes what is not wanted, or what is to be replaced, as it is now.
func (r *runner) remove(ctx context.Context, s Step) error {
	s.Name, s.Zone = firstNonEmpty(s.PriorName, s.Name), firstNonEmpty(s.PriorZone, s.Zone)
	if s.Action == Replace {
		s.Settings, s.Refs = s.Prior, s.PriorRefs
	}
	if s.Backup {
		err := r.backUp(ctx, s)
		if errors.Is(err, ErrGone) {
			return r.wentUnsaved(ctx, s, err)
		}
		if err != nil {
			return err
		}
	}
	if err := r.driver.Delete(ctx, s); err != nil {
		return err
	}
	return r.recordGone(s.Key)
}

// wentUnsaved records that a store is gone which could not be saved for that, as
// when the delete of a run that was killed arrives late. Nothing is sent: what is
// seen after all was not saved, and stays.
func (r *runner) wentUnsaved(ctx context.Context, s Step, unsaved error) error {
	found, err := r.find(ctx, s)
	if err != nil || found.Exists && found.ID == s.ID {
		return unsaved
	}
	return r.recordGone(s.Key)
}

// forget removes the record of what is not there, once it is sure of that.
func (r *runner) forget(ctx context.Context, s Step) error {
	if begun, ok := r.begun[s.Key]; ok {
		found, err := r.appeared(ctx, begun)
		if err != nil {
			return err
		}
		if found.Exists {
			return itAppeared(begun)
		}
	}
	r.mu.Lock()
	e, owned := r.entries[s.Key]
	r.mu.Unlock()
	if owned && r.fresh(e) {
		found, err := r.appeared(ctx, Intent{Key: e.Key, Name: e.Name, Zone: e.Zone, Settings: e.Settings, Local: e.Local, Refs: e.Refs, Time: e.Created})
		switch {
		case err != nil:
			return err
		case found.Exists && found.ID == e.ID:
			return &Problem{Text: fmt.Sprintf("%q was not visible when the plan was made, and is now", e.Name),
				Class: Partial, Hints: []string{"run the same command again: the new plan knows it"}}
		}
	}
	return r.recordGone(s.Key)
}

// fresh reports whether an entry was made a moment ago, so that it may only not
// be visible yet.
func (r *runner) fresh(e Entry) bool {
	return r.options.Now().Before(e.Created.Add(2 * r.options.Settle))
}

// remains reports whether what was found is what the entry stands for. An id that
// is but the name shows that only while nobody can have taken it since, or with the
// time at which it was made.
func (r *runner) remains(e Entry, found Observed) bool {
	sameAge := !found.Created.IsZero() && found.Created.Sub(e.Created).Abs() <= 30*time.Second
	return found.ID == e.ID && (found.ID != found.Name || sameAge || r.fresh(e))
}

func (r *runner) recordGone(k Key) error {
	r.resumable.Store(true)
	if err := r.recorder.Forget(k); err != nil {
		return &unrecorded{err}
	}
	r.mu.Lock()
	delete(r.entries, k)
	r.mu.Unlock()
	return nil
}

func asMade(o Observed) Entry { return Entry{ID: o.ID, Zone: o.Zone, Settings: o.Settings} }

func (r *runner) entry(s Step, made Entry) Entry {
	now := r.options.Now().UTC()
	return Entry{Key: s.Key, Name: s.Name, ID: made.ID, Zone: firstNonEmpty(made.Zone, s.Zone), Protected: s.Protected,
		Settings: made.Settings, Local: s.Local, Refs: s.Refs, Created: now, Updated: now}
}

func (r *runner) keep(e Entry) error {
	r.resumable.Store(true) // it exists, even where that cannot be recorded
	if err := r.recorder.Keep(e); err != nil {
		return &unrecorded{err}
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
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

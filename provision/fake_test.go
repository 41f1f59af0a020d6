package provision

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"pgregory.net/rapid"
	"slices"
	"strings"
	"sync"
	"time"
)

// The kinds of the fake cloud, each with what sets the real ones apart.
var fakeTraits = map[string]Traits{
	// A store holds data, cannot be renamed and has a class for life, and a seal
	// that nobody reports.
	"store": {Replace: []string{NameSetting, "class", "seal"}, Hints: []string{"near"}, Store: true, Save: 1, Calls: oneCall},
	// A box is renamed in place; its create carries no color, and nobody reports
	// its secret.
	"box": {Defaults: Settings{"color": "grey"}, Ignorable: []string{"color", "secret"}, Calls: oneCall},
	// A link lives in the zone that its name ends in and points to one place for
	// life.
	"link": {Replace: []string{NameSetting, "to"}, Calls: oneCall},
	// A tag carries our mark, and nobody says when it was made.
	"tag": {Calls: oneCall},
	// A crate takes resource tags, unless the cloud denies them.
	"crate": {Calls: oneCall, Marks: 1, Remarks: 2},
}

func oneCall(Action, []Change) int { return 1 }

// An item is what stands in the fake cloud.
type item struct {
	kind, id, name, zone string
	settings             Settings
	refs                 []string // ids
	created              time.Time
	data, mark           string
	foreign              bool
	tags                 *Tags
	hidden               int // looks by name that do not see it yet
	fresh                int // looks by id that do not
}

var errCrashed = errors.New("the process is dead")

// how a call goes wrong.
type how int

const (
	refused    how = iota // it fails and has no effect
	lost                  // no answer, no effect
	lostDone              // no answer, but the effect
	crash                 // the process dies before it
	crashAfter            // the process dies after it
	panics
)

// A fault strikes the nth call of that name.
type fault struct {
	call string
	nth  int
	how  how
}

// A cloud is an account in memory: a Reader and a Driver that refuses what
// Cloudflare refuses. It fails the test where a step is not what it says.
type cloud struct {
	t        rapid.TB
	rec      *record
	lag      int // looks by name that miss a fresh item
	tagless  bool
	parallel int
	before   func(call string) // runs outside the lock, to hold a call up

	mu         sync.Mutex
	now        time.Time
	items      map[string]*item
	made       int
	faults     []fault
	calls      map[string]int
	dead       bool
	log        []string
	under, top int
	backups    map[string]string // by name, what was safely kept
}

func newCloud(t rapid.TB) *cloud {
	c := &cloud{t: t, parallel: 4, items: map[string]*item{}, calls: map[string]int{}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c.rec = &record{cloud: c, state: State{Lineage: "L", Project: "shop", Environment: Production, Account: "acc",
		Entries: map[Key]Entry{}, Intents: map[Key]Intent{}}}
	return c
}

// clock moves a second with each look at it.
func (c *cloud) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Second)
	return c.now
}

// strike runs one call under whatever fault awaits it.
func (c *cloud) strike(call string, k Key, effect func() error) error {
	if c.before != nil {
		c.before(call)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		return errCrashed
	}
	c.calls[call]++
	c.log = append(c.log, call+" "+k.String())
	f := slices.IndexFunc(c.faults, func(f fault) bool { return f.call == call && f.nth == c.calls[call] })
	if f < 0 {
		return effect()
	}
	lostError := &LostError{Err: errors.New("connection reset")}
	switch c.faults[f].how {
	case lost:
		return lostError
	case lostDone:
		if err := effect(); err != nil {
			return err
		}
		return lostError
	case crash:
		c.dead = true
		return errCrashed
	case crashAfter:
		err := effect()
		c.dead = true
		return errors.Join(err, errCrashed)
	case panics:
		panic("a fault of the driver")
	}
	return fmt.Errorf("%s was refused", call)
}

func (c *cloud) named(kind, name string) *item {
	for _, it := range c.items {
		if it.kind == kind && it.name == name {
			return it
		}
	}
	return nil
}

func zoneOf(k Key, name string) string {
	if k.Kind != "link" {
		return ""
	}
	return "zone" + name[strings.LastIndex(name, "-")+1:]
}

func (c *cloud) look(k Key, id, name string, withData bool) Observed {
	o := Observed{Key: k, Zone: zoneOf(k, name)}
	it := c.items[id]
	if it != nil && it.fresh > 0 {
		it.fresh--
		it = nil
	}
	if id == "" {
		if it = c.named(k.Kind, name); it != nil && it.hidden > 0 {
			it.hidden--
			it = nil
		}
	}
	if it == nil {
		return o
	}
	o.Exists, o.ID, o.Name, o.Zone, o.Created = true, it.id, it.name, it.zone, it.created
	o.Ours = it.mark != "" && it.mark == k.String()
	if id == "" {
		o.Tags = it.tags
	}
	o.Settings = maps.Clone(it.settings)
	delete(o.Settings, "secret")
	delete(o.Settings, "seal")
	to := []any{}
	for _, r := range it.refs {
		name := "(gone)"
		if on := c.items[r]; on != nil {
			name = on.name
		}
		to = append(to, name)
		o.Uses = append(o.Uses, r)
	}
	o.Settings["to"] = to
	if k.Kind == "tag" {
		o.Created = time.Time{}
	}
	if withData {
		o.Data = it.data
	}
	return o
}

func (c *cloud) Observe(_ context.Context, wanted []Wanted, withData bool) (map[Key]Observed, error) {
	out := map[Key]Observed{}
	for _, w := range wanted {
		if err := c.strike("Observe", w.Key, func() error { out[w.Key] = c.look(w.Key, w.ID, w.Name, withData); return nil }); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (c *cloud) Mark(_ context.Context, e Entry, t Tags, fresh bool) (put Mark, err error) {
	err = c.strike("Mark", e.Key, func() error {
		it := c.items[e.ID]
		switch {
		case c.tagless:
			put = MarkDenied
			return nil
		case it == nil:
			return fmt.Errorf("no %s has the id %q", e.Key.Kind, e.ID)
		case fresh && it.tags != nil:
			c.t.Errorf("%s is taken for fresh and has tags", e.Key)
		}
		c.touch(e.Key, it)
		it.tags, put = &t, Marked
		return nil
	})
	return put, err
}

func (c *cloud) Find(_ context.Context, s Step, _ map[Key]Entry) (o Observed, err error) {
	err = c.strike("Find", s.Key, func() error { o = c.look(s.Key, "", s.Name, false); return nil })
	return o, err
}

// on gives the ids of what a step refers to, or says that it is not there.
func (c *cloud) on(s Step, refs map[Key]Entry) (ids []string, err error) {
	for _, k := range s.Refs {
		if c.items[refs[k].ID] == nil {
			return nil, fmt.Errorf("%s needs %s, which does not exist", s.Key, k)
		}
		ids = append(ids, refs[k].ID)
	}
	return ids, nil
}

func (c *cloud) Create(_ context.Context, s Step, refs map[Key]Entry) (e Entry, err error) {
	c.enter(1)
	defer c.enter(-1)
	err = c.strike("Create", s.Key, func() error {
		if _, begun := c.rec.state.Intents[s.Key]; !begun {
			c.t.Errorf("create of %s was not announced", s.Key)
		}
		on, err := c.on(s, refs)
		if err != nil {
			return err
		}
		if c.named(s.Key.Kind, s.Name) != nil {
			return &ExistsError{Err: fmt.Errorf("the name %q is taken", s.Name)}
		}
		c.made++
		c.now = c.now.Add(time.Second)
		it := &item{kind: s.Key.Kind, id: fmt.Sprintf("id%d", c.made), name: s.Name, zone: zoneOf(s.Key, s.Name), refs: on, created: c.now, hidden: c.lag, settings: maps.Clone(s.Settings)}
		if s.Key.Kind == "tag" {
			it.mark = s.Key.String()
		}
		if it.settings == nil {
			it.settings = Settings{}
		}
		delete(it.settings, "to")
		applied := maps.Clone(s.Settings)
		if s.Key.Kind == "box" {
			it.settings["color"] = "grey"
			delete(applied, "color")
			delete(applied, "secret")
			delete(it.settings, "secret")
		}
		c.items[it.id] = it
		e = Entry{ID: it.id, Zone: it.zone, Settings: applied}
		return nil
	})
	return e, err
}

func (c *cloud) Update(_ context.Context, s Step, refs map[Key]Entry) error {
	c.enter(1)
	defer c.enter(-1)
	return c.strike("Update", s.Key, func() error {
		it := c.items[s.ID]
		if it == nil {
			return fmt.Errorf("no %s has the id %q", s.Key.Kind, s.ID)
		}
		c.touch(s.Key, it)
		if len(s.Changes) == 0 {
			c.t.Errorf("update of %s changes nothing", s.Key)
		}
		for _, change := range s.Changes {
			switch {
			case change.Local || change.Replaces:
				c.t.Errorf("update of %s was given %+v", s.Key, change)
			case change.Setting == NameSetting:
				if other := c.named(it.kind, s.Name); other != nil && other != it {
					return &ExistsError{Err: fmt.Errorf("the name %q is taken", s.Name)}
				}
				it.name = s.Name
			case change.Setting == "to":
				on, err := c.on(s, refs)
				if err != nil {
					return err
				}
				it.refs = on
			default:
				it.settings[change.Setting] = change.New
			}
		}
		return nil
	})
}

func (c *cloud) Delete(_ context.Context, s Step) error {
	c.enter(1)
	defer c.enter(-1)
	return c.strike("Delete", s.Key, func() error {
		it := c.items[s.ID]
		if it == nil {
			return nil
		}
		c.touch(s.Key, it)
		if it.zone != s.Zone || it.name != s.Name {
			c.t.Errorf("delete of %s says %q in %q and means %q in %q", s.Key, s.Name, s.Zone, it.name, it.zone)
		}
		for _, other := range c.items {
			if slices.Contains(other.refs, it.id) {
				return fmt.Errorf("%s is in use by %s/%s", s.Key, other.kind, other.name)
			}
		}
		delete(c.items, it.id)
		return nil
	})
}

// Save writes what a store holds.
func (c *cloud) Save(_ context.Context, s Step, w io.Writer) error {
	return c.strike("Save", s.Key, func() error {
		it := c.items[s.ID]
		if it == nil {
			return fmt.Errorf("no %s has the id %q", s.Key.Kind, s.ID)
		}
		_, err := io.WriteString(w, it.data)
		return err
	})
}

// Keep makes the cloud a Vault, too.
func (c *cloud) Keep(name string, write func(io.Writer) error) (string, error) {
	var b strings.Builder
	if err := write(&b); err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.backups == nil {
		c.backups = map[string]string{}
	}
	c.backups[name] = b.String()
	return "vault/" + name, nil
}

// touch fails the test where a write goes to what is not ours.
func (c *cloud) touch(k Key, it *item) {
	_, owned := c.rec.state.Entries[k]
	_, begun := c.rec.state.Intents[k]
	if it.foreign || !owned && !begun && it.mark == "" && it.tags == nil {
		c.t.Errorf("%s was written to, and is not ours", k)
	}
}

func (c *cloud) enter(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.under += n
	c.top = max(c.top, c.under)
}

// foreign lists what is not ours, to be compared.
func (c *cloud) foreign() map[string]item {
	out := map[string]item{}
	for id, it := range c.items {
		if it.foreign {
			out[id] = *it
		}
	}
	return out
}

// snapshot is the state as a run reads it from disk.
func (c *cloud) snapshot() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	st := c.rec.state
	st.Entries, st.Intents = maps.Clone(st.Entries), maps.Clone(st.Intents)
	return st
}

// revive begins another process: no faults, no counts.
func (c *cloud) revive(faults ...fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead, c.faults, c.calls, c.log = false, faults, map[string]int{}, nil
}

func (c *cloud) options() Options {
	return Options{Run: "run", Parallel: c.parallel, Now: c.clock, Settle: time.Microsecond, Vault: c, Lineage: func() string { return c.snapshot().Lineage }}
}

func (c *cloud) plan(desired []Resource, destroy bool) (Plan, error) {
	return NewPlan(context.Background(), c, fakeTraits, desired, c.snapshot(), destroy)
}

func (c *cloud) apply(p Plan, o Options) (Result, error) {
	o.Confirm = p.ToConfirm() // what it asks for has tests of its own
	return Apply(context.Background(), p, c.snapshot(), fakeTraits, c, c.rec, o)
}

// run plans and applies with every consent.
func (c *cloud) run(desired []Resource, destroy bool) error {
	p, err := c.plan(desired, destroy)
	if err != nil {
		return err
	}
	o := c.options()
	o.Allow = p.Consents()
	_, err = c.apply(p, o)
	return err
}

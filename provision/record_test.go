package provision

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A record is a Recorder in memory that insists on its protocol.
type record struct {
	cloud *cloud
	state State
}

func (r *record) change(call string, k Key, effect func()) error {
	return r.cloud.strike(call, k, func() error { r.state.Serial++; effect(); return nil })
}

func (r *record) Begin(i Intent) error {
	return r.change("Begin", i.Key, func() {
		if i.Name == "" || i.Time.IsZero() || i.Run == "" {
			r.cloud.t.Errorf("intent of %s says too little: %+v", i.Key, i)
		}
		delete(r.state.Entries, i.Key)
		r.state.Intents[i.Key] = i
	})
}

func (r *record) Drop(k Key) error {
	return r.change("Drop", k, func() {
		if _, begun := r.state.Intents[k]; !begun {
			r.cloud.t.Errorf("%s was dropped and never begun", k)
		}
		delete(r.state.Intents, k)
	})
}

func (r *record) Keep(e Entry) error {
	return r.change("Keep", e.Key, func() {
		_, owned := r.state.Entries[e.Key]
		_, begun := r.state.Intents[e.Key]
		it := r.cloud.items[e.ID]
		if it == nil || it.foreign || !owned && !begun && it.mark != e.Key.String() && (it.tags == nil || it.tags.Key != e.Key || it.tags.Lineage != r.state.Lineage) {
			r.cloud.t.Errorf("%s was kept as %q without proof", e.Key, e.ID)
		} else if it.name != e.Name || it.zone != e.Zone {
			r.cloud.t.Errorf("%s was kept as %q in %q and is %q in %q", e.Key, e.Name, e.Zone, it.name, it.zone)
		}
		delete(r.state.Intents, e.Key)
		r.state.Entries[e.Key] = e
	})
}

func (r *record) Forget(k Key) error {
	return r.change("Forget", k, func() {
		delete(r.state.Entries, k)
		delete(r.state.Intents, k)
	})
}

// differs says where the cloud or the state is not what is desired.
func (c *cloud) differs(desired []Resource) string {
	var out []string
	say := func(f string, args ...any) { out = append(out, fmt.Sprintf(f, args...)) }
	ours := 0
	for _, it := range c.items {
		if !it.foreign {
			ours++
		}
	}
	if ours != len(desired) || len(c.rec.state.Entries) != len(desired) || len(c.rec.state.Intents) != 0 {
		say("%d desired, %d made, %d entries, %d intents", len(desired), ours, len(c.rec.state.Entries), len(c.rec.state.Intents))
	}
	for _, r := range desired {
		e := c.rec.state.Entries[r.Key]
		it := c.items[e.ID]
		if it == nil {
			say("%s is missing", r.Key)
			continue
		}
		if it.name != r.Name || e.Name != r.Name || e.Zone != it.zone || !reflect.DeepEqual(unhinted(e.Settings), unhinted(r.Settings)) || !slices.Equal(e.Refs, r.Refs) {
			say("%s: state %+v, cloud %+v, wanted %+v", r.Key, e, *it, r)
		}
		want := merged(fakeTraits[r.Key.Kind].Defaults, r.Settings)
		for name, v := range want {
			if name != "to" && name != "near" && !reflect.DeepEqual(it.settings[name], v) {
				say("%s: %s is %v, wanted %v", r.Key, name, it.settings[name], v)
			}
		}
		var on []string
		for _, k := range r.Refs {
			on = append(on, c.rec.state.Entries[k].ID)
		}
		if !slices.Equal(it.refs, on) {
			say("%s stands on %v, wanted %v", r.Key, it.refs, on)
		}
	}
	return strings.Join(out, "\n")
}

// unhinted is s without the hint, which nobody compares.
func unhinted(s Settings) Settings {
	s = maps.Clone(s)
	delete(s, "near")
	return s
}

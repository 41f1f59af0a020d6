package provision

import (
	"maps"
	"reflect"
	"slices"
)

// compare lists the settings that differ: each wanted one against what
// Cloudflare reports, or where it reports none against what was last applied.
func (t Traits) compare(want, applied, seen Settings) []Change {
	var out []Change
	for _, name := range sortedUnion(want, applied) {
		if slices.Contains(t.Hints, name) {
			continue
		}
		w, asked := want[name]
		if !asked {
			if w, asked = t.Defaults[name]; !asked {
				continue
			}
		}
		old, reported := seen[name]
		last := applied[name] // nil also where it was sent and no answer came
		if !reported {
			old = last
		}
		if reflect.DeepEqual(w, old) {
			continue
		}
		out = append(out, Change{Setting: name, Old: old, New: w,
			Unseen: !reported, Drift: reported && last != nil && !reflect.DeepEqual(old, last), Replaces: t.replaces(name)})
	}
	return out
}

func localChanges(want, have Settings) []Change {
	var out []Change
	for _, name := range sortedUnion(want, have) {
		if !reflect.DeepEqual(want[name], have[name]) {
			out = append(out, Change{Setting: name, Old: have[name], New: want[name], Local: true})
		}
	}
	return out
}

// unrecorded lists what a kept resource's record does not say yet although it is
// so: an update whose answer was lost, or what somebody changed to what the
// manifest says. Recording it takes no call.
func (t Traits) unrecorded(s Step, e Entry) []Change {
	var out []Change
	add := func(setting string, old, now any, differs bool) {
		if differs {
			out = append(out, Change{Setting: setting, Old: old, New: now, Local: true})
		}
	}
	add(NameSetting, e.Name, s.Name, e.Name != s.Name)
	for _, name := range sortedUnion(s.Settings, e.Settings) {
		old, applied := e.Settings[name]
		now, asked := s.Settings[name]
		add(name, old, now, !slices.Contains(t.Hints, name) && (applied != asked || !reflect.DeepEqual(old, now)))
	}
	old, now := keyStrings(e.Refs), keyStrings(s.Refs)
	add("refs", old, now, !slices.Equal(old, now))
	return out
}

func asChanges(s Settings) []Change {
	var out []Change
	for _, name := range slices.Sorted(maps.Keys(s)) {
		out = append(out, Change{Setting: name, New: s[name]})
	}
	return out
}

func merged(base, over Settings) Settings {
	out := Settings{}
	maps.Copy(out, base)
	maps.Copy(out, over)
	return out
}

func sortedUnion(a, b Settings) []string {
	names := slices.Collect(maps.Keys(a))
	for n := range b {
		if _, both := a[n]; !both {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

func keyStrings(keys []Key) []any {
	out := []any{}
	for _, k := range slices.SortedFunc(slices.Values(keys), compareKeys) {
		out = append(out, k.String())
	}
	return out
}

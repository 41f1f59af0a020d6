package provision

import (
	"maps"
	"slices"
)

// leaving gives the traits with which one resource is compared: what it is told
// to ignore counts as little as a hint. A setting that was sent when the resource
// was made, and of which nobody knows whether it arrived, is no part of that: its
// making is not finished.
func (t Traits) leaving(ignore []string, want, applied Settings) Traits {
	hints := slices.Clone(t.Hints)
	for _, name := range ignore {
		_, asked := want[name]
		if last, sent := applied[name]; !asked || !sent || last != nil {
			hints = append(hints, name)
		}
	}
	t.Hints = hints
	return t
}

// letAlone gives what is ignored the value that it has, in the steps that change
// something else: some calls send the settings of a resource as a whole.
func letAlone(steps []Step) {
	for i := range steps {
		s := &steps[i]
		if s.Action != Update && s.Action != Adopt || len(s.Ignore) == 0 {
			continue
		}
		settings := maps.Clone(s.Settings)
		for _, name := range s.Ignore {
			_, named := settings[name]
			now, has := s.Prior[name]
			switch {
			case !named || slices.ContainsFunc(s.Changes, func(c Change) bool { return c.Setting == name }):
			case has:
				settings[name] = now
			default:
				delete(settings, name)
			}
		}
		s.Settings = settings
	}
}

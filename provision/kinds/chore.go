package kinds

import "github.com/cfboot/cfboot/provision"

// A Chore is what is left for a person to do once a resource is made.
type Chore struct {
	Text    string // why
	Command string // what to type, in production; empty: there is nothing to do
}

// ByHand is what an entry leaves for a person to do.
func ByHand(e provision.Entry) Chore {
	if k := registry[e.Key.Kind]; k.chore != nil {
		return k.chore(e)
	}
	return Chore{}
}

// leaves is the kind's chore with its settings erased.
func (k kind[S]) leaves() func(provision.Entry) Chore {
	if k.chore == nil {
		return nil
	}
	return func(e provision.Entry) Chore {
		s, err := k.typed(e.Settings, e.Local)
		if err != nil {
			return Chore{}
		}
		return k.chore(s)
	}
}

// noted says beforehand, in a plan, what will be left to do.
func (k kind[S]) noted() func(provision.Step) string {
	if k.chore == nil {
		return nil
	}
	return func(s provision.Step) string {
		typed, err := k.typed(s.Settings, s.Local)
		if err != nil {
			return "" // whoever carries the step out says so
		}
		return k.chore(typed).Text
	}
}

// Package preview knows what a preview is: its name, how long it lives, whose it
// is, and which of several may go.
//
// It asks nobody and deletes nothing. What exists comes as tags (Group) and as
// states (Add), what a pull request is doing from whoever can ask GitHub, and what
// comes out is a list of decisions. Only Decide makes a Doomed, and only of a
// Preview, which in turn is only made of what carries the tags or the record of
// one: production and what nobody has tagged cannot come out of it.
package preview

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// A Preview is one preview as it is seen from outside.
type Preview struct {
	Project     string
	Environment string
	Lease       provision.Lease
	Resources   []Resource // by key
	Tagged      bool       // tags say of it what it is; else only a state does
	Stated      bool       // a state of it was read
	URLs        []string

	proved bool // made by Group or Add
}

// A Resource is one that belongs to a preview.
type Resource struct {
	Key  provision.Key
	Name string
}

// Group makes previews of what carries their tags. What carries none of them, or
// those of production, is left out, whoever listed it.
func Group(tagged []provision.Tagged) []Preview {
	found := map[string]*Preview{}
	for _, t := range tagged {
		l := t.Tags.Lease
		if l == nil || t.Tags.Environment == provision.Production || t.Tags.Environment == "" {
			continue
		}
		p := found[t.Tags.Home()]
		if p == nil {
			p = &Preview{Project: t.Tags.Project, Environment: t.Tags.Environment, Lease: *l, Tagged: true, proved: true}
			found[t.Tags.Home()] = p
		}
		p.merge(*l)
		p.Resources = append(p.Resources, Resource{t.Tags.Key, t.Name})
	}
	var out []Preview
	for _, p := range found {
		out = append(out, *p)
	}
	return ordered(out)
}

// Add puts in what a state says. A state without the record of a preview is left
// out.
func Add(all []Preview, st provision.State) []Preview {
	if st.Preview == nil || st.Environment == provision.Production || st.Environment == "" {
		return all
	}
	all = slices.Clone(all)
	i := slices.IndexFunc(all, func(p Preview) bool { return p.Project == st.Project && p.Environment == st.Environment })
	if i < 0 {
		all, i = append(all, Preview{Project: st.Project, Environment: st.Environment, Lease: st.Preview.Lease, proved: true}), len(all)
	}
	p := &all[i]
	p.Stated, p.URLs = true, st.Preview.URLs
	p.merge(st.Preview.Lease)
	p.Resources = slices.Clone(p.Resources)
	for _, e := range provision.Sorted(st.Entries) {
		if !slices.ContainsFunc(p.Resources, func(r Resource) bool { return r.Key == e.Key }) {
			p.Resources = append(p.Resources, Resource{e.Key, e.Name})
		}
	}
	return ordered(all)
}

// merge takes over the later of two leases; each resource has that of the day it
// was tagged.
func (p *Preview) merge(l provision.Lease) {
	made := p.Lease.Made
	if made.IsZero() || !l.Made.IsZero() && l.Made.Before(made) {
		made = l.Made
	}
	if l.Expires.After(p.Lease.Expires) {
		p.Lease = l
	}
	p.Lease.Made = made
}

func ordered(all []Preview) []Preview {
	slices.SortFunc(all, func(a, b Preview) int {
		return cmp.Or(strings.Compare(a.Project, b.Project), compareNatural(a.Environment, b.Environment))
	})
	for i := range all {
		slices.SortFunc(all[i].Resources, func(a, b Resource) int { return strings.Compare(a.Key.String(), b.Key.String()) })
	}
	return all
}

// compareNatural puts pr-9 before pr-10.
func compareNatural(a, b string) int {
	an, aok := PullRequest(a)
	bn, bok := PullRequest(b)
	if aok && bok {
		return cmp.Compare(an, bn)
	}
	return strings.Compare(a, b)
}

// Counts is how many of each kind it has.
func (p Preview) Counts() map[string]int {
	out := map[string]int{}
	for _, r := range p.Resources {
		out[r.Key.Kind]++
	}
	return out
}

// Expired reports whether its time is up. One whose end is not known is not.
func (p Preview) Expired(now time.Time) bool { return Expired(p.Lease, now) }

// Idle orders previews by how long nobody has pushed to them: the one whose lease
// ends first comes first. Those whose end is not known come last.
func Idle(all []Preview) []Preview {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b Preview) int {
		if z := boolFirst(!a.Lease.Expires.IsZero(), !b.Lease.Expires.IsZero()); z != 0 {
			return z
		}
		return a.Lease.Expires.Compare(b.Lease.Expires)
	})
	return all
}

func boolFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

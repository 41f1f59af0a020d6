package manifest

import (
	"slices"
	"strings"

	"github.com/cfboot/cfboot/provision"
)

// checkReferences reports references to what is not there, to itself and round
// in a circle.
func (st *stage) checkReferences() {
	stated := map[[2]provision.Key]bool{}
	for _, n := range st.refs {
		stated[[2]provision.Key{n.From, n.To}] = true
		own := n.To == n.from.key && n.Path != ""
		switch {
		case n.From == n.To || own:
			st.tell(n.from, "self "+n.Path, fault{n.at, st.says(n) + "refers to the resource itself", []string{st.others(n.To)}})
		case st.byKey[n.To] == nil && !st.unknowable(n.To):
			st.tell(n.from, "ref "+n.Path+" "+n.To.String(), fault{n.at, st.says(n) + st.lacking(n.To), st.lackingHints(n)})
		}
	}
	for _, p := range st.placed {
		for _, to := range p.Refs {
			if st.byKey[to] == nil && !st.unknowable(to) && !stated[[2]provision.Key{p.Key, to}] {
				st.tell(p.from, "ref "+to.String(), fault{p.from.at, st.lacking(to), st.lackingHints(need{Ref: Ref{To: to}, from: p.from})})
			}
		}
	}
	st.checkCircles()
}

// says begins a sentence about a reference with the setting that states it.
func (st *stage) says(n need) string {
	if n.Path == "" {
		return ""
	}
	return dotted(steps(n.Path)) + " "
}

// unknowable reports whether a resource may exist although it was not placed: it
// comes from an object with faults of its own.
func (st *stage) unknowable(k provision.Key) bool {
	return slices.ContainsFunc(st.entries, func(e *entry) bool { return !e.sound && e.key.Name == k.Name })
}

func (st *stage) lacking(to provision.Key) string {
	text := "refers to " + label(to) + ", "
	if at, ok := st.left[to.Name]; ok {
		return text + "which this environment leaves out (" + st.report.source.place(at) + ")"
	}
	for _, e := range st.entries {
		if e.key.Name == to.Name && e.key.Kind != to.Kind {
			return text + "but " + quote(to.Name) + " is of kind " + e.key.Kind + " (" + st.report.source.place(e.at) + ")"
		}
	}
	return text + "which is not among the resources"
}

func (st *stage) lackingHints(n need) []string {
	if _, ok := st.left[n.To.Name]; ok {
		return []string{"keep " + quote(n.To.Name) + " in this environment, or change the setting there, too"}
	}
	names := st.named(n.To.Kind, n.from.key.Name)
	if c, ok := closest(n.To.Name, names); ok {
		return []string{didYouMean(c)}
	}
	hints := []string{"add a resource of kind " + n.To.Kind + " with the name " + quote(n.To.Name)}
	if slices.ContainsFunc(st.entries, func(e *entry) bool { return e.key.Name == n.To.Name }) {
		hints = []string{"add a resource of kind " + n.To.Kind + " under another name, and name that"}
	}
	if len(names) > 0 {
		hints = append([]string{"there are: " + words(names)}, hints...)
	}
	return hints
}

// others is the hint for a reference to itself.
func (st *stage) others(k provision.Key) string {
	names := st.named(k.Kind, k.Name)
	if len(names) == 0 {
		return "name another resource, or leave the setting out"
	}
	return "name another one: " + words(names)
}

// named lists the logical names of a kind, but for one.
func (st *stage) named(kind, but string) []string {
	var out []string
	for _, e := range st.entries {
		if e.key.Kind == kind && e.key.Name != but {
			out = append(out, e.key.Name)
		}
	}
	for _, p := range st.placed {
		if p.Key.Kind == kind && p.Key.Name != but && !slices.Contains(out, p.Key.Name) {
			out = append(out, p.Key.Name)
		}
	}
	return out
}

// checkCircles walks along the references and reports each way that leads back
// to where it was.
func (st *stage) checkCircles() {
	const under, done = 1, 2
	status := map[provision.Key]int{}
	var way []provision.Key
	var visit func(k provision.Key)
	visit = func(k provision.Key) {
		status[k] = under
		way = append(way, k)
		for _, to := range st.byKey[k].Refs {
			switch {
			case to == k || st.byKey[to] == nil || status[to] == done:
			case status[to] == under:
				st.tellCircle(way[slices.Index(way, to):])
			default:
				visit(to)
			}
		}
		way = way[:len(way)-1]
		status[k] = done
	}
	for _, p := range st.placed {
		if status[p.Key] == 0 {
			visit(p.Key)
		}
	}
}

// tellCircle reports a circle at the first of its references in the file.
func (st *stage) tellCircle(circle []provision.Key) {
	var names []string
	var first *need
	for i, k := range circle {
		names = append(names, label(k))
		next := circle[(i+1)%len(circle)]
		for j := range st.refs {
			if n := &st.refs[j]; n.From == k && n.To == next && (first == nil || n.at < first.at) {
				first = n
			}
		}
	}
	from, at := st.byKey[circle[0]].from, st.byKey[circle[0]].from.at
	if first != nil {
		from, at = first.from, first.at
	}
	text := "these refer to each other in a circle, so that none can be made first: " + strings.Join(append(names, names[0]), " → ")
	st.tell(from, text, fault{at, text, []string{"take one of these references out"}})
}

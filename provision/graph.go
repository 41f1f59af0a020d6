package provision

import "slices"

// part is what of a step one node of the graph carries out. A replacement has
// two parts, because what stands on the resource goes before the old one does
// and comes after the new one.
type part int

const (
	makes   part = iota // create
	changes             // update, adopt, or a record that changes
	removes             // delete, release
	marks               // put the tags of what was recorded; nothing waits for it
)

type node struct {
	step  Step
	part  part
	after []int // indexes of the nodes that must be done first
}

// graph splits the steps into nodes and orders them by what refers to what:
// made and changed after what it needs, removed after what stands on it.
func graph(steps []Step) []node {
	var nodes []node
	ready := map[Key]int{} // the node after which a resource may be referred to
	for _, s := range steps {
		switch s.Action {
		case Create:
			ready[s.Key] = len(nodes)
			nodes = append(nodes, node{step: s, part: makes})
		case Replace:
			ready[s.Key] = len(nodes) + 1
			nodes = append(nodes, node{step: s, part: removes}, node{step: s, part: makes, after: []int{len(nodes)}})
		case Update, Adopt:
			ready[s.Key] = len(nodes)
			nodes = append(nodes, node{step: s, part: changes})
		case Delete, Release:
			nodes = append(nodes, node{step: s, part: removes})
		}
		if s.Mark {
			nodes = append(nodes, node{step: s, part: marks, after: []int{len(nodes) - 1}})
		}
	}
	leaves := map[Key][]int{} // the nodes of what stands on a resource now
	for j, other := range nodes {
		for _, on := range other.step.PriorRefs {
			if at := leaves[on]; other.part != makes && other.part != marks && (len(at) == 0 || at[len(at)-1] != j) {
				leaves[on] = append(at, j)
			}
		}
	}
	for i := range nodes {
		n := &nodes[i]
		if n.part == marks {
			continue
		}
		if n.part != removes {
			for _, r := range n.step.Refs {
				if j, ok := ready[r]; ok && j != i {
					n.after = append(n.after, j)
				}
			}
			continue
		}
		// Everything that stands on this resource now leaves it first.
		for _, j := range leaves[n.step.Key] {
			if j != i {
				n.after = append(n.after, j)
			}
		}
	}
	return nodes
}

// storesLast makes a run that only removes take the stores when all that leads
// to them is gone. Nothing forces it to: but if it has to stop on the way, what
// cannot be brought back should be what is left.
func storesLast(nodes []node, traits map[string]Traits) {
	if slices.ContainsFunc(nodes, func(n node) bool { return n.part != removes }) {
		return
	}
	isStore := func(n node) bool { return traits[n.step.Key.Kind].Store }
	for i := range nodes {
		if !isStore(nodes[i]) {
			continue
		}
		before := map[int]bool{}
		for _, j := range nodes[i].after {
			before[j] = true
		}
		for j := range nodes {
			// A store may itself stand on something else, which then goes after it.
			if !isStore(nodes[j]) && !before[j] && !waitsFor(nodes, j, i, map[int]bool{}) {
				nodes[i].after = append(nodes[i].after, j)
			}
		}
	}
}

// circle lists the nodes that wait for themselves, in order. There are none in
// a plan that Diff made of references without circles.
func circle(nodes []node) []int {
	left := map[int]bool{}
	for i := range nodes {
		left[i] = true
	}
	for again := true; again; {
		again = false
		for i := range left {
			if !slices.ContainsFunc(nodes[i].after, func(j int) bool { return left[j] }) {
				delete(left, i)
				again = true
			}
		}
	}
	// What is left stands in a circle or waits for one.
	var out []int
	for i := range nodes {
		if left[i] && waitsFor(nodes, i, i, map[int]bool{}) {
			out = append(out, i)
		}
	}
	return out
}

func waitsFor(nodes []node, i, target int, seen map[int]bool) bool {
	for _, j := range nodes[i].after {
		if j == target {
			return true
		}
		if !seen[j] {
			seen[j] = true
			if waitsFor(nodes, j, target, seen) {
				return true
			}
		}
	}
	return false
}

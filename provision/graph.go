package provision

import "slices"

// part is what of a step one node of the graph carries out. A replacement has
// two parts, because what stands on the resource goes before the old one does
// and comes after the new one.
type part int

const (
	makes   part = iota // create
	changes             // update, adopt, or a record that changes
	removes             // delete
)

type node struct {
	step  Step
	part  part
	after []int // indexes of the nodes that must be done first
}

// graph splits the steps into nodes and orders them by what refers to what:
// made after what it needs, removed after what stands on it.
func graph(steps []Step) []node {
	var nodes []node
	made, removed, changed := map[Key]int{}, map[Key]int{}, map[Key]int{}
	for _, s := range steps {
		switch s.Action {
		case Create:
			made[s.Key] = len(nodes)
			nodes = append(nodes, node{step: s, part: makes})
		case Replace:
			removed[s.Key] = len(nodes)
			made[s.Key] = len(nodes) + 1
			nodes = append(nodes, node{step: s, part: removes}, node{step: s, part: makes, after: []int{len(nodes)}})
		case Update, Adopt:
			changed[s.Key] = len(nodes)
			nodes = append(nodes, node{step: s, part: changes})
		case Delete:
			removed[s.Key] = len(nodes)
			nodes = append(nodes, node{step: s, part: removes})
		}
	}
	for i := range nodes {
		n := &nodes[i]
		if n.part != removes {
			for _, r := range n.step.Refs {
				for _, m := range []map[Key]int{made, changed} {
					if j, ok := m[r]; ok && j != i {
						n.after = append(n.after, j)
					}
				}
			}
			if n.part == changes {
				continue
			}
		}
		if n.part == removes {
			// Everything that stands on this resource now leaves it first.
			for j, other := range nodes {
				if j != i && other.part != makes && slices.Contains(other.step.PriorRefs, n.step.Key) {
					n.after = append(n.after, j)
				}
			}
		}
	}
	return nodes
}

package provision

import "slices"

type status int

const (
	waiting status = iota
	running
	done
	failed
	skipped // something before it failed
)

// A schedule is how far each node of a plan's graph is.
type schedule struct {
	nodes  []node
	status []status
}

func (s *schedule) begin() { s.status = make([]status, len(s.nodes)) }

// ready lists the nodes that may begin, after it has marked those that never
// will.
func (s *schedule) ready() []int {
	is := func(i int, any ...status) bool { return slices.Contains(any, s.status[i]) }
	for again := true; again; {
		again = false
		for i, n := range s.nodes {
			if is(i, waiting) && slices.ContainsFunc(n.after, func(j int) bool { return is(j, failed, skipped) }) {
				s.status[i] = skipped
				again = true
			}
		}
	}
	var out []int
	for i, n := range s.nodes {
		if is(i, waiting) && !slices.ContainsFunc(n.after, func(j int) bool { return !is(j, done) }) {
			out = append(out, i)
		}
	}
	return out
}

// waits reports whether a node is left that could still be done.
func (s *schedule) waits() bool { return slices.Contains(s.status, waiting) }

// result counts steps, not nodes: a replacement is done when both its parts are.
func (s *schedule) result() Result {
	worst := map[Key]status{}
	for i, n := range s.nodes {
		switch k := n.step.Key; {
		case s.status[i] == failed:
			worst[k] = failed
		case s.status[i] == done:
			worst[k] = done
		case worst[k] != failed:
			worst[k] = skipped
		}
	}
	var r Result
	for _, st := range worst {
		switch st {
		case done:
			r.Done++
		case failed:
			r.Failed++
		default:
			r.Skipped++
		}
	}
	return r
}

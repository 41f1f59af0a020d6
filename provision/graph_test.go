package provision

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shorthand writes a step as "~a wants b,c stands c".
func shorthand(t *testing.T, line string) Step {
	t.Helper()
	words := strings.Fields(line)
	action := []rune(words[0])
	s := Step{Action: Action(action[0]), Key: Key{"box", string(action[1:])}}
	for i := 1; i+1 < len(words); i += 2 {
		var keys []Key
		for _, n := range strings.Split(words[i+1], ",") {
			keys = append(keys, Key{"box", n})
		}
		switch words[i] {
		case "wants":
			s.Refs = keys
		case "stands":
			s.PriorRefs = keys
		default:
			t.Fatalf("%q says %q", line, words[i])
		}
	}
	return s
}

// order writes a graph as "make b: remove b, make a".
func order(nodes []node) []string {
	name := func(n node) string {
		return [...]string{"make", "change", "remove"}[n.part] + " " + n.step.Key.Name
	}
	var out []string
	for _, n := range nodes {
		var after []string
		for _, j := range n.after {
			after = append(after, name(nodes[j]))
		}
		slices.Sort(after)
		out = append(out, name(n)+": "+strings.Join(after, ", "))
	}
	return out
}

func TestGraph(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps []string
		want  []string
	}{
		{"nothing", nil, nil},
		{"what is kept takes no part", []string{".a", "+b wants a"}, []string{"make b: "}},
		{"made after what it needs", []string{"+c wants a,b", "+a", "~b"}, []string{"make c: change b, make a", "make a: ", "change b: "}},
		{"made after what is adopted", []string{"+b wants a", "=a"}, []string{"make b: change a", "change a: "}},
		{"changed after what it is to need", []string{"~b wants a", "+a"}, []string{"change b: make a", "make a: "}},
		{"removed after what stands on it", []string{"-a", "-b stands a", "-c stands b"},
			[]string{"remove a: remove b", "remove b: remove c", "remove c: "}},
		{"consumer and route, then worker, then the queue it uses",
			[]string{"-consumer stands queue,worker", "-queue", "-route stands worker", "-worker stands queue"},
			[]string{"remove consumer: ", "remove queue: remove consumer, remove worker", "remove route: ", "remove worker: remove consumer, remove route"}},
		{"removed after an update that leaves it", []string{"-a", "~b stands a"}, []string{"remove a: change b", "change b: "}},
		{"an update from one to another", []string{"-a", "+c", "~b wants c stands a"},
			[]string{"remove a: change b", "make c: ", "change b: make c"}},
		{"replaced with what stands on it", []string{"∓a", "∓b wants a stands a"},
			[]string{"remove a: remove b", "make a: remove a", "remove b: ", "make b: make a, remove b"}},
		{"replaced after a removal and before a creation", []string{"∓a", "-b stands a", "+c wants a"},
			[]string{"remove a: remove b", "make a: remove a", "remove b: ", "make c: make a"}},
		{"a reference turned round", []string{"∓a wants b", "∓b stands a"},
			[]string{"remove a: remove b", "make a: make b, remove a", "remove b: ", "make b: remove b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var steps []Step
			for _, line := range tt.steps {
				steps = append(steps, shorthand(t, line))
			}
			if d := cmp.Diff(tt.want, order(graph(steps))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCircle(t *testing.T) {
	// b has to leave a before c goes, which b is to need again.
	steps := []Step{shorthand(t, "-a stands c"), shorthand(t, "~b wants c stands a"), shorthand(t, "∓c"), shorthand(t, "+d wants b")}
	nodes := graph(steps)
	var got []string
	for _, i := range circle(nodes) {
		got = append(got, order(nodes)[i])
	}
	want := []string{"remove a: change b", "change b: make c", "remove c: remove a", "make c: remove c"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	differ{}.followReplacements(steps)
	if steps[1].Action != Replace || steps[3].Action != Create {
		t.Errorf("the circle ended in %v of b and %v of d", steps[1].Action, steps[3].Action)
	}
	if c := circle(graph(steps)); c != nil {
		t.Errorf("the circle is still there: %v", c)
	}
}

func TestFollowReplacements(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps []string
		want  string // the actions after
	}{
		{"what is kept on it", []string{"∓a", ".b wants a stands a", ".c wants b stands b"}, "∓∓∓"},
		{"what is updated on it", []string{"~b wants a stands a", "∓a"}, "∓∓"},
		{"what is adopted on it", []string{"∓a", "=b wants a stands a"}, "∓∓"},
		{"not what leaves it", []string{"∓a", "~b stands a"}, "∓~"},
		{"not what is new on it", []string{"∓a", "~b wants a"}, "∓~"},
		{"not what goes", []string{"∓a", "-b stands a"}, "∓-"},
		{"not what it stands on", []string{"∓a wants b stands b", ".b"}, "∓."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var steps []Step
			for _, line := range tt.steps {
				steps = append(steps, shorthand(t, line))
			}
			differ{}.followReplacements(steps)
			got := ""
			for _, s := range steps {
				got += string(rune(s.Action))
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// drawSteps draws what a Diff may decide on resources that stood on one another
// in one order and are to do so in another.
func drawSteps(t *rapid.T) []Step {
	n := rapid.IntRange(1, 8).Draw(t, "n")
	var steps []Step
	for i := range n {
		steps = append(steps, Step{Key: Key{"box", fmt.Sprint(i)}})
	}
	indexes := make([]int, n)
	for i := range indexes {
		indexes[i] = i
	}
	draw := func(what string, refs func(*Step) *[]Key) map[int]bool {
		in := map[int]bool{}
		var earlier []Key
		for _, i := range rapid.Permutation(indexes).Draw(t, what) {
			if in[i] = rapid.IntRange(0, 4).Draw(t, what+" at all") > 0; !in[i] {
				continue
			}
			for _, k := range earlier {
				if rapid.IntRange(0, 2).Draw(t, what+" on") == 0 {
					*refs(&steps[i]) = append(*refs(&steps[i]), k)
				}
			}
			earlier = append(earlier, steps[i].Key)
		}
		return in
	}
	stood := draw("stood", func(s *Step) *[]Key { return &s.PriorRefs })
	wanted := draw("wanted", func(s *Step) *[]Key { return &s.Refs })
	for i := range steps {
		switch s := &steps[i]; {
		case stood[i] && wanted[i]:
			actions := []Action{Update, Adopt, Replace}
			if fmt.Sprint(keyStrings(s.Refs)) == fmt.Sprint(keyStrings(s.PriorRefs)) {
				actions = append(actions, Keep, Keep, Keep)
			}
			s.Action = rapid.SampledFrom(actions).Draw(t, "action")
		case stood[i]:
			s.Action = Delete
		case wanted[i]:
			s.Action = Create
		}
	}
	return slices.DeleteFunc(steps, func(s Step) bool { return s.Action == 0 })
}

// In whatever order the graph allows, nothing is made or changed before what it
// needs is there, nothing goes while something stands on it, and all of it is
// done in the end.
func TestGraphOrdersWhateverIsDecided(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps := drawSteps(t)
		differ{}.followReplacements(steps)
		nodes := graph(steps)
		there := map[Key][]Key{} // what stands, and on what
		for _, s := range steps {
			if s.Action != Create {
				there[s.Key] = s.PriorRefs
			}
		}
		sch := schedule{nodes: nodes}
		sch.begin()
		for ready := sch.ready(); len(ready) > 0; ready = sch.ready() {
			i := rapid.SampledFrom(ready).Draw(t, "next")
			s := nodes[i].step
			if nodes[i].part == removes {
				for k, on := range there {
					if slices.Contains(on, s.Key) {
						t.Fatalf("%s goes while %s stands on it", s.Key, k)
					}
				}
				delete(there, s.Key)
			} else {
				for _, k := range s.Refs {
					if _, ok := there[k]; !ok {
						t.Fatalf("%s is made or changed before %s is there", s.Key, k)
					}
				}
				if _, ok := there[s.Key]; ok != (nodes[i].part == changes) {
					t.Fatalf("%s: %v, and it is there: %v", s.Key, s.Action, ok)
				}
				there[s.Key] = s.Refs
			}
			sch.status[i] = done
		}
		if sch.waits() {
			t.Fatalf("never done: %v", order(nodes))
		}
		for _, s := range steps {
			if on, ok := there[s.Key]; ok != (s.Action != Delete) || ok && s.Action != Keep && !slices.Equal(on, s.Refs) {
				t.Fatalf("%s %s ended on %v", s.Action, s.Key, on)
			}
		}
	})
}

// When all goes, the stores go when nothing leads to them any more, also where
// no reference says so. A plan that makes something too is left as it is.
func TestStoresLast(t *testing.T) {
	traits := map[string]Traits{"store": {Store: true}, "way": {}}
	del := func(kind, name string) Step { return Step{Action: Delete, Key: Key{kind, name}} }
	nodes := graph([]Step{del("store", "a"), del("way", "b"), del("store", "c"), del("way", "d")})
	storesLast(nodes, traits)
	for i, want := range [][]int{{1, 3}, nil, {1, 3}, nil} {
		if diff := cmp.Diff(want, nodes[i].after); diff != "" {
			t.Errorf("%s waits for (-want +got):\n%s", nodes[i].step.Key, diff)
		}
	}
	if c := circle(nodes); len(c) > 0 {
		t.Errorf("a circle: %v", c)
	}
	nodes = graph([]Step{del("store", "a"), del("way", "b"), {Action: Create, Key: Key{"way", "e"}}})
	storesLast(nodes, traits)
	if len(nodes[0].after) > 0 {
		t.Errorf("the store waits for %v", nodes[0].after)
	}
}

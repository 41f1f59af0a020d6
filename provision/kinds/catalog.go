package kinds

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/cfboot/cfboot/provision"
)

// Catalog is what the manifest has to know of the kinds.
type Catalog struct{}

// Kinds lists the kinds that a manifest may name.
func (Catalog) Kinds() []string {
	var out []string
	for _, n := range slices.Sorted(maps.Keys(registry)) {
		if !registry[n].Derived {
			out = append(out, n)
		}
	}
	return out
}

// Schema is the JSON Schema of a kind's settings.
func (Catalog) Schema(kind string) []byte {
	var m map[string]any
	if err := json.Unmarshal([]byte(registry[kind].schema), &m); err != nil {
		panic(fmt.Sprintf("kinds: the schema of %s is not JSON: %v", kind, err)) // a constant; a test reads each
	}
	m["type"] = "object"
	if made := registry[kind].Example.Made; made != "" {
		m["examples"] = []any{json.RawMessage(made)}
	}
	b, _ := json.Marshal(m)
	return b
}

// Ignorable lists the settings of a kind that a manifest may have left alone.
func (Catalog) Ignorable(kind string) []string { return registry[kind].Traits.Ignorable }

// Derived lists what a resource object stands for beside its own key, where it has
// any of that: a queue's consumer. It has the same logical name.
func Derived(key provision.Key) (out []provision.Key) {
	for _, n := range slices.Sorted(maps.Keys(registry)) {
		if registry[n].of == key.Kind {
			out = append(out, provision.Key{Kind: n, Name: key.Name})
		}
	}
	return out
}

// Resolve turns one resource object into the resources that stand for it.
func (Catalog) Resolve(in provision.Spec) ([]provision.Resource, []provision.Ref, error) {
	k, ok := registry[in.Key.Kind]
	if !ok || k.Derived {
		return nil, nil, fmt.Errorf("unknown kind %q", in.Key.Kind)
	}
	return k.resolve(in)
}

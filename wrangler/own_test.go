package wrangler

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tailscale/hujson"
)

// project is a random project: a configuration full of production's names, and a
// preview that knows of some of them.
type project struct {
	roll    *rand.Rand
	preview Preview
	config  map[string]any
	theirs  map[string]bool // every name and id of production's
}

func randomProject(seed uint64) *project {
	p := &project{roll: rand.New(rand.NewPCG(seed, 1)), theirs: map[string]bool{"shop": true},
		config: map[string]any{"name": "shop"},
		preview: Preview{Environment: "pr-7", Worker: "shop-pr-7", Names: map[string]string{"worker/shop": "shop-pr-7"},
			Services: map[string]string{}}}
	for _, s := range sections {
		if p.roll.IntN(8) == 0 && s.kind != "" && s.path != "name" && !strings.HasSuffix(s.path, "*") {
			p.section(s)
		}
	}
	return p
}

// section fills one section.
func (p *project) section(s section) {
	var list []any
	for range 1 + p.roll.IntN(2) {
		list = append(list, p.element(s))
	}
	at, steps := p.config, strings.Split(s.path, ".")
	for _, step := range steps[:len(steps)-1] {
		inner, _ := at[step].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
		}
		at[step] = inner
		at = inner
	}
	at[steps[len(steps)-1]] = list
}

// element is one of production's, of which the preview may or may not know.
func (p *project) element(s section) any {
	if len(s.target) == 0 && s.label == "" {
		return p.name()
	}
	e, binding := map[string]any{}, fmt.Sprintf("B%d", p.roll.IntN(1e9))
	if s.label != "" {
		e[s.label] = binding
	}
	for _, field := range slices.Concat(s.target, s.scrub) {
		e[field] = p.name()
	}
	for _, field := range s.also {
		if p.roll.IntN(2) == 0 && field != "outbound" {
			e[field] = p.name()
		}
	}
	p.know(s, e, binding)
	return e
}

func (p *project) name() string {
	name := fmt.Sprintf("shop-%d", p.roll.IntN(1e9))
	if p.roll.IntN(5) == 0 {
		name = "other-" + name
	}
	p.theirs[name] = true
	return name
}

// know tells the preview of an element, or does not.
func (p *project) know(s section, e map[string]any, binding string) {
	way := p.roll.IntN(6)
	if s.policy == outside || s.path == "hyperdrive" {
		way = 3 + p.roll.IntN(2) // the others are of no use to it
	}
	if p.roll.IntN(20) == 0 {
		return
	}
	switch way {
	case 0:
		if s.policy == own && s.label != "" {
			edit := Edit{Section: strings.Split(s.path, "."), Match: Field{s.label, binding}}
			for _, field := range s.target {
				edit.Set = append(edit.Set, Field{field, "mine-" + binding})
			}
			p.preview.Edits = append(p.preview.Edits, edit)
		}
	case 1, 2:
		for _, field := range slices.Concat(s.target, s.also) {
			kind := s.kind
			if field == "script_name" {
				kind = "worker"
			}
			if name, ok := e[field].(string); ok {
				p.preview.Names[kind+"/"+name] = []string{"", "mine-" + name}[p.roll.IntN(2)]
			}
		}
	case 3:
		p.preview.Keep = append(p.preview.Keep, binding)
	case 4:
		p.preview.Drop = append(p.preview.Drop, binding)
	case 5:
		p.preview.Services[binding] = []string{"", "led"}[p.roll.IntN(2)]
	}
}

// strays lists production's names in what was derived, but for what is kept. It
// knows nothing of sections.
func (p *project) strays(v any) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for _, label := range []string{"binding", "name"} {
			if b, ok := v[label].(string); ok && slices.Contains(p.preview.Keep, b) {
				return nil
			}
		}
		for _, inner := range v {
			out = append(out, p.strays(inner)...)
		}
	case []any:
		for _, inner := range v {
			out = append(out, p.strays(inner)...)
		}
	case string:
		if p.theirs[v] {
			out = append(out, v)
		}
	}
	return out
}

// A preview is refused, or names nothing that is production's.
func TestDeriveRandom(t *testing.T) {
	passed, all := 0, uint64(500)
	for seed := range all {
		passed += checkDerive(t, seed)
	}
	t.Logf("%d of %d have a preview", passed, all)
	if passed < 150 {
		t.Errorf("only %d of the projects have a preview: the rest shows nothing", passed)
	}
}

func FuzzDeriveRandom(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { checkDerive(t, seed) })
}

func checkDerive(t *testing.T, seed uint64) int {
	t.Helper()
	p := randomProject(seed)
	src, err := json.MarshalIndent(p.config, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	out, err := derive(src, p.preview) // without the check of its own
	if err != nil {
		return 0
	}
	std, err := hujson.Standardize(out)
	if err != nil {
		t.Fatalf("%d: %v\n%s", seed, err, out)
	}
	var got map[string]any
	if err := json.Unmarshal(std, &got); err != nil {
		t.Fatal(err)
	}
	if strays := p.strays(got); len(strays) > 0 {
		t.Fatalf("%d: %q are production's\n%s\n%+v\n%s", seed, strays, src, p.preview, out)
	}
	if _, err := Derive(src, p.preview); err != nil {
		t.Fatalf("%d: nothing is production's, but: %v\n%s\n%s", seed, err, src, out)
	}
	return 1
}

// Whatever the bytes are, it is refused with a place or makes a whole file.
func FuzzDerive(f *testing.F) {
	for _, src := range []string{"", "{}", "// a", `{"env": {}, "routes": ["a"], "triggers": {"crons": ["* * * * *"]}}`, `{"kv_namespaces": [{"binding": "CACHE"}, 1]}`, "\ufeff{\"name\": \"a\",}"} {
		f.Add([]byte(src))
	}
	whole, err := os.ReadFile("testdata/derive/wrangler.jsonc")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, src []byte) {
		out, err := Derive(src, seventh())
		if err != nil {
			for _, line := range refusals(t, err) {
				if strings.ContainsAny(line, "\n\r\x1b") {
					t.Errorf("not one line: %q", line)
				}
			}
			return
		}
		if c, err := Read(out); err != nil || c.Name != "shop-pr-7" || len(c.Environments) != 1 {
			t.Errorf("%+v, %v\n%s", c, err, out)
		}
	})
}

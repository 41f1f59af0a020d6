// Package contract holds what is said to the emulator, and what it answers,
// against the OpenAPI documents of Cloudflare's API, and keeps the list of
// endpoints beside the emulator true.
//
// The suites that talk to an emulator anyway record what is said (e2e/record);
// `make contract` has them recorded, unless that was done, and runs TestContract
// over it. The documents stand in ../shared/openapi beside the checkout.
package contract

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/e2e/record"
	"github.com/cfboot/cfboot/provision/emulator"
)

// Whoever is missing here was not recorded, and all that is said of the rest
// would be said of too little.
var (
	wantSuites  = []string{"kinds", "scripts", "sdk", "wrangler"}
	wantClients = []string{"cfboot", "go-sdk", "ts-sdk", "wrangler"}
)

// recordings reads what the suites have written down.
func recordings(t *testing.T) []record.Exchange {
	t.Helper()
	dir := os.Getenv("CFBOOT_RECORDINGS")
	if dir == "" {
		t.Skip("CFBOOT_RECORDINGS names no folder of recordings; make contract runs this")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	var all []record.Exchange
	suites, clients := map[string]bool{}, map[string]bool{}
	for _, name := range files {
		for _, e := range exchanges(t, name) {
			suites[e.Suite], clients[e.Client] = true, true
			all = append(all, e)
		}
	}
	for _, s := range wantSuites {
		if !suites[s] {
			t.Errorf("the suite %s was not recorded in %s", s, dir)
		}
	}
	for _, c := range wantClients {
		if !clients[c] {
			t.Errorf("nothing that %s says was recorded in %s", c, dir)
		}
	}
	return all
}

func exchanges(t *testing.T, name string) (all []record.Exchange) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e record.Exchange
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return all
}

// A sighting says how often something was seen, and by whom.
type sighting struct {
	n       int
	clients []string
	example record.Exchange
}

// see counts an exchange under a key.
func see[K comparable](m map[K]*sighting, key K, e record.Exchange) {
	s := m[key]
	if s == nil {
		s = &sighting{example: e}
		m[key] = s
	}
	s.n++
	if i, has := slices.BinarySearch(s.clients, e.Client); !has {
		s.clients = slices.Insert(s.clients, i, e.Client)
	}
}

func TestContract(t *testing.T) {
	all, documents, known := recordings(t), documents(t), endpoints(t)
	c := checker{documents}
	found, asked, unknown := map[finding]*sighting{}, map[string]*sighting{}, map[string]*sighting{}
	for _, e := range all {
		ep, params, has := find(known, e.Method, e.Path)
		if !has {
			see(unknown, e.Method+" "+e.Path, e)
			continue
		}
		see(asked, ep.String(), e)
		for _, f := range c.check(e, ep.String(), params) {
			see(found, f, e)
		}
	}
	report(t, found)
	coverage(t, documents, known, asked, unknown)
	checkTable(t, documents, asked)
}

// report fails for each difference that no exception covers, and for each
// exception that covers none.
func report(t *testing.T, found map[finding]*sighting) {
	used := make([]int, len(exceptions))
	for f, s := range found {
		i := slices.IndexFunc(exceptions, func(e exception) bool { return e.covers(f) })
		if i >= 0 {
			used[i]++
			continue
		}
		e := s.example
		t.Errorf("%s\n\tsaid by %s, %d times, as in %s %s?%s\n\t%s\n\t%d %s", f, strings.Join(s.clients, ", "), s.n,
			e.Method, e.Path, e.Query, short(e.Request.Text), e.Status, short(e.Answer.Text))
	}
	for i, e := range exceptions {
		if used[i] == 0 {
			t.Errorf("this exception occurs no more, take it out: %+v", e)
		}
	}
	t.Logf("%d differences, all known, under %d exceptions", len(found), len(exceptions))
}

func short(s string) string {
	if len(s) > 400 {
		return s[:400] + "…"
	}
	return s
}

// coverage tells how much of the documents is emulated and was played, by whom,
// and what lies outside of them.
func coverage(t *testing.T, documents []*document, known []emulator.Endpoint, asked, unknown map[string]*sighting) {
	total := map[string]bool{}
	for _, d := range documents {
		for op := range d.operations {
			total[op] = true
		}
	}
	emulated, covered, by := 0, 0, map[string]int{}
	var outside, unasked, missing []string
	for _, ep := range known {
		s := asked[ep.String()]
		if s == nil {
			unasked = append(unasked, ep.String())
		}
		if !total[shape(ep.Method, ep.Path)] {
			outside = append(outside, ep.String())
			continue
		}
		if emulated++; s == nil {
			continue
		}
		covered++
		for _, c := range s.clients {
			by[c]++
		}
	}
	t.Logf("of the documents' %d operations the emulator has %d, and %d of them were asked for", len(total), emulated, covered)
	for _, c := range slices.Sorted(maps.Keys(by)) {
		t.Logf("  by %-8s %d", c, by[c])
	}
	for what, s := range unknown {
		missing = append(missing, fmt.Sprintf("%s (%s: %d)", what, strings.Join(s.clients, ", "), s.example.Status))
	}
	for what, names := range map[string][]string{"emulated and in no document": outside, "emulated and asked for by nobody": unasked, "asked for and not emulated": missing} {
		slices.Sort(names)
		t.Logf("%d %s:\n\t%s", len(names), what, strings.Join(names, "\n\t"))
	}
}

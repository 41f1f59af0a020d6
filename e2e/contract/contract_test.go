package contract

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/e2e/record"
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
	for _, name := range files {
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
	}
	return all
}

func TestContract(t *testing.T) {
	all := recordings(t)
	c := checker{documents(t)}
	eps := endpoints(t)
	type seen struct {
		n       int
		clients []string
		example record.Exchange
	}
	found := map[finding]*seen{}
	for _, e := range all {
		ep, params, has := find(eps, e.Method, e.Path)
		if !has {
			continue
		}
		for _, f := range c.check(e, ep.String(), params) {
			s := found[f]
			if s == nil {
				s = &seen{example: e}
				found[f] = s
			}
			s.n++
			if !slices.Contains(s.clients, e.Client) {
				s.clients = append(s.clients, e.Client)
			}
		}
	}
	var lines []string
	for f, s := range found {
		lines = append(lines, f.String()+" "+strings.Join(s.clients, ","))
	}
	slices.Sort(lines)
	t.Error(len(all), len(lines), "\n"+strings.Join(lines, "\n"))
}

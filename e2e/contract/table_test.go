package contract

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision/emulator"
)

var update = flag.Bool("update", false, "rewrite what is generated in ENDPOINTS.md")

// tableFile is the list of endpoints. Its columns Documents and Clients are
// generated; the others are written by hand and kept.
const tableFile = "../../provision/emulator/ENDPOINTS.md"

// A tableRow is what the list says of one endpoint.
type tableRow struct{ documents, clients, sources, missing string }

const tableHead = "| endpoint | documents | clients | further sources | not emulated |\n|---|---|---|---|---|\n"

// readTable takes the file apart: what stands before the table, and its rows.
func readTable(t *testing.T) (intro string, rows map[string]tableRow) {
	t.Helper()
	data, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	intro, table, found := strings.Cut(string(data), tableHead)
	if !found {
		t.Fatalf("%s has no table that begins with %q", tableFile, tableHead)
	}
	rows = map[string]tableRow{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(line, "|\n"), "|")
		if len(cells) != 5 {
			t.Fatalf("%s: not five cells: %s", tableFile, line)
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows[strings.Trim(cells[0], "`")] = tableRow{cells[1], cells[2], cells[3], cells[4]}
	}
	return intro, rows
}

func writeTable(t *testing.T, intro string, eps []emulator.Endpoint, rows map[string]tableRow) {
	t.Helper()
	var b strings.Builder
	b.WriteString(intro + tableHead)
	for _, ep := range eps {
		r := rows[ep.String()]
		b.WriteString("| `" + ep.String() + "` | " + strings.Join([]string{r.documents, r.clients, r.sources, r.missing}, " | ") + " |\n")
	}
	if err := os.WriteFile(tableFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEndpointsAreListed: each endpoint has a row, each row an endpoint, and
// what is in no document says where it is known from.
func TestEndpointsAreListed(t *testing.T) {
	_, rows := readTable(t)
	eps := endpoints(t)
	for _, ep := range eps {
		r, has := rows[ep.String()]
		if !has {
			t.Errorf("%s has no row in ENDPOINTS.md; make contract UPDATE=1 writes one", ep)
			continue
		}
		if r.documents == "" && r.sources == "" {
			t.Errorf("%s: ENDPOINTS.md names no source, and it is in no document", ep)
		}
	}
	for name := range rows {
		if !slices.ContainsFunc(eps, func(ep emulator.Endpoint) bool { return ep.String() == name }) {
			t.Errorf("%s has a row in ENDPOINTS.md, and is not emulated", name)
		}
	}
}

// checkTable holds the generated columns against what was recorded.
func checkTable(t *testing.T, documents []*document, asked map[string]*sighting) {
	intro, rows := readTable(t)
	eps := endpoints(t)
	next := map[string]tableRow{}
	for _, ep := range eps {
		old := rows[ep.String()]
		r := tableRow{sources: old.sources, missing: old.missing}
		var in []string
		for _, d := range documents {
			if _, has := d.operations[shape(ep.Method, ep.Path)]; has {
				in = append(in, d.name)
			}
		}
		r.documents = strings.Join(in, ", ")
		if s := asked[ep.String()]; s != nil {
			r.clients = strings.Join(s.clients, ", ")
		}
		if next[ep.String()] = r; r != old && !*update {
			t.Errorf("%s: ENDPOINTS.md says documents %q, clients %q; they are %q, %q: make contract UPDATE=1", ep, old.documents, old.clients, r.documents, r.clients)
		}
	}
	if *update {
		writeTable(t, intro, eps, next)
	}
}

package state

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inspected is a report in one line per file.
func inspected(path string) []string {
	var out []string
	for _, i := range Inspect(path) {
		line := fmt.Sprintf("%s exists %v: serial %d, %d+%d", i.Role, i.Exists, i.Serial, i.Entries, i.Intents)
		if i.Err != nil {
			line += "; error: " + i.Err.Error()
		}
		for _, n := range i.Notes {
			line += "; note: " + n
		}
		out = append(out, strings.ReplaceAll(line, filepath.Dir(path), "DIR"))
	}
	return out
}

func TestInspect(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string)
		want    []string
	}{
		{"sound", func(t *testing.T, path string) {}, []string{
			"state exists true: serial 2, 1+0", "backup exists true: serial 1, 0+1", "history exists true: serial 1, 0+1"}},
		{"never saved", func(t *testing.T, path string) { must(t, os.RemoveAll(filepath.Dir(path))) }, []string{
			"state exists false: serial 0, 0+0"}},
		{"state cut off", func(t *testing.T, path string) { cut(t, path) }, []string{
			"state exists false: serial 0, 0+0; error: DIR/state.json:1:11: it is cut off: the JSON ends too early (byte 10)",
			"backup exists true: serial 1, 0+1", "history exists true: serial 1, 0+1"}},
		{"missing", func(t *testing.T, path string) { must(t, os.Remove(path)) }, []string{
			"state exists false: serial 0, 0+0; error: DIR/state.json: it is missing, but DIR/state.json.backup shows that there was a state",
			"backup exists true: serial 1, 0+1", "history exists true: serial 1, 0+1"}},
		{"the rest is bad", func(t *testing.T, path string) {
			must(t, os.Remove(backupPath(path)))
			must(t, os.Mkdir(backupPath(path), 0o700))
			cut(t, historyPath(path, 1))
		}, []string{"state exists true: serial 2, 1+0", "backup exists true: serial 0, 0+0; error: DIR/state.json.backup: it is a directory, not a file",
			"history exists true: serial 0, 0+0; error: DIR/history/state.1.json:1:11: it is cut off: the JSON ends too early (byte 10)"}},
		{"a history that is none", func(t *testing.T, path string) {
			must(t, os.RemoveAll(historyDir(path)))
			must(t, os.WriteFile(historyDir(path), nil, 0o600))
		}, []string{"state exists true: serial 2, 1+0", "backup exists true: serial 1, 0+1",
			"history exists true: serial 0, 0+0; error: DIR/history: it is not a directory"}},
		{"put back by hand", func(t *testing.T, path string) {
			b, err := os.ReadFile(backupPath(path))
			must(t, err)
			must(t, os.Remove(path))
			must(t, os.WriteFile(path, b, 0o600))
		}, []string{"state exists true: serial 1, 0+1",
			"backup exists true: serial 1, 0+1; note: its serial 1 is not below the state's 1: an older state was put back by hand, or a run is saving now",
			"history exists true: serial 1, 0+1; note: its serial 1 is not below the state's 1: an older state was put back by hand, or a run is saving now"}},
		{"nothing to refer to", func(t *testing.T, path string) {
			s := open(t, path)
			must(t, s.Keep(entry("consumer/jobs", "id-2", "queue/jobs")))
			must(t, s.Close())
		}, []string{"state exists true: serial 3, 2+0; note: consumer/jobs refers to queue/jobs, which is not there",
			"backup exists true: serial 2, 1+0", "history exists true: serial 2, 1+0", "history exists true: serial 1, 0+1"}},
		{"shared with another environment", func(t *testing.T, path string) {
			s := open(t, Path(filepath.Dir(path), "staging"))
			must(t, s.Keep(entry("d1/data", "id-1")))
			must(t, s.Keep(entry("kv/cache", "id-1")))
			must(t, s.Close())
		}, []string{"state exists true: serial 2, 1+0; note: d1/db is the same resource as d1/data in DIR/state.staging.json (id id-1): to destroy either takes it from both",
			"backup exists true: serial 1, 0+1", "history exists true: serial 1, 0+1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := saved(t)
			tt.prepare(t, path)
			if diff := cmp.Diff(tt.want, inspected(path)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A backup of another lineage is said to be one.
func TestInspectAnotherLineage(t *testing.T) {
	path, other := saved(t), saved(t)
	must(t, os.Rename(backupPath(other), backupPath(path)))
	want := fmt.Sprintf("it is of another lineage (%s) than the state (%s)", read(t, other).Lineage, read(t, path).Lineage)
	if got := Inspect(path)[1].Notes; len(got) != 1 || got[0] != want {
		t.Errorf("notes %q, want %q", got, want)
	}
}

// cut leaves a new file with the first ten bytes of path in its place.
func cut(t *testing.T, path string) {
	t.Helper()
	must(t, os.Remove(path))
	must(t, os.WriteFile(path, []byte(`{"format":`), 0o600))
}

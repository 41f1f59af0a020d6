package state

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

func TestRecord(t *testing.T) {
	type want struct{ entries, intents string }
	var s *Store
	steps := []struct {
		name string
		do   func() error
		want want
	}{
		{"begin", func() error { return s.Begin(intent("d1/db")) }, want{"", "d1/db"}},
		{"drop", func() error { return s.Drop(key("d1/db")) }, want{"", ""}},
		{"begin again", func() error { return s.Begin(intent("d1/db")) }, want{"", "d1/db"}},
		{"keep closes the intent", func() error { return s.Keep(entry("d1/db", "id-1")) }, want{"d1/db=id-1", ""}},
		{"a second one", func() error { return s.Keep(entry("kv/cache", "id-2", "d1/db")) }, want{"d1/db=id-1 kv/cache=id-2", ""}},
		{"begin removes a dead entry", func() error { return s.Begin(intent("d1/db")) }, want{"kv/cache=id-2", "d1/db"}},
		{"keep the new one", func() error { return s.Keep(entry("d1/db", "id-3")) }, want{"d1/db=id-3 kv/cache=id-2", ""}},
		{"drop leaves an entry", func() error { return s.Drop(key("d1/db")) }, want{"d1/db=id-3 kv/cache=id-2", ""}},
		{"forget", func() error { return s.Forget(key("kv/cache")) }, want{"d1/db=id-3", ""}},
		{"forget what is not there", func() error { return s.Forget(key("r2/none")) }, want{"d1/db=id-3", ""}},
		{"begin another", func() error { return s.Begin(intent("r2/files")) }, want{"d1/db=id-3", "r2/files"}},
		{"forget closes an intent", func() error { return s.Forget(key("r2/files")) }, want{"d1/db=id-3", ""}},
		{"forget the last", func() error { return s.Forget(key("d1/db")) }, want{"", ""}},
	}
	path := testPath(t)
	s = open(t, path)
	for i, step := range steps {
		must(t, step.do())
		disk := read(t, path)
		if diff := cmp.Diff(step.want, want{entriesText(disk), intentsText(disk)}, cmp.AllowUnexported(want{})); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(s.State(), disk); diff != "" {
			t.Errorf("after %q memory and disk differ (-memory +disk):\n%s", step.name, diff)
		}
		if disk.Serial != int64(i+1) {
			t.Errorf("after %q the serial is %d, want %d", step.name, disk.Serial, i+1)
		}
		if i > 0 {
			if backup := read(t, path+".backup"); backup.Serial != int64(i) || backup.Lineage != disk.Lineage {
				t.Errorf("after %q the backup has serial %d, want %d", step.name, backup.Serial, i)
			}
		}
	}
	// What is left is a tombstone: empty, and still the same state.
	lineage := s.State().Lineage
	must(t, s.Close())
	again := open(t, path).State()
	if !again.Empty() || again.Lineage != lineage || again.Serial != int64(len(steps)) {
		t.Errorf("the tombstone reopened = %+v", again)
	}
}

func entriesText(st provision.State) string {
	var out []string
	for _, k := range sortedKeys(st.Entries) {
		out = append(out, k.String()+"="+st.Entries[k].ID)
	}
	return strings.Join(out, " ")
}

func intentsText(st provision.State) string {
	var out []string
	for _, k := range sortedKeys(st.Intents) {
		out = append(out, k.String())
	}
	return strings.Join(out, " ")
}

// What is recorded comes back as it will be read from the file, whatever Go
// types it was given in, and shares nothing with the caller.
func TestStateIsACopy(t *testing.T) {
	s := open(t, testPath(t))
	e := entry("d1/db", "id-1", "kv/cache")
	e.Settings["count"] = 7 // an int, which JSON reads back as float64
	e.Created = noon.In(time.FixedZone("east", 3600))
	must(t, s.Keep(e))
	want := s.State()
	if got := want.Entries[e.Key].Settings["count"]; got != 7.0 {
		t.Errorf("count = %v (%T), want float64", got, got)
	}
	e.Settings["location"] = "changed"
	e.Refs[0] = key("kv/other")
	for range 2 {
		got := s.State()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the state changed from outside (-want +got):\n%s", diff)
		}
		got.Entries[e.Key].Settings["deep"].(map[string]any)["x"] = 2.0
		got.Entries[e.Key].Settings["tags"].([]any)[0] = "b"
		got.Entries[e.Key].Local["binding"] = "X"
		got.Entries[e.Key].Refs[0] = key("kv/third")
		delete(got.Entries, e.Key)
	}
}

func TestRecordRefusesNonsense(t *testing.T) {
	path := testPath(t)
	s := open(t, path)
	must(t, s.Keep(entry("kv/cache", "id-2", "d1/db")))
	before, err := os.ReadFile(path)
	must(t, err)
	tests := []struct {
		name string
		do   func() error
		want string
	}{
		{"no key", func() error { return s.Keep(provision.Entry{ID: "x"}) }, `/: it cannot be recorded: it has no key`},
		{"no id", func() error { return s.Keep(provision.Entry{Key: key("d1/db")}) }, `d1/db: it cannot be recorded: d1/db has no id`},
		{"blank id", func() error { return s.Keep(entry("d1/db", " ")) }, `d1/db: it cannot be recorded: d1/db has no id`},
		{"slash in kind", func() error { return s.Begin(provision.Intent{Key: provision.Key{Kind: "a/b", Name: "c"}, Time: noon}) }, `a/b/c: it cannot be recorded: "a/b/c" is no key`},
		{"control character", func() error { return s.Keep(entry("d1/d\x1bb", "x")) }, `"d1/d\x1bb" is no key`},
		{"no time", func() error { return s.Begin(provision.Intent{Key: key("d1/db")}) }, `d1/db: it cannot be recorded: d1/db has no time`},
		{"itself", func() error { return s.Begin(intent("d1/db", "d1/db")) }, `d1/db: it cannot be recorded: d1/db refers to itself`},
		{"circle", func() error { return s.Begin(intent("d1/db", "kv/cache")) }, `d1/db: it cannot be recorded: refs go in a circle: d1/db -> kv/cache -> d1/db`},
		{"no JSON", func() error {
			e := entry("d1/db", "x")
			e.Settings["f"] = func() {}
			return s.Keep(e)
		}, `d1/db: it cannot be recorded: json: unsupported type: func()`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text, class := problem(t, tt.do(), filepath.Dir(path))
			if class != provision.Failed || !strings.Contains(text, tt.want) {
				t.Errorf("class %d, text:\n%s\nwant:\n%s", class, text, tt.want)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("the file was written (%v)", err)
			}
			if got := entriesText(s.State()) + "|" + intentsText(s.State()); got != "kv/cache=id-2|" {
				t.Errorf("memory holds %s", got)
			}
		})
	}
}

package state

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	// The tests that need another process run this binary again, as one of these.
	if role := os.Getenv("STATE_TEST_ROLE"); role != "" {
		if err := roles[role](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func key(s string) provision.Key {
	k, err := provision.ParseKey(s)
	if err != nil {
		panic(err)
	}
	return k
}

func entry(k, id string, refs ...string) provision.Entry {
	e := provision.Entry{Key: key(k), Name: "shop-" + key(k).Name, ID: id,
		Settings: provision.Settings{"location": "weur", "size": 3.5, "tags": []any{"a", true, nil}, "deep": map[string]any{"x": 1.0}},
		Local:    provision.Settings{"binding": "DB"}, Created: noon, Updated: noon.Add(time.Minute)}
	for _, r := range refs {
		e.Refs = append(e.Refs, key(r))
	}
	return e
}

func intent(k string, refs ...string) provision.Intent {
	i := provision.Intent{Key: key(k), Name: "shop-" + key(k).Name, Settings: provision.Settings{"paused": false}, Run: "run-1", Time: noon}
	for _, r := range refs {
		i.Refs = append(i.Refs, key(r))
	}
	return i
}

func options() Options {
	return Options{Project: "shop", Account: "acc-1", Command: "cfboot apply", Run: "run-1", Now: func() time.Time { return noon }}
}

// testPath is where the tests keep a state, in a directory of their own.
func testPath(t testing.TB) string { return Path(filepath.Join(t.TempDir(), ".cfboot"), "") }

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// saved makes a state file of serial 2 with one entry, and its backup of serial 1.
func saved(t testing.TB) string {
	t.Helper()
	path := testPath(t)
	s := open(t, path)
	must(t, s.Begin(intent("d1/db")))
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, s.Close())
	return path
}

func read(t testing.TB, path string) provision.State {
	t.Helper()
	st, exists, err := Read(path)
	must(t, err)
	if !exists {
		t.Fatal("there is no state")
	}
	return st
}

// problem is err as the caller of a command sees it: place, text, hints, class,
// with the test's directory cut out.
func problem(t *testing.T, err error, dir string) (string, provision.Class) {
	t.Helper()
	var p *provision.Problem
	if !errors.As(err, &p) {
		t.Fatalf("%v (%T) is no problem", err, err)
	}
	text := err.Error()
	for _, h := range p.Hints {
		text += "\nhint: " + h
	}
	if dir != "" {
		text = strings.ReplaceAll(text, dir, "DIR")
	}
	return text, p.Class
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestPath(t *testing.T) {
	for environment, want := range map[string]string{
		"":           ".cfboot/state.json",
		"production": ".cfboot/state.json",
		"staging":    ".cfboot/state.staging.json",
		"pr-12":      ".cfboot/state.pr-12.json",
		"../../etc":  ".cfboot/state...%2F..%2Fetc.json",
		`a\b`:        ".cfboot/state.a%5Cb.json",
	} {
		if got := filepath.ToSlash(Path(".cfboot", environment)); got != want {
			t.Errorf("Path(%q) = %s, want %s", environment, got, want)
		}
	}
}

func TestNewState(t *testing.T) {
	path := testPath(t)
	st, exists, err := Read(path)
	if err != nil || exists || st.Lineage != "" || !st.Empty() {
		t.Fatalf("Read before the first run = %+v, %v, %v", st, exists, err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Read made the directory")
	}

	s := open(t, path)
	want := provision.State{Project: "shop", Environment: "production", Account: "acc-1",
		Entries: map[provision.Key]provision.Entry{}, Intents: map[provision.Key]provision.Intent{}}
	if diff := cmp.Diff(want, s.State()); diff != "" {
		t.Errorf("a new state (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{".gitignore", "state.json.lock"}, names(t, filepath.Dir(path))); diff != "" {
		t.Errorf("files that Open made (-want +got):\n%s", diff)
	}
	ignore, err := os.ReadFile(filepath.Join(filepath.Dir(path), ".gitignore"))
	if err != nil || string(ignore) != "*\n" {
		t.Errorf(".gitignore = %q, %v", ignore, err)
	}

	must(t, s.Begin(intent("d1/db")))
	got := s.State()
	if got.Serial != 1 || len(got.Lineage) != 26 {
		t.Errorf("after the first save: serial %d, lineage %q", got.Serial, got.Lineage)
	}
	must(t, s.Keep(entry("d1/db", "id-1")))
	if again := s.State(); again.Serial != 2 || again.Lineage != got.Lineage {
		t.Errorf("after the second save: serial %d, lineage %q, was %q", again.Serial, again.Lineage, got.Lineage)
	}
}

func TestDirectoryMode(t *testing.T) {
	if !hasModes {
		t.Skip("no modes here")
	}
	path := saved(t)
	for file, want := range map[string]os.FileMode{
		filepath.Dir(path): 0o700, path: 0o600, path + ".backup": 0o600, path + ".lock": 0o600,
	} {
		info, err := os.Stat(file)
		must(t, err)
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %04o, want %04o", filepath.Base(file), info.Mode().Perm(), want)
		}
	}
}

// A directory that is not ours gets no .gitignore: with * in it, everything
// else there would vanish from commits.
func TestGitignoreOnlyInOwnDirectory(t *testing.T) {
	dir := t.TempDir()
	open(t, Path(dir, ""))
	if diff := cmp.Diff([]string{"state.json.lock"}, names(t, dir)); diff != "" {
		t.Errorf("files in a directory that was there before (-want +got):\n%s", diff)
	}
	own := filepath.Join(dir, ".cfboot")
	must(t, os.Mkdir(own, 0o700))
	must(t, os.WriteFile(filepath.Join(own, ".gitignore"), []byte("state*\n"), 0o600))
	open(t, Path(own, ""))
	if b, err := os.ReadFile(filepath.Join(own, ".gitignore")); err != nil || string(b) != "state*\n" {
		t.Errorf("the user's .gitignore became %q, %v", b, err)
	}
}

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

func TestAccount(t *testing.T) {
	path := testPath(t)
	o := options()
	o.Account = ""
	s, err := Open(path, o)
	must(t, err)
	defer s.Close()
	if text, class := problem(t, s.Begin(intent("d1/db")), filepath.Dir(path)); class != provision.Failed ||
		!strings.HasPrefix(text, "DIR/state.json: nobody said which account it belongs to\n") {
		t.Errorf("without an account: class %d, %s", class, text)
	}
	must(t, s.SetAccount("acc-9"))
	must(t, s.SetAccount("acc-9"))
	if _, class := problem(t, s.SetAccount("acc-1"), ""); class != provision.Refused {
		t.Errorf("another account: class %d", class)
	}
	must(t, s.Begin(intent("d1/db")))
	if got := read(t, path).Account; got != "acc-9" {
		t.Errorf("account on disk = %q", got)
	}
	o.Project, o.Account = "", "acc-9"
	s.Close()
	if s, err = Open(path, o); err != nil {
		t.Fatal(err)
	}
	if got := s.State().Project; got != "shop" {
		t.Errorf("project = %q, want what the file says", got)
	}
	must(t, s.Close())
	must(t, s.Close())
	if _, class := problem(t, s.Drop(key("d1/db")), ""); class != provision.Failed {
		t.Errorf("recording after Close: class %d", class)
	}
}

func TestBundle(t *testing.T) {
	path := saved(t)
	s := open(t, path)
	b, err := s.Bundle()
	must(t, err)
	got, err := decode(b)
	must(t, err)
	want := s.State()
	want.Serial++
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bundle (-want +got):\n%s", diff)
	}
}

// A clock that is far out must not keep anybody from saving.
func TestNewIDWithAnyClock(t *testing.T) {
	seen := map[string]bool{}
	for _, now := range []time.Time{{}, noon, time.Unix(0, 0), time.Date(99999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		id := newID(now)
		if len(id) != 26 || seen[id] {
			t.Errorf("newID(%v) = %q", now, id)
		}
		seen[id] = true
	}
}

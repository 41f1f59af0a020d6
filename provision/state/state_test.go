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
	code := m.Run()
	if crashingDir != "" {
		_ = os.RemoveAll(crashingDir)
	}
	os.Exit(code)
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

package state

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

func TestEnvironmentsOfFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a[b]", ".cfboot")
	for _, environment := range []string{"", "pr-7", "a/b"} {
		s, err := Open(Path(dir, environment), Options{Project: "shop", Environment: environment, Account: "acc-1"})
		must(t, err)
		must(t, s.Keep(entry("d1/db", "id-1")))
		must(t, s.Close())
	}
	must(t, os.WriteFile(filepath.Join(dir, "state-old.json"), nil, 0o600)) // of no environment
	got, err := File(Path(dir, "pr-7")).Environments()
	must(t, err)
	slices.Sort(got)
	if diff := cmp.Diff([]string{"a/b", "pr-7", "production"}, got); diff != "" {
		t.Error(diff)
	}
	beside, err := File(Path(dir, "pr-7")).Beside()
	must(t, err)
	var names []string
	for _, p := range beside {
		names = append(names, filepath.Base(p.String()))
	}
	if diff := cmp.Diff([]string{"state-old.json", "state.a%2Fb.json", "state.json"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestRemoveFile(t *testing.T) {
	path := saved(t)
	place := File(path)
	text, class := problem(t, place.Remove(options()), filepath.Dir(path))
	if class != provision.Refused || !strings.Contains(text, "it knows of 1 resources") {
		t.Errorf("%v: %s", class, text)
	}
	s := open(t, path)
	if err := place.Remove(options()); err == nil {
		t.Error("it was removed while a run holds it")
	}
	must(t, s.Forget(key("d1/db")))
	must(t, s.Close())
	must(t, place.Remove(options()))
	if left := names(t, filepath.Dir(path)); !slices.Equal(left, []string{".gitignore"}) {
		t.Errorf("left: %v", left)
	}
	must(t, place.Remove(options())) // again
	if _, exists, err := Read(path); exists || err != nil {
		t.Error(exists, err)
	}
}

package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// A world is where the contract suite keeps states: it gives the place of an
// environment's state as one of several machines sees it.
type world struct {
	name  string
	place func(machine, environment string) Place
}

// worlds are all kinds of places. In a world of files the machines are folders of
// one disk: they see the same file.
func worlds(t *testing.T) []world {
	dir := filepath.Join(t.TempDir(), ".cfboot")
	r := newR2(t)
	return []world{
		{"file", func(_, environment string) Place { return File(Path(dir, environment)) }},
		{"bucket", r.place},
	}
}

// everywhere runs a test in each kind of place.
func everywhere(t *testing.T, test func(t *testing.T, w world)) {
	for _, w := range worlds(t) {
		t.Run(w.name, func(t *testing.T) { test(t, w) })
	}
}

func (w world) open(t *testing.T, machine, run string) *Store {
	t.Helper()
	o := options()
	o.Run = run
	s, err := w.place(machine, "").Open(o)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func (w world) read(t *testing.T, machine string) provision.State {
	t.Helper()
	st, exists, err := w.place(machine, "").Read()
	must(t, err)
	if !exists {
		t.Fatal("there is no state")
	}
	return st
}

func class(err error) provision.Class {
	var p *provision.Problem
	if !errors.As(err, &p) {
		return -1
	}
	return p.Class
}

func TestPlaceSaves(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		if st, exists, err := w.place("a", "").Read(); exists || err != nil || st.Lineage != "" {
			t.Fatalf("before the first save: %+v %v %v", st, exists, err)
		}
		s := w.open(t, "a", "run-1")
		must(t, s.Begin(intent("d1/db")))
		if st := w.read(t, "b"); st.Serial != 1 || len(st.Intents) != 1 {
			t.Errorf("read while written: %+v", st)
		}
		must(t, s.Keep(entry("d1/db", "id-1")))
		must(t, s.Keep(entry("kv/cache", "id-2", "d1/db")))
		must(t, s.Forget(key("kv/cache")))
		want := s.State()
		must(t, s.Close())
		must(t, s.Close()) // again
		if diff := cmp.Diff(want, w.read(t, "a")); diff != "" {
			t.Error(diff)
		}
		again := w.open(t, "b", "run-2")
		if diff := cmp.Diff(want, again.State()); diff != "" {
			t.Errorf("on another machine: %s", diff)
		}
		must(t, again.Protect(key("d1/db"), true))
		if st := w.read(t, "a"); st.Serial != want.Serial+1 || st.Lineage != want.Lineage || !st.Entries[key("d1/db")].Protected {
			t.Errorf("%+v", st)
		}
	})
}

func TestPlaceHistory(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		s := w.open(t, "a", "run-1")
		for i := range 4 {
			must(t, s.Keep(entry("d1/db", fmt.Sprintf("id-%d", i+1))))
		}
		must(t, s.Close())
		p := w.place("b", "")
		past, err := p.History()
		must(t, err)
		var serials []int64
		for _, v := range past {
			serials = append(serials, v.Serial)
			st, err := p.ReadPast(v)
			if err != nil || st.Entries[key("d1/db")].ID != fmt.Sprintf("id-%d", v.Serial) || v.Time.IsZero() || v.Size == 0 {
				t.Errorf("%+v: %+v %v", v, st, err)
			}
		}
		if !slices.Equal(serials, []int64{1, 2, 3}) {
			t.Errorf("%v", serials)
		}
		for _, i := range p.Inspect() {
			if i.Err != nil || i.Serial == 0 {
				t.Errorf("%+v", i)
			}
		}

		r, err := p.OpenRepair(options())
		must(t, err)
		if n := r.Newest(); n.State.Serial != 3 {
			t.Errorf("the newest but the one in use is %d", n.State.Serial)
		}
		v, ok := r.Find("", 2)
		if !ok {
			t.Fatal("there is no serial 2")
		}
		done, err := r.Restore(v)
		must(t, err)
		must(t, r.Close())
		if st := w.read(t, "a"); st.Serial != 5 || done.State.Serial != 5 || st.Entries[key("d1/db")].ID != "id-2" {
			t.Errorf("%+v", st)
		}
		if _, err := p.OpenRebuild(options()); class(err) != provision.Refused {
			t.Errorf("a state that can be used was rebuilt: %v", err)
		}
	})
}

func TestPlaceLocks(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		s := w.open(t, "a", "run-1")
		o := options()
		o.Run = "run-2"
		_, err := w.place("b", "").Open(o)
		if text, c := problem(t, err, ""); c != provision.Locked || !strings.Contains(text, "cfboot apply holds it: process") || !strings.Contains(text, "run run-1") {
			t.Errorf("%v: %s", c, text)
		}
		l, err := w.place("b", "").LookAtLock()
		if err != nil || !l.Held || l.Run != "run-1" || l.PID != os.Getpid() || !l.Here || !l.Alive {
			t.Errorf("%+v %v", l, err)
		}
		if err := w.place("b", "").Unlock(l); class(err) != provision.Locked {
			t.Errorf("a lock was taken from a process that lives here: %v", err)
		}
		stop := make(chan struct{})
		o.Wait, o.Stop = time.Minute, stop
		time.AfterFunc(100*time.Millisecond, func() { close(stop) })
		if _, err := w.place("b", "").Open(o); class(err) != provision.Interrupted {
			t.Error(err)
		}
		o.Stop = nil
		time.AfterFunc(100*time.Millisecond, func() { s.Close() })
		s2, err := w.place("b", "").Open(o)
		must(t, err)
		must(t, s2.Close())
		if l, err := w.place("b", "").LookAtLock(); err != nil || l.Held {
			t.Errorf("%+v %v", l, err)
		}
	})
}

func TestPlaceRemoves(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		p := w.place("a", "pr-7")
		o := options()
		o.Environment = "pr-7"
		must(t, p.Remove(o)) // there is none
		s, err := p.Open(o)
		must(t, err)
		must(t, s.Keep(entry("d1/db", "id-1")))
		must(t, s.Close())
		prod := w.open(t, "a", "run-3")
		must(t, prod.Keep(entry("d1/db", "id-9")))
		must(t, prod.Close())
		names, err := p.Environments()
		slices.Sort(names)
		if err != nil || !slices.Equal(names, []string{"pr-7", "production"}) {
			t.Errorf("%v %v", names, err)
		}
		if err := p.Remove(o); class(err) != provision.Refused {
			t.Errorf("a state that owns something was removed: %v", err)
		}
		s, err = p.Open(o)
		must(t, err)
		must(t, s.Forget(key("d1/db")))
		must(t, s.Close())
		if st, exists, err := p.Read(); !exists || err != nil || !st.Empty() {
			t.Errorf("the state of nothing: %v %v %v", st, exists, err)
		}
		must(t, p.Remove(o))
		must(t, p.Remove(o))
		if _, exists, err := p.Read(); exists || err != nil {
			t.Error(exists, err)
		}
		if names, err := w.place("a", "").Environments(); err != nil || !slices.Equal(names, []string{"production"}) {
			t.Errorf("%v %v", names, err)
		}
		beside, err := w.place("a", "pr-8").Beside()
		if err != nil || len(beside) != 1 {
			t.Errorf("%v %v", beside, err)
		}
	})
}

// Many changes at once are all saved; those that meet share a write.
func TestPlaceManyAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		s := w.open(t, "a", "run-1")
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				if err := s.Keep(entry(fmt.Sprintf("kv/n%d", i), "id")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		must(t, s.Preflight())
		must(t, s.Close())
		if st := w.read(t, "b"); len(st.Entries) != 50 || st.Serial > 50 {
			t.Errorf("%d entries, serial %d", len(st.Entries), st.Serial)
		}
	})
}

func TestPlaceChecks(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		s := w.open(t, "a", "run-1")
		must(t, s.Keep(entry("d1/db", "id-1")))
		must(t, s.Close())
		o := options()
		o.Account = "acc-2"
		if _, err := w.place("a", "").Open(o); class(err) != provision.Refused {
			t.Error(err)
		}
		o = options()
		o.Project = "other"
		if _, err := w.place("a", "").Open(o); class(err) != provision.Unusable {
			t.Error(err)
		}
		if l, err := w.place("a", "").LookAtLock(); err != nil || l.Held {
			t.Errorf("a run that was refused holds the lock: %+v %v", l, err)
		}
		st := w.read(t, "a")
		if err := w.place("a", "").Check(st, "shop", "staging", ""); class(err) != provision.Unusable {
			t.Error(err)
		}
	})
}

package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/objects"
)

func TestTwoMachines(t *testing.T) {
	r := newR2(t)
	first := r.open("a", "run-1")
	must(t, first.Keep(entry("d1/db", "id-1")))
	r.Advance(2 * time.Minute) // the first one's lock has lapsed, for all that anybody can see
	second := r.open("b", "run-2")
	must(t, second.Begin(intent("kv/cache")))
	err := first.Keep(entry("kv/late", "id-late"))
	text, c := problem(t, err, r.dir)
	var failed *SaveError
	if c != provision.Partial || !errors.As(err, &failed) || failed.Copy == "" || !strings.Contains(text, "another run") {
		t.Errorf("%v: %s", c, text)
	}
	if err := first.Keep(entry("kv/later", "id-later")); class(err) != provision.Partial {
		t.Errorf("it went on to save: %v", err)
	}
	must(t, second.Keep(entry("kv/cache", "id-2")))
	must(t, second.Close())
	must(t, first.Close())
	if st, _, err := r.place("b", "").Read(); err != nil || len(st.Entries) != 2 || st.Entries[key("kv/cache")].ID != "id-2" {
		t.Errorf("%+v %v", st, err)
	}
	// What the loser has made is in its copy, and the next run there says so.
	_, err = r.tryOpen("a", "run-3")
	text, c = problem(t, err, r.dir)
	if c != provision.Unusable || !strings.Contains(text, "serial 3 of lineage") || !strings.Contains(text, "mv ") || !strings.Contains(text, "state restore copy") {
		t.Errorf("%v: %s", c, text)
	}
	if data, err := os.ReadFile(r.place("a", "").Copy()); err != nil || !bytes.Contains(data, []byte("id-late")) || !bytes.Contains(data, []byte("id-later")) {
		t.Errorf("the copy does not have what was made: %v", err)
	}
	// Either can be gone on with.
	rep, err := r.place("a", "").OpenRepair(options())
	must(t, err)
	mine, ok := rep.Find(RoleCopy, 0)
	if !ok {
		t.Fatal("the copy is no version")
	}
	_, err = rep.Restore(mine)
	must(t, err)
	must(t, rep.Close())
	if st, _, err := r.place("b", "").Read(); err != nil || st.Entries[key("kv/late")].ID != "id-late" || st.Serial != 4 {
		t.Errorf("%+v %v", st, err)
	}
	must(t, r.open("a", "run-4").Close())
}

func TestManyMachinesBeginAtOnce(t *testing.T) {
	r := newR2(t)
	var won, locked atomic.Int64
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s, err := r.tryOpen(fmt.Sprint("m", i), fmt.Sprint("run-", i))
			if err != nil {
				if class(err) != provision.Locked {
					t.Error(err)
				}
				locked.Add(1)
				return
			}
			defer s.Close()
			time.Sleep(300 * time.Millisecond) // while the others come
			if err := s.Keep(entry("d1/db", fmt.Sprint("id-", i))); err != nil {
				t.Error(err)
			}
			won.Add(1)
		})
	}
	wg.Wait()
	if won.Load() != 1 || locked.Load() != 7 {
		t.Errorf("%d have saved, %d were told that it is locked", won.Load(), locked.Load())
	}
}

func TestLockObjectDeleted(t *testing.T) {
	r := newR2(t)
	r.lease = 600 * time.Millisecond // refreshed each 100 ms
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, r.objects().Delete("team/v1/shop/production/lock.json"))
	deadline := time.Now().Add(10 * time.Second)
	for s.away.lease.gone() == nil && time.Now().Before(deadline) {
		time.Sleep(20 * time.Millisecond)
	}
	err := s.Keep(entry("kv/cache", "id-2"))
	if text, c := problem(t, err, ""); c != provision.Partial || !strings.Contains(text, "was deleted") {
		t.Errorf("%v: %s", c, text)
	}
	must(t, s.Close())
	if slices.Contains(r.keys(), "production/lock.json") {
		t.Error("a lock that is not held was given back")
	}
}

func TestPausedHolder(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	r.Advance(2 * time.Minute)
	other := r.open("b", "run-2")
	must(t, other.Close())                              // it has changed nothing
	s.away.lease.last = time.Now().Add(-2 * usualLease) // as when it wakes
	err := s.Keep(entry("kv/cache", "id-2"))            // nobody has saved its serial, and yet
	if text, c := problem(t, err, ""); c != provision.Partial || !strings.Contains(text, "the lock is another run's now") {
		t.Errorf("%v: %s", c, text)
	}
	if st, _, err := r.place("b", "").Read(); err != nil || len(st.Entries) != 1 {
		t.Errorf("it saved: %+v %v", st, err)
	}
	// One that was only slow goes on.
	s2 := r.open("c", "run-3")
	s2.away.lease.last = time.Now().Add(-2 * usualLease)
	must(t, s2.Keep(entry("kv/slow", "id-3")))
}

func TestLeaseIsKept(t *testing.T) {
	r := newR2(t)
	r.lease = 3 * time.Second
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	time.Sleep(5 * time.Second)
	if _, err := r.tryOpen("b", "run-2"); class(err) != provision.Locked {
		t.Error(err)
	}
	must(t, s.Keep(entry("d1/db", "id-2")))
	must(t, s.Close())
}

func TestOutOfReach(t *testing.T) {
	r := newR2(t)
	for round, first := range []bool{true, false} {
		s := r.open("a", fmt.Sprint("run-", round))
		must(t, s.Preflight())
		plug := r.unplugged()
		k := fmt.Sprintf("kv/n%d", round)
		if err := s.Begin(intent(k)); class(err) != provision.Partial {
			t.Fatalf("first %v: %v", first, err)
		}
		err := s.Keep(entry(k, "id-made"))
		text, c := problem(t, err, r.dir)
		var failed *SaveError
		if c != provision.Partial || !errors.As(err, &failed) || failed.Copy != r.place("a", "").Copy() || !bytes.Contains(failed.Bundle, []byte("id-made")) ||
			!strings.Contains(text, "DIR/a/.cfboot/state.json has it") {
			t.Errorf("%v: %s", c, text)
		}
		die(s)
		plug()
		r.noted()
		st, exists, err := r.place("a", "").Read()
		if note := r.noted(); err != nil || !exists || st.Entries[key(k)].ID != "id-made" || !strings.Contains(note, "has what is not in") {
			t.Errorf("reading: %v %v %q", exists, err, note)
		}
		again := r.open("a", fmt.Sprint("run-again-", round)) // at once, because here it is known that the other has ended
		if note := r.noted(); !strings.Contains(note, "it is there now, as serial") {
			t.Error(note)
		}
		must(t, again.Close())
		if st, _, err := r.place("b", "").Read(); err != nil || st.Entries[key(k)].ID != "id-made" {
			t.Errorf("on another machine: %+v %v", st, err)
		}
	}
}

func TestBackInReach(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	plug := r.unplugged()
	if err := s.Keep(entry("kv/a", "id-a")); class(err) != provision.Partial {
		t.Fatal(err)
	}
	plug()
	must(t, s.Keep(entry("kv/b", "id-b")))
	must(t, s.Close())
	if st, _, err := r.place("b", "").Read(); err != nil || len(st.Entries) != 3 || st.Serial != 2 {
		t.Errorf("%+v %v", st, err)
	}
}

func TestAnswersLost(t *testing.T) {
	r := newR2(t)
	versions := "PUT"
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	r.Fail(emulator.Failure{Method: versions, Path: "/versions/", After: true, Drop: true})
	must(t, s.Keep(entry("kv/a", "id-a")))
	// Given up, though it had arrived; then more is saved.
	r.Fail(emulator.Failure{Method: "PUT", Path: "/versions/", After: true, Drop: true})
	r.Fail(emulator.Failure{Method: "PUT", Path: "/versions/", Drop: true, Count: 4})
	if err := s.Keep(entry("kv/b", "id-b")); class(err) != provision.Partial {
		t.Fatal(err)
	}
	must(t, s.Keep(entry("kv/c", "id-c")))
	if st := s.State(); st.Serial != 4 || len(st.Entries) != 4 {
		t.Errorf("%+v", st)
	}
	// The same, and the process dies before it saves again: the copy has more under
	// the same serial.
	r.Fail(emulator.Failure{Method: "PUT", Path: "/versions/", After: true, Drop: true})
	r.Fail(emulator.Failure{Method: "PUT", Path: "/versions/", Drop: true, Count: 4})
	if err := s.Keep(entry("kv/d", "id-d")); class(err) != provision.Partial {
		t.Fatal(err)
	}
	plug := r.unplugged()
	if err := s.Keep(entry("kv/e", "id-e")); class(err) != provision.Partial {
		t.Fatal(err)
	}
	die(s)
	plug()
	must(t, r.open("a", "run-2").Close())
	st, _, err := r.place("b", "").Read()
	if err != nil || len(st.Entries) != 6 || st.Serial != 6 {
		t.Errorf("%d entries, serial %d, %v", len(st.Entries), st.Serial, err)
	}
}

func TestRevisionOutOfReach(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	plug := r.unplugged()
	if err := s.Remove(key("d1/db")); class(err) != provision.Failed {
		t.Fatal(err)
	}
	die(s)
	plug()
	s = r.open("a", "run-2")
	if st := s.State(); len(st.Entries) != 1 {
		t.Errorf("it happened: %+v", st)
	}
}

func TestKilledHolder(t *testing.T) {
	for _, off := range []time.Duration{0, 24 * time.Hour, -24 * time.Hour} {
		r := newR2(t)
		r.clock = func() time.Time { return time.Now().Add(off) }
		s := r.open("a", "run-1")
		must(t, s.Keep(entry("d1/db", "id-1")))
		die(s)
		if _, err := r.tryOpen("b", "run-2"); class(err) != provision.Locked {
			t.Errorf("%s: %v", off, err)
		}
		l, err := r.place("b", "").LookAtLock()
		if err != nil || !l.Held || l.Run != "run-1" {
			t.Errorf("%s: %+v %v", off, l, err)
		}
		r.Advance(usualLease + 2*time.Second)
		if l, err := r.place("b", "").LookAtLock(); err != nil || l.Held || !l.Lapsed {
			t.Errorf("%s: %+v %v", off, l, err)
		}
		must(t, r.open("b", "run-2").Close())
	}
}

func TestUnlockBucket(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	l := s.away.lease
	l.mu.Lock()
	l.record.Host = "elsewhere"
	must(t, l.write())
	l.mu.Unlock()
	seen, err := r.place("b", "").LookAtLock()
	if err != nil || !seen.Held || seen.Here {
		t.Fatalf("%+v %v", seen, err)
	}
	other := seen
	other.Run = "run-0"
	if err := r.place("b", "").Unlock(other); class(err) != provision.Locked {
		t.Error(err)
	}
	must(t, r.place("b", "").Unlock(seen))
	next := r.open("b", "run-2")
	must(t, next.Keep(entry("kv/a", "id-a")))
	if err := s.Keep(entry("kv/b", "id-b")); class(err) != provision.Partial {
		t.Errorf("it saved all the same: %v", err)
	}
}

// R2 takes a write a second to one key: a lock that is taken and given back at once
// takes that long, and no save is slower for it.
func TestOneWriteASecond(t *testing.T) {
	r := newR2(t, emulator.Options{R2KeyInterval: time.Second})
	r.sleep = nil // the real one
	began := time.Now()
	s := r.open("a", "run-1")
	for i := range 20 {
		must(t, s.Keep(entry(fmt.Sprintf("kv/n%d", i), "id")))
	}
	saved := time.Since(began)
	must(t, s.Close())
	must(t, r.open("b", "run-2").Close())
	if took := time.Since(began); saved > 900*time.Millisecond || took > 12*time.Second {
		t.Errorf("20 saves took %s, all of it %s", saved, took)
	}
}

// A run that shall stop and cannot reach the bucket ends within the seconds that a
// CI system leaves it (A12), with everything in the copy.
func TestStoppedOutOfReach(t *testing.T) {
	r := newR2(t)
	stopping, stop := context.WithCancel(t.Context())
	remote := r.remote("a", "")
	remote.Objects = r.objects(func(c *objects.Connection) { c.Stopping, c.Clock.Sleep = stopping, nil })
	p, err := Bucket(remote)
	must(t, err)
	s, err := p.Open(options())
	must(t, err)
	must(t, s.Keep(entry("d1/db", "id-1")))
	r.SetLatency(5 * time.Second) // too long to be waited for
	stop()
	began := time.Now()
	for i := range 5 {
		if err := s.Keep(entry(fmt.Sprintf("kv/n%d", i), "id")); class(err) != provision.Partial {
			t.Error(err)
		}
	}
	must(t, s.Close())
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %s", took)
	}
	r.SetLatency(0)
	if st, _, err := r.place("a", "").Read(); err != nil || len(st.Entries) != 6 {
		t.Errorf("%+v %v", st, err)
	}
}

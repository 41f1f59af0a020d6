package state

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/objects"
	"github.com/google/go-cmp/cmp"
)

const (
	r2Token   = "cfut_a-token-of-the-tests"
	r2TokenID = "00000000000000000000000000000aaa"
)

// r2 is an emulated account with a bucket, and machines that keep states there.
type r2 struct {
	*emulator.Server
	t         *testing.T
	url       string
	transport *http.Transport
	dir       string
	clock     func() time.Time // of the machines
	lease     time.Duration
	mu        sync.Mutex
	notes     []string
	failed    atomic.Bool // the network, of every machine
}

func newR2(t *testing.T) *r2 {
	t.Helper()
	return startR2(t, t.TempDir(), t.Cleanup)
}

func startR2(t *testing.T, dir string, cleanup func(func())) *r2 {
	t.Helper()
	s, err := emulator.Open("", emulator.Options{Tokens: []emulator.Token{{ID: r2TokenID, Value: r2Token}}})
	must(t, err)
	server := httptest.NewServer(s)
	transport := &http.Transport{DisableCompression: true}
	cleanup(func() { transport.CloseIdleConnections(); server.Close(); s.Close() })
	req := httptest.NewRequest("POST", "/client/v4/accounts/"+emulator.DefaultAccount+"/r2/buckets", strings.NewReader(`{"name":"cfboot-state"}`))
	req.Header.Set("Authorization", "Bearer "+r2Token)
	req.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	if w.Code != 200 {
		t.Fatal(w.Body)
	}
	return &r2{Server: s, t: t, url: server.URL, dir: dir, clock: time.Now, transport: transport}
}

func (r *r2) objects(edit ...func(*objects.Connection)) *objects.Bucket {
	c := objects.Connection{Endpoint: r.url + "/__s3/" + emulator.DefaultAccount, Bucket: "cfboot-state", KeyID: r2TokenID, Secret: objects.SecretOf(r2Token), Transport: r.transport,
		Clock: objects.Clock{Now: r.clock, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}}
	for _, f := range edit {
		f(&c)
	}
	return objects.Connect(c)
}

func (r *r2) remote(machine, environment string) Remote {
	return Remote{Objects: r.objects(), Address: "r2://cfboot-state/team", Prefix: "team", Project: "shop", Environment: environment,
		Dir: filepath.Join(r.dir, machine, ".cfboot"), Lease: r.lease, Notice: func(text string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.notes = append(r.notes, text)
		}}
}

func (r *r2) place(machine, environment string) Place {
	p, err := Bucket(r.remote(machine, environment))
	must(r.t, err)
	return p
}

func (r *r2) open(machine, run string) *Store {
	r.t.Helper()
	s, err := r.tryOpen(machine, run)
	must(r.t, err)
	r.t.Cleanup(func() { s.Close() })
	return s
}

func (r *r2) tryOpen(machine, run string) (*Store, error) {
	o := options()
	o.Run = run
	return r.place(machine, "").Open(o)
}

// noted takes what was told since.
func (r *r2) noted() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := strings.Join(r.notes, "\n")
	r.notes = nil
	return text
}

// keys lists what is in the bucket.
func (r *r2) keys() []string {
	l, err := r.objects().List("", "")
	must(r.t, err)
	var out []string
	for _, o := range l.Objects {
		out = append(out, strings.TrimPrefix(o.Key, "team/v1/shop/"))
	}
	return out
}

// unplugged makes all that is sent to the bucket fail, until the returned function
// is called.
func (r *r2) unplugged() func() {
	r.Fail(emulator.Failure{Path: "/__s3/", Drop: true, Count: -1})
	return func() {
		r.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/__emulator/reset", nil))
	}
}

// die ends a store as a kill would: nothing is given back in the bucket, while the
// system drops the lock on this machine, whose file goes on to say who had it.
func die(s *Store) {
	s.closed = true
	s.away.lease.end()
	close(s.away.lease.stop)
	h := currentHolder(Options{Run: s.run}, noon)
	h.PID = 99_999_999
	b, err := json.Marshal(h)
	if err == nil {
		err = os.WriteFile(lockPath(s.path), b, 0o600)
	}
	if err := errors.Join(err, s.lock.Unlock()); err != nil {
		panic(err)
	}
}

func TestBucketLayout(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	must(t, s.Begin(intent("d1/db")))
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, s.Close())
	want := []string{"production/lock.json", "production/versions/0000000000000000001.json", "production/versions/0000000000000000002.json"}
	if diff := cmp.Diff(want, r.keys()); diff != "" {
		t.Error(diff)
	}
	local, err := os.ReadFile(r.place("a", "").Copy())
	must(t, err)
	o, err := r.objects().Get("team/v1/shop/" + want[2])
	if err != nil || !bytes.Equal(o.Data, local) || o.Writer != "run-1" {
		t.Errorf("the copy is not what is in the bucket, by its run: %v %q", err, o.Writer)
	}
	if _, _, err := Read(r.place("a", "").Copy()); class(err) != provision.Unusable {
		t.Errorf("a checkout that does not know of the bucket took the copy for the state: %v", err)
	}
	// Reading writes nothing on a machine.
	if st, exists, err := r.place("b", "").Read(); err != nil || !exists || len(st.Entries) != 1 {
		t.Error(st, exists, err)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "b")); !errors.Is(err, os.ErrNotExist) {
		t.Error("reading has made a folder")
	}
}

// Two machines that both believe they may: one saves, the other is told and stops
// (C14, C17).
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

// Many machines, one first save (C14).
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

// The lock is deleted by hand: the next refresh notices, and nothing more is saved
// (C16).
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

// A holder that was stopped for longer than its lock lasts looks first (C15).
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

// While a run works its lock does not lapse.
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

// The bucket cannot be reached after something was made: the copy has it, and the
// next run brings it there (C18).
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

// As before, but the network comes back during the run.
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

// The bucket takes a save, and its answer is lost: with all that may come of it.
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

// A change that a person asked for and that could not be saved has not happened,
// now and later.
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

// A run that was killed is followed at once in its folder, and elsewhere when its
// lock has lapsed by the bucket's clock; this machine's says nothing (A8, C20).
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

// A lock can be taken away from a run on another machine.
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

// The newest versions stay, and those of the last week.
func TestThinning(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	for i := range 70 {
		must(t, s.Keep(entry("d1/db", fmt.Sprint("id-", i))))
	}
	must(t, s.Close())
	count := func() int { return len(r.keys()) - 1 }
	s = r.open("a", "run-2")
	must(t, s.Keep(entry("d1/db", "id-x")))
	must(t, s.Close())
	if count() != 71 {
		t.Errorf("%d versions are left of one week", count())
	}
	r.Advance(8 * 24 * time.Hour)
	s = r.open("a", "run-3")
	must(t, s.Close()) // it has saved nothing
	if count() != 71 {
		t.Errorf("a run that saved nothing has removed %d", 71-count())
	}
	s = r.open("a", "run-4")
	must(t, s.Keep(entry("d1/db", "id-y")))
	must(t, s.Close())
	if count() != historyKept+1 {
		t.Errorf("%d versions are left", count())
	}
	if st, _, err := r.place("b", "").Read(); err != nil || st.Serial != 72 {
		t.Errorf("%+v %v", st, err)
	}
}

// What is damaged is refused, and an earlier version can be put back.
func TestDamagedInBucket(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, s.Keep(entry("kv/a", "id-2")))
	must(t, s.Close())
	newest := "team/v1/shop/production/versions/0000000000000000003.json"
	_, _, err := r.objects().Put(newest, []byte(`{"format":"cfboot-state","version":2,`), objects.Nothing, "")
	must(t, err)
	_, _, err = r.place("b", "").Read()
	text, c := problem(t, err, "")
	if c != provision.Unusable || !strings.Contains(text, "0003.json:1:") || !strings.Contains(text, "cfboot state restore") {
		t.Errorf("%v: %s", c, text)
	}
	if _, err := r.tryOpen("b", "run-2"); class(err) != provision.Unusable {
		t.Error(err)
	}
	rep, err := r.place("b", "").OpenRepair(options())
	must(t, err)
	if _, sound, broken := rep.InUse(); sound || broken == nil {
		t.Error(sound, broken)
	}
	done, err := rep.Restore(rep.Newest())
	must(t, err)
	must(t, rep.Close())
	if done.Kept != "r2://cfboot-state/"+newest || done.State.Serial != 4 {
		t.Errorf("%+v", done)
	}
	if st, _, err := r.place("a", "").Read(); err != nil || len(st.Entries) != 2 || st.Serial != 4 {
		t.Errorf("%+v %v", st, err)
	}
	must(t, r.open("a", "run-3").Close())
}

// The bucket was emptied, and a copy is left.
func TestVanished(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, s.Close())
	for _, k := range r.keys() {
		must(t, r.objects().Delete("team/v1/shop/"+k))
	}
	_, err := r.tryOpen("a", "run-2")
	text, c := problem(t, err, r.dir)
	if c != provision.Unusable || !strings.Contains(text, "there was one") || !strings.Contains(text, "state restore") {
		t.Errorf("%v: %s", c, text)
	}
	rep, err := r.place("a", "").OpenRepair(options())
	must(t, err)
	_, err = rep.Restore(rep.Newest())
	must(t, err)
	must(t, rep.Close())
	if st, _, err := r.place("b", "").Read(); err != nil || st.Entries[key("d1/db")].ID != "id-1" {
		t.Errorf("%+v %v", st, err)
	}
}

// The preview was destroyed elsewhere, and made again.
func TestRemovedElsewhere(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, s.Close())
	s = r.open("b", "run-2")
	must(t, s.Forget(key("d1/db")))
	must(t, s.Close())
	must(t, r.place("b", "").Remove(options()))
	if left := r.keys(); len(left) != 0 {
		t.Fatalf("left: %v", left)
	}
	if left := names(t, filepath.Join(r.dir, "b", ".cfboot")); !slices.Equal(left, []string{".gitignore"}) {
		t.Errorf("left here: %v", left)
	}
	s = r.open("b", "run-3")
	must(t, s.Keep(entry("d1/db", "id-9")))
	must(t, s.Close())
	s = r.open("a", "run-4") // whose copy is of another lineage, and clean
	if st := s.State(); st.Entries[key("d1/db")].ID != "id-9" {
		t.Errorf("%+v", st)
	}
}

// No secret is part of what is kept, and none is needed to read it but the token:
// the state is not encrypted (C19).
func TestBucketHasNoSecret(t *testing.T) {
	r := newR2(t)
	s := r.open("a", "run-1")
	must(t, s.Keep(entry("d1/db", "id-1")))
	must(t, s.Close())
	for _, k := range r.keys() {
		o, err := r.objects().Get("team/v1/shop/" + k)
		must(t, err)
		if bytes.Contains(o.Data, []byte(r2Token)) || bytes.Contains(o.Data, []byte(objects.SecretOf(r2Token))) || bytes.Contains(o.Data, []byte(r2TokenID)) {
			t.Errorf("%s: %s", k, o.Data)
		}
	}
}

func TestNoBucket(t *testing.T) {
	r := newR2(t)
	remote := r.remote("a", "")
	remote.Objects = r.objects(func(c *objects.Connection) { c.Bucket = "nope" })
	p, err := Bucket(remote)
	must(t, err)
	_, err = p.Open(options())
	if text, c := problem(t, err, ""); c != provision.Refused || !strings.Contains(text, "cfboot state init") {
		t.Errorf("%v: %s", c, text)
	}
	for _, name := range []string{"../x", "a/b", "", "ä"} {
		remote := r.remote("a", "")
		if remote.Project = name; name == "" {
			remote.Project = " "
		}
		if _, err := Bucket(remote); class(err) != provision.Refused {
			t.Errorf("%q: %v", name, err)
		}
	}
}

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
	sleep     func(context.Context, time.Duration) error
	lease     time.Duration
	mu        sync.Mutex
	notes     []string
}

func newR2(t *testing.T, o ...emulator.Options) *r2 {
	t.Helper()
	return startR2(t, t.TempDir(), t.Cleanup, append(o, emulator.Options{})[0])
}

func startR2(t *testing.T, dir string, cleanup func(func()), o emulator.Options) *r2 {
	t.Helper()
	o.Tokens = []emulator.Token{{ID: r2TokenID, Value: r2Token}}
	s, err := emulator.Open("", o)
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
	return &r2{Server: s, t: t, url: server.URL, dir: dir, clock: time.Now, transport: transport, sleep: noSleep}
}

// noSleep makes waits short.
func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (r *r2) objects(edit ...func(*objects.Connection)) *objects.Bucket {
	c := objects.Connection{Endpoint: r.url + "/__s3/" + emulator.DefaultAccount, Bucket: "cfboot-state", KeyID: r2TokenID, Secret: objects.SecretOf(r2Token), Transport: r.transport,
		Clock: objects.Clock{Now: r.clock, Sleep: r.sleep}}
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
// Many machines, one first save (C14).
// The lock is deleted by hand: the next refresh notices, and nothing more is saved
// (C16).
// A holder that was stopped for longer than its lock lasts looks first (C15).
// While a run works its lock does not lapse.
// The bucket cannot be reached after something was made: the copy has it, and the
// next run brings it there (C18).
// As before, but the network comes back during the run.
// The bucket takes a save, and its answer is lost: with all that may come of it.
// A change that a person asked for and that could not be saved has not happened,
// now and later.
// A run that was killed is followed at once in its folder, and elsewhere when its
// lock has lapsed by the bucket's clock; this machine's says nothing (A8, C20).
// A lock can be taken away from a run on another machine.
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

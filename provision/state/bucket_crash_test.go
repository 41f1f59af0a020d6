package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"github.com/cfboot/cfboot/provision/objects"
)

func init() {
	roles["bucket"] = func() error {
		s, err := elsewhere().Open(elsewhereOptions())
		if err != nil {
			return err
		}
		for i, do := range scripted(s) {
			if err := do(); err != nil {
				return err
			}
			if err := os.WriteFile(os.Getenv("STATE_TEST_NOTES"), []byte(strconv.Itoa(i+1)), 0o600); err != nil {
				return err
			}
		}
		return s.Close()
	}
	roles["move in"] = func() error { return moved1(File(elsewhere().Copy()), elsewhere()) }
	roles["move home"] = func() error { return moved1(elsewhere(), File(elsewhere().Copy())) }
	roles["move on"] = func() error { return moved1(elsewhere(), otherPrefix(elsewhere())) }
	roles["remove"] = func() error { return elsewhere().Remove(elsewhereOptions()) }
}

func moved1(from, to Place) error {
	_, _, err := Migrate(from, to, elsewhereOptions())
	return err
}

func otherPrefix(p Place) Place {
	r := p.(*bucketPlace).Remote
	r.Prefix, r.Address = "other", "r2://cfboot-state/other"
	other, err := Bucket(r)
	if err != nil {
		panic(err)
	}
	return other
}

// elsewhere is the place that another process of this test works in.
func elsewhere() Place {
	b := objects.Connect(objects.Connection{Endpoint: os.Getenv("STATE_TEST_R2") + "/__s3/" + emulator.DefaultAccount, Bucket: "cfboot-state", KeyID: r2TokenID, Secret: objects.SecretOf(r2Token),
		Clock: objects.Clock{Now: time.Now, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}})
	p, err := Bucket(Remote{Objects: b, Address: "r2://cfboot-state/team", Prefix: "team", Project: "shop", Dir: filepath.Dir(os.Getenv("STATE_TEST_PATH"))})
	if err != nil {
		panic(err)
	}
	return p
}

func elsewhereOptions() Options {
	o := options()
	o.Run = os.Getenv("STATE_TEST_RUN")
	return o
}

// run starts a role on a machine; at says at which point it is killed, 0 for none.
func (r *r2) run(binary, role, machine, run string, at int) (out, notes string, err error) {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "notes")
	env := []string{"STATE_TEST_R2=" + r.url, "STATE_TEST_RUN=" + run, "STATE_TEST_NOTES=" + file}
	if at > 0 {
		env = append(env, fmt.Sprintf("CFBOOT_CRASH_AT=%d", at))
	}
	b, err := again(binary, role, r.place(machine, "").Copy(), env...).CombinedOutput()
	n, nerr := os.ReadFile(file)
	if nerr != nil && !errors.Is(nerr, os.ErrNotExist) {
		r.t.Fatal(nerr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(string(b)), string(n), err
}

// A process that is killed at any point leaves, in the bucket and its copy together,
// the state before or after the change under way. The next run in its folder goes on
// at once, and one on another machine when the lock has lapsed: that has what was
// in the bucket.
func TestBucketKilledAtEveryPoint(t *testing.T) {
	binary := crashing(t)
	clean := newR2(t)
	want := []string{"|"}
	s := clean.open("a", "run-0")
	for _, do := range scripted(s) {
		must(t, do())
		st := s.State()
		want = append(want, entriesText(st)+"|"+intentsText(st))
	}
	must(t, s.Close())
	seen := map[string]bool{}
	at := 0
	for !seen["state: lock given back in the bucket"] {
		at++
		r := newR2(t)
		out, notes, err := r.run(binary, "bucket", "a", "run-1", at)
		if err == nil || !strings.HasPrefix(out, fmt.Sprintf("crashpoint %d: ", at)) {
			t.Fatalf("it was not killed at point %d: %v\n%s", at, err, out)
		}
		_, name, _ := strings.Cut(out, ": ")
		seen[name] = true
		done, _ := strconv.Atoi(notes)
		st, _, err := r.place("a", "").Read()
		must(t, err)
		if got := entriesText(st) + "|" + intentsText(st); got != want[done] && (done == len(want)-1 || got != want[done+1]) {
			t.Errorf("%s, after %d changes: %v, want %v or the next", out, done, got, want[done])
		}
		serial := st.Serial
		st, _, err = r.place("b", "").Read()
		must(t, err)
		if got := entriesText(st) + "|" + intentsText(st); got != want[done] && (done == len(want)-1 || got != want[done+1]) {
			t.Errorf("%s, after %d changes, elsewhere: %v, want %v or the next", out, done, got, want[done])
		}
		if at%2 == 0 {
			if out, _, err := r.run(binary, "bucket", "a", "run-2", 0); err != nil {
				t.Errorf("%s: the next run: %v\n%s", name, err, out)
			}
		} else {
			serial = st.Serial
			r.Advance(usualLease + 2*time.Second)
			if out, _, err := r.run(binary, "bucket", "b", "run-2", 0); err != nil {
				t.Errorf("%s: the next run elsewhere: %v\n%s", name, err, out)
			}
		}
		if st, _, err := r.place("c", "").Read(); err != nil || !st.Empty() || st.Serial != serial+int64(len(want)-1) {
			t.Errorf("%s: after the next run: serial %d and not %d, %s, %v", name, st.Serial, serial+int64(len(want)-1), entriesText(st), err)
		}
	}
	for _, name := range []string{"state: lock taken in the bucket", "state: before the bucket", "state: in the bucket", "state: renamed"} {
		if !seen[name] {
			t.Errorf("it was never killed at %q", name)
		}
	}
	t.Logf("killed at %d points", at)
}

// A move that is killed anywhere is finished by the same call; and at no moment does
// either place let a run begin anew.
func TestMoveKilledAtEveryPoint(t *testing.T) {
	binary := crashing(t)
	for _, role := range []string{"move in", "move home", "move on"} {
		t.Run(role, func(t *testing.T) {
			for at := 1; ; at++ {
				r := newR2(t)
				here, there := File(r.place("a", "").Copy()), r.place("a", "")
				from, to := there, otherPrefix(there)
				switch role {
				case "move in":
					from, to = here, there
				case "move home":
					to = here
				}
				s, err := from.Open(options())
				must(t, err)
				must(t, s.Keep(entry("d1/db", "id-1")))
				before := s.State()
				must(t, s.Close())
				out, _, err := r.run(binary, role, "a", "run-1", at)
				if err == nil {
					t.Logf("killed at %d points", at-1)
					return
				}
				if !strings.HasPrefix(out, "crashpoint") {
					t.Fatalf("%s: %v", out, err)
				}
				for _, p := range []Place{from, to} {
					st, exists, err := p.Read()
					if err == nil && exists && (st.Lineage != before.Lineage || len(st.Entries) != 1) || err != nil && class(err) != provision.Unusable {
						t.Errorf("%s: %s: %+v %v %v", out, p, st, exists, err)
					}
					if err == nil && !exists && p == from {
						t.Errorf("%s: %s lets a run begin anew", out, p)
					}
				}
				if out2, _, err := r.run(binary, role, "a", "run-2", 0); err != nil {
					t.Errorf("%s: once more: %v\n%s", out, err, out2)
				}
				st, exists, err := to.Read()
				if err != nil || !exists || st.Lineage != before.Lineage || len(st.Entries) != 1 || st.Serial < before.Serial {
					t.Errorf("%s: once more: %+v %v %v", out, st, exists, err)
				}
				if _, _, err := from.Read(); class(err) != provision.Unusable {
					t.Errorf("%s: once more: the old place does not refuse: %v", out, err)
				}
				s, err = to.Open(options())
				must(t, err)
				must(t, s.Keep(entry("kv/cache", "id-2")))
				must(t, s.Close())
			}
		})
	}
}

// Killed while it removes an empty state, it leaves that, or none.
func TestRemoveKilledAtEveryPoint(t *testing.T) {
	binary := crashing(t)
	for at := 1; ; at++ {
		r := newR2(t)
		s := r.open("a", "run-0")
		must(t, s.Keep(entry("d1/db", "id-1")))
		must(t, s.Forget(key("d1/db")))
		must(t, s.Close())
		out, _, err := r.run(binary, "remove", "a", "run-1", at)
		if st, exists, err := r.place("b", "").Read(); err != nil || exists && !st.Empty() {
			t.Errorf("%s: %+v %v", out, st, err)
		}
		if err == nil {
			if left := r.keys(); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
			return
		}
		if out2, _, err := r.run(binary, "remove", "a", "run-2", 0); err != nil {
			t.Errorf("%s: once more: %v\n%s", out, err, out2)
		}
		if st, exists, err := r.place("a", "").Read(); err != nil || exists {
			t.Errorf("%s: once more: %+v %v", out, st, err)
		}
	}
}

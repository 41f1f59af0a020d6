package state

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/emulator"
	"pgregory.net/rapid"
)

// machines is three machines that work on one state as they like, are killed, cut
// off and stopped, and lose answers.
type machines struct {
	*r2
	open  map[string]*Store
	runs  int
	made  int
	owned map[provision.Key]bool // what a save has returned for: it is in the bucket for good
	doubt map[provision.Key]bool // what may be there, or not
}

var machineNames = []string{"a", "b", "c"}

func (m *machines) actions() map[string]func(*rapid.T) {
	machine := rapid.SampledFrom(machineNames)
	return map[string]func(*rapid.T){
		"open": func(t *rapid.T) {
			name := machine.Draw(t, "machine")
			if m.open[name] != nil {
				t.Skip("it is open")
			}
			m.runs++
			o := options()
			o.Run = fmt.Sprint("run-", m.runs)
			s, err := m.place(name, "").Open(o)
			switch class(err) {
			case -1:
				if err != nil {
					t.Fatal(err)
				}
				m.open[name] = s
			case provision.Unusable:
				// It lost a race, or was never heard. Its owner goes on with the bucket's.
				copied := m.place(name, "").Copy()
				if err := errors.Join(os.Rename(copied, copied+".aside"), os.Remove(originPath(copied))); err != nil {
					t.Fatal(err)
				}
			case provision.Locked, provision.Failed:
			default:
				t.Fatal(err)
			}
		},
		"save": func(t *rapid.T) {
			name := machine.Draw(t, "machine")
			s := m.open[name]
			if s == nil {
				t.Skip("it is not open")
			}
			m.made++
			e := entry(fmt.Sprintf("kv/n%d", m.made), "id")
			err := s.Keep(e)
			m.doubt[e.Key] = err != nil
			if m.owned[e.Key] = err == nil; err != nil && class(err) != provision.Partial {
				t.Fatal(err)
			}
		},
		"close": func(t *rapid.T) {
			name := machine.Draw(t, "machine")
			if m.open[name] == nil {
				t.Skip("it is not open")
			}
			if err := m.open[name].Close(); err != nil {
				t.Fatal(err)
			}
			delete(m.open, name)
		},
		"kill": func(t *rapid.T) {
			name := machine.Draw(t, "machine")
			if m.open[name] == nil {
				t.Skip("it is not open")
			}
			die(m.open[name])
			delete(m.open, name)
		},
		"lapse": func(t *rapid.T) { m.Advance(usualLease + 2*time.Second) },
		"lose": func(t *rapid.T) {
			m.Fail(emulator.Failure{Method: rapid.SampledFrom([]string{"PUT", "GET"}).Draw(t, "method"), Path: "/__s3/",
				After: rapid.Bool().Draw(t, "after"), Drop: true, Count: rapid.IntRange(1, 7).Draw(t, "count"), Skip: rapid.IntRange(0, 3).Draw(t, "skip")})
		},
		"mend": func(t *rapid.T) {
			m.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/__emulator/reset", nil))
		},
		"": m.check,
	}
}

// check looks at the bucket itself: nothing that was saved is ever gone, and there
// is one line of versions.
func (m *machines) check(t *rapid.T) {
	p := m.place("nobody", "").(*bucketPlace)
	var v *version
	var all []listed
	var err error
	for range 20 { // a fault may be waiting
		if v, all, _, err = p.newest(); err == nil {
			break
		}
	}
	if err != nil {
		t.Skip(err)
	}
	for i, l := range all {
		if i > 0 && l.serial != all[i-1].serial+1 {
			t.Fatalf("after serial %d comes %d", all[i-1].serial, l.serial)
		}
	}
	for k, owned := range m.owned {
		if _, there := v.stateOrNone().Entries[k]; owned && !there {
			t.Fatalf("%s was saved, and is not there", k)
		}
	}
	for k := range v.stateOrNone().Entries {
		if !m.owned[k] && !m.doubt[k] {
			t.Fatalf("%s is there, and was never saved", k)
		}
	}
}

func (v *version) stateOrNone() provision.State {
	if v == nil {
		return provision.State{}
	}
	return v.state
}

// TestMachinesAtRandom: whatever three machines do to one state, what a save has
// returned for stays.
func TestMachinesAtRandom(t *testing.T) {
	n, base := 0, t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		n++
		dir := filepath.Join(base, fmt.Sprint(n))
		m := &machines{r2: startR2(t, dir, rt.Cleanup, emulator.Options{}), open: map[string]*Store{}, owned: map[provision.Key]bool{}, doubt: map[provision.Key]bool{}}
		rt.Repeat(m.actions())
		for _, s := range m.open {
			die(s)
		}
		if err := os.RemoveAll(dir); err != nil {
			rt.Fatal(err)
		}
	})
}

package state

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A lossyDisk keeps account of what would be left if the power failed. What was
// written to a file is safe once the file is synced; which file a name stands
// for is safe once the directory is. Anything later may be lost or kept, each
// name and each file on its own, which is more than any journalling file
// system loses.
type lossyDisk struct {
	dir   string
	files []*content
	now   map[string]int // name to file, as programs see it
	safe  map[string]int // name to file, as of the last sync of the directory
	tell  func(call string)
}

type content struct {
	written []byte
	synced  bool // all of it
}

func newLossyDisk(dir string) *lossyDisk {
	return &lossyDisk{dir: dir, now: map[string]int{}, safe: map[string]int{}}
}

func (l *lossyDisk) disk() disk {
	return tappedDisk{after: func(call, from, to string, b []byte) {
		from, to = l.name(from), l.name(to)
		switch verb, _, _ := strings.Cut(call, " "); {
		case call == "sync directory":
			l.safe = maps.Clone(l.now)
		case verb == "create":
			l.files = append(l.files, &content{})
			l.now[from] = len(l.files) - 1
		case verb == "write":
			f := l.files[l.now[from]]
			f.written, f.synced = append(f.written, b...), false
		case verb == "sync":
			l.files[l.now[from]].synced = true
		case verb == "link":
			l.now[to] = l.now[from]
		case verb == "rename":
			if there, ok := l.now[to]; ok && there == l.now[from] {
				break // two names of one file: nothing happens
			}
			l.now[to] = l.now[from]
			delete(l.now, from)
		case verb == "remove":
			delete(l.now, from)
		}
		l.tell(call)
	}}
}

// name is a path within the directory. That the one below it is never synced by
// itself is nothing that the state depends on: it is the history.
func (l *lossyDisk) name(path string) string {
	rel, err := filepath.Rel(l.dir, path)
	if err != nil {
		return path
	}
	return rel
}

// images lists every directory that the power cut could leave.
func (l *lossyDisk) images() []map[string][]byte {
	names := map[string]bool{}
	for n := range l.now {
		names[n] = true
	}
	for n := range l.safe {
		names[n] = true
	}
	out := []map[string][]byte{{}}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		var choices [][]byte
		gone := false
		for _, m := range []map[string]int{l.now, l.safe} {
			i, there := m[n]
			if !there {
				gone = true
				continue
			}
			choices = append(choices, l.files[i].remains()...)
		}
		var next []map[string][]byte
		for _, image := range out {
			if gone {
				next = append(next, image)
			}
			for _, c := range choices {
				with := maps.Clone(image)
				with[n] = c
				next = append(next, with)
			}
		}
		out = next
	}
	return out
}

func (c *content) remains() [][]byte {
	if c.synced {
		return [][]byte{c.written}
	}
	return [][]byte{nil, c.written[:len(c.written)/2], make([]byte, len(c.written)), c.written}
}

func digest(image map[string][]byte) string {
	h := sha256.New()
	for _, n := range slices.Sorted(maps.Keys(image)) {
		fmt.Fprintf(h, "%q %q\n", n, image[n])
	}
	return string(h.Sum(nil))
}

// A power cut after any call leaves the state before or after the change under
// way, and never takes back a change whose call had returned.
func TestPowerLoss(t *testing.T) {
	path := testPath(t)
	s := open(t, path)
	l := newLossyDisk(filepath.Dir(path))
	s.disk = l.disk()
	steps := []func() error{
		func() error { return s.Begin(intent("d1/db")) },
		func() error { return s.Keep(entry("d1/db", "id-1")) },
		func() error { return s.Keep(entry("kv/cache", "id-2", "d1/db")) },
		func() error { return s.Begin(intent("d1/db")) },
		func() error { return s.Drop(key("d1/db")) },
		func() error { return s.Forget(key("kv/cache")) },
	}
	type moment struct {
		returned int // changes whose call had returned
		call     string
		image    map[string][]byte
	}
	moments := map[string]moment{}
	returned := 0
	l.tell = func(call string) {
		for _, image := range l.images() {
			moments[fmt.Sprint(returned, digest(image))] = moment{returned, call, image}
		}
	}
	states := [][]byte{nil} // what the file holds after so many changes
	for _, step := range steps {
		must(t, step())
		returned++
		l.tell("nothing")
		b, err := os.ReadFile(path)
		must(t, err)
		states = append(states, b)
	}
	if len(moments) < 60 {
		t.Fatalf("only %d cases: the account of the disk is wrong", len(moments))
	}
	for _, m := range moments {
		dir := filepath.Join(t.TempDir(), ".cfboot")
		must(t, os.Mkdir(dir, 0o700))
		for name, b := range m.image {
			must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
			must(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
		}
		where := fmt.Sprintf("after %d changes, when %q was done, with %v", m.returned, m.call, slices.Sorted(maps.Keys(m.image)))
		st, exists, err := Read(Path(dir, ""))
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		if !exists && m.returned > 0 {
			t.Errorf("%s: the state is gone", where)
		}
		if got := m.image["state.json"]; !bytes.Equal(got, states[m.returned]) &&
			(m.returned == len(steps) || !bytes.Equal(got, states[m.returned+1])) {
			t.Errorf("%s: it is serial %d", where, st.Serial)
		}
		o := options()
		o.Project, o.Account = "shop", "acc-1"
		again, err := Open(Path(dir, ""), o)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		if err := again.Keep(entry("r2/files", "id-9")); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		must(t, again.Close())
		if left := strays(Path(dir, "")); left != nil {
			t.Errorf("%s: left over: %v", where, left)
		}
	}
	t.Logf("%d cases", len(moments))
}

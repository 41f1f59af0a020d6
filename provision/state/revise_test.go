package state

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// linked makes a state in which one entry refers to two others, and one intent
// to one.
func linked(t *testing.T) *Store {
	s := open(t, testPath(t))
	must(t, s.Keep(entry("queue/jobs", "id-1")))
	must(t, s.Keep(entry("worker/app", "id-2")))
	must(t, s.Keep(entry("consumer/jobs", "id-3", "queue/jobs", "worker/app")))
	must(t, s.Begin(intent("route/site", "worker/app")))
	return s
}

// refsText is every key with what it refers to.
func refsText(st provision.State) string {
	var out []string
	for _, k := range sortedKeys(st.Entries) {
		out = append(out, k.String()+"="+st.Entries[k].ID+"("+listText(st.Entries[k].Refs)+")")
	}
	for _, k := range sortedKeys(st.Intents) {
		out = append(out, k.String()+"("+listText(st.Intents[k].Refs)+")")
	}
	return strings.Join(out, " ")
}

const linkedText = "consumer/jobs=id-3(queue/jobs, worker/app) queue/jobs=id-1() worker/app=id-2() route/site(worker/app)"

func TestRevise(t *testing.T) {
	tests := []struct {
		name string
		do   func(s *Store) error
		want string // the state afterwards; empty: as before
		err  string
	}{
		{"rename", func(s *Store) error { return s.Rename(key("worker/app"), key("worker/web")) },
			"consumer/jobs=id-3(queue/jobs, worker/web) queue/jobs=id-1() worker/web=id-2() route/site(worker/web)", ""},
		{"rename with what is part of it", func(s *Store) error {
			return s.Rename(key("queue/jobs"), key("queue/work"), key("consumer/jobs"), key("other/jobs"))
		},
			"consumer/work=id-3(queue/work, worker/app) queue/work=id-1() worker/app=id-2() route/site(worker/app)", ""},
		{"with what nobody knows of", func(s *Store) error { return s.Rename(key("worker/app"), key("worker/web"), key("route/site")) }, "",
			"DIR/state.json: nobody knows yet whether route/site was made\nhint: finish that first: cfboot apply"},
		{"remove what refers", func(s *Store) error { return s.Remove(key("consumer/jobs")) },
			"queue/jobs=id-1() worker/app=id-2() route/site(worker/app)", ""},
		{"remove an intent", func(s *Store) error { return s.Remove(key("route/site")) },
			"consumer/jobs=id-3(queue/jobs, worker/app) queue/jobs=id-1() worker/app=id-2()", ""},
		{"remove what is referred to", func(s *Store) error { return s.Remove(key("worker/app")) }, "",
			"DIR/state.json: worker/app cannot be forgotten: it is referred to by consumer/jobs, route/site\n" +
				"hint: forget what refers to it first: cfboot state rm consumer/jobs"},
		{"remove nothing", func(s *Store) error { return s.Remove(key("d1/db")) }, "",
			"DIR/state.json: it has no \"d1/db\"\nhint: see what there is: cfboot state list"},
		{"rename nothing", func(s *Store) error { return s.Rename(key("d1/db"), key("d1/data")) }, "",
			"DIR/state.json: it has no \"d1/db\"\nhint: see what there is: cfboot state list"},
		{"to itself", func(s *Store) error { return s.Rename(key("worker/app"), key("worker/app")) }, "",
			"DIR/state.json: worker/app has that name already"},
		{"to another kind", func(s *Store) error { return s.Rename(key("worker/app"), key("d1/web")) }, "",
			"DIR/state.json: worker/app is of kind worker and cannot become one of kind d1\nhint: give it another name of its own kind: worker/web"},
		{"an intent", func(s *Store) error { return s.Rename(key("route/site"), key("route/home")) }, "",
			"DIR/state.json: nobody knows yet whether route/site was made\nhint: finish that first: cfboot apply"},
		{"to an odd name", func(s *Store) error { return s.Rename(key("worker/app"), key("worker/a\x1bb")) }, "",
			"DIR/state.json: \"worker/a\\x1bb\" is no key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := linked(t)
			err := tt.do(s)
			want := tt.want
			if want == "" {
				want = linkedText
			}
			for where, st := range map[string]provision.State{"memory": s.State(), "disk": read(t, s.path)} {
				if diff := cmp.Diff(want, refsText(st)); diff != "" {
					t.Errorf("in %s (-want +got):\n%s", where, diff)
				}
			}
			if tt.err == "" {
				must(t, err)
				must(t, s.Keep(entry("d1/after", "id-9")))
				if got := refsText(read(t, s.path)); !strings.Contains(got, "d1/after=id-9()") {
					t.Errorf("after one more change: %s", got)
				}
				return
			}
			text, class := problem(t, err, filepath.Dir(s.path))
			if class != provision.Refused || text != tt.err {
				t.Errorf("class %d, %s\nwant %s", class, text, tt.err)
			}
		})
	}
	s := linked(t)
	must(t, s.Keep(entry("worker/web", "id-5")))
	if text, _ := problem(t, s.Rename(key("worker/app"), key("worker/web")), filepath.Dir(s.path)); text !=
		"DIR/state.json: there is a worker/web already\nhint: choose another name, or see what that one is: cfboot state show worker/web" {
		t.Error(text)
	}
}

// What could not be saved has not happened, in memory neither.
func TestReviseOnAFullDisk(t *testing.T) {
	s := linked(t)
	s.disk = tappedDisk{before: func(call string) error {
		if call == "write next" {
			return &os.PathError{Op: "write", Path: s.path, Err: syscall.ENOSPC}
		}
		return nil
	}}
	text, class := problem(t, s.Rename(key("worker/app"), key("worker/web")), filepath.Dir(s.path))
	if class != provision.Failed || text != "DIR/state.json: the change could not be saved: no space left on device\nhint: make room on the disk that holds DIR" {
		t.Errorf("class %d, %s", class, text)
	}
	s.disk = osDisk{}
	must(t, s.Forget(key("route/site")))
	want, _ := strings.CutSuffix(linkedText, " route/site(worker/app)")
	if got := refsText(read(t, s.path)); got != want {
		t.Errorf("on disk: %s, want %s", got, want)
	}
}

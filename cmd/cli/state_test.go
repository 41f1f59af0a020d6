package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/state"
)

// rehearsed makes a state with two entries as a rehearsal has it.
func rehearsed(t *testing.T, dir string) (path string, store *state.Store) {
	t.Helper()
	path = filepath.Join(dir, ".cfboot", "offline", "state.json")
	store, err := state.Open(path, state.Options{Project: "shop", Account: offlineAccount, Command: "cfboot apply"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for _, name := range []string{"cache", "config"} {
		if err := store.Keep(provision.Entry{Key: provision.Key{Kind: "kv", Name: name}, Name: "shop-" + name, ID: name, Created: time.Now(), Updated: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	return path, store
}

// Forgetting and putting back ask a person, who may say no.
func TestStateAsks(t *testing.T) {
	tests := []struct {
		args     []string
		question string
		left     int // entries, after yes
	}{
		{[]string{"state", "rm", "kv/cache"}, "Forget it? [y/N] ", 1},
		{[]string{"state", "restore"}, "Put it back? [y/N] ", 1},
	}
	for _, tt := range tests {
		for answer, want := range map[string]int{"y\n": exitDone, "n\n": exitRefused, "": exitRefused} {
			t.Run(strings.Join(tt.args, " ")+" "+answer, func(t *testing.T) {
				env, out, said := rehearsal(t, strings.NewReader(answer))
				path, store := rehearsed(t, env.Dir)
				if err := store.Close(); err != nil {
					t.Fatal(err)
				}
				if got := Main(env, tt.args); got != want {
					t.Errorf("exit %d, want %d\n%s%s", got, want, out, said)
				}
				if !strings.Contains(said.String(), tt.question) {
					t.Errorf("it did not ask %q:\n%s", tt.question, said)
				}
				left := 2
				if want == exitDone {
					left = tt.left
				}
				if st, _, err := state.Read(path); err != nil || len(st.Entries) != left {
					t.Errorf("%d entries are left, want %d (%v)", len(st.Entries), left, err)
				}
			})
		}
	}
}

// The lock of a process that lives here is not taken away; one from another
// machine is, when a person agrees.
func TestStateUnlock(t *testing.T) {
	env, out, said := rehearsal(t, strings.NewReader(""))
	path, store := rehearsed(t, env.Dir)
	if got := Main(env, []string{"state", "unlock", "--yes"}); got != exitLocked || !strings.Contains(said.String(), "cfboot apply holds it: process ") {
		t.Errorf("exit %d\n%s%s", got, out, said)
	}
	for _, command := range [][]string{{"state", "restore", "--yes"}, {"state", "rm", "kv/cache", "--yes"}, {"state", "mv", "kv/cache", "kv/x"}} {
		if got := Main(env, command); got != exitLocked {
			t.Errorf("%v while it is held: exit %d\n%s", command, got, said)
		}
	}
	if got := Main(env, []string{"state", "verify"}); got != exitDone {
		t.Errorf("verify while it is held: exit %d\n%s", got, said)
	}

	far := `{"pid":7,"host":"elsewhere","command":"cfboot apply","run":"run-7","since":"2026-01-02T03:04:05Z"}`
	if err := os.WriteFile(path+".lock", []byte(far), 0o600); err != nil {
		t.Fatal(err)
	}
	env.Terminal = false
	if got := Main(env, []string{"state", "unlock"}); got != exitRefused {
		t.Errorf("nobody could be asked: exit %d\n%s", got, said)
	}
	env.Terminal, env.Stdin = true, strings.NewReader("y\n")
	out.Reset()
	if got := Main(env, []string{"state", "unlock"}); got != exitDone || !strings.Contains(out.String(), "process 7 on elsewhere, run run-7") || !strings.Contains(out.String(), "Unlocked.") {
		t.Errorf("exit %d\n%s%s", got, out, said)
	}
	if err := store.Forget(provision.Key{Kind: "kv", Name: "cache"}); err == nil {
		t.Error("the run that lost its lock still saves")
	}
	if got := Main(env, []string{"state", "mv", "kv/cache", "kv/sessions"}); got != exitDone {
		t.Errorf("after it: exit %d\n%s", got, said)
	}
}

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/state"
)

// A panic in the middle of a command is said for what it is, with the place of
// the state; the lock is free again and the same command finishes.
func TestPanic(t *testing.T) {
	const token = "cfut_a-secret-that-panics-0123456789"
	for _, asJSON := range []bool{false, true} {
		t.Run(fmt.Sprintf("json %t", asJSON), func(t *testing.T) {
			env, out, said := rehearsal(t, strings.NewReader(""))
			if got := Main(env, []string{"new", "shop", "--pattern", "saas", "--no-apply"}); got != exitDone {
				t.Fatalf("exit %d\n%s", got, said)
			}
			env.Dir = filepath.Join(env.Dir, "shop")
			sound, broken := env.Getenv, env
			broken.Getenv = func(name string) string {
				switch name {
				case "CLOUDFLARE_ACCOUNT_ID":
					panic("index out of\x1b[31m range at " + token + "\nsecond line")
				case "CLOUDFLARE_API_TOKEN":
					return token
				case "CFBOOT_OFFLINE":
					return ""
				}
				return sound(name)
			}
			out.Reset()
			said.Reset()
			args := []string{"apply", "--yes"}
			if asJSON {
				args = append(args, "--json")
			}
			if got := Main(broken, args); got != exitFailed {
				t.Errorf("exit %d, want %d", got, exitFailed)
			}
			text := said.String()
			if asJSON {
				var doc struct {
					Command string
					Exit    int
					Error   struct {
						Text  string
						Hints []string
					}
				}
				if err := json.Unmarshal(out.Bytes(), &doc); err != nil || doc.Command != "apply" || doc.Exit != exitFailed {
					t.Fatalf("%v\n%s", err, out)
				}
				text = doc.Error.Text + "\n" + strings.Join(doc.Error.Hints, "\n")
			}
			for _, want := range []string{"cfboot itself failed: index out of�[31m range", "this is a fault of cfboot: please report it", filepath.Join(".cfboot", "state.json")} {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
			if strings.Contains(out.String()+said.String(), token) {
				t.Errorf("the token is in it:\n%s%s", out, said)
			}
			if strings.Contains(text, "second line") || strings.Contains(text, "goroutine") || strings.Contains(text, ".go:") {
				t.Errorf("not short:\n%s", text)
			}
			if got := Main(env, []string{"apply", "--yes"}); got != exitDone {
				t.Errorf("exit %d after it\n%s", got, said)
			}
		})
	}
}

// Of several states that could not be saved the last is shown, once.
func TestUnsaved(t *testing.T) {
	fails := func(bundle string) error {
		return fmt.Errorf("d1/db: %w", &provision.Problem{Err: &state.SaveError{Bundle: []byte(bundle), Err: errors.New("full")}})
	}
	if got := unsaved(&provision.Problem{Err: errors.Join(errors.New("else"), fails("one"), fails("one and two"))}); string(got) != "one and two" {
		t.Errorf("%q", got)
	}
	if got := unsaved(errors.New("else")); got != nil {
		t.Errorf("%q", got)
	}
	if got := unsaved(nil); got != nil {
		t.Errorf("%q", got)
	}
}

package state

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// Whatever the file holds, Read either refuses it or has read a state that was
// saved; it is never new, and never read differently a second time.
func FuzzRead(f *testing.F) {
	for _, st := range goldens() {
		b, err := newEncoder().encode(st)
		must(f, err)
		f.Add(b)
		f.Add(b[:len(b)/2])
		f.Add(bytes.Replace(b, []byte("entries"), []byte("Entries"), 1))
	}
	f.Add(sealed(good))
	f.Add(sealed(`{"format":"cfboot-state","version":1}`))
	for _, s := range []string{"", " ", "null", "{}", "[]", `{"format":"cfboot-state"}`, "<html>", "\x00", `{"a":{"a":1,"a":2}}`, "\xff\xfe{\x00}\x00"} {
		f.Add([]byte(s))
	}
	path := Path(filepath.Join(f.TempDir(), ".cfboot"), "")
	must(f, os.Mkdir(filepath.Dir(path), 0o700))
	f.Fuzz(func(t *testing.T, data []byte) {
		must(t, os.WriteFile(path, data, 0o600))
		st, exists, err := Read(path)
		if err != nil {
			var p *provision.Problem
			if !errors.As(err, &p) || p.Class != provision.Unusable || p.At == "" || len(p.Hints) == 0 {
				t.Errorf("%#v is no usable problem", err)
			}
			return
		}
		if !exists || st.Lineage == "" || st.Serial < 1 || st.Project == "" {
			t.Fatalf("it passes for new: exists %v, %+v", exists, st)
		}
		again, err := newEncoder().encode(st)
		must(t, err)
		got, err := decode(again)
		must(t, err)
		if diff := cmp.Diff(st, got); diff != "" {
			t.Errorf("written and read again it differs (-first +second):\n%s", diff)
		}
	})
}

// The checksum keeps a fuzzer from what lies behind it, so here it always fits.
func FuzzDecodeSealed(f *testing.F) {
	f.Add([]byte(good))
	for _, st := range goldens() {
		b, err := newEncoder().encode(st)
		must(f, err)
		body, _, _ := bytes.Cut(b, []byte(",\n  \"checksum\""))
		f.Add(append(body, '}'))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var compact bytes.Buffer
		if checkText(data) != nil || checkHeader(data) != nil || len(data) < 3 {
			return
		}
		compact.Write(sealed(string(data)))
		st, err := decode(compact.Bytes())
		if err != nil {
			var fl *flaw
			if !errors.As(err, &fl) || fl.text == "" {
				t.Errorf("%#v is no flaw", err)
			}
			return
		}
		again, err := newEncoder().encode(st)
		must(t, err)
		got, err := decode(again)
		if err != nil {
			t.Fatalf("what was read would not load again: %v\n%s", err, again)
		}
		if diff := cmp.Diff(st, got); diff != "" {
			t.Errorf("written and read again it differs (-first +second):\n%s", diff)
		}
	})
}

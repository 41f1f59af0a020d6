package manifest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func seeds(f *testing.F) {
	for _, src := range good {
		f.Add([]byte(src))
	}
	for _, group := range [][]bad{badFiles, badTops, badResources, badMeetings, badEnvironments, badPreviews} {
		for _, tt := range group {
			if len(tt.src) < maxSize {
				f.Add([]byte(tt.src))
			}
		}
	}
}

// Parse never panics; what it refuses it explains, each fault with a place and
// something to try; what it accepts has a Desired for every environment.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		before := bytes.Clone(src)
		m, err := Parse("cfboot.jsonc", src, plainCatalog{})
		if !bytes.Equal(before, src) {
			t.Fatal("the source was changed")
		}
		if err != nil {
			for _, line := range lines(t, err) {
				if !strings.HasPrefix(line, "cfboot.jsonc:") || strings.ContainsAny(line, "\n\r\x1b") {
					t.Errorf("not one line with a place: %q", line)
				}
			}
			return
		}
		for _, environment := range append(m.Environments, "") {
			d, err := m.Desired(environment, plainCatalog{})
			if err != nil {
				t.Errorf("%q: %v", environment, err)
			}
			again, _ := m.Desired(environment, plainCatalog{})
			if diff := cmp.Diff(d, again); diff != "" {
				t.Errorf("%q: asked twice: %s", environment, diff)
			}
		}
		if m.overlay("pr-7") == nil {
			if _, err := m.Preview("pr-7", plainCatalog{}); err != nil {
				lines(t, err)
			}
		}
	})
}

// SetTop either refuses or adds bytes to the file, takes none away but the old
// value's, and leaves everything else of the manifest as it is.
func FuzzSetTop(f *testing.F) {
	seeds(f)
	const account = "0123456789abcdef0123456789abcdef"
	f.Fuzz(func(t *testing.T, src []byte) {
		got, err := SetTop(src, "account", account)
		if err != nil {
			lines(t, err)
			return
		}
		s := newSource(File, got)
		r := &report{source: s}
		root := parse(s, r)
		if root == nil || r.err() != nil || root.str("account") != account {
			t.Fatalf("it was not set: %v\n%q", r.err(), got)
		}
		had := parse(newSource(File, src), &report{source: newSource(File, src)})
		if _, there := had.get("account"); !there && !subsequence(src, got) {
			t.Fatalf("bytes were lost: %q became %q", src, got)
		}
		if d := cmp.Diff(without(had, "account"), without(root, "account")); d != "" {
			t.Fatalf("something else changed: %s", d)
		}
	})
}

func without(v *value, key string) any {
	m := v.plain().(map[string]any)
	delete(m, key)
	return m
}

func subsequence(part, whole []byte) bool {
	for _, b := range whole {
		if len(part) > 0 && part[0] == b {
			part = part[1:]
		}
	}
	return len(part) == 0
}

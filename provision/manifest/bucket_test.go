package manifest

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestState(t *testing.T) {
	for _, tt := range []struct {
		address string
		want    Bucket
	}{
		{"local", Bucket{}},
		{"r2://cfboot-state", Bucket{Name: "cfboot-state"}},
		{"r2://cfboot-state/team/web_1.x", Bucket{Name: "cfboot-state", Prefix: "team/web_1.x"}},
		{"r2://abc/p?jurisdiction=eu", Bucket{Name: "abc", Prefix: "p", Jurisdiction: "eu"}},
		{"r2://abc?jurisdiction=fedramp", Bucket{Name: "abc", Jurisdiction: "fedramp"}},
	} {
		m, err := Parse("cfboot.jsonc", []byte("{\"name\": \"a\",\n  \"state\": \""+tt.address+"\"}"), plainCatalog{})
		if err != nil {
			t.Errorf("%s: %v", tt.address, err)
			continue
		}
		if d := cmp.Diff(tt.want, m.State); d != "" || m.State.String() != tt.address || m.StatePlace() != "cfboot.jsonc:2:12" {
			t.Errorf("%s: %s %s %s", tt.address, d, m.State, m.StatePlace())
		}
	}
	m, err := Parse("cfboot.jsonc", []byte(`{"name": "a"}`), plainCatalog{})
	if err != nil || m.State != (Bucket{}) || m.StatePlace() != "cfboot.jsonc" {
		t.Error(m, err)
	}
}

func TestStateFaults(t *testing.T) {
	for address, want := range map[string]string{
		"s3://abc/x":                           "is neither an address of an R2 bucket nor",
		"R2://abc":                             "is neither an address",
		"":                                     "is neither an address",
		"r2://":                                "is no address",
		"r2://ab":                              "names no bucket that could be",
		"r2://UPPER/x":                         "names no bucket that could be",
		"r2://abc/":                            "ends in a slash | write \"r2://abc\"",
		"r2://abc/x/":                          "ends in a slash | write \"r2://abc/x\"",
		"r2://abc//x":                          "has a prefix that cannot be",
		"r2://abc/../x":                        "has a prefix that cannot be",
		"r2://abc/ä":                           "has a prefix that cannot be",
		"r2://abc/x y":                         "has a prefix that cannot be",
		"r2://abc/x?region=eu":                 "says what an address of a bucket cannot say",
		"r2://abc/x?jurisdiction=de":           "names no jurisdiction that there is",
		"r2://abc/" + strings.Repeat("x", 300): "has more than 300 characters",
	} {
		_, err := Parse("cfboot.jsonc", []byte(`{"name": "a", "state": `+string(jsonString(address))+`}`), plainCatalog{})
		got := strings.Join(lines(t, err), "\n")
		if !strings.HasPrefix(got, "cfboot.jsonc:1:24: the state's place ") || !strings.Contains(got, want) {
			t.Errorf("%q: %s", address, got)
		}
		var f *SettingError
		if _, err := ParseBucket(address); !errors.As(err, &f) {
			t.Errorf("%q: %v", address, err)
		}
	}
	_, err := Parse("cfboot.jsonc", []byte(`{"name": "a", "environments": {"qa": {"state": "local"}}}`), plainCatalog{})
	if got := strings.Join(lines(t, err), "\n"); !strings.Contains(got, `unknown key "state"`) {
		t.Error(got)
	}
	_, err = Parse("cfboot.jsonc", []byte(`{"name": "a", "state": null}`), plainCatalog{})
	if got := strings.Join(lines(t, err), "\n"); !strings.Contains(got, `"state" must be a string, not null`) {
		t.Error(got)
	}
}

func TestWhereabouts(t *testing.T) {
	name, b, err := Whereabouts("cfboot.jsonc", []byte(`{"name": "shop", "nme": 1, "resources": 5, "state": "r2://abc/x"}`))
	if err != nil || name != "shop" || b.Name != "abc" {
		t.Error(name, b, err)
	}
	if _, _, err := Whereabouts("cfboot.jsonc", []byte(`{"name": "shop", "state": 5}`)); err == nil {
		t.Error("a state that is nowhere")
	}
	if _, _, err := Whereabouts("cfboot.jsonc", []byte(`{"name": `)); err == nil {
		t.Error("no manifest")
	}
}

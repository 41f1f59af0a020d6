package kinds

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"pgregory.net/rapid"
)

// resolved resolves an object of the manifest.
func resolved(t testing.TB, kind, logical, environment, object string, names map[string]string) ([]provision.Resource, []provision.Ref, error) {
	t.Helper()
	var shown struct{ Name string }
	if err := json.Unmarshal([]byte(object), &shown); err != nil {
		t.Fatal(err)
	}
	if names == nil {
		names = map[string]string{}
	}
	if shown.Name != "" {
		names[logical] = shown.Name
	}
	domain := "shop.example"
	if environment != provision.Production {
		domain = environment + "." + domain
	}
	return Catalog{}.Resolve(provision.Spec{Project: "shop", Environment: environment, Domain: domain,
		Key: provision.Key{Kind: kind, Name: logical}, Name: shown.Name, Names: names, JSON: []byte(object)})
}

// smallest is the least that a manifest can say of each kind.
var smallest = map[string]string{
	"d1": `{}`, "kv": `{}`, "r2": `{}`, "queue": `{}`, "worker": `{}`,
	"dns":    `{"type": "TXT", "name": "@", "content": "hello"}`,
	"route":  `{"pattern": "@/*"}`,
	"domain": `{"hostname": "@", "worker": "app"}`,
}

func TestRealNames(t *testing.T) {
	long := strings.Repeat("a", 70)
	for _, tt := range []struct{ kind, logical, environment, object, want string }{
		{"d1", "db", "production", `{}`, "shop-db"},
		{"d1", "db", "staging", `{}`, "shop-staging-db"},
		{"d1", "db", "production", `{"name": "legacy_db"}`, "legacy_db"},
		{"d1", "db", "pr-7", `{"name": "legacy_db"}`, "legacy_db-pr-7"},
		{"kv", "cache", "production", `{}`, "shop-cache"},
		{"kv", "cache", "production", `{"name": "My Cache"}`, "My Cache"},
		{"kv", "cache", "staging", `{"name": "My Cache"}`, "My Cache-staging"},
		{"r2", "files", "production", `{}`, "shop-files"},
		{"r2", "files", "pr-12", `{}`, "shop-pr-12-files"},
		{"queue", "jobs", "staging", `{}`, "shop-staging-jobs"},
		{"queue", "jobs", "production", `{"name": "work"}`, "work"},
		{"worker", "app", "production", `{}`, "shop"},
		{"worker", "app", "staging", `{}`, "shop-staging"},
		{"worker", "app", "production", `{"name": "web"}`, "web"},
		{"worker", "app", "staging", `{"name": "web"}`, "web-staging"},
		{"worker", "mail", "production", `{}`, "shop-mail"},
		{"worker", "mail", "staging", `{}`, "shop-staging-mail"},
		{"dns", "root", "production", smallest["dns"], "shop.example"},
		{"dns", "root", "staging", smallest["dns"], "staging.shop.example"},
		{"route", "all", "production", smallest["route"], "shop.example/*"},
		{"route", "all", "staging", smallest["route"], "staging.shop.example/*"},
		{"domain", "site", "production", smallest["domain"], "shop.example"},
		{"domain", "site", "pr-1", smallest["domain"], "pr-1.shop.example"},
		// Too long: cut, with a digest of the whole.
		{"r2", "files", "staging", `{"name": "` + long[:60] + `"}`, long[:52] + "-" + "c88601030c"},
	} {
		rs, _, err := resolved(t, tt.kind, tt.logical, tt.environment, tt.object, nil)
		if err != nil {
			t.Errorf("%+v: %v", tt, err)
			continue
		}
		if rs[0].Name != tt.want {
			t.Errorf("%s/%s in %s, %s: %q, want %q", tt.kind, tt.logical, tt.environment, tt.object, rs[0].Name, tt.want)
		}
	}
}

func TestNamesThatAProductRefuses(t *testing.T) {
	for kind, names := range map[string][]string{
		"d1":     {"Upper", "-db", "a b", "ä", strings.Repeat("a", 64)},
		"kv":     {"a\tb", "\x00", strings.Repeat("a", 513)},
		"r2":     {"ab", "Upper", "under_score", "-ab", "ab-", "a.b", strings.Repeat("a", 64)},
		"queue":  {"Upper", "under_score", "-ab", "ab-", strings.Repeat("a", 64)},
		"worker": {"Upper", "-web", "a.b", strings.Repeat("a", 63)},
	} {
		for _, name := range names {
			object, err := json.Marshal(map[string]string{"name": name})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = resolved(t, kind, "x", "production", string(object), nil)
			var fault *provision.SettingError
			if !errors.As(err, &fault) || fault.Path != "/name" || !strings.Contains(fault.Text, "characters") && !strings.Contains(fault.Text, "small letters") {
				t.Errorf("%s %q: %v", kind, name, err)
			}
		}
	}
}

// wranglerName is what wrangler's automatic provisioning calls what it makes
// for a binding of a script.
func wranglerName(script, binding string) string {
	return script + "-" + strings.ReplaceAll(strings.ToLower(binding), "_", "-")
}

// wrangler and cfboot find each other's resources, as long as a binding is
// called as its resource is.
func TestNamesAreThoseThatWranglerGives(t *testing.T) {
	for _, kind := range []string{"d1", "kv", "r2", "queue"} {
		for _, logical := range []string{"db", "cache", "storage", "jobs", "my-kv", "a-b-c", "x2"} {
			for _, environment := range []string{"production", "staging", "pr-41"} {
				script, _, err := resolved(t, "worker", App, environment, `{}`, nil)
				if err != nil {
					t.Fatal(err)
				}
				rs, _, err := resolved(t, kind, logical, environment, `{}`, nil)
				if err != nil {
					t.Fatal(err)
				}
				if want := wranglerName(script[0].Name, strings.ToUpper(strings.ReplaceAll(logical, "-", "_"))); rs[0].Name != want {
					t.Errorf("%s/%s in %s is called %q, and by wrangler %q", kind, logical, environment, rs[0].Name, want)
				}
			}
		}
	}
}

// Whatever a manifest may name, the real name is one that the product takes, and
// two resources never share one.
func TestRealNamesAreValidAndApart(t *testing.T) {
	word := rapid.StringMatching(`[a-z]([a-z0-9-]{0,38}[a-z0-9])?`)
	valid := map[string]naming{"d1": d1Naming, "r2": r2Naming, "queue": queueNaming, "worker": workerNaming.naming}
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]string{"d1", "r2", "queue", "worker"}).Draw(t, "kind")
		project, environment := word.Draw(t, "project"), word.Draw(t, "environment")
		seen := map[string]string{}
		for _, logical := range rapid.SliceOfNDistinct(word, 2, 6, rapid.ID[string]).Draw(t, "logical") {
			in := provision.Spec{Project: project, Environment: environment, Key: provision.Key{Kind: kind, Name: logical}, JSON: []byte(`{}`), Names: map[string]string{}}
			rs, _, err := Catalog{}.Resolve(in)
			if err != nil {
				t.Fatal(err)
			}
			name := rs[0].Name
			if err := valid[kind].check(name); err != nil {
				t.Fatalf("%s/%s of %s in %s: %v", kind, logical, project, environment, err)
			}
			if other, taken := seen[name]; taken {
				t.Fatalf("%s and %s are both called %q", other, logical, name)
			}
			seen[name] = logical
		}
	})
}

// Names that are alike but for their end, or their middle, stay apart when cut.
func TestShortenedNamesStayApart(t *testing.T) {
	n := r2Naming
	rapid.Check(t, func(t *rapid.T) {
		head := rapid.StringMatching(`[a-z][a-z0-9-]{60,90}`).Draw(t, "head")
		a, b := rapid.StringMatching(`[a-z0-9]{1,9}`).Draw(t, "a"), rapid.StringMatching(`[a-z0-9]{1,9}`).Draw(t, "b")
		one, two := n.shorten(head+a), n.shorten(head+b)
		if (one == two) != (a == b) {
			t.Fatalf("%q and %q become %q and %q", head+a, head+b, one, two)
		}
		for _, name := range []string{one, two} {
			if err := n.check(name); err != nil {
				t.Fatal(err)
			}
			if again := n.shorten(name); again != name {
				t.Fatalf("%q is shortened twice, to %q", name, again)
			}
		}
	})
	short := naming{max: 20}
	for _, name := range []string{strings.Repeat("ä", 30), "日本語" + strings.Repeat("x", 30), strings.Repeat("日", 30)} {
		if got := short.shorten(name); len(got) > 20 || strings.ToValidUTF8(got, "?") != got {
			t.Errorf("%q becomes %q", name, got)
		}
	}
}

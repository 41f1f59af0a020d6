package kinds_test

import (
	"strings"
	"testing"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"github.com/google/go-cmp/cmp"
)

const shop = `{
  "name": "shop", "domain": "shop.example",
  "resources": {
    "app": {"kind": "worker"},
    "apex": {"kind": "dns", "type": "AAAA", "name": "@", "content": "100::", "proxied": true},
    "www": {"kind": "dns", "type": "CNAME", "name": "www", "content": "@", "proxied": true},
    "dmarc": {"kind": "dns", "type": "TXT", "name": "_dmarc", "content": "v=DMARC1; p=none"},
    "site": {"kind": "route", "pattern": "shop.example/*", "worker": "app"},
    "all": {"kind": "route", "pattern": "*.@/*", "worker": "app"},
    "api": {"kind": "domain", "hostname": "v1.api.shop.example", "worker": "app"},
    "files": {"kind": "r2", "cors": [{"allowed_origins": ["https://shop.example", "https://WWW.shop.example:8443", "https://other.example", "*"], "allowed_methods": ["GET"]}],
      "lifecycle": [{"id": "a", "delete_after_days": 3}]},
    "people": {"kind": "turnstile", "domains": ["@", "www.shop.example", "localhost"], "worker": "app"},
    "jobs": {"kind": "queue", "consumer": {"worker": "app", "dead_letter_queue": "dead"}},
    "dead": {"kind": "queue", "name": "graveyard"},
  },
  "previews": PREVIEWS,
}`

func preview(t *testing.T, previews string) map[provision.Key]provision.Resource {
	t.Helper()
	m, err := manifest.Parse("cfboot.jsonc", []byte(strings.Replace(shop, "PREVIEWS", previews, 1)), kinds.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := m.Preview("pr-7", kinds.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[provision.Key]provision.Resource{}
	for _, r := range d.Resources {
		out[r.Key] = r
	}
	return out
}

// Nothing of what a preview is made of names a host, a Worker or a queue of
// production.
func TestPreviewsHosts(t *testing.T) {
	rs := preview(t, `{}`)
	names := map[string]string{}
	for k, r := range rs {
		names[k.String()] = r.Name
	}
	want := map[string]string{"worker/app": "shop-pr-7", "dns/apex": "pr-7.shop.example", "dns/www": "www-pr-7.shop.example", "dns/dmarc": "_dmarc.pr-7.shop.example",
		"route/site": "pr-7.shop.example/*", "route/all": "*.pr-7.shop.example/*", "domain/api": "v1-api-pr-7.shop.example", "r2/files": "shop-pr-7-files",
		"turnstile/people": "shop-pr-7-people", "queue/jobs": "shop-pr-7-jobs", "queue/dead": "graveyard-pr-7", "consumer/jobs": "shop-pr-7"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	of := func(kind, name string) provision.Settings { return rs[provision.Key{Kind: kind, Name: name}].Settings }
	cors := []any{map[string]any{"allowed_origins": []any{"https://pr-7.shop.example", "https://www-pr-7.shop.example:8443", "https://other.example", "*"}, "allowed_methods": []any{"GET"}}}
	if diff := cmp.Diff(any(cors), of("r2", "files")["cors"]); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(any([]any{"localhost", "pr-7.shop.example", "www-pr-7.shop.example"}), of("turnstile", "people")["domains"]); diff != "" {
		t.Error(diff)
	}
	if c := of("consumer", "jobs"); c["worker"] != "shop-pr-7" || c["dead_letter_queue"] != "graveyard-pr-7" {
		t.Errorf("the consumer is %v", c)
	}
	if got := of("dns", "www")["content"]; got != "pr-7.shop.example" {
		t.Errorf("the alias is of %v", got)
	}
	for k, r := range rs {
		if strings.Contains(strings.ReplaceAll(strings.ReplaceAll(r.Name, "pr-7.shop.example", ""), "-pr-7", ""), "shop.example") {
			t.Errorf("%s is %s", k, r.Name)
		}
	}
}

// On workers.dev there is no zone: what lives in one is left out.
func TestPreviewsOnWorkersDev(t *testing.T) {
	rs := preview(t, `{"domain": "acme.workers.dev"}`)
	for k := range rs {
		if k.Kind == "dns" || k.Kind == "route" || k.Kind == "domain" {
			t.Errorf("%s is still there", k)
		}
	}
	got := rs[provision.Key{Kind: "turnstile", Name: "people"}].Settings["domains"]
	if diff := cmp.Diff(any([]any{"localhost", "shop-pr-7.acme.workers.dev", "www-shop-pr-7.acme.workers.dev"}), got); diff != "" {
		t.Error(diff)
	}
	_, err := manifest.Parse("cfboot.jsonc", []byte(strings.Replace(shop, "PREVIEWS", `{"domain": "workers.dev"}`, 1)), kinds.Catalog{})
	if err == nil || !strings.Contains(err.Error(), `previews: turnstile/people: domains[0]: "shop.example" is not known in a preview`) {
		t.Errorf("a host that nobody knows: %v", err)
	}
}

const hyperdriven = `{
  "name": "shop",
  "resources": {"db": {"kind": "hyperdrive", "binding": "PG", "scheme": "postgres", "host": "db.shop.example", "port": 5432, "database": "app", "user": "app", "password_env": "PW"}},
  "previews": PREVIEWS
}`

// A database that cfboot did not make is production's, whoever connects to it.
func TestPreviewsDatabase(t *testing.T) {
	for previews, refused := range map[string]bool{
		`{}`: true, `{"resources": {"db": {"user": "preview"}}}`: true, `{"resources": {"db": {"host": "DB.shop.example"}}}`: true,
		`{"resources": {"db": {"database": "preview"}}}`: false, `{"resources": {"db": null}}`: false, `{"shared": ["hyperdrive/db"]}`: false,
	} {
		m, err := manifest.Parse("cfboot.jsonc", []byte(strings.Replace(hyperdriven, "PREVIEWS", previews, 1)), kinds.Catalog{})
		if err != nil {
			t.Fatal(err) // production has no part in it
		}
		_, err = m.Preview("pr-7", kinds.Catalog{})
		if refused && (err == nil || !strings.Contains(err.Error(), "hyperdrive/db: a preview would work on production's database")) || !refused && err != nil {
			t.Errorf("%s: %v", previews, err)
		}
	}
}

// However long the names are, those of a preview fit, and no two are one.
func TestPreviewsLongNames(t *testing.T) {
	project, logical, rest := strings.Repeat("p", 40), strings.Repeat("l", 39), `{"kind": "r2"}`
	src := `{"name": "` + project + `", "resources": {"app": {"kind": "worker"}, "` + logical + `a": ` + rest + `, "` + logical + `b": ` + rest + `, "q-` + logical[:30] + `": {"kind": "queue"},
		"w-` + logical[:30] + `": {"kind": "worker"}}}`
	m, err := manifest.Parse("cfboot.jsonc", []byte(src), kinds.Catalog{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, environment := range []string{"abcdefghijklmnopqrs1", "abcdefghijklmnopqrs2"} {
		d, err := m.Preview(environment, kinds.Catalog{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range d.Resources {
			if once := r.Key.Kind + " " + r.Name; len(r.Name) > 63 || seen[once] {
				t.Errorf("%s in %s is %q", r.Key, environment, r.Name)
			} else {
				seen[once] = true
			}
		}
	}
}

package manifest

import (
	"strings"
	"testing"
	"time"

	"github.com/cfboot/cfboot/provision"
	"github.com/google/go-cmp/cmp"
)

// withPreviews is a manifest with something said of its previews.
func withPreviews(domain, previews string) string {
	return `{
  "name": "shop", "domain": "` + domain + `",
  "resources": {
    "db": {"kind": "d1", "binding": "DB", "protect": true, "replicas": 2},
    "log": {"kind": "d1", "binding": "LOG", "name": "old-log"},
    "app": {"kind": "worker"},
    "jobs": {"kind": "queue", "binding": "JOBS", "consumer": {"worker": "app"}},
    "www": {"kind": "record", "content": "x"},
  },
  "environments": {"staging": {}},
  "previews": ` + previews + `,
}
`
}

var badPreviews = []bad{
	{name: "no object", src: withPreviews("example.com", `true`), want: []string{
		`cfboot.jsonc:11:15: "previews" must be an object, not true or false | write "previews": {…}`,
	}},
	{name: "unknown key", src: withPreviews("example.com", `{"tll": "1d"}`), want: []string{
		`cfboot.jsonc:11:16: previews: unknown key "tll"; did you mean "ttl"?`,
	}},
	{name: "ttl", src: withPreviews("example.com", `{"ttl": "91d"}`), beyond: true, want: []string{
		`cfboot.jsonc:11:23: previews: ttl must be from 1h to 90d, not "91d" | write "7d", or leave it out and it is that`,
	}},
	{name: "ttl too short", src: withPreviews("example.com", `{"ttl": "59m"}`), beyond: true, want: []string{
		`cfboot.jsonc:11:23: previews: ttl must be from 1h to 90d, not "59m" | write "7d", or leave it out and it is that`,
	}},
	{name: "seed outside", src: withPreviews("example.com", `{"seed": "../seed.sql"}`), beyond: true, want: []string{
		`cfboot.jsonc:11:24: previews: seed "../seed.sql" is no plain path within the project | write a path from the project's folder, such as "seed/preview.sql"`,
	}},
	{name: "seed from the root", src: withPreviews("example.com", `{"seed": "/seed.sql"}`), beyond: true, want: []string{
		`cfboot.jsonc:11:24: previews: seed "/seed.sql" is no plain path within the project | write a path from the project's folder, such as "seed/preview.sql"`,
	}},
	{name: "seed on a drive", src: withPreviews("example.com", `{"seed": "c:seed.sql"}`), beyond: true, want: []string{
		`cfboot.jsonc:11:24: previews: seed "c:seed.sql" is no path with slashes | write a path from the project's folder, such as "seed/preview.sql"`,
	}},
	{name: "one host for all", src: withPreviews("example.com", `{"domain": "{env}{env}.example.com"}`), want: []string{
		`cfboot.jsonc:11:26: previews: the domain "{env}{env}.example.com" must have {env} in it once, so that each preview has its own host | write "{env}.previews.example.com"`,
	}},
	{name: "no host", src: withPreviews("example.com", `{"domain": "{env}.-.com"}`), beyond: true, want: []string{
		`cfboot.jsonc:11:26: previews: the domain "{env}.-.com" is not a host name | write one such as "example.com": letters, digits and dashes, parted by dots`,
	}},
	{name: "placeholder", src: withPreviews("example.com", `{"vars": {"A": "{URL}/{id}"}}`), beyond: true, want: []string{
		`cfboot.jsonc:11:30: previews: the variable "A" has {URL}, which stands for nothing | what stands for a preview's own: {url}, {host}, {env}`,
	}},
	{name: "ttl of no form", src: withPreviews("example.com", `{"ttl": "soon", "seed": "a.txt", "shared": ["a b"]}`), want: []string{
		`cfboot.jsonc:11:23: previews: ttl must be from 1h to 90d, not "soon" | write "7d", or leave it out and it is that`,
		`cfboot.jsonc:11:39: previews: seed "a.txt" is no SQL file | write a path from the project's folder, such as "seed/preview.sql"`,
		`cfboot.jsonc:11:59: previews: shared names "a b", which is neither a resource nor a binding | write "hyperdrive/db" for a resource, or "FLAGS" for a binding of wrangler.jsonc`,
	}},
	{name: "shared is not there", src: withPreviews("example.com", `{"shared": ["d1/dbs"]}`), beyond: true, want: []string{
		`cfboot.jsonc:11:27: previews: shared names "d1/dbs", which is not among the resources; did you mean "d1/db"?`,
	}},
	{name: "shared without a binding", src: withPreviews("example.com", `{"shared": ["worker/app"]}`), beyond: true, want: []string{
		`cfboot.jsonc:11:27: previews: "worker/app" has no binding (cfboot.jsonc:6:5), and only what the Worker is bound to can be shared | take it out; a preview gets one of its own`,
	}},
	{name: "shared and changed", src: withPreviews("example.com", `{"shared": ["d1/db"], "resources": {"db": {"replicas": 0}, "www": {"host": "a.example.com"}}}`), beyond: true, want: []string{
		`cfboot.jsonc:11:27: previews: "d1/db" is shared, and changed in a preview (cfboot.jsonc:11:51) | keep one of the two`,
	}},
	{name: "misfit in a resource", src: withPreviews("example.com", `{"resources": {"db": {"replicas": 9}}}`), want: []string{
		`cfboot.jsonc:11:49: previews: d1/db: replicas must be between 0 and 5, not 9 | leave it out and it is 0`,
	}},
	{name: "refers to what is left out", src: withPreviews("example.com", `{"resources": {"app": null}}`), beyond: true, want: []string{
		`cfboot.jsonc:7:73: previews: queue/jobs: consumer.worker refers to worker/app, which this environment leaves out (cfboot.jsonc:11:30) | keep "app" in this environment, or change the setting there, too`,
	}},
	{name: "the same as production's", src: strings.Replace(withPreviews("example.com", `{}`), `"content": "x"`, `"host": "w.example.com", "content": "x"`, 1), beyond: true, want: []string{
		`cfboot.jsonc:8:5: record/www in a preview would be the same at Cloudflare, "w.example.com x", as record/www in production (cfboot.jsonc:8:5) | make it another one there: "previews": {"resources": {"www": {…}}} | or leave it out there: "previews": {"resources": {"www": null}}`,
		`cfboot.jsonc:8:5: record/www in staging would be the same at Cloudflare, "w.example.com x", as record/www in production (cfboot.jsonc:8:5) | make it another one there: "environments": {"staging": {"resources": {"www": {…}}}} | or leave it out there: "environments": {"staging": {"resources": {"www": null}}}`,
	}},
	{name: "host too long", src: withPreviews("a23456789012345678901234567890.b23456789012345678901234567890.example.com", `{}`), beyond: true, want: []string{
		`cfboot.jsonc:11:3: the host of a preview, "a23456789012345678901234567890-b234567890123456789012345678…", is too long: at most 253 characters, 63 between two dots | give "previews" a "domain" of its own | use a shorter host name`,
	}},
}

func TestPreviewDefaults(t *testing.T) {
	m := parsed(t, `{"name": "shop"}`)
	if d := cmp.Diff(Previews{TTL: 7 * 24 * time.Hour}, m.Previews()); d != "" {
		t.Error(d)
	}
}

func TestPreviewsRead(t *testing.T) {
	m := parsed(t, withPreviews("example.com", `{"ttl": "1.5d6h", "seed": "a/b.sql", "crons": true, "domain": "{env}.P.example.org",
    "vars": {"ORIGIN": "{url}/a", "H": "{host} {env} {other}"}, "services": {"AUTH": "auth", "GONE": null}, "shared": ["d1/db", "FLAGS"],
    "resources": {"log": null}}`))
	want := Previews{TTL: 42 * time.Hour, Seed: "a/b.sql", Crons: true, Domain: "{env}.p.example.org",
		Vars:     map[string]string{"ORIGIN": "{url}/a", "H": "{host} {env} {other}"},
		Services: map[string]string{"AUTH": "auth", "GONE": ""}, Shared: []string{"d1/db", "FLAGS"}, Keep: []string{"DB", "FLAGS"}, Drop: []string{"LOG"}}
	if d := cmp.Diff(want, m.Previews()); d != "" {
		t.Error(d)
	}
	vars := m.Previews().Expanded("pr-7", "https://pr-7.p.example.org")
	if d := cmp.Diff(map[string]string{"ORIGIN": "https://pr-7.p.example.org/a", "H": "pr-7.p.example.org pr-7 {other}"}, vars); d != "" {
		t.Error(d)
	}
}

func parsed(t *testing.T, src string) *Manifest {
	t.Helper()
	m, err := Parse(File, []byte(src), plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestPreview(t *testing.T) {
	m := parsed(t, withPreviews("example.com", `{"resources": {"db": {"replicas": null}, "cache": {"kind": "d1"}}, "shared": ["d1/log"]}`))
	d, err := m.Preview("pr-7", plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	want := Desired{Project: "shop", Environment: "pr-7", Domain: "pr-7.example.com", Resources: []provision.Resource{
		resource("d1/db", "shop-pr-7-db", provision.Settings{}, provision.Settings{"binding": "DB"}),
		resource("worker/app", "shop-pr-7-app", provision.Settings{}, provision.Settings{}),
		resource("queue/jobs", "shop-pr-7-jobs", provision.Settings{}, provision.Settings{"binding": "JOBS"}),
		as("pr-7.example.com x", resource("record/www", "pr-7.example.com", provision.Settings{}, provision.Settings{})),
		resource("d1/cache", "shop-pr-7-cache", provision.Settings{}, provision.Settings{}),
		as("shop-pr-7-jobs", resource("consumer/jobs", "app", nil, nil, "queue/jobs", "worker/app")),
	}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	names, err := m.Names("pr-7", plainCatalog{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"d1/shop-db": "shop-pr-7-db", "worker/shop-app": "shop-pr-7-app", "queue/shop-jobs": "shop-pr-7-jobs",
		"record/example.com": "pr-7.example.com", "consumer/app": "app"}, names); diff != "" {
		t.Error(diff)
	}
	if p, _ := m.Desired(Production, plainCatalog{}); len(p.Resources) != 6 || p.Resources[1].Name != "old-log" {
		t.Errorf("production is another: %+v", p.Resources)
	}
}

// Without a word of previews in the manifest there can be some all the same.
func TestPreviewUndeclared(t *testing.T) {
	m := parsed(t, `{"name": "shop", "resources": {"log": {"kind": "d1", "name": "old-log", "protect": true}}}`)
	d, err := m.Preview("feature-x", plainCatalog{})
	if err != nil || d.Domain != "" || !d.WorkersDev || len(d.Resources) != 1 || d.Resources[0].Name != "old-log-feature-x" || d.Resources[0].Protect != nil {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestPreviewHost(t *testing.T) {
	for _, tt := range []struct{ domain, previews, want string }{
		{"my-saas.example", `{}`, "pr-7.my-saas.example"},
		{"shop.co.uk", `{}`, "pr-7.shop.co.uk"},
		{"app.example.com", `{}`, "app-pr-7.example.com"},
		{"a.b.example.co.uk", `{}`, "a-b-pr-7.example.co.uk"},
		{"app.example.com", `{"domain": "{env}.preview.example.com"}`, "pr-7.preview.example.com"},
		{"app.example.com", `{"domain": "shop-{env}.example.dev"}`, "shop-pr-7.example.dev"},
		{"app.example.com", `{"domain": "acme.workers.dev", "resources": {"www": {"host": "www.example.com"}}}`, "shop-pr-7-app.acme.workers.dev"},
	} {
		d, err := parsed(t, withPreviews(tt.domain, tt.previews)).Preview("pr-7", plainCatalog{})
		if err != nil || d.Domain != tt.want || d.WorkersDev != strings.HasSuffix(tt.want, ".workers.dev") {
			t.Errorf("%s %s: %q, %v", tt.domain, tt.previews, d.Domain, err)
		}
	}
}

func TestPreviewNames(t *testing.T) {
	m := parsed(t, withPreviews("example.com", `{}`))
	for name, want := range map[string]string{
		"production":            `cfboot.jsonc: a preview cannot be called "production" | choose another name, such as "pr-7"`,
		"Feature/x":             `cfboot.jsonc: the preview "Feature/x" is no valid name: small letters, digits and single dashes, a letter first, at most 20 characters | write "feature-x"`,
		"7":                     `cfboot.jsonc: the preview "7" is no valid name: small letters, digits and single dashes, a letter first, at most 20 characters | write something like "my-name"`,
		"abcdefghijklmnopqrstu": `cfboot.jsonc: the preview "abcdefghijklmnopqrstu" is no valid name: small letters, digits and single dashes, a letter first, at most 20 characters | write "abcdefghijklmnopqrst"`,
		"staging":               `cfboot.jsonc:10:20: the environment "staging" is declared, and a preview comes and goes | choose another name, such as "pr-7" | or: cfboot apply --env staging`,
	} {
		_, err := m.Preview(name, plainCatalog{})
		if got := strings.Join(lines(t, err), "\n"); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// A preview whose names are taken by production or an environment is refused.
func TestPreviewTaken(t *testing.T) {
	m := parsed(t, strings.Replace(withPreviews("example.com", `{}`), `"app": {`, `"pr-9-db": {"kind": "d1"}, "app": {`, 1))
	if _, err := m.Preview("pr-7", plainCatalog{}); err != nil {
		t.Fatal(err)
	}
	_, err := m.Preview("pr-9", plainCatalog{})
	if got := strings.Join(lines(t, err), "\n"); !strings.Contains(got, `d1/db in a preview would have the same real name, "shop-pr-9-db", as d1/pr-9-db in production`) {
		t.Error(got)
	}
}

package e2e

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/provision/manifest"
	"pgregory.net/rapid"
)

// A program is a manifest that is edited between runs: logical names and what
// is said of them.
type program struct {
	environment string
	resources   map[string]map[string]any
	read        map[string][]provision.Resource // what the texts so far have asked for
}

// An option is a setting with the values it may take; nil leaves it out. The
// first value is the plainest, to which a failing case shrinks.
type option struct {
	setting string
	values  []any
}

type vocabulary struct {
	logical, kind string
	options       []option
}

type object = map[string]any

var cors = func(origin string) any {
	return []any{object{"allowed_origins": []any{origin}, "allowed_methods": []any{"GET"}, "max_age_seconds": 60}}
}

var lifecycle = func(days int) any {
	return []any{object{"id": "old", "prefix": "tmp/", "delete_after_days": days}}
}

// words is all that programs are made of: every kind, with settings that change
// in place, that replace, that only the files keep, and that rename. No two
// resources can come to the same name or host.
var words = []vocabulary{
	{"app", "worker", []option{{"name", []any{nil, "shop-app-v2"}}}},
	{"side", "worker", []option{{"name", []any{nil, "shop-side-v2"}}}},
	{"db", "d1", []option{{"binding", []any{nil, "DB", "DB_2"}}, {"read_replication", []any{nil, "auto", "disabled"}},
		{"jurisdiction", []any{nil, "eu"}}, {"location_hint", []any{nil, "weur", "enam"}}, {"migrations_dir", []any{nil, "migrations"}}, {"name", []any{nil, "shop-db-v2"}}}},
	{"logs", "d1", []option{{"read_replication", []any{nil, "auto"}}}},
	{"cache", "kv", []option{{"binding", []any{nil, "CACHE", "CACHE_2"}}, {"name", []any{nil, "shop-cache-v2"}}, {"jurisdiction", []any{nil, "eu"}}}},
	{"config", "kv", []option{{"name", []any{nil, "shop-config-v2"}}}},
	{"files", "r2", []option{{"binding", []any{nil, "FILES", "FILES_2"}}, {"cors", []any{nil, cors("https://a.example"), cors("https://b.example")}},
		{"lifecycle", []any{nil, lifecycle(7), lifecycle(30)}}, {"storage_class", []any{nil, "InfrequentAccess"}},
		{"location_hint", []any{nil, "weur"}}, {"name", []any{nil, "shop-files-v2"}}}},
	{"backups", "r2", []option{{"jurisdiction", []any{nil, "eu"}}, {"lifecycle", []any{nil, lifecycle(7)}}}},
	{"jobs", "queue", []option{{"binding", []any{nil, "JOBS", "JOBS_2"}}, {"delivery_delay", []any{nil, 5}}, {"name", []any{nil, "shop-jobs-v2"}}, {"consumer", []any{
		nil, object{"worker": "app"}, object{"worker": "app", "batch_size": 5, "dead_letter_queue": "failed"},
		object{"worker": "side", "max_concurrency": 2, "dead_letter_queue": "failed"}, object{"worker": "side", "retry_delay": 9, "dead_letter_queue": "late"},
		object{}, object{"batch_size": 5, "dead_letter_queue": "late"}}}}},
	{"failed", "queue", []option{{"message_retention_period", []any{nil, 600}}, {"name", []any{nil, "shop-failed-v2"}}, {"consumer", []any{
		nil, object{"worker": "side", "batch_size": 2}, object{"worker": "app", "dead_letter_queue": "late"}}}}},
	{"late", "queue", []option{{"name", []any{nil, "shop-late-v2"}}}},
	{"www", "dns", []option{{"name", []any{"www", "www2"}}, {"type", []any{"A", "AAAA", "CNAME"}}, {"proxied", []any{nil, true}}, {"comment", []any{nil, "ours"}}}},
	{"note", "dns", []option{{"name", []any{"@"}}, {"type", []any{"TXT"}}, {"content", []any{"v=one", "v=two"}}, {"ttl", []any{nil, 120}}}},
	{"mail", "dns", []option{{"name", []any{"@", "mail"}}, {"type", []any{"MX"}}, {"content", []any{"mx.example.net", "mx2.example.net"}}, {"priority", []any{10, 20}}}},
	{"site", "route", []option{{"pattern", []any{"@/*", "www.@/*"}}, {"worker", []any{nil, "app", "side"}}}},
	{"api", "route", []option{{"pattern", []any{"api.@/v1/*", "api.@/v2/*"}}, {"worker", []any{nil, "app"}}}},
	{"host", "domain", []option{{"hostname", []any{"host.@", "host2.@"}}, {"worker", []any{"app", "side"}}}},
	{"vectors", "vectorize", []option{{"binding", []any{nil, "VECTORS"}}, {"dimensions", []any{4, 8}}, {"metric", []any{"cosine", "euclidean"}},
		{"name", []any{nil, "shop-vectors-v2"}}}},
}

func (v vocabulary) draw(t *rapid.T) object {
	o := object{}
	for _, opt := range v.options {
		opt.draw(t, v.logical, o)
	}
	return o
}

func (opt option) draw(t *rapid.T, logical string, into object) {
	delete(into, opt.setting)
	if v := rapid.SampledFrom(opt.values).Draw(t, logical+"."+opt.setting); v != nil {
		into[opt.setting] = v
	}
}

func drawProgram(t *rapid.T) *program {
	p := &program{environment: rapid.SampledFrom([]string{provision.Production, "staging"}).Draw(t, "environment"), resources: map[string]object{}, read: map[string][]provision.Resource{}}
	for _, v := range words {
		if rapid.Bool().Draw(t, v.logical) {
			p.resources[v.logical] = v.draw(t)
		}
	}
	return p
}

// edit changes one thing: a resource comes or goes, or one setting of one says
// something else.
func (p *program) edit(t *rapid.T) {
	v := words[rapid.IntRange(0, len(words)-1).Draw(t, "edited")]
	o, has := p.resources[v.logical]
	switch {
	case !has:
		p.resources[v.logical] = v.draw(t)
	case rapid.IntRange(0, 2).Draw(t, "edit") == 0:
		delete(p.resources, v.logical)
	default:
		v.options[rapid.IntRange(0, len(v.options)-1).Draw(t, "setting")].draw(t, v.logical, o)
	}
}

// text is the manifest, in which a reference to what is not there is left out.
func (p *program) text() []byte {
	out := object{}
	for _, v := range words {
		o, has := p.resources[v.logical]
		if !has {
			continue
		}
		o = maps.Clone(o)
		o["kind"] = v.kind
		if !p.complete(v, o) {
			continue
		}
		out[v.logical] = o
	}
	b, err := json.MarshalIndent(object{"name": "shop", "domain": tortureDomain, "resources": out,
		"environments": object{"staging": object{"domain": "staging." + tortureDomain}}}, "", "\t")
	if err != nil {
		panic(err) // made of the words above
	}
	return b
}

// complete fits an object to those around it, or reports that it cannot be
// without them.
func (p *program) complete(v vocabulary, o object) bool {
	absent := func(logical any) bool { _, has := p.resources[fmt.Sprint(logical)]; return logical != nil && !has }
	if absent(o["worker"]) {
		delete(o, "worker")
	}
	if c, has := o["consumer"].(object); has {
		c = maps.Clone(c)
		o["consumer"] = c
		if absent(c["dead_letter_queue"]) {
			delete(c, "dead_letter_queue")
		}
		if absent(c["worker"]) {
			delete(o, "consumer")
		}
	}
	if v.logical == "www" {
		o["content"] = map[any]string{"A": "192.0.2.1", "AAAA": "100::", "CNAME": "elsewhere.example"}[o["type"]]
	}
	return v.kind != "domain" || o["worker"] != nil
}

func (p *program) desired(t *rapid.T) []provision.Resource {
	text := p.text()
	if resources, again := p.read[string(text)]; again {
		return resources
	}
	m, err := manifest.Parse(manifest.File, text, kinds.Catalog{})
	if err != nil {
		t.Fatalf("the manifest:\n%s\n%v", text, err)
	}
	d, err := m.Desired(p.environment, kinds.Catalog{})
	if err != nil {
		t.Fatalf("the manifest:\n%s\n%v", text, err)
	}
	p.read[string(text)] = d.Resources
	return d.Resources
}

package manifest

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cfboot/cfboot/provision"
)

// Previews is what the manifest says of every preview: an environment that lives
// as long as a pull request does.
type Previews struct {
	TTL      time.Duration     // how long one lives after it was last used
	Seed     string            // path of an SQL file in the project, with slashes; may be empty
	Crons    bool              // whether the Worker's cron triggers run
	Domain   string            // host with {env} in it, or one of workers.dev; empty: beside production's
	Vars     map[string]string // variables of the Worker, with {url}, {host} and {env} in them
	Services map[string]string // by binding, the Worker that it leads to; empty: the binding is left out
	Shared   []string          // resources and bindings that are production's also in a preview
	Keep     []string          // the bindings that Shared is about
	Drop     []string          // the bindings of what "resources" leaves out
}

const (
	defaultTTL = 7 * 24 * time.Hour
	minTTL     = time.Hour
	maxTTL     = 90 * 24 * time.Hour

	workersDev = "workers.dev"
)

// The schema's patterns are what a pattern can say; readPreviews checks the rest.
const (
	ttlPattern      = `^([0-9]+(\.[0-9]+)?(d|h|m|s))+$`
	seedPattern     = `\.sql$`
	varPattern      = `^[A-Za-z_][A-Za-z0-9_]*$`
	sharedPattern   = `^([a-z0-9]+/[a-z0-9]+(-[a-z0-9]+)*|[A-Za-z_$][A-Za-z0-9_$]*)$`
	previewsPattern = `^([A-Za-z0-9.-]*\{env\}[A-Za-z0-9.-]*\.[A-Za-z0-9.-]*[A-Za-z0-9]|([a-z0-9-]+\.)?workers\.dev)$`
)

// previewsSchema is the schema of "previews", given what a resource may be. The
// patterns are for editors; readPreviews says the same in words.
func previewsSchema(resource any) map[string]any {
	out := previewsShape(resource)
	props := out["properties"].(map[string]any)
	for name, pattern := range map[string]string{"ttl": ttlPattern, "seed": seedPattern, "domain": previewsPattern} {
		props[name].(map[string]any)["pattern"] = pattern
	}
	props["shared"].(map[string]any)["items"].(map[string]any)["pattern"] = sharedPattern
	return out
}

func previewsShape(resource any) map[string]any {
	return map[string]any{"type": "object", "additionalProperties": false, "description": "What is different in every preview. Each is production with this merged in, under names and an address of its own.",
		"properties": map[string]any{
			"ttl": map[string]any{"type": "string", "default": "7d", "examples": []any{"3d"},
				"description": "How long a preview lives after its last change, from 1h to 90d."},
			"seed": map[string]any{"type": "string", "description": "An SQL file of the project that fills a new preview's database.", "examples": []any{"seed/preview.sql"}},
			"crons": map[string]any{"type": "boolean", "default": false,
				"description": "Whether the Worker's cron triggers run in a preview."},
			"domain": map[string]any{"type": "string", "maxLength": maxDomain, "examples": []any{"{env}.previews.example.com", "workers.dev"},
				"description": "The host of a preview, {env} in the place of its name. Left out, it stands one level below the zone, where the universal certificate holds: pr-7.example.com, or for app.example.com app-pr-7.example.com. With workers.dev, or your-name.workers.dev, what lives in a zone is left out."},
			"vars": map[string]any{"type": "object", "propertyNames": named(varPattern, maxSecret, ""), "additionalProperties": map[string]any{"type": "string"},
				"description": "Variables of the Worker in a preview. {url}, {host} and {env} stand for its own.", "examples": []any{map[string]any{"APP_ORIGIN": "{url}"}}},
			"services": map[string]any{"type": "object", "propertyNames": map[string]any{"pattern": identifier().String()}, "additionalProperties": map[string]any{"type": []any{"string", "null"}, "minLength": 1},
				"description": "Where a service binding leads in a preview: another Worker, or null to leave the binding out.", "examples": []any{map[string]any{"AUTH": "auth-staging"}}},
			"shared": map[string]any{"type": "array", "uniqueItems": true, "items": map[string]any{"type": "string"}, "examples": []any{[]any{"hyperdrive/db", "FLAGS"}},
				"description": "What a preview uses of production on purpose: resources by kind/name, or bindings of wrangler.jsonc that no resource here stands for."},
			"resources": map[string]any{"type": "object", "description": "What is different in a preview, by logical name.",
				"propertyNames": named(logicalPattern, maxName, ""), "additionalProperties": resource},
		},
	}
}

// previews is "previews" as it is kept.
type previews struct {
	Previews
	at        int // of the key; nowhere without one
	declared  bool
	sharedAt  map[provision.Key]int
	resources []member
}

// Previews says what holds for every preview.
func (m *Manifest) Previews() Previews {
	p := m.previews.Previews
	p.Vars, p.Services = maps.Clone(p.Vars), maps.Clone(p.Services)
	p.Shared, p.Keep, p.Drop = slices.Clone(p.Shared), slices.Clone(p.Keep), slices.Clone(p.Drop)
	return p
}

// Expanded gives the variables of one preview with what stands for its own
// address filled in.
func (p Previews) Expanded(environment, url string) map[string]string {
	host := strings.TrimPrefix(url, "https://")
	fill := strings.NewReplacer("{env}", environment, "{url}", url, "{host}", host)
	out := make(map[string]string, len(p.Vars))
	for name, v := range p.Vars {
		out[name] = fill.Replace(v)
	}
	return out
}

// readPreviews reads "previews" but for what its resources say.
func (m *Manifest) readPreviews(root *value, r *report) {
	m.previews = previews{Previews: Previews{TTL: defaultTTL}, at: nowhere}
	in, ok := root.get("previews")
	if !ok || !object(in, r) {
		return
	}
	shape, err := compile(previewsShape(true), "previews")
	if err != nil {
		panic("manifest: " + err.Error()) // it is written above
	}
	m.previews.at, m.previews.declared = in.at, true
	m.previews.resources = readResources(in.value, r)
	misfits := shape.misfits(in.value)
	for _, f := range misfits {
		if f.of("resources") {
			continue // readResources has told it
		}
		at := in.value.place(f.path)
		if f.key && len(f.path) > 0 {
			at = in.value.keyAt(f.path)
		}
		r.add(at, "previews: "+f.text, f.hints...)
	}
	if len(misfits) > 0 {
		return
	}
	m.readLife(in.value, r)
	m.readHost(in.value, r)
	m.readWiring(in.value, r)
	m.readShared(in.value, r)
	for _, res := range m.previews.resources {
		i := slices.IndexFunc(m.resources, func(base member) bool { return base.name == res.name })
		if i >= 0 && res.value.form == 'n' && m.resources[i].value.str(bindingSetting) != "" {
			m.previews.Drop = append(m.previews.Drop, m.resources[i].value.str(bindingSetting))
		}
	}
}

func (f misfit) of(key string) bool { return len(f.path) > 0 && f.path[0] == key }

// readLife reads how long a preview lives, and on what.
func (m *Manifest) readLife(in *value, r *report) {
	if ttl, ok := in.get("ttl"); ok {
		d, err := parseTTL(ttl.value.text)
		if err != nil || d < minTTL || d > maxTTL {
			r.add(ttl.value.at, fmt.Sprintf("previews: ttl must be from 1h to 90d, not %s", quote(ttl.value.text)), `write "7d", or leave it out and it is that`)
		} else {
			m.previews.TTL = d
		}
	}
	if seed, ok := in.get("seed"); ok {
		if why := seedFault(seed.value.text); why != "" {
			r.add(seed.value.at, "previews: seed "+quote(seed.value.text)+" "+why, `write a path from the project's folder, such as "seed/preview.sql"`)
		} else {
			m.previews.Seed = seed.value.text
		}
	}
	if crons, ok := in.get("crons"); ok {
		m.previews.Crons = crons.value.form == 't'
	}
}

var ttlPart = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)d`) })

// parseTTL reads Go's durations, with days before them.
func parseTTL(s string) (time.Duration, error) {
	days := time.Duration(0)
	if part := ttlPart().FindStringSubmatch(s); part != nil {
		n, err := strconv.ParseFloat(part[1], 64)
		if err != nil || n > 1000 {
			return 0, fmt.Errorf("%s days are too many", part[1])
		}
		days, s = time.Duration(n*24*float64(time.Hour)), s[len(part[0]):]
	}
	if s == "" {
		return days, nil
	}
	rest, err := time.ParseDuration(s)
	return days + rest, err
}

// seedFault says why a path is none within the project.
func seedFault(s string) string {
	switch {
	case strings.ContainsAny(s, "\\:"):
		return "is no path with slashes"
	case !strings.HasSuffix(s, ".sql"):
		return "is no SQL file"
	case path.IsAbs(s) || path.Clean(s) != s || s == ".." || strings.HasPrefix(s, "../"):
		return "is no plain path within the project"
	}
	return ""
}

// readHost reads under which host a preview answers.
func (m *Manifest) readHost(in *value, r *report) {
	domain, ok := in.get("domain")
	if !ok {
		return
	}
	s := strings.ToLower(domain.value.text)
	if onWorkersDev(s) {
		m.previews.Domain = s
		return
	}
	if why, hint := domainFault(strings.ReplaceAll(s, "{env}", sampleEnvironment)); why != "" {
		r.add(domain.value.at, "previews: the domain "+quote(s)+" "+why, hint)
		return
	}
	if strings.Count(s, "{env}") != 1 {
		r.add(domain.value.at, "previews: the domain "+quote(s)+" must have {env} in it once, so that each preview has its own host", `write "{env}.previews.example.com"`)
		return
	}
	m.previews.Domain = s
}

func onWorkersDev(domain string) bool {
	return domain == workersDev || strings.HasSuffix(domain, "."+workersDev)
}

// readWiring reads the Worker's variables and what it calls.
func (m *Manifest) readWiring(in *value, r *report) {
	if vars, ok := in.get("vars"); ok {
		m.previews.Vars = map[string]string{}
		for _, v := range vars.value.members {
			m.previews.Vars[v.name] = v.value.text
			if unknown := unknownPlaceholder(v.value.text); unknown != "" {
				r.add(v.value.at, fmt.Sprintf("previews: the variable %s has %s, which stands for nothing", quote(v.name), unknown), "what stands for a preview's own: {url}, {host}, {env}")
			}
		}
	}
	if services, ok := in.get("services"); ok {
		m.previews.Services = map[string]string{}
		for _, s := range services.value.members {
			m.previews.Services[s.name] = services.value.str(s.name) // null is empty
		}
	}
}

var placeholder = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{[A-Za-z_]+\}`) })

// unknownPlaceholder finds one that was probably meant to be one of ours. Others
// may be meant for the Worker.
func unknownPlaceholder(s string) string {
	for _, p := range placeholder().FindAllString(s, -1) {
		known := []string{"{url}", "{host}", "{env}"}
		if _, near := closest(p, known); near && !slices.Contains(known, p) {
			return p
		}
	}
	return ""
}

var sharedForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(sharedPattern) })

// readShared reads what is production's also in a preview.
func (m *Manifest) readShared(in *value, r *report) {
	shared, ok := in.get("shared")
	if !ok {
		return
	}
	m.previews.sharedAt = map[provision.Key]int{}
	for _, e := range shared.value.elements {
		if !sharedForm().MatchString(e.text) {
			r.add(e.at, "previews: shared names "+quote(e.text)+", which is neither a resource nor a binding", `write "hyperdrive/db" for a resource, or "FLAGS" for a binding of wrangler.jsonc`)
			continue
		}
		if !strings.Contains(e.text, "/") {
			m.previews.Shared, m.previews.Keep = append(m.previews.Shared, e.text), append(m.previews.Keep, e.text)
			continue
		}
		if binding := m.shareable(e, r); binding != "" {
			key, _ := provision.ParseKey(e.text)
			m.previews.Shared, m.previews.Keep = append(m.previews.Shared, e.text), append(m.previews.Keep, binding)
			m.previews.sharedAt[key] = e.at
		}
	}
}

// shareable gives the binding of a resource that may be shared.
func (m *Manifest) shareable(e *value, r *report) (binding string) {
	key, _ := provision.ParseKey(e.text)
	i := slices.IndexFunc(m.resources, func(res member) bool { return res.name == key.Name && res.value.str("kind") == key.Kind })
	overridden := slices.IndexFunc(m.previews.resources, func(res member) bool { return res.name == key.Name })
	switch {
	case i < 0:
		var keys []string
		for _, res := range m.resources {
			keys = append(keys, res.value.str("kind")+"/"+res.name)
		}
		r.add(e.at, "previews: shared names "+quote(e.text)+", which is not among the resources", suggestion(e.text, keys))
	case m.resources[i].value.str(bindingSetting) == "":
		r.add(e.at, fmt.Sprintf("previews: %s has no binding (%s), and only what the Worker is bound to can be shared", quote(e.text), r.source.place(m.resources[i].at)),
			"take it out; a preview gets one of its own")
	case overridden >= 0:
		r.add(e.at, fmt.Sprintf("previews: %s is shared, and changed in a preview (%s)", quote(e.text), r.source.place(m.previews.resources[overridden].at)), "keep one of the two")
	default:
		return m.resources[i].value.str(bindingSetting)
	}
	return ""
}

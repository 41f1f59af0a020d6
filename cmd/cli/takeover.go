package cli

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cfboot/cfboot/cmd/view"
	"github.com/cfboot/cfboot/provision"
	"github.com/cfboot/cfboot/provision/kinds"
	"github.com/cfboot/cfboot/wrangler"
)

// A takeover turns what a wrangler.jsonc names into a manifest: what is named is
// found, looked up, and what exists is written as it is.
type takeover struct {
	project string // logical names are its own, real ones mostly begin with it
	worker  string // real name
	names   map[string]bool
	found   []*finding
	left    []view.Left
}

// A finding is one thing that wrangler.jsonc names.
type finding struct {
	wanted provision.Wanted
	fields provision.Settings // what the manifest says of it, beside what Cloudflare reports
	seen   provision.Observed
	dead   string // real name of a consumer's dead-letter queue
}

func newTakeover(env *wrangler.Environment) *takeover {
	o := &takeover{worker: env.Worker, project: logicalName(env.Worker), names: map[string]bool{}}
	o.find(kinds.App, "worker", provision.Wanted{Name: env.Worker}, nil)
	const consumers = "queues.consumers"
	for _, last := range []bool{false, true} { // a queue is called by its binding, where it has one
		for _, b := range env.Bindings {
			if section := strings.Join(b.Section, "."); (section == consumers) == last {
				o.read(section, b)
			}
		}
	}
	return o
}

// foreignSections are bindings to what has to be made, and not by cfboot.
var foreignSections = []string{"hyperdrive", "workflows", "durable_objects.bindings", "services", "dispatch_namespaces", "mtls_certificates",
	"pipelines", "secrets_store_secrets", "analytics_engine_datasets", "vpc_services"}

// read takes up one element of wrangler.jsonc.
func (o *takeover) read(section string, b wrangler.Binding) {
	text := func(field string) string { s, _ := b.Field(field).(string); return s }
	binding := text("binding")
	named := func(field string) string {
		if s := text(field); s != "" {
			return s
		}
		return o.worker + "-" + strings.ReplaceAll(strings.ToLower(binding), "_", "-") // what wrangler makes of it
	}
	says := provision.Settings{"binding": binding}
	within := provision.Settings{}
	if j := text("jurisdiction"); j != "" {
		within["jurisdiction"] = j
	}
	switch section {
	case "d1_databases":
		if dir := text("migrations_dir"); dir != "" {
			says["migrations_dir"] = dir
		}
		o.find(binding, "d1", provision.Wanted{Name: named("database_name"), ID: text("database_id")}, says)
	case "kv_namespaces":
		o.find(binding, "kv", provision.Wanted{Name: named(""), ID: text("id")}, says)
	case "r2_buckets":
		o.find(binding, "r2", provision.Wanted{Name: named("bucket_name"), Settings: within}, says)
	case "vectorize":
		o.find(binding, "vectorize", provision.Wanted{Name: named("index_name")}, says)
	case "queues.producers":
		o.find(binding, "queue", provision.Wanted{Name: named("queue")}, says)
	case "queues.consumers":
		o.consumer(text("queue"), text("type"), text("dead_letter_queue"))
	case "routes", "route":
		o.route(text("pattern"), b.Field("custom_domain") == true)
	default:
		if slices.Contains(foreignSections, section) {
			o.leave(section, firstText(binding, text("name")), "cfboot has no kind for it; wrangler goes on with it as before")
		}
	}
}

func firstText(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (o *takeover) leave(what, name, why string) {
	o.left = append(o.left, view.Left{What: strings.TrimSpace(what + " " + name), Why: why})
}

var unsafeName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\x00-\x1f/?#%\\]|^\.*$`) })

// find notes one thing to look up, once, and gives it a logical name.
func (o *takeover) find(hint, kind string, w provision.Wanted, says provision.Settings) *finding {
	switch {
	case w.ID != "" && !adoptableID().MatchString(w.ID):
		o.leave(kind, hint, fmt.Sprintf("%q is no id", w.ID))
		return nil
	case kind != "route" && unsafeName().MatchString(w.Name):
		o.leave(kind, hint, fmt.Sprintf("%q is no name", w.Name))
		return nil
	}
	for _, f := range o.found {
		if f.wanted.Key.Kind == kind && f.wanted.ID == w.ID && (w.ID != "" || f.wanted.Name == w.Name) {
			if bound := f.fields["binding"]; bound != nil && says["binding"] != nil {
				o.leave(kind, hint, fmt.Sprintf("it is bound twice, also as %v", bound))
				return nil
			}
			if f.fields["binding"] == nil && says != nil {
				f.fields = says
			}
			return f
		}
	}
	f := &finding{wanted: w, fields: maps.Clone(says)}
	f.wanted.Key = provision.Key{Kind: kind, Name: o.name(hint, kind)}
	o.found = append(o.found, f)
	return f
}

// name makes a logical name that is not taken.
func (o *takeover) name(hint, kind string) string {
	base := logicalName(hint)
	if base == "" {
		base = kind
	}
	name := base
	for n := 1; o.names[name]; n++ {
		name = logicalName(base + "-" + kind)
		if n > 1 {
			name += fmt.Sprintf("-%d", n)
		}
	}
	o.names[name] = true
	return name
}

var notLogical = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[^a-z0-9]+`) })

// logicalName is the nearest name that a manifest may use, which may be empty.
func logicalName(s string) string {
	s = strings.Trim(notLogical().ReplaceAllString(strings.ToLower(s), "-"), "-")
	return strings.Trim(s[:min(len(s), 36)], "-") // room for a number behind it
}

// queue finds a queue that is not bound, or not yet.
func (o *takeover) queue(name string) *finding {
	return o.find(strings.TrimPrefix(name, o.worker+"-"), "queue", provision.Wanted{Name: name}, nil)
}

func (o *takeover) consumer(queue, kind, dead string) {
	q := o.queue(queue)
	if q == nil {
		return
	}
	name := o.worker
	if kind == "" {
		kind = "worker"
	}
	settings := provision.Settings{"type": kind, "queue": queue}
	if kind == "worker" {
		settings["worker"] = o.worker
	} else {
		name = kind
	}
	f := &finding{wanted: provision.Wanted{Key: provision.Key{Kind: "consumer", Name: q.wanted.Key.Name}, Name: name, Settings: settings}, dead: dead}
	o.found = append(o.found, f)
	if dead != "" && dead != queue {
		o.queue(dead)
	}
}

func (o *takeover) route(pattern string, domain bool) {
	kind, setting := "route", "pattern"
	if domain {
		kind, setting = "domain", "hostname"
	}
	o.find(pattern, kind, provision.Wanted{Name: strings.ToLower(pattern[:strings.IndexByte(pattern+"/", '/')]) + pattern[strings.IndexByte(pattern+"/", '/'):]},
		provision.Settings{setting: pattern, "worker": kinds.App})
}

// wanted lists what to look up.
func (o *takeover) wanted() (out []provision.Wanted) {
	for _, f := range o.found {
		out = append(out, f.wanted)
	}
	return out
}

// settle keeps what exists and belongs to this Worker, and says why the rest is
// left.
func (o *takeover) settle(seen map[provision.Key]provision.Observed, account string) {
	exists := map[provision.Key]bool{}
	for k, s := range seen {
		exists[k] = s.Exists
	}
	var kept []*finding
	for _, f := range o.found {
		f.seen = seen[f.wanted.Key]
		k := f.wanted.Key
		needs := provision.Key{Kind: "worker", Name: kinds.App}
		why := ""
		switch {
		case f.seen.Blocked != "" && !f.seen.Exists:
			why = f.seen.Blocked
		case !f.seen.Exists && f.wanted.ID != "":
			why = fmt.Sprintf("there is none with the id %s in the account %s", f.wanted.ID, account)
		case !f.seen.Exists && k.Kind == "consumer":
			why = fmt.Sprintf("the queue %q has no such consumer", f.wanted.Settings["queue"])
		case !f.seen.Exists:
			why = fmt.Sprintf("there is no %q in the account %s", f.wanted.Name, account)
		case f.seen.Mark != "":
			why = "it belongs to the cfboot project " + f.seen.Mark
		case slices.Contains([]string{"route", "domain"}, k.Kind) && f.seen.Owner != o.worker:
			why = fmt.Sprintf("%q answers there, not %q", f.seen.Owner, o.worker)
		case k.Kind == "consumer" && f.seen.Name != f.wanted.Name:
			why = fmt.Sprintf("%q consumes it, not %q", f.seen.Name, f.wanted.Name)
		case slices.Contains([]string{"route", "domain", "consumer"}, k.Kind) && f.wanted.Settings["type"] != "http_pull" && !exists[needs]:
			why = fmt.Sprintf("the Worker %q does not exist", o.worker)
		}
		if why != "" {
			o.leave(k.String(), "", why)
			continue
		}
		kept = append(kept, f)
	}
	o.found = kept
}

package wrangler

import (
	"slices"
	"strings"
)

// policy is what becomes of a section in a preview.
type policy int

const (
	within    policy = iota // names nothing beyond the project's folder and what is everybody's
	settled                 // Derive sets it
	dropped                 // taken out
	own                     // names what cfboot makes: the preview's, by an Edit or a new name
	renamed                 // names what the deploy itself makes: gets a name of the preview's
	elsewhere               // names another Worker: its preview, or what Services says
	outside                 // names what cfboot does not make: production's, so only where it is kept on purpose
)

// section is one key of the configuration and what it names beyond the Worker.
//
// Every key that wrangler knows has a row, also those that name nothing: what has
// none is refused where it could name something, because a preview that silently
// kept it might work on production's. A test holds the rows against wrangler's own
// schema.
type section struct {
	path    string // "queues.producers"; a list's elements, an object, or a value
	policy  policy
	kind    string   // of what it names; where cfboot makes such a thing, its kind
	label   string   // the field that names a binding to the Worker's code; empty: there is none
	target  []string // the fields that say which thing is meant, the deciding one first
	also    []string // further fields that name something, on which code decides
	scrub   []string // fields that name other things and serve no deploy
	rest    string   // the fields that name nothing beyond the Worker
	longest int      // the longest name of such a thing; 0: not known
}

// keepable are the sections without a binding that "shared" may name by themselves:
// where logs and traces go, and what is not wrangler's to check.
var keepable = []string{"logpush", "tail_consumers", "streaming_tail_consumers", "observability", "unsafe"}

var sections = []section{
	// What cfboot makes.
	{path: "d1_databases", policy: own, kind: "d1", label: "binding", target: []string{"database_id", "database_name"}, scrub: []string{"preview_database_id", "database_internal_env"}, rest: "migrations_table migrations_dir migrations_pattern remote"},
	{path: "kv_namespaces", policy: own, kind: "kv", label: "binding", target: []string{"id"}, scrub: []string{"preview_id"}, rest: "remote"},
	{path: "r2_buckets", policy: own, kind: "r2", label: "binding", target: []string{"bucket_name"}, scrub: []string{"preview_bucket_name", "local_dev"}, rest: "jurisdiction remote"},
	{path: "queues.producers", policy: own, kind: "queue", label: "binding", target: []string{"queue"}, rest: "delivery_delay remote"},
	{path: "queues.consumers", policy: own, kind: "queue", target: []string{"queue"}, also: []string{"dead_letter_queue"}, rest: "type max_batch_size max_batch_timeout max_retries max_concurrency visibility_timeout_ms retry_delay"},
	{path: "vectorize", policy: own, kind: "vectorize", label: "binding", target: []string{"index_name"}, rest: "remote"},
	{path: "hyperdrive", policy: own, kind: "hyperdrive", label: "binding", target: []string{"id"}, scrub: []string{"localConnectionString"}, rest: "remote"},

	// What a deploy makes by itself, under names that are the account's.
	{path: "workflows", policy: renamed, kind: "workflow", label: "binding", target: []string{"name"}, also: []string{"script_name"}, rest: "class_name limits concurrency schedules default_retention jurisdiction", longest: 64},
	{path: "exports.*", policy: renamed, kind: "workflow", target: []string{"name"}, also: []string{"container", "transfer_from", "transferred_to"}, rest: "type state storage cache limits concurrency schedules default_retention jurisdiction renamed_to", longest: 64},
	{path: "analytics_engine_datasets", policy: renamed, kind: "dataset", label: "binding", target: []string{"dataset"}, rest: "remote"},
	{path: "containers", policy: renamed, kind: "container", target: []string{"name"}, rest: "max_instances image images image_build_context image_vars class_name observability scheduling_policy instance_type ssh authorized_keys trusted_user_ca_keys constraints rollout_step_percentage rollout_active_grace_period"},

	// Other Workers.
	{path: "services", policy: elsewhere, kind: "worker", label: "binding", target: []string{"service"}, rest: "entrypoint props remote"},
	{path: "durable_objects.bindings", policy: elsewhere, kind: "worker", label: "name", target: []string{"script_name"}, scrub: []string{"environment"}, rest: "class_name"},

	// What is the account's, and cfboot does not make. The Images and the Stream
	// binding reach every picture and video of the account, Analytics its figures.
	{path: "ai_search_namespaces", policy: outside, kind: "ai_search_namespace", label: "binding", target: []string{"namespace"}, rest: "remote"},
	{path: "ai_search", policy: outside, kind: "ai_search", label: "binding", target: []string{"instance_name"}, rest: "remote"},
	{path: "agent_memory", policy: outside, kind: "agent_memory", label: "binding", target: []string{"namespace"}, rest: "remote"},
	{path: "analytics", policy: outside, kind: "analytics", label: "binding", rest: "remote"},
	{path: "artifacts", policy: outside, kind: "artifacts", label: "binding", target: []string{"namespace"}, rest: "remote"},
	{path: "dispatch_namespaces", policy: outside, kind: "dispatch_namespace", label: "binding", target: []string{"namespace"}, also: []string{"outbound"}, rest: "remote"},
	{path: "flagship", policy: outside, kind: "flagship", label: "binding", target: []string{"app_id"}, rest: "remote"},
	{path: "images", policy: outside, kind: "images", label: "binding", rest: "remote"},
	{path: "k2", policy: outside, kind: "k2", label: "binding", target: []string{"stream"}, rest: "remote"},
	{path: "mtls_certificates", policy: outside, kind: "certificate", label: "binding", target: []string{"certificate_id"}, rest: "remote"},
	{path: "pipelines", policy: outside, kind: "pipeline", label: "binding", target: []string{"stream", "pipeline"}, rest: "remote"},
	{path: "secrets_store_secrets", policy: outside, kind: "secret", label: "binding", target: []string{"store_id"}, also: []string{"secret_name"}},
	{path: "stream", policy: outside, kind: "stream", label: "binding", rest: "remote"},
	{path: "unsafe.bindings", policy: outside, kind: "unsafe", label: "name", rest: "type dev"},
	{path: "unsafe.metadata", policy: outside, kind: "unsafe"},
	{path: "vpc_networks", policy: outside, kind: "vpc_network", label: "binding", target: []string{"tunnel_id", "network_id"}, rest: "remote"},
	{path: "vpc_services", policy: outside, kind: "vpc_service", label: "binding", target: []string{"service_id"}, rest: "remote"},

	// Other environments, other ways to make a preview, and what must reach
	// production alone: its addresses, mail, sockets and events. A preview's logs
	// do not belong among production's.
	{path: "env", policy: dropped},
	{path: "previews", policy: dropped},
	{path: "addresses", policy: dropped, kind: "address"},
	{path: "connect", policy: dropped},
	{path: "logfwdr", policy: dropped},
	{path: "logpush", policy: dropped},
	{path: "observability.logs.destinations", policy: dropped, kind: "destination"},
	{path: "observability.traces.destinations", policy: dropped, kind: "destination"},
	{path: "pages_build_output_dir", policy: dropped},
	{path: "route", policy: dropped, kind: "route", target: []string{"pattern"}},
	{path: "routes", policy: dropped, kind: "route", target: []string{"pattern"}},
	{path: "streaming_tail_consumers", policy: dropped, kind: "worker", target: []string{"service"}},
	{path: "tail_consumers", policy: dropped, kind: "worker", target: []string{"service"}},
	{path: "triggers.events", policy: dropped},

	{path: "account_id", policy: settled},
	{path: "name", policy: settled, kind: "worker"},
	{path: "triggers.crons", policy: settled},
	{path: "vars", policy: settled},
	{path: "workers_dev", policy: settled},

	// Migrations name classes, except where they take one over from another Worker.
	{path: "migrations", policy: within},
	// The numbers of rate limits are kept: a limit is one of how much one caller may
	// ask, and a preview's callers are its authors.
	{path: "ratelimits", policy: within},
}

// plainKeys say how the Worker is built and run, or bind it to what is the same for
// everybody.
var plainKeys = strings.Fields(`$schema access ai alias assets base_dir browser build cache cloudchamber compatibility_date
	compatibility_flags compliance_region data_blobs define dependencies_instrumentation dev durable_objects.code_update_strategy
	find_additional_modules first_party_worker jsx_factory jsx_fragment keep_names keep_vars limits main media minify no_bundle
	observability.enabled observability.head_sampling_rate observability.issues observability.logs.enabled observability.logs.head_sampling_rate
	observability.logs.invocation_logs observability.logs.persist observability.redact_query_string observability.traces.enabled
	observability.traces.head_sampling_rate observability.traces.persist placement preserve_file_names preview_urls python_modules rules
	secrets send_email send_metrics site text_blobs tsconfig unsafe.capnp unsafe_hello_world upload_source_maps version_metadata wasm_modules worker_loaders`)

// sectionAt is the row of a path, or nil.
func sectionAt(path string) *section {
	for i := range sections {
		if sections[i].path == path {
			return &sections[i]
		}
	}
	if slices.Contains(plainKeys, path) {
		return &section{path: path}
	}
	return nil
}

// leadsTo reports whether rows lie below a path.
func leadsTo(path string) bool {
	below := func(p string) bool { return strings.HasPrefix(p, path+".") }
	return slices.ContainsFunc(sections, func(s section) bool { return below(s.path) }) || slices.ContainsFunc(plainKeys, below)
}

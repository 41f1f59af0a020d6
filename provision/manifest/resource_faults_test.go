package manifest

import "strings"

// in wraps resources into a manifest: the first of them is on line 3.
func in(resources string) string {
	return "{\n  \"name\": \"shop\", \"resources\": {\n" + resources + "\n  }\n}\n"
}

var badResources = []bad{
	{name: "no object", src: in(`    "db": "d1"`), want: []string{
		`cfboot.jsonc:3:11: resource/db: must be an object, not a string | write "db": {"kind": …}, with one of: d1, queue, record, worker`,
	}},
	{name: "no kind", src: in(`    "db": {"binding": "DB"}`), want: []string{
		`cfboot.jsonc:3:5: resource/db: "kind" is missing | write "db": {"kind": …}, with one of: d1, queue, record, worker`,
	}},
	{name: "unknown kind", src: in(`    "db": {"kind": "d2"}`), want: []string{
		`cfboot.jsonc:3:20: resource/db: there is no kind "d2"; did you mean "d1"?`,
	}},
	{name: "far-off kind", src: in(`    "db": {"kind": "database"}`), want: []string{
		`cfboot.jsonc:3:20: resource/db: there is no kind "database" | known kinds: d1, queue, record, worker`,
	}},
	{name: "kind of other type", src: in(`    "db": {"kind": 1}`), want: []string{
		`cfboot.jsonc:3:20: resource/db: "kind" must be a string, not a number | known kinds: d1, queue, record, worker`,
	}},
	{name: "unknown setting", src: in(`    "db": {"kind": "d1", "bindin": "DB", "region": "x"}`), want: []string{
		`cfboot.jsonc:3:26: d1/db: unknown key "bindin"; did you mean "binding"?`,
		`cfboot.jsonc:3:42: d1/db: unknown key "region" | allowed here: binding, ignore, kind, location_hint, migrations_dir, name, protect, replicas, share`,
	}},
	{name: "unknown nested setting", src: in(`    "jobs": {"kind": "queue", "consumer": {"worker": "app", "batch": {"sice": 1}, "retries": 1}},
    "app": {"kind": "worker"}`), want: []string{
		`cfboot.jsonc:3:71: queue/jobs: consumer.batch: unknown key "sice"; did you mean "size"?`,
		`cfboot.jsonc:3:83: queue/jobs: consumer: unknown key "retries" | allowed here: batch, dead_letter, max_retries, worker`,
	}},
	{name: "wrong types", src: in(`    "db": {"kind": "d1", "binding": 5, "replicas": "2", "name": null},
    "jobs": {"kind": "queue", "paused": "no", "consumer": "app"},
    "app": {"kind": "worker", "routes": {}}`), want: []string{
		`cfboot.jsonc:3:37: d1/db: binding must be a string, not 5 | write it in double quotes: "…" | The name under which the Worker sees it. | for example "DB"`,
		`cfboot.jsonc:3:52: d1/db: replicas must be a whole number, not "2" | write a number without quotes, such as 10 | leave it out and it is 0`,
		`cfboot.jsonc:3:65: d1/db: name must be a string, not null | write it in double quotes: "…" | The real name at Cloudflare. Left out, it is made of the project, the environment and the logical name.`,
		`cfboot.jsonc:4:41: queue/jobs: paused must be true or false, not "no" | write true or false, without quotes`,
		`cfboot.jsonc:4:59: queue/jobs: consumer must be an object, not "app" | write it in braces: {…} | Who takes the messages.`,
		`cfboot.jsonc:5:41: worker/app: routes must be a list, not an object | write it in square brackets: […]`,
	}},
	{name: "not whole", src: in(`    "db": {"kind": "d1", "replicas": 1.5}`), want: []string{
		`cfboot.jsonc:3:38: d1/db: replicas must be a whole number, not 1.5 | write a number without quotes, such as 10 | leave it out and it is 0`,
	}},
	{name: "enum", src: in(`    "db": {"kind": "d1", "location_hint": "wuer"},
    "other": {"kind": "d1", "location_hint": "moon"}`), want: []string{
		`cfboot.jsonc:3:43: d1/db: location_hint must be one of "wnam", "weur", "apac", not "wuer"; did you mean "weur"? | Where the primary should live.`,
		`cfboot.jsonc:4:46: d1/other: location_hint must be one of "wnam", "weur", "apac", not "moon" | Where the primary should live.`,
	}},
	{name: "nothing to ignore", src: in(`    "db": {"kind": "d1", "ignore": ["replica", "share", "binding", "name", "region", 5]},
    "jobs": {"kind": "queue", "ignore": "paused"},
    "app": {"kind": "worker", "ignore": ["routes"]},
    "twice": {"kind": "d1", "ignore": ["share", "share"]}`), want: []string{
		`cfboot.jsonc:3:37: d1/db: there is no setting "replica" to ignore; did you mean "replicas"?`,
		`cfboot.jsonc:3:57: d1/db: "binding" cannot be ignored | allowed here: location_hint, replicas, share`,
		`cfboot.jsonc:3:68: d1/db: "name" cannot be ignored | allowed here: location_hint, replicas, share`,
		`cfboot.jsonc:3:76: d1/db: there is no setting "region" to ignore | allowed here: location_hint, replicas, share`,
		`cfboot.jsonc:3:86: d1/db: there is no setting 5 to ignore | allowed here: location_hint, replicas, share`,
		`cfboot.jsonc:4:41: queue/jobs: ignore must be a list, not "paused" | write it in square brackets: […] | Settings that are sent when the resource is made, and never compared or changed afterwards.`,
		`cfboot.jsonc:5:31: worker/app: unknown key "ignore" | allowed here: kind, mounts, name, protect, routes, service, tag, vars`,
		`cfboot.jsonc:6:49: d1/twice: ignore[1] repeats ignore[0] | remove one of the two`,
	}},
	{name: "ranges", src: in(`    "db": {"kind": "d1", "replicas": 9, "share": 0},
    "jobs": {"kind": "queue", "consumer": {"worker": "app", "max_retries": 101, "batch": {"size": 0}}},
    "app": {"kind": "worker"}`), want: []string{
		`cfboot.jsonc:3:38: d1/db: replicas must be between 0 and 5, not 9 | leave it out and it is 0`,
		`cfboot.jsonc:3:50: d1/db: share must be more than 0, not 0 | change it, or leave it out`,
		`cfboot.jsonc:4:76: queue/jobs: consumer.max_retries must be between 0 and 100, not 101 | change it, or leave it out`,
		`cfboot.jsonc:4:99: queue/jobs: consumer.batch.size must be at least 1, not 0 | change it, or leave it out`,
	}},
	{name: "missing", src: in(`    "www": {"kind": "record", "host": "a.example.com"},
    "jobs": {"kind": "queue", "consumer": {}}`), want: []string{
		`cfboot.jsonc:3:12: record/www: "content" is missing | add "content": "192.0.2.1" (What the name stands for.)`,
		`cfboot.jsonc:4:43: queue/jobs: consumer: "worker" is missing | add "worker": "…" (The logical name of a worker.)`,
	}},
	{name: "empty", src: in(`    "db": {"kind": "d1", "name": "", "migrations_dir": ""},
    "app": {"kind": "worker", "routes": []}`), want: []string{
		`cfboot.jsonc:3:34: d1/db: name must not be empty | The real name at Cloudflare. Left out, it is made of the project, the environment and the logical name.`,
		`cfboot.jsonc:3:56: d1/db: migrations_dir must not be empty | change it, or leave it out`,
		`cfboot.jsonc:4:41: worker/app: routes must not be empty | change it, or leave it out`,
	}},
	{name: "lists", src: in(`    "app": {"kind": "worker", "routes": ["/a", "b", "/a"]},
    "b": {"kind": "worker", "routes": ["/1", "/2", "/3", "/4"]}`), want: []string{
		`cfboot.jsonc:3:48: worker/app: routes[1] must have the form ^/, not "b" | for example "/api/*"`,
		`cfboot.jsonc:3:53: worker/app: routes[2] repeats routes[0] | remove one of the two`,
		`cfboot.jsonc:4:39: worker/b: routes must have at most 3 elements, not 4 | change it, or leave it out`,
	}},
	{name: "maps", src: in(`    "app": {"kind": "worker", "vars": {"good": "x", "A": 1}},
    "b": {"kind": "worker", "vars": {"A": "", "B": "", "C": ""}}`), want: []string{
		`cfboot.jsonc:3:40: worker/app: vars: the key "good" is not allowed; keys must have the form ^[A-Z_]+$ | write another key, or remove it`,
		`cfboot.jsonc:3:58: worker/app: vars.A must be a string, not 1 | write it in double quotes: "…"`,
		`cfboot.jsonc:4:37: worker/b: vars must have at most 2 keys, not 3 | change it, or leave it out`,
	}},
	{name: "maps in lists", src: in(`    "app": {"kind": "worker", "routes": ["/"], "mounts": [{"ok": {"A": 1, "b c": 2}}, {"ok": {"A": 1}}]}`), want: []string{
		`cfboot.jsonc:3:75: worker/app: mounts[0].ok: the key "b c" is not allowed; keys must have the form ^[A-Z]$ | write another key, or remove it`,
	}},
	{name: "goes with another", src: in(`    "app": {"kind": "worker", "tag": "v1"},
    "b": {"kind": "worker", "tag": "123456789", "routes": ["/"]}`), want: []string{
		`cfboot.jsonc:3:12: worker/app: "routes" is missing next to "tag" | add "routes": […]`,
		`cfboot.jsonc:4:36: worker/b: tag must have at most 8 characters, not 9 | change it, or leave it out`,
	}},
	{name: "alternatives", src: in(`    "a": {"kind": "record", "content": "x", "host": "a.b", "ttl": "soon"},
    "b": {"kind": "record", "content": "x", "host": "b.b", "ttl": 5},
    "c": {"kind": "record", "content": "x", "host": "c.b", "data": {"type": "srv", "port": 3}},
    "d": {"kind": "record", "content": "x", "host": "d.b", "data": {"type": "mx", "priority": 1, "prt": 2}},
    "e": {"kind": "record", "content": "x", "host": "e.b", "data": 7}`), want: []string{
		`cfboot.jsonc:3:67: record/a: ttl must be "auto" or a whole number, not "soon" | Seconds, or "auto". | write "auto" or a whole number`,
		`cfboot.jsonc:4:67: record/b: ttl must be "auto" or a number at least 60, not 5 | Seconds, or "auto". | write "auto" or a number at least 60`,
		`cfboot.jsonc:5:92: record/c: data.port must be a multiple of 2, not 3 | change it, or leave it out`,
		`cfboot.jsonc:6:98: record/d: data: unknown key "prt" | allowed here: priority, type`,
		`cfboot.jsonc:7:68: record/e: data must be an object, not 7 | write an object`,
	}},
	{name: "format", src: in(`    "www": {"kind": "record", "content": "x", "host": "-a-.example"}`), beyond: true, want: []string{
		`cfboot.jsonc:3:55: record/www: host must be a valid hostname, not "-a-.example" | change it, or leave it out`,
	}},
	{name: "kind refuses", src: in(`    "db": {"kind": "d1", "name": "forbidden"},
    "www": {"kind": "record", "content": "x"},
    "averyveryveryverylonglogicalnameindeed": {"kind": "d1"}`), beyond: true, want: []string{
		`cfboot.jsonc:3:5: d1/db: it has no good name | A D1 database.`,
		`cfboot.jsonc:3:34: d1/db: name: "forbidden" is not allowed | The real name at Cloudflare. Left out, it is made of the project, the environment and the logical name.`,
		`cfboot.jsonc:4:5: record/www: host: there is no domain to take it from | set "domain"`,
		`cfboot.jsonc:5:5: d1/averyveryveryverylonglogicalnameindeed: name: "shop-averyveryveryverylonglogicalnameindeed" has more than 40 characters | shorten it`,
	}},
	{name: "terminal escapes in names", src: "{\"name\": \"a\", \"resources\": {\"\\u001b[1m\": {\"kind\": \"d1\", \"x\": 1}}, \"environments\": {\"\\n\": {\"resources\": {\"c\": {}}}}}", want: []string{
		`cfboot.jsonc:1:29: the resource "\x1b[1m" is no valid name: small letters, digits and single dashes, at most 40 characters | write "1m"`,
		`cfboot.jsonc:1:57: d1/"\x1b[1m": unknown key "x" | allowed here: binding, ignore, kind, location_hint, migrations_dir, name, protect, replicas, share`,
		`cfboot.jsonc:1:84: the environment "\n" is no valid name: small letters, digits and single dashes, a letter first, at most 20 characters | write something like "my-name"`,
		`cfboot.jsonc:1:105: environment "\n": resource/c: "kind" is missing | there is no "c" outside of "environments" to change; a new resource needs "kind" | write "c": {"kind": …}, with one of: d1, queue, record, worker`,
	}},
	{name: "reference with terminal escapes", src: in(`    "jobs": {"kind": "queue", "consumer": {"worker": "\u001b[1m"}}`), beyond: true, want: []string{
		`cfboot.jsonc:3:54: queue/jobs: consumer.worker refers to worker/"\x1b[1m", which is not among the resources | add a resource of kind worker with the name "\x1b[1m"`,
	}},
	{name: "terminal escapes", src: in(`    "db": {"kind": "d1", "\u001b[31mred\u202e": 1}`), want: []string{
		`cfboot.jsonc:3:26: d1/db: unknown key "\x1b[31mred\u202e" | allowed here: binding, ignore, kind, location_hint, migrations_dir, name, protect, replicas, share`,
	}},
}

var badMeetings = []bad{
	{name: "no such reference", beyond: true, src: in(`    "jobs": {"kind": "queue", "consumer": {"worker": "ap", "dead_letter": "morgue"}},
    "app": {"kind": "worker"}`), want: []string{
		`cfboot.jsonc:3:54: queue/jobs: consumer.worker refers to worker/ap, which is not among the resources; did you mean "app"?`,
		`cfboot.jsonc:3:75: queue/jobs: consumer.dead_letter refers to queue/morgue, which is not among the resources | add a resource of kind queue with the name "morgue"`,
	}},
	{name: "reference to another kind", beyond: true, src: in(`    "jobs": {"kind": "queue", "consumer": {"worker": "db"}},
    "db": {"kind": "d1"}`), want: []string{
		`cfboot.jsonc:3:54: queue/jobs: consumer.worker refers to worker/db, but "db" is of kind d1 (cfboot.jsonc:4:5) | add a resource of kind worker under another name, and name that`,
	}},
	{name: "reference to what is faulty", src: in(`    "jobs": {"kind": "queue", "consumer": {"worker": "app"}},
    "app": {"kind": "worker", "tag": 1}`), want: []string{
		`cfboot.jsonc:4:12: worker/app: "routes" is missing next to "tag" | add "routes": […]`,
		`cfboot.jsonc:4:38: worker/app: tag must be a string, not 1 | write it in double quotes: "…"`,
	}},
	{name: "reference to itself", beyond: true, src: in(`    "app": {"kind": "worker", "service": "app"},
    "jobs": {"kind": "queue", "consumer": {"worker": "app", "dead_letter": "jobs"}},
    "dead": {"kind": "queue"}`), want: []string{
		`cfboot.jsonc:3:42: worker/app: service refers to the resource itself | name another resource, or leave the setting out`,
		`cfboot.jsonc:4:76: queue/jobs: consumer.dead_letter refers to the resource itself | name another one: dead`,
	}},
	{name: "circle", beyond: true, src: in(`    "a": {"kind": "worker", "service": "b"},
    "b": {"kind": "worker", "service": "c"},
    "c": {"kind": "worker", "service": "a"},
    "d": {"kind": "worker", "service": "a"}`), want: []string{
		`cfboot.jsonc:3:40: worker/a: these refer to each other in a circle, so that none can be made first: worker/a → worker/b → worker/c → worker/a | take one of these references out`,
	}},
	{name: "bindings", beyond: true, src: in(`    "a": {"kind": "d1", "binding": "my-db"},
    "b": {"kind": "d1", "binding": "class"},
    "c": {"kind": "d1", "binding": "DB"},
    "d": {"kind": "queue", "binding": "DB"},
    "e": {"kind": "d1", "binding": "2ND"},
    "f": {"kind": "d1", "binding": "日本"}`), want: []string{
		`cfboot.jsonc:3:36: d1/a: the binding "my-db" is no JavaScript name: letters, digits, _ and $, no digit first | write "MY_DB"`,
		`cfboot.jsonc:4:36: d1/b: the binding "class" is a word that JavaScript reserves | write "CLASS"`,
		`cfboot.jsonc:6:39: queue/d: the binding "DB" is that of d1/c, too (cfboot.jsonc:5:36) | give one of the two another "binding"`,
		`cfboot.jsonc:7:36: d1/e: the binding "2ND" is no JavaScript name: letters, digits, _ and $, no digit first | write "_2ND"`,
		`cfboot.jsonc:8:36: d1/f: the binding "日本" is no JavaScript name: letters, digits, _ and $, no digit first | write "F"`,
	}},
	{name: "same record twice", beyond: true, src: in(`    "a": {"kind": "record", "host": "a.example.com", "content": "1"},
    "b": {"kind": "record", "host": "a.example.com", "content": "1"}`), want: []string{
		`cfboot.jsonc:4:5: record/b would be the same at Cloudflare, "a.example.com 1", as record/a (cfboot.jsonc:3:5) | make one of the two differ, or take it out`,
	}},
	{name: "real names", beyond: true, src: in(`    "a": {"kind": "d1", "name": "same"},
    "b": {"kind": "d1", "name": "same"},
    "c": {"kind": "queue", "name": "same"},
    "d": {"kind": "d1", "name": "shop-e"},
    "e": {"kind": "d1"}`), want: []string{
		`cfboot.jsonc:4:33: d1/b would have the same real name, "same", as d1/a (cfboot.jsonc:3:33) | give one of the two a "name" of its own, or another logical name`,
		`cfboot.jsonc:7:5: d1/e would have the same real name, "shop-e", as d1/d (cfboot.jsonc:6:33) | give one of the two a "name" of its own, or another logical name`,
	}},
}

const environments = `{
  "name": "shop",
  "domain": "example.com",
  "resources": {
    "db": {"kind": "d1"},
    "staging-db": {"kind": "d1", "replicas": 1},
    "app": {"kind": "worker"},
    "jobs": {"kind": "queue", "consumer": {"worker": "app"}},
    "www": {"kind": "record", "host": "www.example.com", "content": "x"}
  },
  "environments": {
    %s
  }
}
`

// around puts environments into a manifest: the first is on line 12.
func around(envs string) string { return strings.Replace(environments, "%s", envs, 1) }

// apart are overrides that keep an environment clear of production.
const apart = `"www": null, "staging-db": null`

var badEnvironments = []bad{
	{name: "clashes with production", beyond: true, src: around(`"staging": {}, "qa": {}`), want: []string{
		`cfboot.jsonc:5:5: d1/db in staging would have the same real name, "shop-staging-db", as d1/staging-db in production (cfboot.jsonc:6:5) | make it another one there: "environments": {"staging": {"resources": {"db": {…}}}} | or leave it out there: "environments": {"staging": {"resources": {"db": null}}}`,
		`cfboot.jsonc:9:5: record/www in qa would be the same at Cloudflare, "www.example.com x", as record/www in production (cfboot.jsonc:9:5) | make it another one there: "environments": {"qa": {"resources": {"www": {…}}}} | or leave it out there: "environments": {"qa": {"resources": {"www": null}}}`,
		`cfboot.jsonc:9:5: record/www in staging would be the same at Cloudflare, "www.example.com x", as record/www in production (cfboot.jsonc:9:5) | make it another one there: "environments": {"staging": {"resources": {"www": {…}}}} | or leave it out there: "environments": {"staging": {"resources": {"www": null}}}`,
	}},
	{name: "merged value", src: around(`"qa": {"resources": {"www": {"host": "a.example.com"},
      "staging-db": {"replicas": 7, "replica": 1},
      "jobs": {"consumer": {"max_retries": "x"}}}}`), want: []string{
		`cfboot.jsonc:13:34: environment qa: d1/staging-db: replicas must be between 0 and 5, not 7 | leave it out and it is 0`,
		`cfboot.jsonc:13:37: environment qa: d1/staging-db: unknown key "replica"; did you mean "replicas"?`,
		`cfboot.jsonc:14:44: environment qa: queue/jobs: consumer.max_retries must be a whole number, not "x" | write a number without quotes, such as 10`,
	}},
	{name: "null takes a required one", beyond: true, src: around(`"qa": {"resources": {"www": {"content": null}}}`), want: []string{
		`cfboot.jsonc:12:33: environment qa: record/www: "content" is missing | add "content": "192.0.2.1" (What the name stands for.)`,
	}},
	{name: "null takes nothing", src: around(`"qa": {"resources": {"www": null, "ap": null,
      "db": {"replicas": null}, "jobs": {"consumer": {"workr": null}},
      "new": {"kind": "d1", "replicas": null}}}`), want: []string{
		`cfboot.jsonc:12:39: null takes "ap" away, which is not there; did you mean "app"?`,
		`cfboot.jsonc:13:14: null takes "replicas" away, which is not there | remove it`,
		`cfboot.jsonc:13:55: null takes "workr" away, which is not there; did you mean "worker"?`,
		`cfboot.jsonc:14:29: null takes "replicas" away, which is not there | remove it`,
	}},
	{name: "another kind", beyond: true, src: around(`"qa": {"resources": {"www": null, "app": {"kind": "d1"}}}`), want: []string{
		`cfboot.jsonc:12:55: an environment cannot make another kind of "app", which is worker | leave "app" out here with null, and add a resource with another name`,
	}},
	{name: "override of what is not there", beyond: true, src: around(`"qa": {"resources": {"www": null, "staging-bd": {"replicas": 3}}}`), want: []string{
		`cfboot.jsonc:12:39: environment qa: resource/staging-bd: "kind" is missing | to change "staging-db", write that name | there is no "staging-bd" outside of "environments" to change; a new resource needs "kind" | write "staging-bd": {"kind": …}, with one of: d1, queue, record, worker`,
	}},
	{name: "override of other type", src: around(`"qa": {"resources": {"www": null, "db": 1, "x": []}}`), want: []string{
		`cfboot.jsonc:12:45: environment qa: resource/db: must be an object or null, not a number | write "db": {"kind": …}, with one of: d1, queue, record, worker`,
		`cfboot.jsonc:12:53: environment qa: resource/x: must be an object or null, not a list | write "x": {"kind": …}, with one of: d1, queue, record, worker`,
	}},
	{name: "reference to what is left out", beyond: true, src: around(`"qa": {"resources": {"www": null,
      "app": null}}`), want: []string{
		`cfboot.jsonc:8:54: environment qa: queue/jobs: consumer.worker refers to worker/app, which this environment leaves out (cfboot.jsonc:13:7) | keep "app" in this environment, or change the setting there, too`,
	}},
	{name: "reference broken by an override", beyond: true, src: around(`"qa": {"resources": {"www": null,
      "jobs": {"consumer": {"worker": "db"}}}}`), want: []string{
		`cfboot.jsonc:13:39: environment qa: queue/jobs: consumer.worker refers to worker/db, but "db" is of kind d1 (cfboot.jsonc:5:5) | there are: app | add a resource of kind worker under another name, and name that`,
	}},
	{name: "too long only there", beyond: true, src: strings.Replace(around(`"abcdefghijklmnopqrst": {"resources": {`+apart+`}}`), `"app"`, `"application-of-the-shop"`, 2), want: []string{
		`cfboot.jsonc:7:5: environment abcdefghijklmnopqrst: worker/application-of-the-shop: name: "shop-abcdefghijklmnopqrst-application-of-the-shop" has more than 40 characters | shorten it`,
	}},
	{name: "production's faults are told once", src: strings.Replace(around(`"qa": {"resources": {`+apart+`, "db": {"replicas": 2}}}`), `{"kind": "d1"}`, `{"kind": "d1", "share": 0}`, 1), want: []string{
		`cfboot.jsonc:5:35: d1/db: share must be more than 0, not 0 | change it, or leave it out`,
	}},
	{name: "production's references are told once", beyond: true, src: strings.Replace(around(`"qa": {"resources": {`+apart+`}}`), `"worker": "app"`, `"worker": "apps"`, 1), want: []string{
		`cfboot.jsonc:8:54: queue/jobs: consumer.worker refers to worker/apps, which is not among the resources; did you mean "app"?`,
	}},
	{name: "kind only in an environment", src: strings.Replace(around(`"qa": {"resources": {"app": {"kind": "worker"}, `+apart+`}}`), `{"kind": "worker"}`, `{}`, 1), want: []string{
		`cfboot.jsonc:7:5: resource/app: "kind" is missing | write "app": {"kind": …}, with one of: d1, queue, record, worker`,
	}},
	{name: "base is broken", src: strings.Replace(around(`"qa": {"resources": {"app": {"tag": "v"}, `+apart+`}}`), `{"kind": "worker"}`, `7`, 1), want: []string{
		`cfboot.jsonc:7:12: resource/app: must be an object, not a number | write "app": {"kind": …}, with one of: d1, queue, record, worker`,
	}},
}

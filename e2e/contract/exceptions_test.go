package contract

import (
	"regexp"
	"strings"
)

// An exception is a difference that stays, because the document is the one that
// is wrong or silent. One that no longer occurs fails TestContract.
type exception struct {
	document string
	side     string
	endpoint string // regular expression on the whole of "METHOD path"
	at       string // the same, on where
	text     string // the finding's text begins so; "": any
	// why names who knows better: W is wrangler's source, G4 cloudflare-go v4, O24
	// and R26 the documents, A2 alchemy's providers, "answers seen" those of the real
	// API that people have published.
	why string
}

var exceptions = []exception{
	// Fields that no document has.
	{"R26", "answer", `(POST|GET|PATCH|PUT) accounts/{account}/d1/database(/{db})?`, `200/result/running_in_region`, undeclared, "answers seen; wrangler d1 info prints it"},
	{"R26", "answer", `POST accounts/{account}/d1/database/{db}/(query|raw)`, `200/result/\*/meta/served_by`, undeclared, "answers seen: \"v3-prod\""},
	{"R26", "answer", `POST accounts/{account}/d1/database/{db}/import`, `200/result/result/meta/served_by`, undeclared, "as in query"},
	{"R26", "answer", `GET accounts/{account}/r2/buckets/{bucket}/objects`, `200/result_info/is_truncated`, undeclared, "answers seen; the document has only the cursor"},
	{"R26", "answer", `(GET|PUT) accounts/{account}/workers/domains(/{domain})?`, `200/result/(\*/)?enabled`, undeclared, "cloudflare-api.md §2.8 lists it; the document has previews_enabled only"},
	{"R26", "answer", `(GET|PATCH) accounts/{account}/workers/scripts/{script}/settings`, `200/result/migration_tag`, undeclared, "guess: as in services and scripts, where W reads it"},
	{"R26", "answer", `(GET|POST) accounts/{account}/workers/scripts/{script}/versions(/{version})?`, `200/result/(items/\*/)?annotations`, undeclared, "W: versions list and deployments status print them"},
	{"R26", "answer", `GET accounts/{account}/workers/scripts/{script}/versions`, `200/result/items/\*/resources`, undeclared, "W types the items like a single version"},
	{"R26", "answer", `GET accounts/{account}/workers/scripts/{script}/versions`, `200/result_info`, undeclared, "G4 pages it; the document has page and per_page in the query"},
	{"R26", "answer", `PUT accounts/{account}/workers/scripts/{script}`, `200/result/deployment_id`, undeclared, "W's fixture of an upload has it"},
	{"R26", "answer", `(POST|PUT|PATCH) accounts/{account}/queues/{queue}(/consumers(/{consumer})?)?`, `200/result/(consumers/\*/)?(script|environment)`, undeclared, "the document has script in the list of consumers only; W reads both"},
	{"R26", "answer", `GET zones(/{zone})?`, `200/result/(\*/)?owner/email`, undeclared, "answers seen: {\"id\":null,\"type\":\"user\",\"email\":null}"},
	{"R26", "answer", `GET zones/{zone}/dns_records`, `200/result/\*/meta/(origin_worker_id|read_only)`, undeclared, "a custom domain's record is read-only (dnscontrol#2509, #4907); guess: the names"},

	// Values that a document does not allow.
	{"R26", "answer", `GET zones(/{zone})?`, `200/result/(\*/)?(activated_on|original_dnshost|original_registrar)`, "Value is not nullable", "O24 allows null"},
	{"R26", "answer", `(GET|PUT) accounts/{account}/workflows(/{workflow})?`, `200/result/(\*/)?triggered_on`, "Value is not nullable", "a workflow that never ran: G4 allows null"},
	{"R26", "answer", `GET accounts/{account}/workers/scripts/{script}/settings`, `200/result/bindings/\*`, "", "a D1 binding has id, which W reads; the document calls it database_id"},
	{"R26", "answer", `(GET|PUT|PATCH) accounts/{account}/workers/scripts/{script}/secrets.*`, `200/result(/\*)?`, "", "the document wants the secret's text, which Cloudflare never tells again"},
	{"R26", "answer", `GET accounts/{account}/workers/scripts/{script}(/content/v2)?`, `200`, "response header Content-Type", "modules come as a form: W reads it so; the document is simplified"},
	{"R26", "answer", `POST accounts/{account}/workers/assets/upload`, `201`, "status is not supported", "W: 201 with the token ends an upload"},

	{"R26", "answer", `POST accounts/{account}/d1/database/{db}/import`, `200/result/status`, "value is not one of", "W: active until it is complete or failed"},

	// What clients send and a document does not have.
	{"R26", "request", `GET accounts/{account}/queues`, `query (name|page)`, undeclared, "W sends both: queue-consumers.ts, queues/client.ts"},
	{"R26", "request", `PATCH accounts/{account}/workers/scripts/{script}/secrets-bulk`, `body/secrets.*`, "", "the document describes one secret where the SDKs send a map of them"},
	{"R26", "request", `POST accounts/{account}/workers/assets/upload`, `body`, "has an unexpected type multipart/form-data", "W sends a form; the document is simplified"},
	{"R26", "request", `POST accounts/{account}/workers/scripts/{script}/deployments`, `body/code_update_strategy`, undeclared, "W sends it"},
	{"R26", "request", `PUT accounts/{account}/workers/scripts/{script}/content`, `body`, "has an unexpected type multipart/form-data", "O24 has a form; the document is simplified"},
	{"R26", "request", `PATCH accounts/{account}/workers/scripts/{script}/settings`, `body`, "has an unexpected type multipart/form-data", "O24 has a form; the document is simplified"},
	{"R26", "request", `GET accounts/{account}/d1/database/{db}`, `query fields/\*`, "value is not one of", "W sends the names with a comma between them, in one parameter"},
	{"R26", "request", `POST accounts/{account}/vectorize/v2/indexes/{index}/(insert|upsert)`, `body`, "has an unexpected type multipart/form-data", "W sends a form"},
	{official, "request", `POST accounts/{account}/vectorize/v2/indexes/{index}/(insert|upsert)`, `body`, "has an unexpected type multipart/form-data", "W sends a form"},
	{official, "request", `PATCH accounts/{account}/hyperdrive/configs/{config}`, `body/origin/[a-z_]+`, "property", "W changes the user and password alone; required no more: R26"},
	{official, "request", `PUT accounts/{account}/workers/scripts/{script}`, `body/metadata/migrations`, "value matches more than one schema", "the document's two forms of migrations do not exclude each other"},
	{"R26", "request", `POST accounts/{account}/vectorize/v2/indexes/{index}/(insert|upsert)`, `body`, "value must be a string", "vectors come as lines of JSON (O24), of which a single one reads as an object"},
	{"R26", "request", `PUT accounts/{account}/storage/kv/namespaces/{ns}/values/{key\.\.\.}`, `body`, "", "a value is raw or a form (O24); the document has it as JSON"},
	{"R26", "request", `PUT accounts/{account}/workers/scripts/{script}`, `query excludeScript`, undeclared, "W sends it"},
	{"R26", "request", `(PUT|POST) accounts/{account}/workers/scripts/{script}(/versions)?`, `body/metadata/(code_update_strategy|package_dependencies)`, undeclared, "W sends them"},
	{"R26", "request", `(PUT|POST) accounts/{account}/workers/scripts/{script}(/versions)?`, `body/metadata/bindings/\*`, "doesn't match any schema", "a D1 binding has id, which W sends; the document calls it database_id"},

	// Where the older document has been overtaken.
	{official, "answer", `GET accounts/{account}/queues(/{queue}/consumers)?`, `200/[a-z_]+`, "property", "the document declares lists as a list and an object at once"},
	{official, "answer", `GET zones/{zone}/workers/routes`, `200/result/\*/script`, "property", "a route without a script is allowed: it turns Workers off"},
	{official, "request", `GET accounts/{account}/storage/kv/namespaces`, `query per_page`, "number must be at most 100", "W asks for 1000; the most that is allowed today is unknown"},
	{official, "request", `(POST|PATCH) zones/{zone}/dns_records(/{record})?`, `body(/content)?`, "", "records of data have no content, newer types no schema, and a change may leave out the rest: R26"},
	{official, "request", `POST accounts/{account}/d1/database/{db}/query`, `body/sql`, "property", "several statements come as a batch: R26"},
	{official, "request", `(PUT|POST) accounts/{account}/workers/scripts/{script}(/versions)?`, `body/metadata/(assets|observability|code_update_strategy|package_dependencies|annotations(/workers/alias)?|migrations/steps/\*/new_sqlite_classes)`, undeclared, "newer than the document; W sends them"},
	{official, "request", `POST accounts/{account}/challenges/widgets`, `body/region`, "value is not one of", "the document knows one region only: R26 has china, too"},
	{official, "request", `POST accounts/{account}/vectorize/v2/indexes/{index}/query`, `body/returnMetadata`, "value must be a boolean", "none, indexed or all today: R26"},
	{official, "request", `(POST|PUT) user/tokens(/{token})?`, `body/policies/\*`, "", "the document wants the id of a policy that is only to be made: R26"},
	{official, "request", `PUT accounts/{account}/workers/domains`, `body/environment`, "property", "required no more: R26"},
}

func (e exception) covers(f finding) bool {
	return e.document == f.document && e.side == f.side && strings.HasPrefix(f.text, e.text) && whole(e.endpoint, f.endpoint) && whole(e.at, f.at)
}

func whole(pattern, s string) bool {
	// The braces of paths are not the expression's.
	pattern = strings.NewReplacer("{", `\{`, "}", `\}`).Replace(pattern)
	return regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(s)
}

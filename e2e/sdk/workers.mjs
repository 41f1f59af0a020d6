import assert from "node:assert/strict";
import { all, refused } from "./check.mjs";

const code = `import { DurableObject, WorkflowEntrypoint } from "cloudflare:workers";
export class Counter extends DurableObject {}
export class Flow extends WorkflowEntrypoint { async run() {} }
export default { async fetch() { return new Response("hi") }, async queue(batch) {}, async scheduled() {} };
`;

// form is an upload as Cloudflare documents it. The SDK's own scripts.update and
// versions.create write metadata[main_module]=… into the form instead; no source
// tells what Cloudflare makes of that.
function form(metadata) {
	const out = new FormData();
	out.set("metadata", new Blob([JSON.stringify(metadata)], { type: "application/json" }));
	out.set("index.js", new File([code], "index.js", { type: "application/javascript+module" }), "index.js");
	return out;
}

const metadata = (more) => ({ main_module: "index.js", compatibility_date: "2026-10-01", ...more });

export async function workers(client, account_id) {
	const { scripts } = client.workers;
	const up = await client.put(`/accounts/${account_id}/workers/scripts/sdk-worker`, {
		body: form(
			metadata({
				bindings: [
					{ type: "durable_object_namespace", name: "COUNTER", class_name: "Counter" },
					{ type: "plain_text", name: "GREETING", text: "hello" },
				],
				migrations: { new_tag: "v1", new_sqlite_classes: ["Counter"] },
				tags: ["sdk"],
			}),
		),
	});
	assert.equal(up.result.id, "sdk-worker");
	assert.deepEqual((await all(scripts.list({ account_id }))).map((s) => s.id), ["sdk-worker"]);
	assert.match(await scripts.get("sdk-worker", { account_id }), /class Counter/);
	assert.match(await (await scripts.content.get("sdk-worker", { account_id })).text(), /class Counter/);
	await refused(scripts.settings.get("absent", { account_id }), 404, 10007);
	assert.deepEqual((await scripts.settings.get("sdk-worker", { account_id })).tags, ["sdk"]);
	assert.equal((await scripts.settings.edit("sdk-worker", { account_id, logpush: true })).logpush, true);
	assert.equal((await scripts.scriptAndVersionSettings.get("sdk-worker", { account_id })).bindings.length, 2);

	const beta = client.workers.beta.workers;
	assert.deepEqual((await all(beta.list({ account_id }))).map((w) => w.name), ["sdk-worker"]);
	await client.put(`/accounts/${account_id}/workers/scripts/sdk-other`, { body: form(metadata()) });
	const other = await beta.get("sdk-other", { account_id });
	await beta.delete(other.id, { account_id });
	assert.deepEqual((await all(beta.list({ account_id }))).map((w) => w.name), ["sdk-worker"]);

	await changes(client, account_id);
	await settings(client, account_id);
	await versions(client, account_id);
	await outside(client, account_id);
	await scripts.delete("sdk-worker", { account_id, force: true });
	assert.equal((await all(scripts.list({ account_id }))).length, 0);
}

// changes are new versions, each deployed at once: one of the code, one of the
// settings. What they do not speak of stays.
async function changes(client, account_id) {
	const { scripts } = client.workers;
	const path = `/accounts/${account_id}/workers/scripts/sdk-worker`;
	await client.put(`${path}/content`, { body: form({ main_module: "index.js" }) });
	assert.equal((await scripts.scriptAndVersionSettings.get("sdk-worker", { account_id })).bindings.length, 2);
	const body = new FormData();
	body.set("settings", new Blob([JSON.stringify({ compatibility_flags: ["nodejs_compat"] })], { type: "application/json" }));
	const { result } = await client.patch(`${path}/settings`, { body });
	assert.deepEqual([result.compatibility_flags, result.bindings.length], [["nodejs_compat"], 2]);
	assert.equal((await all(scripts.versions.list("sdk-worker", { account_id }))).length, 3);
}

async function settings(client, account_id) {
	const { scripts } = client.workers;
	const at = { account_id, script_name: "sdk-worker" };
	assert.equal((await scripts.secrets.update("sdk-worker", { account_id, name: "KEY", text: "not one", type: "secret_text" })).name, "KEY");
	assert.equal((await scripts.secrets.get("KEY", at)).type, "secret_text");
	assert.deepEqual((await all(scripts.secrets.list("sdk-worker", { account_id }))).map((s) => s.name), ["KEY"]);
	await scripts.secrets.bulkUpdate("sdk-worker", { account_id, secrets: { OTHER: { name: "OTHER", text: "not one", type: "secret_text" }, KEY: null } });
	await refused(scripts.secrets.get("KEY", at), 404, 10056);
	await scripts.secrets.delete("OTHER", at);
	await scripts.schedules.update("sdk-worker", { account_id, body: [{ cron: "*/5 * * * *" }] });
	assert.equal((await scripts.schedules.get("sdk-worker", { account_id })).schedules[0].cron, "*/5 * * * *");
	assert.equal((await scripts.subdomain.create("sdk-worker", { account_id, enabled: true, previews_enabled: false })).enabled, true);
	assert.equal((await scripts.subdomain.get("sdk-worker", { account_id })).previews_enabled, false);
	await scripts.subdomain.delete("sdk-worker", { account_id });

	const database = await client.d1.database.create({ account_id, name: "sdk-tagged" });
	const of = { account_id, resource_type: "d1_database", resource_id: database.uuid };
	await client.resourceTagging.accountTags.update({ ...of, tags: { owner: "sdk" } });
	assert.equal((await client.resourceTagging.accountTags.get(of)).tags.owner, "sdk");
	assert.equal((await all(client.resourceTagging.list({ account_id, tag: ["owner=sdk"] }))).length, 1);
	assert.deepEqual(await all(client.resourceTagging.keys.list({ account_id })), ["owner"]);
	assert.deepEqual(await all(client.resourceTagging.values.list("owner", { account_id })), ["sdk"]);
	assert.deepEqual((await client.resourceTagging.summary.get({ account_id })).map((s) => s.key), ["owner"]);
	// The SDK's own delete does not say whose.
	await client.delete(`/accounts/${account_id}/tags`, { body: { resource_type: "d1_database", resource_id: database.uuid } });
	await client.d1.database.delete(database.uuid, { account_id });
}

async function versions(client, account_id) {
	const { scripts } = client.workers;
	const at = { account_id, script_name: "sdk-worker" };
	const { result: next } = await client.post(`/accounts/${account_id}/workers/scripts/sdk-worker/versions`, {
		body: form(metadata({ keep_bindings: ["durable_object_namespace"] })),
	});
	assert.equal((await scripts.versions.get(next.id, at)).id, next.id);
	assert.ok((await all(scripts.versions.list("sdk-worker", { account_id }))).some((v) => v.id === next.id));
	const live = await scripts.deployments.create("sdk-worker", { account_id, strategy: "percentage", versions: [{ version_id: next.id, percentage: 100 }] });
	assert.equal((await scripts.deployments.get(live.id, at)).versions[0].version_id, next.id);
	// Deployments are no list of items, which the SDK takes them for.
	assert.equal((await scripts.deployments.list("sdk-worker", { account_id })).result.deployments[0].id, live.id);
}

// outside is what points at a Worker from elsewhere.
async function outside(client, account_id) {
	const [zone] = await all(client.zones.list());
	const zone_id = zone.id;
	const { routes, domains } = client.workers;
	const route = await routes.create({ zone_id, pattern: "sdk.example/api/*", script: "sdk-worker" });
	await refused(routes.create({ zone_id, pattern: "sdk.example/api/*", script: "sdk-worker" }), 409, 10020);
	assert.equal((await routes.get(route.id, { zone_id })).script, "sdk-worker");
	assert.equal((await routes.update(route.id, { zone_id, pattern: "sdk.example/*", script: "sdk-worker" })).pattern, "sdk.example/*");
	assert.equal((await all(routes.list({ zone_id }))).length, 1);
	await client.resourceTagging.zoneTags.update({ zone_id, resource_type: "worker_route", resource_id: route.id, tags: { owner: "sdk" } });
	assert.equal((await client.resourceTagging.zoneTags.get({ zone_id, resource_type: "worker_route", resource_id: route.id })).tags.owner, "sdk");
	await client.delete(`/zones/${zone_id}/tags`, { body: { resource_type: "worker_route", resource_id: route.id } });
	await routes.delete(route.id, { zone_id });

	const domain = await domains.update({ account_id, hostname: "app.sdk.example", service: "sdk-worker", zone_id });
	assert.equal((await domains.get(domain.id, { account_id })).hostname, "app.sdk.example");
	assert.equal((await all(domains.list({ account_id, hostname: "app.sdk.example" }))).length, 1);
	await domains.delete(domain.id, { account_id });

	const { queue_id } = await client.queues.create({ account_id, queue_name: "sdk-jobs" });
	const consumer = await client.queues.consumers.create(queue_id, { account_id, type: "worker", script_name: "sdk-worker", settings: { batch_size: 5 } });
	assert.equal(consumer.settings.batch_size, 5);
	await refused(client.workers.scripts.delete("sdk-worker", { account_id }), 400, 10064);
	await client.queues.consumers.delete(consumer.consumer_id, { account_id, queue_id });
	await client.queues.delete(queue_id, { account_id });

	assert.equal((await client.workflows.update("sdk-flow", { account_id, class_name: "Flow", script_name: "sdk-worker" })).name, "sdk-flow");
	assert.equal((await client.workflows.get("sdk-flow", { account_id })).class_name, "Flow");
	assert.equal((await all(client.workflows.list({ account_id }))).length, 1);
	await client.workflows.delete("sdk-flow", { account_id });
	const [counter] = await all(client.durableObjects.namespaces.list({ account_id }));
	assert.equal(counter.class, "Counter");
	assert.equal((await all(client.durableObjects.namespaces.objects.list(counter.id, { account_id }))).length, 0);
}

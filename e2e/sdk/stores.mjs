import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { all, refused } from "./check.mjs";

export async function stores(client, account_id) {
	await d1(client, account_id);
	await kv(client, account_id);
	await r2(client, account_id);
	await queues(client, account_id);
	await vectorize(client, account_id);
}

async function d1(client, account_id) {
	const db = await client.d1.database.create({ account_id, name: "sdk-db", primary_location_hint: "weur" });
	assert.equal(db.name, "sdk-db");
	await refused(client.d1.database.create({ account_id, name: "sdk-db" }), 400, 7502);
	const made = await all(client.d1.database.query(db.uuid, { account_id, sql: "create table t(a integer, b text); insert into t values (1, 'x'), (2, 'y')" }));
	assert.equal(made.at(-1).meta.changes, 2);
	const [rows] = await all(client.d1.database.query(db.uuid, { account_id, sql: "select * from t where a > ?", params: ["1"] }));
	assert.deepEqual(rows.results, [{ a: 2, b: "y" }]);
	const [raw] = await all(client.d1.database.raw(db.uuid, { account_id, sql: "select a, b from t" }));
	assert.deepEqual([raw.results.columns, raw.results.rows], [["a", "b"], [[1, "x"], [2, "y"]]]);
	await refused(client.d1.database.query(db.uuid, { account_id, sql: "select nonsense" }), 400, 7500);
	assert.equal((await client.d1.database.get(db.uuid, { account_id })).num_tables, 1);
	assert.equal((await client.d1.database.edit(db.uuid, { account_id, read_replication: { mode: "auto" } })).read_replication.mode, "auto");
	assert.equal((await client.d1.database.update(db.uuid, { account_id, read_replication: { mode: "disabled" } })).read_replication.mode, "disabled");
	const dump = await client.d1.database.export(db.uuid, { account_id, output_format: "polling" });
	assert.equal(dump.status, "complete");
	assert.match(await (await fetch(dump.result.signed_url)).text(), /CREATE TABLE/i);
	const sql = "insert into t values (3, 'z');";
	const etag = createHash("md5").update(sql).digest("hex");
	const init = await client.d1.database.import(db.uuid, { account_id, action: "init", etag });
	assert.equal((await fetch(init.upload_url, { method: "PUT", body: sql })).status, 200);
	await client.d1.database.import(db.uuid, { account_id, action: "ingest", etag, filename: init.filename });
	const [after] = await all(client.d1.database.query(db.uuid, { account_id, sql: "select count(*) as n from t" }));
	assert.deepEqual(after.results, [{ n: 3 }]);
	await timeTravel(client, account_id, db.uuid);
	for (let i = 2; i < 13; i++) await client.d1.database.create({ account_id, name: `sdk-db-${i}` });
	assert.equal((await all(client.d1.database.list({ account_id, per_page: 10 }))).length, 12); // two pages
	assert.deepEqual((await all(client.d1.database.list({ account_id, name: "sdk-db-2" }))).map((d) => d.name), ["sdk-db-2"]);
	for (const d of await all(client.d1.database.list({ account_id }))) await client.d1.database.delete(d.uuid, { account_id });
	await refused(client.d1.database.get(db.uuid, { account_id }), 404, 7404);
}

async function timeTravel(client, account_id, id) {
	const { timeTravel } = client.d1.database;
	const { bookmark } = await timeTravel.getBookmark(id, { account_id });
	await all(client.d1.database.query(id, { account_id, sql: "delete from t" }));
	const restored = await timeTravel.restore(id, { account_id, bookmark });
	assert.notEqual(restored.previous_bookmark, bookmark);
	const [rows] = await all(client.d1.database.query(id, { account_id, sql: "select count(*) as n from t" }));
	assert.deepEqual(rows.results, [{ n: 3 }]);
	await refused(timeTravel.restore(id, { account_id, bookmark: "nonsense" }), 400, 7400);
}

async function kv(client, account_id) {
	const ns = client.kv.namespaces;
	const { id: namespace_id } = await ns.create({ account_id, title: "sdk-kv" });
	await refused(ns.create({ account_id, title: "sdk-kv" }), 400, 10014);
	assert.equal((await ns.update(namespace_id, { account_id, title: "sdk-kv-renamed" })).title, "sdk-kv-renamed");
	assert.equal((await ns.get(namespace_id, { account_id })).title, "sdk-kv-renamed");

	const at = { account_id, namespace_id };
	await ns.values.update("a/b c", { ...at, value: "one", metadata: JSON.stringify({ m: 1 }) });
	assert.equal(await (await ns.values.get("a/b c", at)).text(), "one");
	assert.deepEqual(await ns.metadata.get("a/b c", at), { m: 1 });
	const many = Array.from({ length: 12 }, (_, i) => ({ key: `k${i}`, value: `v${i}` }));
	assert.equal((await ns.bulkUpdate(namespace_id, { account_id, body: many })).successful_key_count, 12);
	assert.equal((await all(ns.keys.list(namespace_id, { account_id, limit: 10 }))).length, 13); // two pages
	assert.equal((await all(ns.keys.list(namespace_id, { account_id, prefix: "k1" }))).length, 3);
	assert.deepEqual((await ns.bulkGet(namespace_id, { account_id, keys: ["k1", "k2"] })).values, { k1: "v1", k2: "v2" });
	await ns.values.delete("k1", at);
	await refused(ns.values.get("k1", at), 404, 10009);
	assert.equal((await ns.bulkDelete(namespace_id, { account_id, body: ["k2", "k3"] })).successful_key_count, 2);

	// The way of older versions, which no version of the SDK has any more.
	await client.delete(`/accounts/${account_id}/storage/kv/namespaces/${namespace_id}/bulk`, { body: ["k4", "k5"] });
	await refused(ns.values.get("k4", at), 404, 10009);

	for (let i = 0; i < 6; i++) await ns.create({ account_id, title: `sdk-${i}` });
	assert.equal((await all(ns.list({ account_id, per_page: 5 }))).length, 7); // two pages
	for (const n of await all(ns.list({ account_id }))) await ns.delete(n.id, { account_id });
	await refused(ns.get(namespace_id, { account_id }), 404, 10013);
}

async function r2(client, account_id) {
	const { buckets } = client.r2;
	const made = await buckets.create({ account_id, name: "sdk-bucket", locationHint: "weur" });
	assert.equal(made.name, "sdk-bucket");
	await refused(buckets.create({ account_id, name: "sdk-bucket" }), 409, 10004);
	await buckets.create({ account_id, name: "sdk-bucket", "cf-r2-jurisdiction": "eu" }); // another one
	assert.equal((await buckets.get("sdk-bucket", { account_id, "cf-r2-jurisdiction": "eu" })).jurisdiction, "eu");
	await buckets.delete("sdk-bucket", { account_id, "cf-r2-jurisdiction": "eu" });
	assert.equal((await buckets.edit("sdk-bucket", { account_id, storage_class: "InfrequentAccess" })).storage_class, "InfrequentAccess");
	assert.deepEqual((await buckets.list({ account_id })).buckets.map((b) => b.name), ["sdk-bucket"]);

	await buckets.cors.update("sdk-bucket", { account_id, rules: [{ allowed: { methods: ["GET"], origins: ["https://a.example"] } }] });
	assert.deepEqual((await buckets.cors.get("sdk-bucket", { account_id })).rules[0].allowed.methods, ["GET"]);
	await buckets.cors.delete("sdk-bucket", { account_id });
	await buckets.lifecycle.update("sdk-bucket", {
		account_id,
		rules: [{ id: "old", enabled: true, conditions: { prefix: "tmp/" }, deleteObjectsTransition: { condition: { type: "Age", maxAge: 86400 } } }],
	});
	assert.equal((await buckets.lifecycle.get("sdk-bucket", { account_id })).rules[0].id, "old");
	await buckets.locks.update("sdk-bucket", { account_id, rules: [{ id: "keep", enabled: true, prefix: "k/", condition: { type: "Age", maxAgeSeconds: 60 } }] });
	assert.equal((await buckets.locks.get("sdk-bucket", { account_id })).rules[0].id, "keep");
	await buckets.locks.update("sdk-bucket", { account_id, rules: [] });
	assert.equal((await buckets.domains.managed.update("sdk-bucket", { account_id, enabled: true })).enabled, true);
	assert.match((await buckets.domains.managed.list("sdk-bucket", { account_id })).domain, /r2\.dev$/);

	const [zone] = await all(client.zones.list());
	await buckets.domains.custom.create("sdk-bucket", { account_id, domain: "files.sdk.example", zoneId: zone.id, enabled: true });
	assert.equal((await buckets.domains.custom.get("files.sdk.example", { account_id, bucket_name: "sdk-bucket" })).domain, "files.sdk.example");
	await buckets.domains.custom.update("files.sdk.example", { account_id, bucket_name: "sdk-bucket", enabled: false });
	assert.equal((await buckets.domains.custom.list("sdk-bucket", { account_id })).domains[0].enabled, false);
	await buckets.domains.custom.delete("files.sdk.example", { account_id, bucket_name: "sdk-bucket" });

	const at = { account_id, bucket_name: "sdk-bucket" };
	for (const key of ["a/1.txt", "a/2.txt", "b.txt"]) await buckets.objects.upload(key, "text", at);
	assert.equal(await (await buckets.objects.get("a/1.txt", at)).text(), "text");
	assert.equal((await all(buckets.objects.list("sdk-bucket", { account_id, per_page: 2 }))).length, 3); // two pages
	await refused(buckets.delete("sdk-bucket", { account_id }), 409, 10008);
	for (const o of await all(buckets.objects.list("sdk-bucket", { account_id }))) await buckets.objects.delete(o.key, at);
	await buckets.delete("sdk-bucket", { account_id });
	await refused(buckets.get("sdk-bucket", { account_id }), 404, 10006);
}

async function queues(client, account_id) {
	const { queue_id } = await client.queues.create({ account_id, queue_name: "sdk-queue" });
	await refused(client.queues.create({ account_id, queue_name: "sdk-queue" }), 409, 11009);
	assert.equal((await client.queues.edit(queue_id, { account_id, settings: { delivery_delay: 5 } })).settings.delivery_delay, 5);
	assert.equal((await client.queues.update(queue_id, { account_id, queue_name: "sdk-renamed" })).queue_name, "sdk-renamed");
	assert.equal((await client.queues.get(queue_id, { account_id })).queue_name, "sdk-renamed");
	assert.deepEqual((await all(client.queues.list({ account_id }))).map((q) => q.queue_id), [queue_id]);

	const { consumers, messages } = client.queues;
	const pull = await consumers.create(queue_id, { account_id, type: "http_pull", settings: { batch_size: 10, visibility_timeout_ms: 1000 } });
	assert.equal(pull.type, "http_pull");
	const at = { account_id, queue_id };
	assert.equal((await consumers.get(pull.consumer_id, at)).settings.batch_size, 10);
	assert.equal((await consumers.update(pull.consumer_id, { ...at, type: "http_pull", settings: { batch_size: 20 } })).settings.batch_size, 20);
	assert.equal((await all(consumers.list(queue_id, { account_id }))).length, 1);
	await messages.push(queue_id, { account_id, body: "hello", content_type: "text", delay_seconds: 0 });
	await messages.bulkPush(queue_id, { account_id, messages: [{ body: { n: 1 }, content_type: "json", delay_seconds: 0 }] });
	const pulled = await messages.pull(queue_id, { account_id, batch_size: 10, visibility_timeout_ms: 1000 });
	assert.equal(pulled.messages.length, 2);
	await messages.ack(queue_id, { account_id, acks: pulled.messages.map(({ lease_id }) => ({ lease_id })) });
	assert.equal((await messages.peek(queue_id, { account_id, batch_size: 10 })).messages.length, 0);
	assert.equal((await client.queues.getMetrics(queue_id, { account_id })).backlog_count, 0);
	await client.queues.purge.start(queue_id, { account_id, delete_messages_permanently: true });
	assert.ok((await client.queues.purge.status(queue_id, { account_id })).completed);
	await consumers.delete(pull.consumer_id, at);
	await client.queues.delete(queue_id, { account_id });
	await refused(client.queues.get(queue_id, { account_id }), 404, 11000);
}

async function vectorize(client, account_id) {
	const { indexes } = client.vectorize;
	assert.equal((await indexes.create({ account_id, name: "sdk-index", config: { dimensions: 8, metric: "cosine" } })).name, "sdk-index");
	await refused(indexes.create({ account_id, name: "sdk-index", config: { preset: "@cf/baai/bge-small-en-v1.5" } }), 409, 3002);
	assert.equal((await indexes.get("sdk-index", { account_id })).config.dimensions, 8);
	assert.equal((await indexes.info("sdk-index", { account_id })).vectorCount, 0);
	await vectors(indexes, account_id);
	await indexes.create({ account_id, name: "sdk-preset", config: { preset: "@cf/baai/bge-base-en-v1.5" } });
	assert.equal((await indexes.get("sdk-preset", { account_id })).config.dimensions, 768);
	assert.equal((await all(indexes.list({ account_id }))).length, 2);
	await indexes.delete("sdk-preset", { account_id });
	await indexes.delete("sdk-index", { account_id });
	await refused(indexes.get("sdk-index", { account_id }), 404, 3000);
}

async function vectors(indexes, account_id) {
	const at = { account_id };
	const lines = (...vectors) => new File([vectors.map((v) => JSON.stringify(v)).join("\n")], "vectors.ndjson");
	const vector = (id, first, kind) => ({ id, values: [first, 1, 0, 0, 0, 0, 0, 0], metadata: { kind } });
	await indexes.metadataIndex.create("sdk-index", { ...at, propertyName: "kind", indexType: "string" });
	await refused(indexes.metadataIndex.create("sdk-index", { ...at, propertyName: "kind", indexType: "string" }), 409, 40004);
	assert.deepEqual((await indexes.metadataIndex.list("sdk-index", at)).metadataIndexes, [{ propertyName: "kind", indexType: "string" }]);
	assert.ok((await indexes.insert("sdk-index", { ...at, body: lines(vector("a", 1, "x"), vector("b", 2, "x"), vector("c", 3, "y")) })).mutationId);
	await indexes.insert("sdk-index", { ...at, body: lines(vector("a", 9, "z")) }); // one that is there stays
	assert.equal((await indexes.getByIDs("sdk-index", { ...at, ids: ["a"] }))[0].values[0], 1);
	await indexes.upsert("sdk-index", { ...at, body: lines(vector("a", 4, "x")), "unparsable-behavior": "error" });
	const [first] = await indexes.getByIDs("sdk-index", { ...at, ids: ["a"] });
	assert.deepEqual([first.values[0], first.metadata], [4, { kind: "x" }]);
	const query = { ...at, vector: [1, 0, 0, 0, 0, 0, 0, 0], topK: 2, returnMetadata: "all" };
	assert.deepEqual((await indexes.query("sdk-index", query)).matches.map((m) => m.id), ["a", "c"]);
	assert.deepEqual((await indexes.query("sdk-index", { ...query, filter: { kind: "x" } })).matches.map((m) => m.id), ["a", "b"]);
	const page = await indexes.listVectors("sdk-index", { ...at, count: 2 });
	assert.deepEqual([page.vectors.map((v) => v.id), page.isTruncated], [["a", "b"], true]);
	assert.deepEqual((await indexes.listVectors("sdk-index", { ...at, cursor: page.nextCursor })).vectors.map((v) => v.id), ["c"]);
	await indexes.deleteByIDs("sdk-index", { ...at, ids: ["a", "b"] });
	assert.equal((await indexes.info("sdk-index", at)).vectorCount, 1);
	await indexes.metadataIndex.delete("sdk-index", { ...at, propertyName: "kind" });
	assert.equal((await indexes.metadataIndex.list("sdk-index", at)).metadataIndexes.length, 0);
}

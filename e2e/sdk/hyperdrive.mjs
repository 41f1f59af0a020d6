import assert from "node:assert/strict";
import { all, refused } from "./check.mjs";

export async function hyperdrive(client, account_id) {
	const c = client.hyperdrive.configs;
	const at = { account_id };
	const origin = { scheme: "postgres", host: "db.sdk.example", port: 5432, database: "app", user: "u", password: "not one" };
	const made = await c.create({ ...at, name: "sdk-hyperdrive", origin });
	await refused(c.create({ ...at, name: "sdk-hyperdrive", origin }), 400, 2017);
	await refused(c.create({ ...at, name: "sdk-private", origin: { ...origin, host: "10.0.0.1" } }), 400, 2009);
	assert.equal((await c.get(made.id, at)).origin.host, "db.sdk.example");
	const edited = await c.edit(made.id, { ...at, caching: { disabled: true } });
	assert.deepEqual([edited.caching.disabled, edited.origin.user], [true, "u"]);
	const put = await c.update(made.id, { ...at, name: "sdk-renamed", origin: { ...origin, user: "v" }, origin_connection_limit: 20 });
	assert.deepEqual([put.name, put.origin.user, put.origin_connection_limit, put.caching.disabled], ["sdk-renamed", "v", 20, false]);
	const list = await all(c.list(at));
	assert.deepEqual(list.map((h) => h.id), [made.id]);
	for (const shown of [made, edited, put, ...list, await c.get(made.id, at)]) assert.equal(shown.origin.password, undefined);
	await c.delete(made.id, at);
	await refused(c.get(made.id, at), 404, 2006);
}

import assert from "node:assert/strict";
import { all, refused } from "./check.mjs";

export async function widgets(client, account_id) {
	const c = client.turnstile.widgets;
	const at = { account_id };
	const settings = { ...at, name: "sdk-widget", domains: ["sdk.example"], mode: "managed" };
	const made = await c.create(settings);
	assert.equal(made.clearance_level, "no_clearance");
	assert.equal((await c.get(made.sitekey, at)).secret, made.secret);
	const put = await c.update(made.sitekey, { ...settings, mode: "invisible" });
	assert.deepEqual([put.mode, put.secret], ["invisible", made.secret]);
	const rotated = await c.rotateSecret(made.sitekey, { ...at, invalidate_immediately: true });
	assert.notEqual(rotated.secret, made.secret);

	for (let i = 0; i < 5; i++) await c.create({ ...settings, name: "sdk-widget" }); // names are not unique
	const list = await all(c.list({ ...at, order: "created_on", direction: "desc", per_page: 5 })); // two pages
	assert.deepEqual([list.length, list.at(-1).sitekey], [6, made.sitekey]);
	assert.ok(list.every((w) => w.secret === undefined));
	assert.equal((await all(c.list({ ...at, filter: "name:other" }))).length, 0);
	for (const w of list) await c.delete(w.sitekey, at);
	await refused(c.get(made.sitekey, at), 404, 10404);
}

import assert from "node:assert/strict";
import { all, refused } from "./check.mjs";

export async function tokens(client, account_id) {
	await oneOwners(client, client.user.tokens, {}, account_id);
	await oneOwners(client, client.accounts.tokens, { account_id }, account_id);
}

// oneOwners is the life of a token of the user, or of an account, whose calls
// take the account besides.
async function oneOwners(client, c, owner, account_id) {
	const at = owner.account_id ? [owner] : [];
	const groups = await all(c.permissionGroups.list(owner));
	const read = groups.find((g) => g.name === "D1 Read");
	assert.deepEqual((await all(c.permissionGroups.list({ ...owner, name: "D1 Read" }))).map((g) => g.id), [read.id]);
	if (owner.account_id) assert.equal((await c.permissionGroups.get(owner)).length, groups.length);

	const policies = [{ effect: "allow", permission_groups: [{ id: read.id }], resources: { [`com.cloudflare.api.account.${account_id}`]: "*" } }];
	await refused(c.create({ ...owner, name: "", policies }), 400, 400);
	const made = await c.create({ ...owner, name: "sdk-token", policies });
	const shown = await c.get(made.id, ...at);
	assert.equal(shown.policies[0].permission_groups[0].id, read.id);
	assert.equal(shown.value, undefined);

	// It may do what it is for and nothing else.
	const its = client.withOptions({ apiToken: made.value });
	assert.equal((await all(its.d1.database.list({ account_id }))).length, 0);
	await refused(its.d1.database.create({ account_id, name: "sdk-not-allowed" }), 403, 10000);

	assert.equal((await c.update(made.id, { ...owner, name: "sdk-renamed", policies, status: "active" })).name, "sdk-renamed");
	const value = await c.value.update(made.id, owner.account_id ? { ...owner, body: {} } : { body: {} });
	assert.notEqual(value, made.value);
	await refused(its.d1.database.create({ account_id, name: "sdk-not-allowed" }), 401, 10000);
	assert.equal((await all(client.withOptions({ apiToken: value }).d1.database.list({ account_id }))).length, 0);

	for (let i = 0; i < 5; i++) await c.create({ ...owner, name: `sdk-${i}`, policies });
	const list = await all(c.list({ ...owner, per_page: 5 })); // two pages
	assert.equal(list.length, 6);
	for (const { id } of list) assert.equal((await c.delete(id, ...at)).id, id);
	await refused(c.get(made.id, ...at), 404, 1003);
}

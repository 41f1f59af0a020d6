import assert from "node:assert/strict";
import { all, refused } from "./check.mjs";

export async function account(client, account_id) {
	assert.equal((await client.user.tokens.verify()).status, "active");
	assert.equal((await client.accounts.tokens.verify({ account_id })).status, "active");
	assert.ok((await client.user.get()).id);
	assert.deepEqual((await all(client.accounts.list())).map((a) => a.id), [account_id]);
	assert.equal((await client.accounts.get({ account_id })).name, "Offline");
	assert.equal((await all(client.memberships.list()))[0].account.id, account_id);
	const { subdomain } = await client.workers.subdomains.get({ account_id });
	assert.equal((await client.workers.subdomains.update({ account_id, subdomain: "sdk-subdomain" })).subdomain, "sdk-subdomain");
	await client.workers.subdomains.delete({ account_id });
	await refused(client.workers.subdomains.get({ account_id }), 404, 10007);
	await client.workers.subdomains.update({ account_id, subdomain });
}

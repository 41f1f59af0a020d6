import assert from "node:assert/strict";
import { all, refused } from "./check.mjs";

export async function zones(client) {
	const found = await all(client.zones.list({ name: "sdk.example" }));
	assert.equal(found.length, 1);
	const zone_id = found[0].id;
	assert.equal((await client.zones.get({ zone_id })).name, "sdk.example");
	await refused(client.zones.get({ zone_id: "0".repeat(32) }), 403, 9109);

	const records = client.dns.records;
	const www = await records.create({ zone_id, type: "CNAME", name: "www.sdk.example", content: "sdk.example", ttl: 1, proxied: true });
	assert.equal(www.name, "www.sdk.example");
	await refused(records.create({ zone_id, type: "A", name: "www.sdk.example", content: "192.0.2.1", ttl: 1 }), 400, 81054);
	assert.equal((await records.get(www.id, { zone_id })).content, "sdk.example");
	assert.equal((await records.edit(www.id, { zone_id, type: "CNAME", name: "www.sdk.example", ttl: 1, comment: "changed" })).comment, "changed");
	assert.equal((await records.update(www.id, { zone_id, type: "CNAME", name: "www.sdk.example", content: "b.sdk.example", ttl: 300 })).comment, null);
	await records.create({ zone_id, type: "MX", name: "sdk.example", content: "mail.sdk.example", priority: 10, ttl: 300 });
	await records.create({ zone_id, type: "SRV", name: "_sip._tcp.sdk.example", ttl: 300, data: { port: 5060, priority: 1, target: "sip.sdk.example", weight: 5 } });

	const made = await records.batch({ zone_id, posts: ["a", "b", "c", "d", "e"].map((n) => ({ type: "TXT", name: `${n}.sdk.example`, content: `"${n}"`, ttl: 60 })) });
	assert.equal(made.posts.length, 5);
	assert.equal((await all(records.list({ zone_id, per_page: 5 }))).length, 8); // two pages
	assert.deepEqual((await all(records.list({ zone_id, type: "TXT", name: { exact: "b.sdk.example" } }))).map((r) => r.content), ['"b"']);
	const gone = await records.batch({
		zone_id,
		deletes: made.posts.slice(1).map(({ id }) => ({ id })),
		patches: [{ id: made.posts[0].id, type: "TXT", name: "a.sdk.example", content: '"changed"', ttl: 60 }],
	});
	assert.equal(gone.patches[0].content, '"changed"');
	assert.equal((await records.delete(www.id, { zone_id })).id, www.id);
	await refused(records.get(www.id, { zone_id }), 404, 81044);
	for (const r of await all(records.list({ zone_id }))) await records.delete(r.id, { zone_id });
}

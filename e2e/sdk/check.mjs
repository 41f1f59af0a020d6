import assert from "node:assert/strict";

/** All that a list gives, page after page, as the SDK itself turns them. */
export async function all(list) {
	const out = [];
	for await (const item of list) {
		out.push(item);
		assert.ok(out.length < 1000, "the list has no end: is the page asked for looked at?");
	}
	return out;
}

/** The call is refused with a status and an error code. */
export async function refused(call, status, code) {
	const err = await call.then(
		() => assert.fail("it was not refused"),
		(e) => e,
	);
	assert.equal(err.status, status, String(err));
	assert.equal(err.errors[0].code, code, String(err));
}

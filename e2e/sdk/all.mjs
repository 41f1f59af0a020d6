// Cloudflare's own TypeScript SDK as a client of the emulator: what is made is
// read, changed, listed over more than one page, and deleted. It ends with an
// AssertionError, or prints what it has done.
import Cloudflare from "cloudflare";
import { account } from "./account.mjs";
import { hyperdrive } from "./hyperdrive.mjs";
import { stores } from "./stores.mjs";
import { tokens } from "./tokens.mjs";
import { widgets } from "./widgets.mjs";
import { workers } from "./workers.mjs";
import { zones } from "./zones.mjs";

// The SDK reads the token from CLOUDFLARE_API_TOKEN by itself.
const client = new Cloudflare({ baseURL: process.env.CLOUDFLARE_API_BASE_URL, maxRetries: 0 });
const account_id = process.env.CLOUDFLARE_ACCOUNT_ID;

for (const part of [account, tokens, zones, stores, hyperdrive, widgets, workers]) {
	await part(client, account_id);
	console.log(`${part.name}: ok`);
}

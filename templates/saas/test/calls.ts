import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect } from 'vitest';
import app from '../src/app';
import type { Bindings, Secrets } from '../src/context';

export type Settings = Partial<Bindings>;

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
const generated = await crypto.subtle.generateKey({ ...RSA, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, true, [
  'sign',
  'verify',
]);
const keys = generated as CryptoKeyPair;

const base64 = (bytes: ArrayBuffer | string) => btoa(typeof bytes === 'string' ? bytes : String.fromCharCode(...new Uint8Array(bytes)));
const base64url = (bytes: ArrayBuffer | string) => base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

/** The public key, as Clerk's dashboard shows it. */
export const jwtKey = `-----BEGIN PUBLIC KEY-----\n${base64((await crypto.subtle.exportKey('spki', keys.publicKey)) as ArrayBuffer)}\n-----END PUBLIC KEY-----`;
export const jwk = { ...((await crypto.subtle.exportKey('jwk', keys.publicKey)) as JsonWebKey), kid: 'test', alg: 'RS256', use: 'sig' };

/** A session token such as Clerk makes, signed with this run's own key. */
export async function sessionToken(sub: string, claims: Record<string, unknown> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const head = base64url(JSON.stringify({ alg: 'RS256', typ: 'JWT', kid: 'test' }));
  const payload = {
    iss: 'https://clerk.example',
    sub,
    sid: 'sess_1',
    iat: now,
    nbf: now - 5,
    exp: now + 60,
    azp: env.APP_ORIGIN,
    ...claims,
  };
  const text = `${head}.${base64url(JSON.stringify(payload))}`;
  return `${text}.${base64url(await crypto.subtle.sign(RSA, keys.privateKey, new TextEncoder().encode(text)))}`;
}

export const SECRETS = {
  CLERK_JWT_KEY: jwtKey,
  CLERK_WEBHOOK_SECRET: `whsec_${btoa('a secret of the tests, 32 bytes.')}`,
  STRIPE_API_KEY: 'sk_test_none',
  STRIPE_WEBHOOK_SECRET: 'whsec_stripe',
} satisfies Secrets;

export const environment = (settings: Settings = {}): Bindings => ({ ...env, ...SECRETS, ...settings });

let requests = 0;
/** One request, with all that it leaves for later done. */
export async function request(path: string, init?: RequestInit, settings?: Settings): Promise<Response> {
  const ctx = createExecutionContext();
  const asked = new Request(new URL(path, 'https://example.com'), init);
  asked.headers.set('cf-connecting-ip', `192.0.2.${++requests}`); // each from elsewhere, so that no limit is reached
  const response = await app.fetch(asked, environment(settings), ctx);
  await waitOnExecutionContext(ctx);
  return response;
}

/** A request of somebody who is signed in. */
export async function as(who: string, method: string, path: string, body?: unknown, settings?: Settings): Promise<Response> {
  const headers = {
    authorization: `Bearer ${await sessionToken(who)}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  return request(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }, settings);
}

/** The answer's data, once its status is the right one. */
export async function data<T>(answer: Promise<Response> | Response, status = 200): Promise<T> {
  const response = await answer;
  const text = await response.text();
  expect(response.status, text).toBe(status);
  return (JSON.parse(text) as { data: T }).data;
}

export async function code(answer: Promise<Response> | Response): Promise<string> {
  const response = await answer;
  return `${response.status} ${(await response.json<{ code: string }>()).code}`;
}

let people = 0;
/** Somebody new, with a team of their own. */
export async function founder(): Promise<{ who: string; team: string; path: string }> {
  const who = `user_${++people}_${crypto.randomUUID().slice(0, 8)}`;
  const { id } = await data<{ id: string }>(as(who, 'POST', '/api/v1/teams', { name: 'Team' }), 201);
  return { who, team: id, path: `/api/v1/teams/${id}` };
}

export const DEVELOPMENT = { ENVIRONMENT: 'development' };

export type Me = { id: string; teams: { id: string; role: string }[] };
export const me = (who: string) => data<Me>(as(who, 'GET', '/api/v1/me'));

/** Invites somebody into a team and lets them accept. */
export async function join(path: string, owner: string, who: string, role = 'member'): Promise<string> {
  const body = { email: `${who}@example.com`, role };
  const { link } = await data<{ link: string }>(as(owner, 'POST', `${path}/invites`, body, DEVELOPMENT), 201);
  await data(as(who, 'POST', '/api/v1/invites/accept', { token: link.split('#invite=')[1] }));
  return (await me(who)).id;
}

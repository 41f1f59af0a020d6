import { env } from 'cloudflare:workers';
import { beforeAll, describe, expect, it } from 'vitest';
import app from '../src/app';
import { as, founder, request } from './calls';

type Operation = { summary?: string; security?: Record<string, string[]>[]; responses: Record<string, unknown> };
type Doc = { openapi: string; info: { title: string }; security: unknown; paths: Record<string, Record<string, Operation>> };

const ULID = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

let doc: Doc;
let operations: { method: string; path: string; op: Operation }[];

beforeAll(async () => {
  doc = await (await request('/api/v1/doc')).json<Doc>();
  operations = Object.entries(doc.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, op]) => ({ method: method.toUpperCase(), path, op })),
  );
});

/** The operation's address with ids in it, of which the team's may be given. */
const filled = (path: string, team = ULID) => path.replace('{team}', team).replace(/\{[a-z]+\}/g, ULID);

describe('the description', () => {
  it('says what it is, and what each operation is for', () => {
    expect(doc.openapi).toBe('3.1.0');
    expect(doc.info.title).toBe(env.APP_NAME);
    for (const { method, path, op } of operations) expect(op.summary, `${method} ${path}`).toBeTruthy();
  });

  it('has every route of the API', () => {
    const listed = operations.map(({ method, path }) => `${method} ${path.replace(/\{([a-z]+)\}/g, ':$1')}`);
    const answered = app.routes
      .filter((r) => r.path.startsWith('/api/v1/') && r.method !== 'ALL' && r.path !== '/api/v1/doc')
      .map((r) => `${r.method} ${r.path.replace(/\/$/, '')}`);
    // What options add stands below /api/v1/extras and describes itself elsewhere.
    const own = new Set(answered.filter((r) => !r.includes('/api/v1/extras')));
    expect([...own].sort()).toEqual([...new Set(listed)].sort());
    expect(own.size).toBeGreaterThan(25);
  });
});

describe('every operation', () => {
  it('that needs somebody signed in refuses anybody else', async () => {
    let asked = 0;
    for (const { method, path, op } of operations) {
      if (op.security?.length === 0) continue;
      for (const headers of [undefined, { authorization: 'Bearer no.such.token' }]) {
        const response = await request(filled(path), { method, ...(headers ? { headers } : {}) });
        expect(response.status, `${method} ${path}`).toBe(401);
        expect(op.responses['401'], `${method} ${path} does not say so`).toBeDefined();
      }
      asked++;
    }
    expect(asked).toBeGreaterThan(25);
  });

  it('below a team does not exist for whoever is not in it', async () => {
    const { team } = await founder();
    const stranger = await founder();
    let asked = 0;
    for (const { method, path, op } of operations) {
      if (!path.includes('/teams/{team}')) continue;
      const response = await as(
        stranger.who,
        method,
        filled(path, team),
        method === 'GET' || method === 'DELETE' ? undefined : { name: 'x' },
      );
      expect(response.status, `${method} ${path}`).toBe(404);
      expect(op.responses['404'], `${method} ${path} does not say so`).toBeDefined();
      asked++;
    }
    expect(asked).toBeGreaterThan(20);
  });
});

import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { extras } from '../../src/extras';

const values = Array.from({ length: 768 }, (_, i) => i / 768);

// Vectorize has no local simulator, so a small index stands in for it.
function index() {
  const kept = new Map<string, number[]>();
  return {
    kept,
    upsert: async (vectors: { id: string; values: number[] }[]) => {
      for (const v of vectors) kept.set(v.id, v.values);
      return { mutationId: 'one' };
    },
    query: async (_: number[], options: { topK: number }) => ({
      count: kept.size,
      matches: [...kept.keys()].slice(0, options.topK).map((id) => ({ id, score: 1 })),
    }),
  };
}

const send = (path: string, method: string, body: unknown, vectors = index()) =>
  extras.request(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, {
    ...env,
    VECTORS: vectors,
  } as unknown as Env);

describe('vectorize', () => {
  it('keeps a vector and finds it', async () => {
    const vectors = index();
    const kept = await send('/vectorize', 'PUT', { id: 'a', values }, vectors);
    expect(kept.status).toBe(202);
    expect(vectors.kept.get('a')).toEqual(values);
    const found = await send('/vectorize/query', 'POST', { values, top: 3 }, vectors);
    expect(await found.json()).toEqual({ data: [{ id: 'a', score: 1 }], hasMore: false });
  });

  it('refuses vectors of another length', async () => {
    const vectors = index();
    expect((await send('/vectorize', 'PUT', { id: 'a', values: [1, 2] }, vectors)).status).toBe(400);
    expect((await send('/vectorize/query', 'POST', { values: 'x' }, vectors)).status).toBe(400);
    expect(vectors.kept.size).toBe(0);
  });
});

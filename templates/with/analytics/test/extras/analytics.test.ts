import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { extras } from '../../src/extras';

const send = (body: unknown, to: Env) =>
  extras.request('/analytics', { method: 'POST', headers: { 'cf-ipcountry': 'NL' }, body: JSON.stringify(body) }, to);

describe('analytics', () => {
  it('writes an event with its country and nothing else of the visitor', async () => {
    const written: unknown[] = [];
    const watched = { ...env, EVENTS: { writeDataPoint: (point: unknown) => written.push(point) } } as unknown as Env;
    expect((await send({ name: 'signup', value: 2 }, watched)).status).toBe(202);
    expect(written).toEqual([{ indexes: ['signup'], blobs: ['signup', 'NL'], doubles: [2] }]);
    expect((await send({ name: 'No Name' }, watched)).status).toBe(400);
    expect(written).toHaveLength(1);
  });

  it('has its binding', async () => {
    expect((await send({ name: 'signup' }, env)).status).toBe(202);
  });
});

import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { extras } from '../../src/extras';

describe('flagship', () => {
  it('asks for the flag, for this visitor', async () => {
    const asked: unknown[] = [];
    const flags = { getBooleanValue: async (...args: unknown[]) => asked.push(args) > 0 };
    const response = await extras.request('/flagship?visitor=ada', {}, { ...env, FLAGS: flags } as unknown as Env);
    expect(await response.json()).toEqual({ data: { newLook: true } });
    expect(asked).toEqual([['new-look', false, { targetingKey: 'ada' }]]);
  });

  it('is off where nobody has set it', async () => {
    const response = await extras.request('/flagship', {}, env);
    expect(await response.json()).toEqual({ data: { newLook: false } });
  });
});

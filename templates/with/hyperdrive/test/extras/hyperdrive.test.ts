import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { extras } from '../../src/extras';

/** A database that says this to whatever it is asked. */
function database(says: number[]) {
  const asked: number[] = [];
  const socket = {
    writable: new WritableStream<Uint8Array>({ write: (chunk) => void asked.push(...chunk) }),
    readable: new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(says));
        controller.close();
      },
    }),
    close: async () => undefined,
  };
  return { asked, env: { ...env, HYPERDRIVE: { connect: () => socket } } as unknown as Env };
}

describe('hyperdrive', () => {
  it('asks as a Postgres client does', async () => {
    const postgres = database([0x53]);
    const response = await extras.request('/hyperdrive', {}, postgres.env);
    expect(await response.json()).toEqual({ data: { answers: true } });
    expect(postgres.asked).toEqual([0, 0, 0, 8, 4, 210, 22, 47]);
  });

  it('is unavailable, and says no more, when something else answers', async () => {
    const response = await extras.request('/hyperdrive', {}, database([0x48]).env);
    expect(response.status).toBe(503);
    expect(await response.text()).toBe('The database does not answer');
  });

  it('has its binding', () => {
    expect(env.HYPERDRIVE.database).toBe('app');
  });
});

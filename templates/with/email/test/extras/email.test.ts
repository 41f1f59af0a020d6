import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { extras } from '../../src/extras';

const send = (body: unknown, to: Env) => extras.request('/email', { method: 'POST', body: JSON.stringify(body) }, to);

describe('email', () => {
  it('sends to the one address', async () => {
    const sent: unknown[] = [];
    const watched = { ...env, EMAIL: { send: async (m: unknown) => void sent.push(m) } } as unknown as Env;
    expect((await send({ subject: 'Hello', text: 'World' }, watched)).status).toBe(202);
    expect(sent).toEqual([{ from: env.MAIL_FROM, to: env.MAIL_TO, subject: 'Hello', text: 'World' }]);
    expect((await send({ subject: 'a\r\nBcc: b@c.example', text: 'x' }, watched)).status).toBe(400);
    expect((await send({ subject: 'x', text: 'x', to: 'a@b.example' }, watched)).status).toBe(202);
    expect(sent[1]).toMatchObject({ to: env.MAIL_TO });
  });

  it('has its binding', async () => {
    expect((await send({ subject: 'Hello', text: 'World' }, env)).status).toBe(202);
  });
});

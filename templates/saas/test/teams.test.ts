import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { as, code, data, DEVELOPMENT, founder, join, jwk, me, request, sessionToken, type Settings } from './calls';
import { network } from './network';

type Invite = { id: string; link: string };

describe('signing in', () => {
  const withToken = (token: string, settings?: Settings, url = '/api/v1/me') =>
    request(url, { headers: { authorization: `Bearer ${token}` } }, settings);

  it('needs a session of Clerk that is whole, young and for this origin', async () => {
    const now = Math.floor(Date.now() / 1000);
    const good = await sessionToken('user_signing');
    expect((await withToken(good)).status).toBe(200);
    expect((await withToken(good.toUpperCase())).status).toBe(401);
    expect((await withToken(`${good.slice(0, -8)}AAAAAAAA`)).status).toBe(401);
    expect((await withToken(await sessionToken('user_signing', { exp: now - 60 }))).status).toBe(401);
    expect((await withToken(await sessionToken('user_signing', { nbf: now + 600 }))).status).toBe(401);
    expect((await withToken(await sessionToken('user_signing', { azp: 'https://elsewhere.example' }))).status).toBe(401);
    expect(await code(request('/api/v1/me'))).toBe('401 UNAUTHORIZED');
  });

  it('asks Clerk for its keys where only the secret key is set', async () => {
    const sent = network(() => ({ keys: [jwk] }));
    const settings = { CLERK_JWT_KEY: '', CLERK_SECRET_KEY: 'sk_test_1' };
    expect((await withToken(await sessionToken('user_remote'), settings)).status).toBe(200);
    expect(sent.map((s) => s.url)).toEqual(['https://api.clerk.com/v1/jwks']);
  });

  it('with DEV_TOKEN works on this machine in development, and nowhere else', async () => {
    const dev = { CLERK_JWT_KEY: '', ENVIRONMENT: 'development', DEV_TOKEN: 'a-token' };
    const local = 'http://localhost:8787/api/v1/me';
    expect(await data(withToken('a-token', dev, local))).toMatchObject({ name: 'dev', email: 'dev@localhost' });
    expect(await data(withToken('a-token:ann', dev, local))).toMatchObject({ name: 'ann' });
    expect((await withToken('another', dev, local)).status).toBe(401);
    expect((await withToken('', { ...dev, DEV_TOKEN: '' }, local)).status).toBe(401);
    expect((await withToken('a-token', dev, 'https://example.com/api/v1/me')).status).toBe(401);
    expect((await withToken('a-token', { ...dev, ENVIRONMENT: 'production' }, local)).status).toBe(401);
    // Where Clerk is on, nothing but Clerk counts.
    expect((await withToken('a-token', { ENVIRONMENT: 'development', DEV_TOKEN: 'a-token' }, local)).status).toBe(401);
  });
});

describe('teams', () => {
  it('are seen by their members only', async () => {
    const { who, team, path } = await founder();
    expect((await me(who)).teams).toEqual([{ id: team, name: 'Team', role: 'owner' }]);
    const stranger = await founder();
    for (const at of ['', '/members', '/projects', '/invites', '/audit', '/billing']) {
      expect((await as(stranger.who, 'GET', path + at)).status, at).toBe(404);
    }
    expect((await as(stranger.who, 'POST', `${path}/live/ticket`)).status).toBe(404);
    expect((await request(path)).status).toBe(401);
  });

  it('let each role do what it may', async () => {
    const { who: owner, path } = await founder();
    const [admin, member] = [`${owner}_a`, `${owner}_m`];
    const adminId = await join(path, owner, admin, 'admin');
    const memberId = await join(path, owner, member);
    const ownerId = (await me(owner)).id;

    expect(await code(as(member, 'PATCH', path, { name: 'Mine' }))).toBe('403 FORBIDDEN');
    expect(await data(as(admin, 'PATCH', path, { name: 'Ours' }))).toMatchObject({ name: 'Ours' });
    expect(await code(as(member, 'POST', `${path}/invites`, { email: 'x@example.com' }, DEVELOPMENT))).toBe('403 FORBIDDEN');
    expect(await code(as(member, 'PATCH', `${path}/members/${memberId}`, { role: 'admin' }))).toBe('403 FORBIDDEN');
    expect(await code(as(admin, 'PATCH', `${path}/members/${adminId}`, { role: 'owner' }))).toBe('403 FORBIDDEN');
    expect(await code(as(admin, 'DELETE', `${path}/members/${ownerId}`))).toBe('403 FORBIDDEN');
    expect(await code(as(member, 'DELETE', `${path}/members/${adminId}`))).toBe('403 FORBIDDEN');
    expect(await code(as(admin, 'DELETE', path))).toBe('403 FORBIDDEN');
    expect(await code(as(member, 'GET', `${path}/audit`))).toBe('403 FORBIDDEN');
    expect(await code(as(member, 'POST', `${path}/billing/portal`))).toBe('403 FORBIDDEN');

    // What somebody made, they may delete; admins may, too; others not.
    const { id } = await data<{ id: string }>(as(admin, 'POST', `${path}/projects`, { name: 'x' }), 201);
    expect(await code(as(member, 'DELETE', `${path}/projects/${id}`))).toBe('403 FORBIDDEN');
    expect((await as(owner, 'DELETE', `${path}/projects/${id}`)).status).toBe(204);

    expect((await as(member, 'DELETE', `${path}/members/${memberId}`)).status).toBe(204); // leaves
    expect((await as(member, 'GET', path)).status).toBe(404);
    expect(await data(as(owner, 'PATCH', `${path}/members/${adminId}`, { role: 'owner' }))).toMatchObject({ role: 'owner' });
  });

  it('keep an owner', async () => {
    const { who, path } = await founder();
    const { id } = await me(who);
    expect(await code(as(who, 'DELETE', `${path}/members/${id}`))).toBe('409 CONFLICT');
    expect(await code(as(who, 'PATCH', `${path}/members/${id}`, { role: 'member' }))).toBe('409 CONFLICT');
  });

  it('keep an owner when two of them leave at the same time', async () => {
    const { who, path } = await founder();
    const other = `${who}_2`;
    const otherId = await join(path, who, other, 'admin');
    await data(as(who, 'PATCH', `${path}/members/${otherId}`, { role: 'owner' }));
    const { id } = await me(who);
    const both = await Promise.all([as(who, 'DELETE', `${path}/members/${id}`), as(other, 'DELETE', `${path}/members/${otherId}`)]);
    expect(both.map((r) => r.status).sort()).toEqual([204, 409]);
    const { results } = await env.DB.prepare("SELECT action FROM audit_log WHERE team_id = ? AND action = 'member.left'")
      .bind(path.split('/')[4]!)
      .all();
    expect(results).toHaveLength(1);
  });

  it('list members page by page', async () => {
    const { who, path } = await founder();
    for (const n of ['1', '2']) await join(path, who, `${who}_${n}`);
    type Page = { data: { userId: string }[]; cursor: string | null; hasMore: boolean };
    const first = await (await as(who, 'GET', `${path}/members?limit=2`)).json<Page>();
    const second = await (await as(who, 'GET', `${path}/members?limit=2&cursor=${first.cursor}`)).json<Page>();
    expect([first.hasMore, second.hasMore, second.cursor]).toEqual([true, false, null]);
    expect(new Set([...first.data, ...second.data].map((m) => m.userId)).size).toBe(3);
    expect(await code(as(who, 'GET', `${path}/members?cursor=x`))).toBe('400 VALIDATION_ERROR');
    expect(await code(as(who, 'PATCH', `${path}/members/${first.data[1]!.userId}`, { role: 'king' }))).toBe('400 VALIDATION_ERROR');
    expect(await code(as(who, 'PATCH', `${path}/members/01ARZ3NDEKTSV4RRFFQ69G5FAV`, { role: 'admin' }))).toBe('404 NOT_FOUND');
  });

  it('are gone for everybody once deleted', async () => {
    const { who, path } = await founder();
    expect((await as(who, 'DELETE', path)).status).toBe(204);
    expect((await as(who, 'GET', path)).status).toBe(404);
    expect((await me(who)).teams).toEqual([]);
  });

  it('give their history page by page, the newest first', async () => {
    const { who, path } = await founder();
    for (const name of ['a', 'b']) await data(as(who, 'PATCH', path, { name }));
    type Page = { data: { action: string }[]; cursor: string | null };
    const first = await (await as(who, 'GET', `${path}/audit?limit=2`)).json<Page>();
    expect(first.data.map((e) => e.action)).toEqual(['team.renamed', 'team.renamed']);
    const second = await (await as(who, 'GET', `${path}/audit?limit=2&cursor=${first.cursor}`)).json<Page>();
    expect(second).toMatchObject({ data: [{ action: 'team.created' }], cursor: null });
  });

  it('remember who did what', async () => {
    const { who, path } = await founder();
    await data(as(who, 'POST', `${path}/projects`, { name: 'x' }), 201);
    const { data: entries } = await (await as(who, 'GET', `${path}/audit`)).json<{ data: { action: string; actorId: string }[] }>();
    expect(entries.map((e) => e.action)).toEqual(['project.created', 'team.created']);
    expect(new Set(entries.map((e) => e.actorId))).toEqual(new Set([(await me(who)).id]));
  });
});

describe('invites', () => {
  it('work once, and their token is stored nowhere', async () => {
    const { who, path } = await founder();
    const { link, id } = await data<Invite>(as(who, 'POST', `${path}/invites`, { email: 'b@example.com' }, DEVELOPMENT), 201);
    const token = link.split('#invite=')[1]!;
    const stored = JSON.stringify(await env.DB.prepare('SELECT * FROM invites WHERE id = ?').bind(id).first());
    expect(stored).not.toContain(token);
    const listed = async () => (await (await as(who, 'GET', `${path}/invites`)).json<{ data: { id: string }[] }>()).data.map((i) => i.id);
    expect(await listed()).toEqual([id]);
    expect(await code(as(who, 'POST', '/api/v1/invites/accept', { token }))).toBe('409 CONFLICT'); // a member already
    expect(await data(as(`${who}_b`, 'POST', '/api/v1/invites/accept', { token }))).toMatchObject({ role: 'member' });
    expect(await code(as(`${who}_c`, 'POST', '/api/v1/invites/accept', { token }))).toBe('404 NOT_FOUND');
    expect(await listed()).toEqual([]);
  });

  it('let one in, where two come at the same time', async () => {
    const { who, path } = await founder();
    const { link } = await data<Invite>(as(who, 'POST', `${path}/invites`, { email: 'b@example.com' }, DEVELOPMENT), 201);
    const token = link.split('#invite=')[1]!;
    const both = await Promise.all([1, 2].map((n) => as(`${who}_${n}`, 'POST', '/api/v1/invites/accept', { token })));
    expect(both.map((r) => r.status).sort()).toEqual([200, 404]);
    type Page = { data: unknown[] };
    expect((await (await as(who, 'GET', `${path}/members`)).json<Page>()).data).toHaveLength(2);
  });

  it('are mailed again with a new link, and the old one ends', async () => {
    const { who, path } = await founder();
    const { id, link } = await data<Invite>(as(who, 'POST', `${path}/invites`, { email: 'b@example.com' }, DEVELOPMENT), 201);
    const sent: { link: string }[] = [];
    const JOBS = { send: (job: { link: string }) => Promise.resolve(sent.push(job)) } as unknown as Queue;
    const mail = { RESEND_API_KEY: 're_1', EMAIL_FROM: 'noreply@example.com', JOBS };
    expect(await code(as(who, 'POST', `${path}/invites/${id}/resend`))).toBe('422 UNPROCESSABLE');
    expect((await as(who, 'POST', `${path}/invites/${id}/resend`, undefined, mail)).status).toBe(202);
    const accept = (url: string) => as(`${who}_b`, 'POST', '/api/v1/invites/accept', { token: url.split('#invite=')[1] });
    expect(await code(accept(link))).toBe('404 NOT_FOUND');
    expect((await accept(sent[0]!.link)).status).toBe(200);
    expect(await code(as(who, 'POST', `${path}/invites/${id}/resend`, undefined, mail))).toBe('404 NOT_FOUND'); // it was used
    expect(sent).toHaveLength(1);
  });

  it('are made for an address only, and for no owner', async () => {
    const { who, path } = await founder();
    for (const body of [{}, { email: 'no address' }, { email: 'b@example.com', role: 'owner' }]) {
      expect(await code(as(who, 'POST', `${path}/invites`, body, DEVELOPMENT))).toBe('400 VALIDATION_ERROR');
    }
    expect(await code(as(who, 'POST', '/api/v1/invites/accept', { token: 'short' }))).toBe('400 VALIDATION_ERROR');
  });

  it('end when they are taken back or too old', async () => {
    const { who, path } = await founder();
    const make = () => data<Invite>(as(who, 'POST', `${path}/invites`, { email: 'b@example.com' }, DEVELOPMENT), 201);
    const accept = ({ link }: Invite) => code(as(`${who}_b`, 'POST', '/api/v1/invites/accept', { token: link.split('#invite=')[1] }));
    const back = await make();
    expect((await as(who, 'DELETE', `${path}/invites/${back.id}`)).status).toBe(204);
    expect((await as(who, 'DELETE', `${path}/invites/${back.id}`)).status).toBe(404);
    expect(await accept(back)).toBe('404 NOT_FOUND');
    const old = await make();
    await env.DB.prepare("UPDATE invites SET expires_at = '2026-01-01T00:00:00.000Z' WHERE id = ?").bind(old.id).run();
    expect(await accept(old)).toBe('404 NOT_FOUND');
  });

  it('need a mail service in production, and then show no link', async () => {
    const { who, path } = await founder();
    expect(await code(as(who, 'POST', `${path}/invites`, { email: 'b@example.com' }))).toBe('422 UNPROCESSABLE');
    const sent: unknown[] = [];
    const JOBS = { send: (job: unknown) => Promise.resolve(sent.push(job)) } as unknown as Queue;
    const mail = { RESEND_API_KEY: 're_1', EMAIL_FROM: 'noreply@example.com', JOBS };
    const invite = await data<Invite>(as(who, 'POST', `${path}/invites`, { email: 'b@example.com' }, mail), 201);
    expect(invite.link).toBeUndefined();
    expect(sent).toMatchObject([{ type: 'invite.email', invite: invite.id, to: 'b@example.com', team: 'Team' }]);
    expect((sent[0] as { link: string }).link).toContain(`${env.APP_ORIGIN}/app#invite=`);
  });
});

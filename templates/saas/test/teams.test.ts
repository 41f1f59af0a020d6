import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { as, code, data, founder, jwk, request, sessionToken, type Settings } from './calls';
import { network } from './network';

type Me = { id: string; teams: { id: string; role: string }[] };
type Invite = { id: string; link: string };

const DEVELOPMENT = { ENVIRONMENT: 'development' };
const me = (who: string) => data<Me>(as(who, 'GET', '/api/v1/me'));

/** Invites somebody into a team and lets them accept. */
async function join(path: string, owner: string, who: string, role = 'member'): Promise<string> {
  const { link } = await data<Invite>(as(owner, 'POST', `${path}/invites`, { email: `${who}@example.com`, role }, DEVELOPMENT), 201);
  await data(as(who, 'POST', '/api/v1/invites/accept', { token: link.split('#invite=')[1] }));
  return (await me(who)).id;
}

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

  it('are gone for everybody once deleted', async () => {
    const { who, path } = await founder();
    expect((await as(who, 'DELETE', path)).status).toBe(204);
    expect((await as(who, 'GET', path)).status).toBe(404);
    expect((await me(who)).teams).toEqual([]);
  });

  it('remember who did what', async () => {
    const { who, path } = await founder();
    await data(as(who, 'POST', `${path}/projects`, { name: 'x' }), 201);
    const { data: entries } = await (await as(who, 'GET', `${path}/audit`)).json<{ data: { action: string; actorId: string }[] }>();
    expect(entries.map((e) => e.action)).toEqual(['team.created', 'project.created']);
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

import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { closing } from '../src/account';
import type { Room } from '../src/do/room';
import { as, code, data, environment, founder, join, request } from './calls';

type Message = { type: string; n?: number; data: Record<string, unknown> };

async function ticketOf(who: string, path: string): Promise<string> {
  return (await data<{ ticket: string }>(as(who, 'POST', `${path}/live/ticket`), 201)).ticket;
}

async function listen(who: string, team: string, since?: number): Promise<{ socket: WebSocket; heard: Message[] }> {
  const ticket = await ticketOf(who, `/api/v1/teams/${team}`);
  const query = since === undefined ? '' : `&since=${since}`;
  const response = await request(`/api/v1/live/${team}?ticket=${ticket}${query}`, { headers: { upgrade: 'websocket' } });
  expect(response.status).toBe(101);
  const socket = response.webSocket!;
  const heard: Message[] = [];
  socket.addEventListener('message', (m) => void heard.push(JSON.parse(m.data as string) as Message));
  socket.accept();
  return { socket, heard };
}

const untilHeard = (heard: Message[], type: string) =>
  vi.waitFor(() => {
    const message = heard.find((m) => m.type === type);
    expect(message).toBeDefined();
    return message!;
  });

describe('live updates', () => {
  it('tell the team what happens, and nobody else', async () => {
    const { who, team, path } = await founder();
    const other = await founder();
    const mine = await listen(who, team);
    const theirs = await listen(other.who, other.team);
    await untilHeard(mine.heard, 'presence');
    const { id } = await data<{ id: string }>(as(who, 'POST', `${path}/projects`, { name: 'Seen' }), 201);
    expect(await untilHeard(mine.heard, 'project.created')).toMatchObject({ n: 1, data: { id, name: 'Seen' } });
    await as(who, 'DELETE', `${path}/projects/${id}`);
    expect(await untilHeard(mine.heard, 'project.deleted')).toMatchObject({ n: 2, data: { id } });
    expect(theirs.heard.filter((m) => m.type !== 'presence')).toEqual([]);
    mine.socket.close();
    theirs.socket.close();
  });

  it('tell a client that comes back what it missed', async () => {
    const { who, team, path } = await founder();
    for (const name of ['a', 'b', 'c']) await data(as(who, 'POST', `${path}/projects`, { name }), 201);
    const { socket, heard } = await listen(who, team, 1);
    await untilHeard(heard, 'presence');
    expect(heard.filter((m) => m.n).map((m) => [m.n, m.data.name])).toEqual([
      [2, 'b'],
      [3, 'c'],
    ]);
    socket.close();
  });

  it('need a ticket, which is good once and for half a minute', async () => {
    const { who, team, path } = await founder();
    const open = (ticket: string) => request(`/api/v1/live/${team}?ticket=${ticket}`, { headers: { upgrade: 'websocket' } });
    const ticket = await ticketOf(who, path);
    const first = await open(ticket);
    expect(first.status).toBe(101);
    first.webSocket!.accept();
    first.webSocket!.close();
    expect(await code(open(ticket))).toBe('401 UNAUTHORIZED');
    expect(await code(open('made-up'))).toBe('401 UNAUTHORIZED');
    expect(await code(open(''))).toBe('401 UNAUTHORIZED');
    expect(await code(request(`/api/v1/live/${team}?ticket=x`))).toBe('400 VALIDATION_ERROR');
    const old = await ticketOf(who, path);
    await runInDurableObject(env.ROOMS.getByName(team), (_room: Room, state) => {
      state.storage.sql.exec('UPDATE tickets SET expires = ?', Date.now() - 1);
    });
    expect(await code(open(old))).toBe('401 UNAUTHORIZED');
  });

  it('go on after the object has slept', async () => {
    const { who, team, path } = await founder();
    const mine = await listen(who, team);
    await untilHeard(mine.heard, 'presence');
    await evictDurableObject(env.ROOMS.getByName(team));
    await data(as(who, 'POST', `${path}/projects`, { name: 'Later' }), 201);
    expect(await untilHeard(mine.heard, 'project.created')).toMatchObject({ n: 1, data: { name: 'Later' } });
    mine.socket.close();
  });

  it('end for whoever leaves, and take nothing in', async () => {
    const { who, team, path } = await founder();
    const dev = { ENVIRONMENT: 'development' };
    const invite = await data<{ link: string }>(as(who, 'POST', `${path}/invites`, { email: 'b@example.com' }, dev), 201);
    const guest = `${who}_guest`;
    await data(as(guest, 'POST', '/api/v1/invites/accept', { token: invite.link.split('#invite=')[1] }));
    const closed = async (socket: WebSocket) => new Promise<number>((done) => socket.addEventListener('close', (e) => done(e.code)));

    const theirs = await listen(guest, team);
    const end = closed(theirs.socket);
    const { id } = await data<{ id: string }>(as(guest, 'GET', '/api/v1/me'));
    expect((await as(who, 'DELETE', `${path}/members/${id}`)).status).toBe(204);
    expect(await end).toBe(4003);

    const mine = await listen(who, team);
    const refused = closed(mine.socket);
    mine.socket.send('{"type":"project.created"}');
    expect(await refused).toBe(1003);
  });

  it('end where an account is closed, and with the team that nobody is left in', async () => {
    const { who, team, path } = await founder();
    await join(path, who, `${who}_guest`);
    const alone = await data<{ id: string }>(as(who, 'POST', '/api/v1/teams', { name: 'Alone' }), 201);
    const code = ({ socket }: { socket: WebSocket }) =>
      new Promise<number>((done) => socket.addEventListener('close', (e) => done(e.code)));
    const ends = Promise.all([code(await listen(who, team)), code(await listen(who, alone.id))]);
    await (await closing(environment(), who)).after();
    expect(await ends).toEqual([4003, 4004]);
  });

  it('keep the last hundred', async () => {
    const { team } = await founder();
    const room = env.ROOMS.getByName(team);
    for (let i = 0; i < 105; i++) await room.publish({ type: 't', actor: null, at: '', data: i });
    await runInDurableObject(room, (_room: Room, state) => {
      expect(state.storage.sql.exec('SELECT min(n) AS low, count(*) AS n FROM happenings').one()).toEqual({ low: 6, n: 100 });
    });
  });
});

import { DurableObject } from 'cloudflare:workers';
import { newToken } from '../lib/guards';

/** Something that happened in a team. n counts from 1, so that a client can ask for what it missed. */
export type Happening = { type: string; actor: string | null; at: string; data: unknown };

/** How many happenings are kept for clients that come back. */
const KEPT = 100;
const TICKET_MS = 30_000;
const MAX_SOCKETS = 500;

/**
 * The live updates of one team. Sockets hibernate: while nothing happens, the
 * object is in no memory and costs nothing, and the sockets stay open.
 */
export class Room extends DurableObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS happenings (n INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL)');
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS tickets (ticket TEXT PRIMARY KEY, user TEXT NOT NULL, expires INTEGER NOT NULL)');
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
  }

  /** Lets a user open one socket within half a minute. A browser cannot send its token with one. */
  issueTicket(user: string): string {
    const ticket = newToken();
    this.ctx.storage.sql.exec('DELETE FROM tickets WHERE expires < ?', Date.now());
    this.ctx.storage.sql.exec('INSERT INTO tickets VALUES (?, ?, ?)', ticket, user, Date.now() + TICKET_MS);
    return ticket;
  }

  #redeem(ticket: string): string | undefined {
    const [row] = this.ctx.storage.sql
      .exec<{ user: string }>('DELETE FROM tickets WHERE ticket = ? AND expires >= ? RETURNING user', ticket, Date.now())
      .toArray();
    return row?.user;
  }

  override async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    if (request.headers.get('upgrade')?.toLowerCase() !== 'websocket') return new Response(null, { status: 426 });
    const user = this.#redeem(query.get('ticket') ?? '');
    if (user === undefined) return new Response(null, { status: 401 });
    if (this.ctx.getWebSockets().length >= MAX_SOCKETS) return new Response(null, { status: 503 });
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.ctx.acceptWebSocket(server, [user]);
    const since = Number(query.get('since') ?? NaN);
    if (Number.isInteger(since)) {
      const missed = this.ctx.storage.sql.exec<{ n: number; body: string }>('SELECT n, body FROM happenings WHERE n > ? ORDER BY n', since);
      for (const { n, body } of missed) server.send(numbered(n, body));
    }
    this.#tellPresence();
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Tells every open socket, and gives the number under which it is kept. */
  publish(happening: Happening): number {
    const body = JSON.stringify(happening);
    const { n } = this.ctx.storage.sql.exec<{ n: number }>('INSERT INTO happenings (body) VALUES (?) RETURNING n', body).one();
    this.ctx.storage.sql.exec('DELETE FROM happenings WHERE n <= ?', n - KEPT);
    this.#send(numbered(n, body));
    return n;
  }

  /** Closes what somebody who is no member any more has open. */
  expel(user: string): void {
    this.ctx.storage.sql.exec('DELETE FROM tickets WHERE user = ?', user);
    for (const socket of this.ctx.getWebSockets(user)) socket.close(4003, 'no member any more');
  }

  /** Closes everything and forgets it; the team is gone. */
  async close(): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) socket.close(4004, 'the team is gone');
    await this.ctx.storage.deleteAll();
  }

  #send(text: string, except?: WebSocket): void {
    for (const socket of this.ctx.getWebSockets()) {
      if (socket !== except && socket.readyState === WebSocket.OPEN) socket.send(text);
    }
  }

  #tellPresence(leaving?: WebSocket): void {
    const here = new Set<string>();
    for (const socket of this.ctx.getWebSockets()) {
      if (socket !== leaving && socket.readyState === WebSocket.OPEN) this.ctx.getTags(socket).forEach((user) => here.add(user));
    }
    this.#send(JSON.stringify({ type: 'presence', data: { users: here.size } }), leaving);
  }

  override webSocketMessage(socket: WebSocket): void {
    // Everything is changed through the API; a socket only listens.
    socket.close(1003, 'nothing is taken here');
  }

  override webSocketClose(socket: WebSocket): void {
    this.#tellPresence(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#tellPresence(socket);
  }
}

const numbered = (n: number, body: string): string => JSON.stringify({ n, ...(JSON.parse(body) as Happening) });

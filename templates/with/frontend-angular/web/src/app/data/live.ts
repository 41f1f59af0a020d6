import { inject, Injectable, InjectionToken, signal } from '@angular/core';
import { Api, Failure } from './api';

/** Something that happened in a team; n counts from 1. */
export type Happening = { n?: number; type: string; actor?: string | null; data: unknown };

/** How a socket is opened; tests put another in its place. */
export const OPEN_SOCKET = new InjectionToken<(url: string) => WebSocket>('OPEN_SOCKET', {
  providedIn: 'root',
  factory: () => (url) => new WebSocket(url),
});

const PING_MS = 30_000;
const LONGEST_WAIT_MS = 30_000;
/** The Worker closes with these when there is nothing to come back to. */
const GONE = 4004;
const FOR_GOOD = [4003, GONE];

/**
 * The live updates of one team, by WebSocket. It comes back by itself after a break
 * and asks for what it missed; where that is no longer to be had, it says so by "stale".
 * Each page that listens has one of its own.
 */
@Injectable()
export class Live {
  readonly #api = inject(Api);
  readonly #open = inject(OPEN_SOCKET);
  #socket: WebSocket | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setInterval> | undefined;
  #last: number | null = null;
  #breaks = 0;
  #before = false;
  #ended = false;

  readonly connected = signal(false);
  /** How many of the team are here. */
  readonly present = signal(0);

  listen(team: string, tell: (happening: Happening) => void): void {
    void this.#connect(team, tell);
  }

  async #connect(team: string, tell: (happening: Happening) => void): Promise<void> {
    try {
      const ticket = await this.#api.liveTicket(team);
      if (this.#ended) return;
      const since = this.#last === null ? '' : `&since=${this.#last}`;
      // Relative to the page, http becomes ws and https wss.
      const socket = this.#open(new URL(`/api/v1/live/${team}?ticket=${ticket}${since}`, location.href).href.replace(/^http/, 'ws'));
      this.#socket = socket;
      socket.addEventListener('open', () => this.#opened(socket, tell));
      socket.addEventListener('message', (m) => this.#heard(String(m.data), tell));
      socket.addEventListener('close', (e) => this.#closed(e.code, team, tell));
    } catch (e) {
      // Signed out, or no member any more: there is nothing to come back to, either.
      this.#closed([401, 403, 404].includes(Failure.of(e).status) ? GONE : 0, team, tell);
    }
  }

  #opened(socket: WebSocket, tell: (happening: Happening) => void): void {
    // Nothing was heard before the break, so there is no number to go on from.
    if (this.#before && this.#last === null) tell({ type: 'stale', data: null });
    this.#before = true;
    this.#breaks = 0;
    this.connected.set(true);
    this.#ping = setInterval(() => socket.send('ping'), PING_MS);
  }

  #heard(text: string, tell: (happening: Happening) => void): void {
    if (text === 'pong') return;
    const happening = JSON.parse(text) as Happening;
    if (happening.type === 'presence') {
      this.present.set((happening.data as { users: number }).users);
      return;
    }
    const missed = this.#last !== null && happening.n !== undefined && happening.n > this.#last + 1;
    this.#last = happening.n ?? this.#last;
    tell(missed ? { type: 'stale', data: null } : happening);
  }

  #closed(code: number, team: string, tell: (happening: Happening) => void): void {
    clearInterval(this.#ping);
    this.connected.set(false);
    if (this.#ended) return;
    if (FOR_GOOD.includes(code)) {
      tell({ type: 'gone', data: null });
      return;
    }
    const wait = Math.min(LONGEST_WAIT_MS, 500 * 2 ** this.#breaks++) * (0.5 + Math.random() / 2);
    this.#timer = setTimeout(() => void this.#connect(team, tell), wait);
  }

  stop(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    clearInterval(this.#ping);
    this.#socket?.close();
  }
}

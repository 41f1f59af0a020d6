import { exports } from 'cloudflare:workers';
import type { Message } from '../src/memory';
import type { ServerFrame } from '../src/protocol';

export const origin = 'https://example.com';

export interface Conversation {
  id: string;
  title: string;
  messageCount: number;
}
export interface Failure {
  error: string;
  code: string;
  requestId: string;
}
export interface Answered {
  data: Message[];
  outcome: { ending: string; steps: number; tokens: number } | null;
}

let addresses = 0;

/** Somebody with a browser: a cookie, and an address of their own, so that limits of one test touch no other. */
export class Visitor {
  private cookie = '';
  readonly address = `203.0.113.${(addresses = (addresses + 1) % 250)}`;

  static async arrive(): Promise<Visitor> {
    const visitor = new Visitor();
    const response = await visitor.call('/api/v1/session', { method: 'POST' });
    visitor.cookie = response.headers.get('set-cookie')?.split(';')[0] ?? '';
    await response.body?.cancel();
    return visitor;
  }

  private headers(more: HeadersInit = {}): Headers {
    const headers = new Headers(more);
    headers.set('cf-connecting-ip', this.address);
    if (this.cookie) headers.set('cookie', this.cookie);
    return headers;
  }

  call(path: string, init: RequestInit = {}): Promise<Response> {
    return exports.default.fetch(new Request(`${origin}${path}`, { ...init, headers: this.headers(init.headers) }));
  }

  send(method: string, path: string, body: unknown): Promise<Response> {
    return this.call(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  }

  async begin(title?: string): Promise<string> {
    const response = await this.send('POST', '/api/v1/conversations', title === undefined ? {} : { title });
    return (await response.json<{ data: Conversation }>()).data.id;
  }

  async say(conversation: string, text: string, id?: string): Promise<Answered> {
    return (await this.send('POST', `/api/v1/conversations/${conversation}/messages`, { text, id })).json<Answered>();
  }

  async connect(conversation: string, after = ''): Promise<Line> {
    const response = await this.call(`/api/v1/conversations/${conversation}/socket${after && `?after=${after}`}`, {
      headers: { upgrade: 'websocket', origin },
    });
    if (!response.webSocket) throw new Error(`no WebSocket: ${response.status} ${await response.text()}`);
    return new Line(response.webSocket);
  }
}

/** A page's end of a WebSocket. */
export class Line {
  readonly frames: ServerFrame[] = [];
  closed: number | null = null;
  private wake = () => {};

  constructor(private readonly socket: WebSocket) {
    socket.accept();
    socket.addEventListener('message', ({ data }) => {
      this.frames.push(JSON.parse(data as string) as ServerFrame);
      this.wake();
    });
    socket.addEventListener('close', ({ code }) => {
      this.closed = code;
      this.wake();
    });
  }

  send(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  close(): void {
    this.socket.close(1000);
  }

  /** Waits until that holds; the test's own time limit ends a wait in vain. */
  async until(holds: (line: Line) => boolean): Promise<void> {
    while (!holds(this)) await new Promise<void>((resolve) => (this.wake = resolve));
  }

  async next<T extends ServerFrame['type']>(type: T, from = 0): Promise<Extract<ServerFrame, { type: T }>> {
    const find = () => this.frames.slice(from).find((f) => f.type === type);
    await this.until(() => find() !== undefined);
    return find() as Extract<ServerFrame, { type: T }>;
  }
}

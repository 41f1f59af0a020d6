import { TestBed } from '@angular/core/testing';
import { Api, Failure } from './api';
import { Live, OPEN_SOCKET, type Happening } from './live';

/** A socket whose other end is the test. */
class Socket extends EventTarget {
  readonly sent: string[] = [];
  closed = false;
  constructor(readonly url: string) {
    super();
  }
  send = (text: string) => void this.sent.push(text);
  close = () => void (this.closed = true);
  open = () => this.dispatchEvent(new Event('open'));
  hear = (message: unknown) => this.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(message) }));
  end = (code: number) => this.dispatchEvent(Object.assign(new Event('close'), { code }));
}

describe('Live', () => {
  let sockets: Socket[];
  let heard: Happening[];
  let live: Live;
  const liveTicket = vi.fn();

  beforeEach(async () => {
    vi.useFakeTimers();
    sockets = [];
    heard = [];
    liveTicket.mockReset().mockResolvedValue('ticket');
    TestBed.configureTestingModule({
      providers: [
        Live,
        { provide: Api, useValue: { liveTicket } },
        { provide: OPEN_SOCKET, useValue: (url: string) => (sockets.push(new Socket(url)), sockets.at(-1)) },
      ],
    });
    live = TestBed.inject(Live);
    live.listen('team', (h) => heard.push(h));
    await vi.advanceTimersByTimeAsync(0);
  });
  afterEach(() => {
    live.stop();
    vi.useRealTimers();
  });

  it('opens with a ticket and tells what it hears', () => {
    expect(sockets[0]!.url).toMatch(/^ws:.*\/api\/v1\/live\/team\?ticket=ticket$/);
    sockets[0]!.open();
    expect(live.connected()).toBe(true);
    sockets[0]!.hear({ type: 'presence', data: { users: 2 } });
    sockets[0]!.hear({ n: 1, type: 'project.created', data: { id: 'p' } });
    expect(live.present()).toBe(2);
    expect(heard).toEqual([{ n: 1, type: 'project.created', data: { id: 'p' } }]);
  });

  it('comes back after a break, and asks for what it missed', async () => {
    sockets[0]!.open();
    sockets[0]!.hear({ n: 7, type: 'x', data: null });
    sockets[0]!.end(1006);
    expect(live.connected()).toBe(false);
    await vi.advanceTimersByTimeAsync(1000);
    expect(sockets[1]!.url).toContain('&since=7');
    sockets[1]!.open();
    sockets[1]!.hear({ n: 8, type: 'y', data: null });
    sockets[1]!.hear({ n: 12, type: 'z', data: null });
    expect(heard.map((h) => h.type)).toEqual(['x', 'y', 'stale']);
  });

  it('says that it may have missed something when it had heard nothing before the break', async () => {
    sockets[0]!.open();
    sockets[0]!.end(1006);
    await vi.advanceTimersByTimeAsync(1000);
    sockets[1]!.open();
    expect(heard.map((h) => h.type)).toEqual(['stale']);
  });

  it('waits longer each time, and at most half a minute', async () => {
    liveTicket.mockRejectedValue(new Error('no'));
    sockets[0]!.end(1006);
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    const calls = liveTicket.mock.calls.length;
    expect(calls).toBeGreaterThan(20);
    expect(calls).toBeLessThan(60);
  });

  it('stays away from a team that is gone, and when it is stopped', async () => {
    sockets[0]!.open();
    sockets[0]!.end(4004);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard).toEqual([{ type: 'gone', data: null }]);
    expect(sockets).toHaveLength(1);
    live.stop();
    expect(sockets[0]!.closed).toBe(true);
  });

  it('does not ask again for a ticket that is refused', async () => {
    sockets[0]!.open();
    liveTicket.mockReset().mockRejectedValue(new Failure(401, 'Sign in first'));
    sockets[0]!.end(1006);
    await vi.advanceTimersByTimeAsync(10 * 60_000);
    expect(liveTicket).toHaveBeenCalledOnce();
    expect(heard.at(-1)).toEqual({ type: 'gone', data: null });
  });

  it('keeps the connection alive', async () => {
    sockets[0]!.open();
    await vi.advanceTimersByTimeAsync(61_000);
    expect(sockets[0]!.sent).toEqual(['ping', 'ping']);
  });
});

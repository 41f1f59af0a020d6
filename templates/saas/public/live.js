// Live updates: a WebSocket that comes back by itself and asks for what it missed.
import { call } from './api.js';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
const PING = 30_000;

/** Tells of what happens in a team until it is stopped. */
export function listen(team, { happened, connected }) {
  let socket;
  let last;
  let wait = FIRST_WAIT;
  let timer;
  let pinging;
  let stopped = false;

  async function open() {
    try {
      const { ticket } = await call('POST', `/teams/${team}/live/ticket`);
      if (stopped) return;
      const since = last === undefined ? '' : `&since=${last}`;
      socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/v1/live/${team}?ticket=${ticket}${since}`);
    } catch {
      again();
      return;
    }
    socket.addEventListener('open', () => {
      wait = FIRST_WAIT;
      connected(true);
      pinging = setInterval(() => socket.send('ping'), PING);
    });
    socket.addEventListener('message', ({ data }) => {
      if (data === 'pong') return;
      const message = JSON.parse(data);
      if (message.n !== undefined) last = message.n;
      happened(message);
    });
    socket.addEventListener('close', ({ code }) => {
      clearInterval(pinging);
      connected(false);
      // 4003 and 4004: no member any more, or the team is gone.
      if (code === 4003 || code === 4004) happened({ type: 'team.left', data: {} });
      else again();
    });
  }

  function again() {
    if (stopped) return;
    timer = setTimeout(open, wait * (0.5 + Math.random()));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }

  void open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    clearInterval(pinging);
    socket?.close();
  };
}

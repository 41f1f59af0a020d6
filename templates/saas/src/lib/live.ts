import type { Context } from 'hono';
import { later, type InTeam } from '../context';
import { nowIso } from './time';

/** Tells a team's open pages what has happened. It is no part of the request: a failure is only logged. */
export function announce(c: Context, team: string, actor: string | null, type: string, data: unknown): void {
  later(c, (c.env as Env).ROOMS.getByName(team).publish({ type, actor, at: nowIso(), data }));
}

/** The same of the team in the path, and whoever asks. */
export const tell = (c: Context<InTeam>, type: string, data: unknown): void => announce(c, c.get('team').id, c.get('user').id, type, data);

import type { Context } from 'hono';
import { later, type InTeam } from '../context';
import { nowIso } from './time';

/** Tells the team's open pages what has happened. It is no part of the request: a failure is only logged. */
export function tell(c: Context<InTeam>, type: string, data: unknown): void {
  const happening = { type, actor: c.get('user').id, at: nowIso(), data };
  later(c, c.env.ROOMS.getByName(c.get('team').id).publish(happening));
}

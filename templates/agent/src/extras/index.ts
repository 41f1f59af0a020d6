import { Hono } from 'hono';

/** Routes of what was added to the project with `cfboot new --with`; they answer below /api/v1/extras. */
export const extras = new Hono<{ Bindings: Env }>();

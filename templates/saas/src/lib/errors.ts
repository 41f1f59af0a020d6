import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';

export type ErrorCode =
  'VALIDATION_ERROR' | 'UNAUTHORIZED' | 'NOT_FOUND' | 'CONFLICT' | 'PAYLOAD_TOO_LARGE' | 'RATE_LIMITED' | 'INTERNAL_ERROR';

/** An error that the caller may see. Anything else is answered with a bare 500. */
export class AppError extends Error {
  constructor(
    readonly status: 400 | 401 | 404 | 409 | 413 | 429,
    readonly code: ErrorCode,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
  }
}

export const envelope = (code: string, message: string, requestId: string, details?: unknown) => ({
  error: message,
  code,
  requestId,
  ...(details === undefined ? {} : { details }),
});

export function onError(err: Error, c: Context): Response {
  const id = (c.get('requestId') as string | undefined) ?? 'unknown';
  if (err instanceof AppError) return c.json(envelope(err.code, err.message, id, err.details), err.status);
  if (err instanceof z.ZodError) return c.json(envelope('VALIDATION_ERROR', 'The request is not valid', id, z.flattenError(err)), 400);
  if (err instanceof HTTPException) {
    const code = err.status === 400 ? 'VALIDATION_ERROR' : `HTTP_${err.status}`;
    return c.json(envelope(code, err.message || 'The request is not valid', id), err.status);
  }
  console.error(JSON.stringify({ level: 'error', requestId: id, path: c.req.path, message: err.message, stack: err.stack }));
  return c.json(envelope('INTERNAL_ERROR', 'Internal server error', id), 500);
}

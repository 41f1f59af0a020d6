import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';

const CODES = {
  400: 'VALIDATION_ERROR',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  422: 'UNPROCESSABLE',
  429: 'RATE_LIMITED',
  503: 'SERVICE_UNAVAILABLE',
} as const;

type Status = keyof typeof CODES;
export type ErrorCode = (typeof CODES)[Status] | 'INTERNAL_ERROR';

/** An error that the caller may see; its code follows from the status. Anything else is answered with a bare 500. */
export class AppError extends Error {
  readonly code: ErrorCode;
  constructor(
    readonly status: Status,
    message: string,
    readonly details?: unknown,
  ) {
    super(message);
    this.code = CODES[status];
  }
}

export const envelope = (code: string, message: string, requestId: string, details?: unknown) => ({
  error: message,
  code,
  requestId,
  ...(details === undefined ? {} : { details }),
});

/** One line of JSON, as Workers Logs can search it. Never give it a secret or a body. */
export const logError = (event: string, fields: Record<string, unknown> = {}) =>
  console.error(JSON.stringify({ level: 'error', event, ...fields }));

/** Answers every error in one form. What nobody expected is also told to report, and to no visitor. */
export const errorHandler =
  (report: (err: Error) => void = () => {}) =>
  (err: Error, c: Context): Response => {
    const id = (c.get('requestId') as string | undefined) ?? 'unknown';
    if (err instanceof AppError) return c.json(envelope(err.code, err.message, id, err.details), err.status);
    if (err instanceof z.ZodError) return c.json(envelope('VALIDATION_ERROR', 'The request is not valid', id, z.flattenError(err)), 400);
    if (err instanceof HTTPException) {
      const code = CODES[err.status as Status] ?? `HTTP_${err.status}`;
      return c.json(envelope(code, err.message || 'The request is not valid', id), err.status);
    }
    report(err);
    logError('request.failed', { requestId: id, path: c.req.path, message: err.message, stack: err.stack });
    return c.json(envelope('INTERNAL_ERROR', 'Internal server error', id), 500);
  };

/** The row, or 404 where there is none. */
export function found<T>(row: T | null | undefined, what: string): T {
  if (row === null || row === undefined) throw new AppError(404, `There is no such ${what}`);
  return row;
}

import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Env as HonoEnv } from 'hono';

const Failure = z.object({ error: z.string(), code: z.string(), requestId: z.string(), details: z.unknown().optional() }).openapi('Error');

/** An answer or a body in JSON, as a route declares it. */
export const json = <T extends z.ZodType>(schema: T, description: string) => ({ description, content: { 'application/json': { schema } } });
export const body = <T extends z.ZodType>(schema: T) => ({ required: true, content: { 'application/json': { schema } } });
export const failure = (description: string) => json(Failure, description);

/** One item, and a page of them. */
export const one = <T extends z.ZodType>(schema: T, description: string) => json(z.object({ data: schema }), description);
export const many = <T extends z.ZodType>(schema: T, description: string) =>
  json(z.object({ data: z.array(schema), cursor: z.string().nullable(), hasMore: z.boolean() }), description);

export const pageQuery = z.object({ limit: z.coerce.number().int().min(1).max(100).default(20), cursor: z.ulid().optional() });

/** A page of rows that were asked for with limit + 1; the last id is the cursor. */
export function page<T extends { id: string }>(rows: T[], limit: number) {
  const data = rows.slice(0, limit);
  const hasMore = rows.length > limit;
  return { data, cursor: hasMore ? (data.at(-1)?.id ?? null) : null, hasMore };
}

/** An app whose routes refuse what is not valid in the one form of every error. */
export const router = <E extends HonoEnv>() =>
  new OpenAPIHono<E>({
    defaultHook: (result) => {
      if (!result.success) throw result.error;
    },
  });

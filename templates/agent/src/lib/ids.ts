import { monotonicFactory } from 'ulid';

const next = monotonicFactory();

/** A new ULID: sorts by the time it was made, so the last one of a page is its cursor. */
export const newId = (): string => next();

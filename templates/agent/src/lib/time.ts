/** Now, as ISO 8601 in UTC: the only form in which times are stored and sent. */
export const nowIso = (): string => new Date().toISOString();

export interface Visitor {
  id: string;
  ip: string;
}

/**
 * Whether a visitor may send another message. By address as well, with the wider
 * limit: sessions cost nothing, so a limit for each session alone would be none.
 */
export async function allowed(env: Env, visitor: Visitor): Promise<boolean> {
  const results = await Promise.all([
    env.CHAT_LIMITER.limit({ key: `visitor:${visitor.id}` }),
    env.LIMITER.limit({ key: `chat:${visitor.ip}` }),
  ]);
  return results.every((r) => r.success);
}

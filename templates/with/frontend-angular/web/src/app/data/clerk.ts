/** What is used of Clerk's script; all of it: https://clerk.com/docs/references/javascript */
export type Clerk = {
  load(): Promise<void>;
  session: { getToken(): Promise<string | null> } | null | undefined;
  addListener(tell: (now: { session: Clerk['session'] }) => void): void;
  redirectToSignIn(options: { signInForceRedirectUrl: string; signUpForceRedirectUrl: string }): Promise<unknown>;
  signOut(): Promise<void>;
};

/** Where Clerk answers: the host is written in the publishable key. */
export function clerkOrigin(publishableKey: string): string {
  const host = atob(publishableKey.replace(/^pk_(test|live)_/, '')).replace(/\$$/, '');
  if (!/^[a-z0-9.-]+\.[a-z]+$/i.test(host)) throw new Error('CLERK_PUBLISHABLE_KEY is none');
  return `https://${host}`;
}

/** Loads Clerk's script from Clerk; the Worker's policy lets it in (src/routes/pages.ts). */
export async function loadClerk(document: Document, publishableKey: string): Promise<Clerk> {
  const script = document.createElement('script');
  script.src = `${clerkOrigin(publishableKey)}/npm/@clerk/clerk-js@5/dist/clerk.browser.js`;
  script.dataset['clerkPublishableKey'] = publishableKey;
  script.crossOrigin = 'anonymous';
  await new Promise<void>((done, failed) => {
    script.addEventListener('load', () => done());
    script.addEventListener('error', () => failed(new Error('Clerk cannot be reached')));
    document.head.append(script);
  });
  const clerk = (document.defaultView as unknown as { Clerk: Clerk }).Clerk;
  await clerk.load();
  return clerk;
}

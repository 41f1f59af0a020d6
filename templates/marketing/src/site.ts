/** The pages in public/ that may be found and counted; a test holds the list against the folder. */
export const PAGES = ['/', '/about', '/privacy'] as const;

/** Where the site is: APP_ORIGIN, or while that is empty wherever it was asked. */
export const origin = (env: Env, url: string): string => env.APP_ORIGIN || new URL(url).origin;

// Signing in: with Clerk where it is on, with DEV_TOKEN on a machine of one's own.
import { signedInBy } from './api.js';
import { byId, element, field, form } from './dom.js';

const KEPT = 'dev-token';

/** Where Clerk answers browsers stands in the key that is public. */
const clerkHost = (key) => atob(key.replace(/^pk_(test|live)_/, '')).replace(/\$$/, '');

function clerkScript(key) {
  return new Promise((done, failed) => {
    const script = element('script', { async: true, src: `https://${clerkHost(key)}/npm/@clerk/clerk-js@6/dist/clerk.browser.js` });
    script.dataset.clerkPublishableKey = key;
    script.onload = () => done(window.Clerk);
    script.onerror = () => failed(new Error('The sign-in service could not be loaded'));
    document.head.append(script);
  });
}

/** Clerk asks for passwords and codes on pages of its own, and sends people back here. */
async function withClerk(key) {
  const clerk = await clerkScript(key);
  await clerk.load();
  if (!clerk.user) {
    await new Promise((done) => {
      const go = element('button', { type: 'button', textContent: 'Sign in' });
      go.addEventListener(
        'click',
        () => void clerk.redirectToSignIn({ signInForceRedirectUrl: location.href, signUpForceRedirectUrl: location.href }),
      );
      byId('main').replaceChildren(card('Sign in', 'You will come back here.', go));
      clerk.addListener(({ user }) => user && done());
    });
  }
  signedInBy(() => clerk.session.getToken());
  return () => clerk.signOut();
}

async function withDevToken() {
  let token = sessionStorage.getItem(KEPT);
  if (!token) {
    token = await new Promise((done) => {
      const fields = [
        field('Token', 'token', { type: 'password', required: true, autocomplete: 'current-password' }),
        field('Name', 'name', {
          pattern: '[a-z0-9]{1,20}',
          placeholder: 'dev',
          autocomplete: 'username',
          title: 'small letters and digits',
        }),
      ];
      const ask = form(fields, 'Sign in', async (data) => done(data.get('token') + (data.get('name') ? `:${data.get('name')}` : '')));
      byId('main').replaceChildren(card('Sign in on this machine', 'With the DEV_TOKEN of .dev.vars, as anybody you like.', ask));
      ask.querySelector('input').focus();
    });
  }
  sessionStorage.setItem(KEPT, token);
  signedInBy(async () => token);
  return async () => sessionStorage.removeItem(KEPT);
}

const card = (title, text, ...children) =>
  element(
    'section',
    { className: 'card narrow' },
    element('h1', { textContent: title }),
    element('p', { className: 'quiet', textContent: text }),
    ...children,
  );

/** Waits until somebody is signed in, and gives what signs out again. */
export async function signIn({ signIn: how, clerkKey }) {
  if (how === 'clerk' && clerkKey) return withClerk(clerkKey);
  if (how === 'dev') return withDevToken();
  byId('main').replaceChildren(card('Sign-in is not set up', 'It takes CLERK_JWT_KEY or CLERK_SECRET_KEY, and CLERK_PUBLISHABLE_KEY.'));
  return new Promise(() => {});
}

/** A token that is not taken is not kept, either. */
export const forget = () => sessionStorage.removeItem(KEPT);

import { DOCUMENT } from '@angular/common';
import { HttpClient, HttpErrorResponse } from '@angular/common/http';
import { inject, Injectable, signal } from '@angular/core';
import { firstValueFrom } from 'rxjs';
import { loadClerk, type Clerk } from './clerk';

/** What the Worker says about itself before anybody is signed in. */
export type Config = { name: string; signIn: 'clerk' | 'dev' | 'off'; clerkKey: string };

const KEPT = 'dev-token';

/**
 * Who is signed in: with Clerk where the Worker has its keys, with DEV_TOKEN of
 * .dev.vars on one's own machine.
 */
@Injectable({ providedIn: 'root' })
export class Session {
  readonly #http = inject(HttpClient);
  readonly #document = inject(DOCUMENT);
  readonly #store = this.#document.defaultView!.sessionStorage;
  #clerk: Clerk | null = null;
  #ready: Promise<void> | null = null;

  readonly config = signal<Config | null>(null);
  readonly signedIn = signal(false);
  /** Why it is not known who is signed in; empty when it is. */
  readonly trouble = signal('');

  /** Waits until it is known who is signed in. What fails is tried again by the next call. */
  ready(): Promise<void> {
    return (this.#ready ??= this.#begin().catch((e: unknown) => {
      this.#ready = null;
      this.trouble.set(e instanceof HttpErrorResponse ? 'The server cannot be reached' : (e as Error).message);
    }));
  }

  async #begin(): Promise<void> {
    const { data } = await firstValueFrom(this.#http.get<{ data: Config }>('/api/v1/config'));
    if (data.signIn === 'clerk' && data.clerkKey) {
      this.#clerk = await loadClerk(this.#document, data.clerkKey);
      this.#clerk.addListener(({ session }) => this.signedIn.set(Boolean(session)));
      this.signedIn.set(Boolean(this.#clerk.session));
    } else {
      this.signedIn.set(data.signIn === 'dev' && this.#store.getItem(KEPT) !== null);
    }
    this.config.set(data);
    this.trouble.set('');
  }

  /** The token that the API asks for. Clerk's are good for a minute, so each call asks for one. */
  async token(): Promise<string | null> {
    await this.ready();
    return this.#clerk ? ((await this.#clerk.session?.getToken()) ?? null) : this.#store.getItem(KEPT);
  }

  /** Leaves this page for Clerk's, and comes back to where it was. */
  async withClerk(back: string): Promise<void> {
    await this.#clerk?.redirectToSignIn({ signInForceRedirectUrl: back, signUpForceRedirectUrl: back });
  }

  withDevToken(token: string): void {
    this.#store.setItem(KEPT, token);
    this.signedIn.set(true);
  }

  /** Signs out. */
  async end(): Promise<void> {
    this.#store.removeItem(KEPT);
    if (this.#clerk?.session) await this.#clerk.signOut();
    this.signedIn.set(false);
  }
}

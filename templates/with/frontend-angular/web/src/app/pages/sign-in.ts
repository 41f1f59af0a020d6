import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { ActivatedRoute } from '@angular/router';
import { IonButton, IonContent, IonInput, IonSpinner, NavController } from '@ionic/angular/standalone';
import { Api, Failure } from '../data/api';
import { Session } from '../data/session';
import { Problem } from '../ui/problem';
import { Top } from '../ui/top';
import { typed } from '../ui/typed';

@Component({
  selector: 'app-sign-in',
  changeDetection: ChangeDetectionStrategy.OnPush,
  imports: [IonButton, IonContent, IonInput, IonSpinner, Problem, Top],
  template: `
    <app-top />
    <ion-content>
      <div class="column">
        <h1>Sign in</h1>
        @if (failure(); as f) {
          <app-problem [failure]="f" [canRetry]="!session.config()" (retry)="begin()" />
        }
        @switch (session.config()?.signIn) {
          @case ('clerk') {
            <p>You are taken to the sign-in page and come back here.</p>
            <ion-button (click)="withClerk()">Sign in or sign up</ion-button>
          }
          @case ('dev') {
            <p>This is development: the token is <code>DEV_TOKEN</code> of <code>.dev.vars</code>. TOKEN:name signs in as somebody else.</p>
            <form class="row" (submit)="$event.preventDefault(); withToken(typed(token))">
              <ion-input
                #token
                type="password"
                autocomplete="off"
                label="Development token"
                labelPlacement="stacked"
                fill="outline"
                required
              />
              <ion-button type="submit" [disabled]="busy()">Sign in</ion-button>
            </form>
          }
          @case ('off') {
            <p class="empty">
              Sign-in is not set up. Give the Worker the keys of Clerk, or in development a <code>DEV_TOKEN</code>:
              <code>README.md</code> says how.
            </p>
          }
          @default {
            @if (!failure()) {
              <ion-spinner class="waiting" aria-label="Loading" />
            }
          }
        }
      </div>
    </ion-content>
  `,
})
export class SignIn {
  readonly #api = inject(Api);
  readonly #nav = inject(NavController);
  readonly #route = inject(ActivatedRoute);
  protected readonly session = inject(Session);
  protected readonly failure = signal<Failure | null>(null);
  protected readonly busy = signal(false);
  protected readonly typed = typed;

  constructor() {
    void this.begin();
  }

  protected async begin(): Promise<void> {
    this.failure.set(null);
    await this.session.ready();
    if (this.session.trouble()) this.failure.set(new Failure(0, this.session.trouble()));
    else if (this.session.signedIn()) await this.#enter();
  }

  protected async withClerk(): Promise<void> {
    const invite = this.#route.snapshot.fragment;
    await this.session.withClerk(`${location.origin}/app${invite ? `#${invite}` : ''}`);
  }

  protected async withToken(token: string): Promise<void> {
    if (!token) return;
    this.busy.set(true);
    this.failure.set(null);
    this.session.withDevToken(token);
    try {
      await this.#api.me();
      await this.#enter();
    } catch (e) {
      this.failure.set(Failure.of(e));
    } finally {
      this.busy.set(false);
    }
  }

  async #enter(): Promise<void> {
    await this.#nav.navigateRoot('/app', { fragment: this.#route.snapshot.fragment ?? undefined });
  }
}

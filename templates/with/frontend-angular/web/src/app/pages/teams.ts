import { ChangeDetectionStrategy, Component, inject, signal } from '@angular/core';
import { ActivatedRoute, Router } from '@angular/router';
import { IonButton, IonContent, IonInput, IonItem, IonLabel, IonList, IonSpinner } from '@ionic/angular/standalone';
import { Api, Failure, type Me } from '../data/api';
import { Problem } from '../ui/problem';
import { Top } from '../ui/top';
import { typed } from '../ui/typed';

@Component({
  selector: 'app-teams',
  changeDetection: ChangeDetectionStrategy.OnPush,
  imports: [IonButton, IonContent, IonInput, IonItem, IonLabel, IonList, IonSpinner, Problem, Top],
  template: `
    <app-top />
    <ion-content>
      <div class="column">
        <h1>Your teams</h1>
        @if (failure(); as f) {
          <app-problem [failure]="f" [canRetry]="!me()" (retry)="load()" />
        }
        @if (me(); as me) {
          @if (me.teams.length) {
            <ion-list aria-label="Teams">
              @for (team of me.teams; track team.id) {
                <ion-item button detail (click)="open(team.id)">
                  <ion-label>
                    <h2>{{ team.name }}</h2>
                    <p>{{ team.role }}</p>
                  </ion-label>
                </ion-item>
              }
            </ion-list>
          } @else {
            <p class="empty">You are in no team yet. Make one, or follow the link of an invitation.</p>
          }
          <form class="row" (submit)="$event.preventDefault(); create(typed(name), name)">
            <ion-input #name label="New team" labelPlacement="stacked" fill="outline" [maxlength]="80" autocomplete="off" required />
            <ion-button type="submit" [disabled]="busy()">Make team</ion-button>
          </form>
        } @else if (!failure()) {
          <ion-spinner class="waiting" aria-label="Loading" />
        }
      </div>
    </ion-content>
  `,
})
export class Teams {
  readonly #api = inject(Api);
  readonly #route = inject(ActivatedRoute);
  readonly #router = inject(Router);
  protected readonly me = signal<Me | null>(null);
  protected readonly failure = signal<Failure | null>(null);
  protected readonly busy = signal(false);
  protected readonly typed = typed;

  /** Ionic keeps a page that one comes back to, so this is asked each time it is shown. */
  ionViewWillEnter(): void {
    const token = /^invite=(.+)$/.exec(this.#route.snapshot.fragment ?? '')?.[1];
    void (token ? this.#accept(token) : this.load());
  }

  protected async load(): Promise<void> {
    await this.#try(async () => this.me.set(await this.#api.me()));
  }

  async #accept(token: string): Promise<void> {
    // The token is good once: neither a reload nor the history shall show it again.
    await this.#router.navigate([], { replaceUrl: true });
    await this.#try(async () => this.open((await this.#api.acceptInvite(token)).id));
    const refused = this.failure();
    await this.load();
    if (refused) this.failure.set(refused);
  }

  protected async create(name: string, field: IonInput): Promise<void> {
    if (!name) return;
    await this.#try(async () => {
      const team = await this.#api.createTeam(name);
      field.value = '';
      await this.open(team.id);
    });
  }

  protected open(team: string): Promise<boolean> {
    return this.#router.navigate(['/app/teams', team]);
  }

  async #try(work: () => Promise<unknown>): Promise<void> {
    this.busy.set(true);
    this.failure.set(null);
    try {
      await work();
    } catch (e) {
      const failure = Failure.of(e);
      if (failure.status === 401) await this.#router.navigate(['/app/sign-in']);
      else this.failure.set(failure);
    } finally {
      this.busy.set(false);
    }
  }
}

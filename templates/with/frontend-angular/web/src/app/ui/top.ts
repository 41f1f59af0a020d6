import { ChangeDetectionStrategy, Component, inject, input } from '@angular/core';
import { IonBackButton, IonButton, IonButtons, IonHeader, IonTitle, IonToolbar, NavController } from '@ionic/angular/standalone';
import { Session } from '../data/session';

/** The bar at the top of every page of the application. */
@Component({
  selector: 'app-top',
  changeDetection: ChangeDetectionStrategy.OnPush,
  imports: [IonBackButton, IonButton, IonButtons, IonHeader, IonTitle, IonToolbar],
  template: `
    <ion-header>
      <ion-toolbar>
        @if (back(); as to) {
          <ion-buttons slot="start"><ion-back-button [defaultHref]="to" text="Back" /></ion-buttons>
        }
        <ion-title>{{ session.config()?.name }}</ion-title>
        @if (session.signedIn()) {
          <ion-buttons slot="end"><ion-button (click)="signOut()">Sign out</ion-button></ion-buttons>
        }
      </ion-toolbar>
    </ion-header>
  `,
})
export class Top {
  readonly #nav = inject(NavController);
  protected readonly session = inject(Session);
  readonly back = input('');

  protected async signOut(): Promise<void> {
    await this.session.end();
    await this.#nav.navigateRoot('/app/sign-in');
  }
}

import { ChangeDetectionStrategy, Component, inject } from '@angular/core';
import { Title } from '@angular/platform-browser';
import { IonButton, IonContent } from '@ionic/angular/standalone';

/**
 * The first page. Its way into the application is no link of the router: below /app
 * the Worker adds what Clerk needs to the page's policy, so that page is loaded anew.
 */
@Component({
  selector: 'app-landing',
  changeDetection: ChangeDetectionStrategy.OnPush,
  imports: [IonButton, IonContent],
  template: `
    <ion-content>
      <div class="column">
        <h1>{{ title }}</h1>
        <p>It runs. This page is <code>web/src/app/pages/landing.ts</code>.</p>
        <ion-button href="/app">Open the application</ion-button>
        <p class="quiet">The API describes itself at <a href="/docs.html">/docs.html</a>.</p>
      </div>
    </ion-content>
  `,
})
export class Landing {
  protected readonly title = inject(Title).getTitle();
}

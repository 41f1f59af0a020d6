import { ChangeDetectionStrategy, Component } from '@angular/core';
import { RouterLink } from '@angular/router';
import { IonContent } from '@ionic/angular/standalone';

@Component({
  selector: 'app-not-found',
  changeDetection: ChangeDetectionStrategy.OnPush,
  imports: [IonContent, RouterLink],
  template: `
    <ion-content>
      <div class="column">
        <h1>Not found</h1>
        <p>There is nothing at this address. <a routerLink="/">Back to the beginning</a></p>
      </div>
    </ion-content>
  `,
})
export class NotFound {}

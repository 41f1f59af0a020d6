import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';
import { IonButton } from '@ionic/angular/standalone';
import type { Failure } from '../data/api';

/** Says what went wrong, and offers to try again where that may help. */
@Component({
  selector: 'app-problem',
  changeDetection: ChangeDetectionStrategy.OnPush,
  imports: [IonButton],
  template: `
    <div class="problem" role="alert">
      <p>
        {{ failure().message }}
        @if (failure().requestId) {
          <small class="quiet">({{ failure().requestId }})</small>
        }
      </p>
      @if (canRetry()) {
        <ion-button size="small" fill="outline" (click)="retry.emit()">Try again</ion-button>
      }
    </div>
  `,
})
export class Problem {
  readonly failure = input.required<Failure>();
  readonly canRetry = input(false);
  readonly retry = output();
}

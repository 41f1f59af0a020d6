import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';
import { IonButton, IonItem, IonLabel, IonList } from '@ionic/angular/standalone';
import { DatePipe } from '@angular/common';
import type { Project } from '../data/api';

/** A team's projects, as a list. */
@Component({
  selector: 'app-project-list',
  changeDetection: ChangeDetectionStrategy.OnPush,
  imports: [DatePipe, IonButton, IonItem, IonLabel, IonList],
  template: `
    <ion-list class="projects" aria-label="Projects">
      @for (project of projects(); track project.id) {
        <ion-item>
          <ion-label>
            <h2>{{ project.name }}</h2>
            <p>since {{ project.createdAt | date: 'medium' }}</p>
          </ion-label>
          <ion-button slot="end" fill="clear" color="danger" [attr.aria-label]="'Delete ' + project.name" (click)="remove.emit(project)">
            Delete
          </ion-button>
        </ion-item>
      }
    </ion-list>
  `,
})
export class ProjectList {
  readonly projects = input.required<Project[]>();
  readonly remove = output<Project>();
}

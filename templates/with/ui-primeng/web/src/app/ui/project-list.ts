import { DatePipe } from '@angular/common';
import { ChangeDetectionStrategy, Component, input, output } from '@angular/core';
import { ButtonModule } from 'primeng/button';
import { TableModule } from 'primeng/table';
import type { Project } from '../data/api';
import { usePrimeTheme } from './prime-theme';

/** A team's projects, as a table that can be sorted. */
@Component({
  selector: 'app-project-list',
  changeDetection: ChangeDetectionStrategy.OnPush,
  imports: [ButtonModule, DatePipe, TableModule],
  template: `
    <p-table [value]="projects()" dataKey="id" class="projects" [pt]="label">
      <ng-template #header>
        <tr>
          <th pSortableColumn="name" scope="col">Name <p-sortIcon field="name" /></th>
          <th pSortableColumn="createdAt" scope="col">Since <p-sortIcon field="createdAt" /></th>
          <th scope="col"><span class="visually-hidden">Delete</span></th>
        </tr>
      </ng-template>
      <ng-template #body let-project>
        <tr>
          <td>{{ project.name }}</td>
          <td>{{ project.createdAt | date: 'medium' }}</td>
          <td>
            <p-button
              label="Delete"
              severity="secondary"
              text
              size="small"
              [ariaLabel]="'Delete ' + project.name"
              (onClick)="remove.emit(project)"
            />
          </td>
        </tr>
      </ng-template>
    </p-table>
  `,
})
export class ProjectList {
  readonly projects = input.required<Project[]>();
  readonly remove = output<Project>();
  protected readonly label = { table: { 'aria-label': 'Projects' } };

  constructor() {
    usePrimeTheme();
  }
}

import { ChangeDetectionStrategy, Component, computed, DestroyRef, inject, input, signal, type OnInit } from '@angular/core';
import { Router } from '@angular/router';
import { AlertController, IonButton, IonContent, IonInput, IonSpinner } from '@ionic/angular/standalone';
import { Api, Failure, type Page, type Project, type Team } from '../data/api';
import { Live, type Happening } from '../data/live';
import { Problem } from '../ui/problem';
import { ProjectList } from '../ui/project-list';
import { Top } from '../ui/top';
import { typed } from '../ui/typed';

/** One team: its projects, which change before one's eyes, and invitations. */
@Component({
  selector: 'app-team',
  changeDetection: ChangeDetectionStrategy.OnPush,
  imports: [IonButton, IonContent, IonInput, IonSpinner, Problem, ProjectList, Top],
  providers: [Live],
  template: `
    <app-top back="/app" />
    <ion-content>
      <div class="column">
        @if (current(); as team) {
          <div class="bar">
            <h1>{{ team.name }}</h1>
            <p class="quiet" role="status">{{ state() }}</p>
          </div>
        }
        @if (failure(); as f) {
          <app-problem [failure]="f" [canRetry]="!projects()" (retry)="load()" />
        }
        @if (projects(); as all) {
          @if (all.length) {
            <app-project-list [projects]="all" (remove)="confirmRemoval($event)" />
          } @else {
            <p class="empty">There is no project yet. What anybody of the team makes appears here at once.</p>
          }
          @if (cursor()) {
            <ion-button fill="clear" [disabled]="busy()" (click)="more()">Show more</ion-button>
          }
          <form class="row" (submit)="$event.preventDefault(); create(typed(name), name)">
            <ion-input #name label="New project" labelPlacement="stacked" fill="outline" [maxlength]="120" autocomplete="off" required />
            <ion-button type="submit" [disabled]="busy()">Make project</ion-button>
          </form>
          @if (current()?.role !== 'member') {
            <form class="row" (submit)="$event.preventDefault(); invite(typed(mail), mail)">
              <ion-input #mail type="email" label="Invite by mail" labelPlacement="stacked" fill="outline" autocomplete="off" required />
              <ion-button type="submit" fill="outline" [disabled]="busy()">Invite</ion-button>
            </form>
            <p role="status" class="quiet">
              {{ invited() }}
              @if (link(); as l) {
                <a [href]="l">{{ l }}</a>
              }
            </p>
          }
        } @else if (!failure()) {
          <ion-spinner class="waiting" aria-label="Loading" />
        }
      </div>
    </ion-content>
  `,
})
export class TeamPage implements OnInit {
  readonly #api = inject(Api);
  readonly #router = inject(Router);
  readonly #alerts = inject(AlertController);
  protected readonly live = inject(Live);

  /** Of the path. */
  readonly team = input.required<string>();

  protected readonly current = signal<Team | null>(null);
  protected readonly projects = signal<Project[] | null>(null);
  protected readonly cursor = signal<string | null>(null);
  protected readonly failure = signal<Failure | null>(null);
  protected readonly busy = signal(false);
  protected readonly invited = signal('');
  protected readonly link = signal('');
  protected readonly typed = typed;
  protected readonly state = computed(() => {
    if (!this.live.connected()) return 'Connecting …';
    return this.live.present() > 1 ? `Live, ${this.live.present()} here` : 'Live';
  });

  constructor() {
    inject(DestroyRef).onDestroy(() => this.live.stop());
  }

  ngOnInit(): void {
    // Listened first and asked then: what happens between the two is not missed.
    this.live.listen(this.team(), (h) => this.happened(h));
    void this.load();
  }

  protected async load(): Promise<void> {
    await this.#try(async () => {
      const [team, page] = await Promise.all([this.#api.team(this.team()), this.#api.projects(this.team())]);
      this.current.set(team);
      this.#show(page, []);
    });
  }

  protected async more(): Promise<void> {
    await this.#try(async () => this.#show(await this.#api.projects(this.team(), this.cursor()), this.projects() ?? []));
  }

  #show(page: Page<Project>, before: Project[]): void {
    this.projects.set(page.data.reduce(withProject, before));
    this.cursor.set(page.cursor);
  }

  /** Takes in what the team's room tells. */
  happened(happening: Happening): void {
    switch (happening.type) {
      case 'project.created':
        // Behind what is not shown yet it comes with "Show more".
        if (this.cursor() === null) this.#put(happening.data as Project);
        return;
      case 'project.changed':
        if (this.projects()?.some((p) => p.id === (happening.data as Project).id)) this.#put(happening.data as Project);
        return;
      case 'project.deleted':
        this.projects.update((all) => all && all.filter((p) => p.id !== (happening.data as { id: string }).id));
        return;
      case 'team.renamed':
        this.current.update((team) => team && { ...team, name: (happening.data as { name: string }).name });
        return;
      case 'stale':
        void this.load();
        return;
      case 'gone':
        void this.#router.navigate(['/app']);
    }
  }

  #put(project: Project): void {
    this.projects.update((all) => all && withProject(all, project));
  }

  protected async create(name: string, field: IonInput): Promise<void> {
    if (!name) return;
    await this.#try(async () => {
      const project = await this.#api.createProject(this.team(), name);
      field.value = '';
      if (this.cursor() === null) this.#put(project);
    });
  }

  protected async confirmRemoval(project: Project): Promise<void> {
    const alert = await this.#alerts.create({
      header: `Delete ${project.name}?`,
      buttons: [
        { text: 'Keep', role: 'cancel' },
        { text: 'Delete', role: 'destructive', handler: () => void this.remove(project) },
      ],
    });
    await alert.present();
  }

  async remove(project: Project): Promise<void> {
    await this.#try(async () => {
      await this.#api.deleteProject(this.team(), project.id);
      this.happened({ type: 'project.deleted', data: project });
    });
  }

  protected async invite(mail: string, field: IonInput): Promise<void> {
    if (!mail) return;
    this.invited.set('');
    this.link.set('');
    await this.#try(async () => {
      const { link } = await this.#api.invite(this.team(), mail);
      field.value = '';
      // Without a mail service, as in development, there is the link itself.
      this.invited.set(link ? `No mail was sent. The link for ${mail}:` : `${mail} is invited.`);
      this.link.set(link ?? '');
    });
  }

  async #try(work: () => Promise<void>): Promise<void> {
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

/** The projects with this one, old or new, in the order of their ids, which is that of time. */
export function withProject(all: Project[], project: Project): Project[] {
  return [...all.filter((p) => p.id !== project.id), project].sort((a, b) => (a.id < b.id ? -1 : 1));
}

import { TestBed, type ComponentFixture } from '@angular/core/testing';
import { provideRouter } from '@angular/router';
import { provideIonicAngular } from '@ionic/angular/standalone';
import { Api, Failure, type Project } from '../data/api';
import { OPEN_SOCKET } from '../data/live';
import { Session } from '../data/session';
import { TeamPage } from './team';

const project = (id: string, name: string): Project => ({
  id,
  name,
  note: '',
  createdBy: 'u',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
});

describe('a team', () => {
  const api = { team: vi.fn(), projects: vi.fn(), deleteProject: vi.fn(), liveTicket: vi.fn() };
  let fixture: ComponentFixture<TeamPage>;
  const text = () => (fixture.nativeElement as HTMLElement).textContent ?? '';

  async function settled(): Promise<void> {
    await new Promise((soon) => setTimeout(soon));
    await fixture.whenStable();
  }

  async function shown(projects: Project[], cursor: string | null = null): Promise<void> {
    api.projects.mockResolvedValueOnce({ data: projects, cursor, hasMore: cursor !== null });
    fixture.componentRef.setInput('team', 't');
    await settled();
  }

  beforeEach(() => {
    vi.resetAllMocks();
    api.team.mockResolvedValue({ id: 't', name: 'Ours', role: 'member' });
    api.liveTicket.mockResolvedValue('ticket');
    TestBed.configureTestingModule({
      imports: [TeamPage],
      providers: [
        provideIonicAngular(),
        provideRouter([]),
        { provide: Api, useValue: api },
        { provide: Session, useValue: { config: () => null, signedIn: () => true } },
        { provide: OPEN_SOCKET, useValue: () => Object.assign(new EventTarget(), { close: () => undefined }) },
      ],
    });
    fixture = TestBed.createComponent(TeamPage);
  });

  it('says that there is nothing yet', async () => {
    await shown([]);
    expect(text()).toContain('There is no project yet');
  });

  it('lists its projects, and changes as they do', async () => {
    await shown([project('1', 'First')]);
    expect(text()).toContain('First');
    const page = fixture.componentInstance;
    page.happened({ n: 1, type: 'project.created', data: project('2', 'Second') });
    page.happened({ n: 2, type: 'project.changed', data: project('1', 'Renamed') });
    await settled();
    expect(text()).toMatch(/Renamed[^]*Second/);
    page.happened({ n: 3, type: 'project.deleted', data: { id: '2' } });
    page.happened({ n: 4, type: 'team.renamed', data: { name: 'Theirs' } });
    await settled();
    expect(text()).not.toContain('Second');
    expect(text()).toContain('Theirs');
  });

  it('keeps what is new off a page that has more to show', async () => {
    await shown([project('1', 'First')], '1');
    fixture.componentInstance.happened({ n: 1, type: 'project.created', data: project('9', 'Ninth') });
    await settled();
    expect(text()).not.toContain('Ninth');
    expect(text()).toContain('Show more');
  });

  it('says what went wrong, and tries again', async () => {
    api.projects.mockRejectedValueOnce(new Failure(503, 'The database does not answer', 'r1'));
    fixture.componentRef.setInput('team', 't');
    await settled();
    expect((fixture.nativeElement as HTMLElement).querySelector('[role=alert]')?.textContent).toContain('The database does not answer');
    api.projects.mockResolvedValueOnce({ data: [], cursor: null, hasMore: false });
    (fixture.nativeElement as HTMLElement).querySelector<HTMLElement>('[role=alert] ion-button')!.click();
    await settled();
    expect(text()).toContain('There is no project yet');
  });

  it('keeps a project that could not be deleted', async () => {
    await shown([project('1', 'First')]);
    api.deleteProject.mockRejectedValueOnce(new Failure(403, 'Only an admin or owner of the team may do that'));
    await fixture.componentInstance.remove(project('1', 'First'));
    await settled();
    expect(text()).toContain('Only an admin');
    expect(text()).toContain('First');
    api.deleteProject.mockResolvedValueOnce(null);
    await fixture.componentInstance.remove(project('1', 'First'));
    await settled();
    expect(text()).not.toContain('First');
  });
});

import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { Api, Failure } from './api';
import { Session } from './session';

const session = { token: vi.fn(async () => 'a-token'), end: vi.fn(async () => undefined) };

async function asked(): Promise<HttpTestingController> {
  await new Promise((soon) => setTimeout(soon));
  return TestBed.inject(HttpTestingController);
}

describe('Api', () => {
  beforeEach(() => {
    vi.clearAllMocks();
    TestBed.configureTestingModule({
      providers: [provideHttpClient(), provideHttpClientTesting(), { provide: Session, useValue: session }],
    });
  });

  it('sends the token and gives what stands in data', async () => {
    const answer = TestBed.inject(Api).createTeam('Ours');
    const request = (await asked()).expectOne('/api/v1/teams');
    expect(request.request.method).toBe('POST');
    expect(request.request.headers.get('authorization')).toBe('Bearer a-token');
    expect(request.request.body).toEqual({ name: 'Ours' });
    request.flush({ data: { id: '1', name: 'Ours', role: 'owner' } });
    expect(await answer).toEqual({ id: '1', name: 'Ours', role: 'owner' });
  });

  it('goes on where a page ended', async () => {
    void TestBed.inject(Api).projects('t', 'c');
    (await asked()).expectOne('/api/v1/teams/t/projects?cursor=c');
  });

  it('says an error as the API worded it', async () => {
    const answer = TestBed.inject(Api).me();
    (await asked())
      .expectOne('/api/v1/me')
      .flush({ error: 'Too many requests', code: 'RATE_LIMITED', requestId: 'r1' }, { status: 429, statusText: '' });
    await expect(answer).rejects.toMatchObject({ status: 429, message: 'Too many requests', requestId: 'r1' });
    expect(session.end).not.toHaveBeenCalled();
  });

  it('says that nothing answers, and what is no JSON', async () => {
    const none = TestBed.inject(Api).me();
    (await asked()).expectOne('/api/v1/me').error(new ProgressEvent('error'));
    await expect(none).rejects.toMatchObject({ status: 0, message: 'The server cannot be reached' });
    const odd = TestBed.inject(Api).me();
    (await asked()).expectOne('/api/v1/me').flush('<html>', { status: 502, statusText: '' });
    await expect(odd).rejects.toMatchObject({ message: 'The server answered 502' });
    expect(Failure.of(new TypeError('inside')).message).not.toContain('inside');
  });

  it('signs out when the token is not taken any more', async () => {
    const answer = TestBed.inject(Api).me();
    (await asked()).expectOne('/api/v1/me').flush({ error: 'Sign in first' }, { status: 401, statusText: '' });
    await expect(answer).rejects.toMatchObject({ status: 401 });
    expect(session.end).toHaveBeenCalledOnce();
  });
});

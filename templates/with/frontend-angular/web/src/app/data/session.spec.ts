import { provideHttpClient } from '@angular/common/http';
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing';
import { TestBed } from '@angular/core/testing';
import { clerkOrigin } from './clerk';
import { Session, type Config } from './session';

async function begun(config: Partial<Config>): Promise<Session> {
  const session = TestBed.inject(Session);
  const ready = session.ready();
  TestBed.inject(HttpTestingController)
    .expectOne('/api/v1/config')
    .flush({ data: { name: 'n', signIn: 'off', clerkKey: '', ...config } });
  await ready;
  return session;
}

describe('Session', () => {
  beforeEach(() => {
    sessionStorage.clear();
    TestBed.configureTestingModule({ providers: [provideHttpClient(), provideHttpClientTesting()] });
  });

  it('is nobody where sign-in is off, whatever was kept', async () => {
    sessionStorage.setItem('dev-token', 'old');
    const session = await begun({ signIn: 'off' });
    expect(session.signedIn()).toBe(false);
  });

  it('keeps the development token until one signs out', async () => {
    const session = await begun({ signIn: 'dev' });
    expect(session.signedIn()).toBe(false);
    session.withDevToken('t');
    expect([session.signedIn(), await session.token()]).toEqual([true, 't']);
    await session.end();
    expect([session.signedIn(), await session.token()]).toEqual([false, null]);
  });

  it('asks again after it could not ask', async () => {
    const session = TestBed.inject(Session);
    const first = session.ready();
    TestBed.inject(HttpTestingController).expectOne('/api/v1/config').error(new ProgressEvent('error'));
    await first;
    expect(session.config()).toBeNull();
    expect(session.trouble()).toBe('The server cannot be reached');
    await begun({ signIn: 'dev', name: 'Ours' });
    expect([session.config()?.name, session.trouble()]).toEqual(['Ours', '']);
  });
});

describe('clerkOrigin', () => {
  it('reads the host from a publishable key, and nothing else', () => {
    expect(clerkOrigin(`pk_test_${btoa('happy-bee-1.clerk.accounts.dev$')}`)).toBe('https://happy-bee-1.clerk.accounts.dev');
    expect(() => clerkOrigin(`pk_test_${btoa('evil.example/x?$')}`)).toThrow();
  });
});

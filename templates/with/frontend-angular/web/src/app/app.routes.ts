import { inject } from '@angular/core';
import { Router, type CanActivateFn, type Routes } from '@angular/router';
import { Session } from './data/session';

/** Lets those in who are signed in. What follows the # stays: an invite's token may stand there. */
const signedIn: CanActivateFn = async (route) => {
  const [session, router] = [inject(Session), inject(Router)];
  await session.ready();
  return session.signedIn() || router.createUrlTree(['/app/sign-in'], { fragment: route.fragment ?? undefined });
};

export const routes: Routes = [
  { path: '', pathMatch: 'full', loadComponent: async () => (await import('./pages/landing')).Landing },
  { path: 'app', pathMatch: 'full', canActivate: [signedIn], loadComponent: async () => (await import('./pages/teams')).Teams },
  { path: 'app/sign-in', loadComponent: async () => (await import('./pages/sign-in')).SignIn },
  { path: 'app/teams/:team', canActivate: [signedIn], loadComponent: async () => (await import('./pages/team')).TeamPage },
  { path: '**', loadComponent: async () => (await import('./pages/not-found')).NotFound },
];

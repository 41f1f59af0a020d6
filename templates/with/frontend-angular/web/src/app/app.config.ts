import { APP_BASE_HREF } from '@angular/common';
import { provideHttpClient, withFetch } from '@angular/common/http';
import { provideZonelessChangeDetection, type ApplicationConfig } from '@angular/core';
import { provideRouter, RouteReuseStrategy, withComponentInputBinding } from '@angular/router';
import { IonicRouteStrategy, provideIonicAngular } from '@ionic/angular/standalone';
import { routes } from './app.routes';

export const appConfig: ApplicationConfig = {
  providers: [
    provideZonelessChangeDetection(),
    // In place of a <base> in index.html, which the policy (base-uri 'none') lets no page have.
    { provide: APP_BASE_HREF, useValue: '/' },
    provideHttpClient(withFetch()),
    provideRouter(routes, withComponentInputBinding()),
    // After a change of page, the focus goes to its heading.
    provideIonicAngular({ mode: 'md', focusManagerPriority: ['heading', 'content'] }),
    { provide: RouteReuseStrategy, useClass: IonicRouteStrategy },
  ],
};

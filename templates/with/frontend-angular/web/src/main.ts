import { bootstrapApplication } from '@angular/platform-browser';
import { adoptStyles } from './adopted-styles';
import { App } from './app/app';
import { appConfig } from './app/app.config';

adoptStyles(document.head);
bootstrapApplication(App, appConfig).catch((e: unknown) => console.error(e));

import type { IonInput } from '@ionic/angular/standalone';

/** What was typed into a field. */
export const typed = (field: IonInput): string => String(field.value ?? '').trim();

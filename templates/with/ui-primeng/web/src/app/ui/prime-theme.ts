import { inject } from '@angular/core';
import { definePreset } from '@primeuix/themes';
import Aura from '@primeuix/themes/aura';
import { PrimeNG } from 'primeng/config';

/** The colour of src/styles.css, from light to dark. */
const COLOR = {
  50: '#fff5ed',
  100: '#ffe6d3',
  200: '#ffcba6',
  300: '#ffa566',
  400: '#f58a3f',
  500: '#d4620f',
  600: '#a8430b',
  700: '#8c370a',
  800: '#702d0c',
  900: '#5b260d',
  950: '#311105',
};

const theme = {
  preset: definePreset(Aura, { semantic: { primary: COLOR } }),
  // As Ionic's palette: what the system says.
  options: { darkModeSelector: 'system' },
};

/** To be called where a component of PrimeNG is used. The theme is large, so it comes with those pages only. */
export const usePrimeTheme = (): void => inject(PrimeNG).setThemeConfig({ theme });

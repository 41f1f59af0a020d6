import { Injectable } from '@angular/core';
import { UseStyle } from 'primeng/usestyle';
import { applyStyles } from '../../adopted-styles';

/** Styles of PrimeNG as sheets that the policy lets in, in place of <style> elements. */
@Injectable()
export class AdoptedStyle extends UseStyle {
  #unnamed = 0;

  override use(css: string, options: { name?: string; id?: string } = {}): ReturnType<UseStyle['use']> {
    const name = options.name ?? `style_${++this.#unnamed}`;
    applyStyles(`primeng-${name}`, css);
    return { id: options.id, name, el: this.document.createElement('style'), css };
  }
}

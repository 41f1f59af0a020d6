const sheets = new Map<string, CSSStyleSheet>();

/** Applies styles to the whole page; the same key again puts others in their place. */
export function applyStyles(key: string, css: string): void {
  let sheet = sheets.get(key);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheets.set(key, sheet);
    document.adoptedStyleSheets.push(sheet);
  }
  sheet.replaceSync(css);
}

function isStyle(node: Node): boolean {
  if (!(node instanceof HTMLStyleElement)) return false;
  const css = node.textContent ?? '';
  applyStyles(css, css);
  return true;
}

/**
 * Ionic and Angular put the styles of components into <style> elements of the head.
 * The policy in public/_headers lets none in, since what stands in a page may be
 * somebody else's; a sheet that a script of ours makes is let in. So the one becomes
 * the other, and the policy needs no 'unsafe-inline'.
 */
export function adoptStyles(head: HTMLHeadElement): void {
  const appendChild = head.appendChild.bind(head);
  const insertBefore = head.insertBefore.bind(head);
  head.appendChild = (node) => (isStyle(node) ? node : appendChild(node));
  head.insertBefore = (node, before) => (isStyle(node) ? node : insertBefore(node, before));
}

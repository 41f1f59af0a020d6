// What the pages of the marketing pattern weigh and how soon they are there, as
// Lighthouse measures it on a slow phone, and the budgets that hold it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { origin } from './page.mjs';

const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo'];
const LEAST_SCORE = 95; // of 100
const MOST = { requests: 10, bytes: 20_000, shift: 0.02, 'paint ms': 2000, 'blocking ms': 300 };

/** Measures the pages in the Chromium that listens at the port. */
export function figures(port, paths) {
  const rows = {};
  for (const path of paths) {
    test(`${path} is within its budgets`, async () => {
      // It is heavy, and not installed where only the pages are looked at.
      const { default: lighthouse } = await import('lighthouse');
      const { lhr } = await lighthouse(`${origin}${path}`, { port, logLevel: 'error', onlyCategories: CATEGORIES });
      const audit = (id) => Math.round(lhr.audits[id].numericValue * 1000) / 1000;
      const scores = Object.fromEntries(Object.values(lhr.categories).map(({ id, score }) => [id, Math.round(score * 100)]));
      const { items } = lhr.audits['network-requests'].details;
      const measured = {
        requests: items.length,
        bytes: items.reduce((sum, { transferSize }) => sum + transferSize, 0),
        shift: audit('cumulative-layout-shift'),
        'paint ms': Math.round(audit('largest-contentful-paint')),
        'blocking ms': Math.round(audit('total-blocking-time')),
      };
      rows[path] = { ...scores, ...measured };
      for (const [name, score] of Object.entries(scores)) assert.ok(score >= LEAST_SCORE, `${name} of ${path}: ${score}\n${amiss(lhr)}`);
      for (const [name, most] of Object.entries(MOST))
        assert.ok(measured[name] <= most, `${name} of ${path}: ${measured[name]}, at most ${most}`);
    });
  }
  test('what they weigh', () => console.table(rows));
  return rows;
}

/** What Lighthouse found wanting. */
const amiss = ({ audits }) =>
  Object.values(audits)
    .filter(({ score }) => score !== null && score < 0.9)
    .map(({ id, title, displayValue = '' }) => `${id}: ${title} ${displayValue}`)
    .join('\n');

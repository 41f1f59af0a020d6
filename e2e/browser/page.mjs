// What every pattern's check shares: a Chromium, a page that is watched, and what
// has to hold of a page however wide and in whatever colours it is seen.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

/** Where the project runs; e2e/browser_test.go starts it. */
export const origin = process.env.CFBOOT_ORIGIN;

/** Whether to look at few things only, as CI does. */
export const quick = process.env.CFBOOT_BROWSER === 'some';

/** A secret of this machine, from the project's .dev.vars. */
export const secret = (name) =>
  new RegExp(`^${name}=(.+)$`, 'm').exec(readFileSync(path.join(process.env.CFBOOT_PROJECT, '.dev.vars'), 'utf8'))?.[1];

const pictures = process.env.CFBOOT_PICTURES;
const WIDTHS = quick ? [360] : [360, 768, 1280];
const SCHEMES = ['light', 'dark'];

/** Long enough for a busy machine. */
const PATIENCE_MS = 15_000;

// Chromium asks its maker for news at every start, which is no concern of a page.
const QUIET = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic', '--no-first-run'];

let browser;

/** Starts Chromium before the file's tests and ends it after them. */
export function withBrowser(...args) {
  before(async () => {
    browser = await chromium.launch({ executablePath: process.env.CFBOOT_CHROMIUM, args: [...QUIET, ...args] });
  });
  after(() => browser?.close());
}

/**
 * A page in a fresh session. What goes wrong in it is collected in faults: errors in
 * the console, requests without an answer or with that of a failure, and what the
 * Content Security Policy forbade. A fault that is meant to be matches expected.
 */
export async function newPage({ width = 1280, scheme = 'light', expected = [], ...more } = {}) {
  const context = await browser.newContext({
    viewport: { width, height: 800 },
    colorScheme: scheme,
    baseURL: origin,
    // Whoever comes again and again from one address meets the project's limits.
    extraHTTPHeaders: { 'cf-connecting-ip': `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}` },
    ...more,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const faults = [];
  const fault = (text) => expected.some((e) => e.test(text)) || faults.push(text);
  await page.exposeFunction('forbidden', (text) => fault(`forbidden by the policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => window.forbidden(`${e.effectiveDirective} ${e.blockedURI}`));
  });
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && fault(`console: ${m.text()} (${m.location().url})`));
  page.on('pageerror', (e) => fault(`uncaught: ${e.stack ?? e}`));
  page.on('response', (r) => r.status() >= 400 && fault(`${r.status()} ${r.request().method()} ${r.url()}`));
  // What was under way when the page was left, or when the script took it back, failed nobody.
  page.on(
    'requestfailed',
    (r) => r.failure()?.errorText !== 'net::ERR_ABORTED' && fault(`${r.failure()?.errorText} ${r.method()} ${r.url()}`),
  );
  return { page, faults, close: () => context.close() };
}

/** Runs what is given with a page of its own, in which nothing may go wrong. */
export async function onPage(options, play) {
  const { page, faults, close } = await newPage(options);
  try {
    await play(page);
    assert.deepEqual(faults, []);
  } catch (e) {
    // A page that cannot even be drawn has failed for another reason, which is told.
    await picture(page, 'failed', new URL(page.url()).pathname, String(Date.now())).catch(() => {});
    if (faults.length > 0 && e.code !== 'ERR_ASSERTION') e.message += `\n${faults.join('\n')}`;
    throw e;
  } finally {
    await close();
  }
}

/** A picture of a page, all of it, or of a part, for people to look at. */
export async function picture(of, ...name) {
  mkdirSync(pictures, { recursive: true });
  const whole = 'goto' in of ? { fullPage: true } : {};
  await of.screenshot({ path: path.join(pictures, `${name.join('-').replaceAll(/[^a-z0-9]+/gi, '-')}.png`), ...whole });
}

/** Complains of what axe finds that would keep somebody from using the page. */
export async function accessible(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  assert.deepEqual(
    grave.flatMap(({ id, nodes }) => nodes.map((n) => `${id}: ${n.target.join(' ')}: ${n.failureSummary}`)),
    [],
  );
}

/** Nothing is wider than the window. */
export async function fits(page) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')]
      .filter((e) => e.getBoundingClientRect().right > width + 1)
      .map((e) => `${e.tagName.toLowerCase()}#${e.id}.${e.className} reaches ${Math.round(e.getBoundingClientRect().right)} of ${width}`);
  });
  assert.deepEqual(wide, [], 'wider than the window');
}

/** Goes on with the Tab key until what is selected has the focus, and shows that it has. */
export async function reach(page, selector, most = 40) {
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab');
    const at = await page.evaluate((wanted) => {
      const e = document.activeElement;
      const seen = e === document.body || getComputedStyle(e).outlineStyle !== 'none';
      return { there: e.matches(wanted), seen, what: e.outerHTML.slice(0, 80) };
    }, selector);
    assert.ok(at.seen, `the focus is not to be seen on ${at.what}`);
    if (at.there) return;
  }
  assert.fail(`${selector} is not reached with ${most} times Tab`);
}

/**
 * Loads each page at every width, light and dark. It is there once what ready selects
 * is, and may have the expected faults.
 */
export function looksRight(pages) {
  for (const { path: at, ready = 'main', expected } of pages) {
    for (const width of WIDTHS) {
      for (const scheme of SCHEMES) {
        test(`${at} at ${width}, ${scheme}`, () =>
          onPage({ width, scheme, expected }, async (page) => {
            await page.goto(at, { waitUntil: 'networkidle' });
            await page.waitForSelector(ready);
            await picture(page, at === '/' ? 'home' : at.slice(1), String(width), scheme);
            await fits(page);
            await accessible(page);
          }));
      }
    }
  }
}

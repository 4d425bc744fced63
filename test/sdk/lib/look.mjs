// Looks at pages of the console as four kinds of readers with four kinds of screens do, and
// lists everything that is wrong with them.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { url } from './server.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const keep = process.env.KEEP_SCREENSHOTS;
const sizes = { desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } };
const themes = ['light', 'dark'];
const languages = ['zh-CN', 'en'];

if (keep) mkdirSync(keep, { recursive: true });

// Looker has a browser profile for each language and size. Themes are those of the system,
// which a page follows at once.
export class Looker {
  #browser;
  #profiles;
  problems = [];
  looked = 0;

  constructor(browser) { this.#browser = browser; }

  // profiles are made at first sight, and know who is signed in from then on.
  async #all(from) {
    this.#profiles ??= await Promise.all(languages.flatMap((lang) => Object.keys(sizes).map(async (size) => {
      const context = await this.#browser.newContext({ viewport: sizes[size], locale: lang });
      const page = await context.newPage();
      return { lang, size, context, page, heard: await listen(page) };
    })));
    const cookies = (await from.cookies()).filter((c) => !c.name.startsWith('console-'));
    for (const { context, lang } of this.#profiles) {
      await context.clearCookies();
      await context.addCookies([...cookies, { name: 'console-lang', value: lang, url }]);
    }
    return this.#profiles;
  }

  // at opens an address with each profile of whoever uses the context, and looks. It returns
  // where the page's links lead.
  async at(from, address, name, { status = 200 } = {}) {
    const links = await Promise.all((await this.#all(from)).map(async (profile) => {
      const { page, lang, size, heard } = profile;
      const answer = await page.goto(new URL(address, url).href);
      const where = `${address} (${lang}, ${size})`;
      const is = (ok, what) => ok || this.problems.push(`${where}: ${what}`);
      is(answer.status() === status, `status ${answer.status()}`);
      is(await page.evaluate(() => document.documentElement.lang) === lang, 'is in another language');
      await this.#themes(page, name, size, lang, where);
      for (const what of heard.filter((h) => status === 200 || !h.includes(`status of ${status}`))) is(false, what);
      heard.length = 0;
      return page.locator('a[href]').evaluateAll((all) => all.map((a) => a.href.replace(/#.*/, '')));
    }));
    return new Set(links.flat());
  }

  // here looks at what a page shows now, which cannot be opened again.
  async here(page, name, lang) {
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      await this.#themes(page, name, size, lang, `${name} at ${new URL(page.url()).pathname} (${lang}, ${size})`);
    }
    await page.setViewportSize(sizes.desktop);
    await page.emulateMedia({ colorScheme: 'light' });
  }

  // axe takes its time: it looks at half of the views, with every language, size and theme,
  // and every pair of size and theme among them.
  async #themes(page, name, size, lang, where) {
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      const deep = (lang === 'en') === ((size === 'desktop') === (theme === 'light'));
      for (const what of await page.evaluate(inspect, deep)) this.problems.push(`${where}, ${theme}: ${what}`);
      if (keep) await page.screenshot({ path: join(keep, `${name}-${size}-${lang}-${theme}.png`), fullPage: true, caret: 'initial', animations: 'allow' });
      this.looked += 1;
    }
  }

  async close() { for (const { context } of this.#profiles ?? []) await context.close(); }
}

// listen collects what a page complains about: in the console, to the reporter of its
// content policy, and of files it could not get. It brings axe along, past the policy.
export async function listen(page) {
  const heard = [];
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) heard.push(`the console says ${m.text()}`); });
  page.on('pageerror', (e) => heard.push(`an error: ${e.message}`));
  await page.exposeFunction('violated', (what) => { heard.push(`the content policy stopped ${what}`); });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => violated(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`));
  });
  await page.addInitScript({ content: axe });
  return heard;
}

// inspect runs in a page and lists what is wrong with it.
async function inspect(deep) {
  const wrong = [];
  const is = (ok, what) => ok || wrong.push(what);
  is(document.title.trim().length > 3, 'no title');
  const headings = [...document.querySelectorAll('h1')];
  is(headings.length === 1 && headings[0].textContent.trim(), `${headings.length} main headings`);
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll('main *')].find((e) => e.getBoundingClientRect().right > root.clientWidth + 1);
    is(false, `wider than the screen by ${root.scrollWidth - root.clientWidth} px, first at ${wide?.outerHTML.slice(0, 120)}`);
  }
  const words = document.body.cloneNode(true);
  for (const e of words.querySelectorAll('pre, code, textarea, script')) e.remove();
  const empty = words.textContent.match(/.{0,20}(\{\w+\}|%!|\bundefined\b|\bNaN\b|\[object).{0,20}/);
  is(!empty, `a place without its word: ${empty?.[0]}`);
  if (!deep) return wrong;
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  for (const v of violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))) {
    is(false, `axe: ${v.id}, ${v.impact}: ${v.nodes.slice(0, 3).map((n) => `${n.target} ${n.failureSummary?.split('\n')[1]?.trim()}`).join(' | ')}`);
  }
  return wrong;
}

// The console as an administrator has it open: one browser profile, one page, and what is
// kept of it: cookies, recovery codes, the authenticator app on a phone.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { listen, Looker } from './look.mjs';
import { url } from './server.mjs';
import { Authenticator } from './totp.mjs';

export const name = 'wang.fang';
export const password = 'four tigers and a tally';

// link is the one-time link for the first administrator, from the file that only the
// server's user may read. The same is on the terminal of a person.
export function link(dir) {
  const file = join(dir, 'tigertally-data', 'first-administrator.txt');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  return readFileSync(file, 'utf8').trim();
}

export class Console {
  looking = process.env.TIGERTALLY_LOOK === '1'; // at every page and step, which takes a while

  static async open(browser, dir) {
    const c = new Console();
    c.dir = dir;
    c.context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-US' });
    c.context.setDefaultTimeout(10_000);
    c.page = await c.context.newPage();
    c.heard = await listen(c.page);
    c.looker = new Looker(browser);
    return c;
  }

  // press clicks the button with these words and waits for the page after it.
  async press(text, { page = this.page } = {}) {
    await Promise.all([page.waitForEvent('load'), page.getByRole('button', { name: text, exact: true }).first().click()]);
  }

  async follow(text, { page = this.page } = {}) {
    await Promise.all([page.waitForEvent('load'), page.getByRole('link', { name: text, exact: true }).first().click()]);
  }

  // menu follows a link of the side bar.
  async menu(text) {
    await Promise.all([this.page.waitForEvent('load'), this.page.getByRole('navigation', { name: 'Sections' }).getByRole('link', { name: text, exact: true }).click()]);
  }

  async fill(fields) {
    for (const [field, value] of Object.entries(fields)) await this.page.locator(`main [name="${field}"]:not([type=hidden])`).first().fill(value);
  }

  // enrol reads the key off the page into an authenticator app.
  async enrol() { this.authenticator = new Authenticator(await this.page.locator('main .copy code').innerText()); }

  // says checks that the page tells of what was done.
  async says(text) { assert.match(await this.page.locator('.notice').innerText(), text); }

  // look has everybody open the page, or look at this one if it is shown only once.
  async look(step, { again = true } = {}) {
    if (!this.looking) return;
    if (again) await this.looker.at(this.context, this.page.url(), step);
    else await this.looker.here(this.page, step, 'en');
  }

  async close() {
    await this.looker.close();
    await this.context.close();
  }
}

export const at = (path) => `${url}/console${path}`;

// The first administrator of a new server.
import assert from 'node:assert/strict';
import { at, link, name, password } from '../lib/console.mjs';

export function arrive(step) {
  step('the one-time link makes the first administrator', async (c, { state }) => {
    const { page } = c;
    state.link = link(c.dir);
    await page.goto(at(''));
    await page.waitForURL(/\/signin/);
    await c.look('signin-before', { again: false });
    await page.goto(state.link);
    await c.look('welcome');
    await c.fill({ name, password: 'short' });
    await page.getByRole('button', { name: 'Make administrator' }).click();
    assert.ok(await page.locator('#password').evaluate((e) => !e.validity.valid), 'a short password is taken');
    await c.fill({ name, password });
    await c.press('Make administrator');
    await page.waitForURL(/\/enrol$/);
  });

  step('an authenticator app protects the account', async (c) => {
    await c.enrol();
    await c.look('enrol');
    await c.fill({ code: '000000' });
    await c.press('Confirm');
    await c.page.getByRole('alert').waitFor();
    await c.fill({ code: await c.authenticator.code() });
    await c.press('Confirm');
    await c.look('recovery', { again: false });
    c.recovery = (await c.page.locator('main pre code').innerText()).trim().split('\n');
    assert.ok(c.recovery.length >= 8 && new Set(c.recovery).size === c.recovery.length);
    await c.follow('I have kept them');
  });

  step('the link works once', async (c, { browser, state }) => {
    const stranger = await browser.browser.newContext({ locale: 'en-US' });
    const page = await stranger.newPage();
    await page.goto(state.link);
    await page.waitForURL(/\/signin/);
    await stranger.close();
  });
}

// The development server's own page, used the way a person does.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as server from './server.mjs';

// filled waits for the page to take the code from its messages.
const filled = (page) => page.waitForFunction(() => /^\d+$/.test(document.querySelector('#code input').value));

const password = 'a good password';

// tour adds the tests of /emulator/. Nothing may fail silently, so any error the page
// throws fails the test.
export function tour(browser) {
  const visit = (name, walk) => test(`page: ${name}`, { timeout: 60_000 }, async () => {
    await server.fresh();
    const context = await browser().browser.newContext({ locale: 'en-US' });
    try {
      const page = await context.newPage();
      const errors = [];
      page.on('pageerror', (e) => errors.push(String(e)));
      await page.goto(`${server.url}/emulator/`);
      await walk(page);
      assert.deepEqual(errors, []);
    } finally {
      await context.close();
    }
  });

  visit('signs up by phone and signs in again', async (page) => {
    await page.locator('#empty').waitFor();
    for (const button of ['Sign up', 'Sign in']) {
      await page.click('[data-pane=phone] button');
      await filled(page);
      await page.getByRole('button', { name: button, exact: true }).click();
      await page.locator('#result').waitFor();
      assert.match(await page.locator('#profile').innerText(), /\+86 13800000000/);
      assert.ok(await page.locator('#list .code').first().isVisible());
      await page.click('#signout');
      await page.locator('#result').waitFor({ state: 'hidden' });
    }
  });

  visit('answers a captcha on the way to a code by email', async (page) => {
    await page.getByLabel('Demand a captcha before every code').check();
    await page.getByText('Saved', { exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Email' }).click();
    await page.click('[data-pane=email] button');
    await page.locator('#captcha').waitFor();
    const [{ code }] = await server.messages('', 'captcha');
    await page.fill('#captcha input', code);
    await page.click('#captcha button');
    await filled(page);
    await page.getByRole('button', { name: 'Sign up', exact: true }).click();
    await page.locator('#result').waitFor();
    assert.match(await page.locator('#profile').innerText(), /test@example\.com/);
  });

  visit('signs in by password and anonymously, and says what went wrong', async (page) => {
    await server.createUser({ username: 'myname', password });
    await page.getByRole('tab', { name: 'Password' }).click();
    await page.fill('[data-pane=password] [name=username]', 'myname');
    await page.fill('[data-pane=password] [name=password]', 'a bad password');
    await page.click('[data-pane=password] button');
    await page.getByText('(invalid_password)').waitFor();
    await page.fill('[data-pane=password] [name=password]', password);
    await page.click('[data-pane=password] button');
    await page.getByRole('cell', { name: 'myname' }).waitFor();
    await page.getByRole('tab', { name: 'Anonymous' }).click();
    await page.click('[data-pane=anonymous] button');
    await page.getByRole('cell', { name: 'anonymous', exact: true }).waitFor();
  });

  visit('moves the clock, starts over and speaks Chinese', async (page) => {
    await page.click('[data-advance="31d"]');
    await page.getByText('ahead by 31 d').waitFor();
    await page.getByRole('button', { name: 'Back to real time' }).click();
    await page.getByText('real time', { exact: true }).waitFor();
    await page.click('[data-pane=phone] button');
    await page.locator('#list .code').waitFor();
    await page.click('#reset-button');
    await page.click('#reset-button');
    await page.locator('#empty').waitFor();
    await page.click('#lang');
    assert.equal(await page.locator('#inbox-title').innerText(), '消息');
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
  });
}

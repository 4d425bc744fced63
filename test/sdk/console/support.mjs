// The first people, and what support staff do for them.
import assert from 'node:assert/strict';
import { enter, focused, tab, type } from '../lib/keyboard.mjs';
import { Console, at, name, password } from '../lib/console.mjs';
import { Website } from '../lib/website.mjs';
import { env } from './prepare.mjs';

const phone = '+86 13800001234';
const secret = 'green tea at noon';

// attempt signs the person in by password and tells how that went.
const attempt = (website, pass) => website.run((auth, [username, p]) => auth.signIn({ username, password: p }).then(() => true), [phone, pass]);

// told is the story of one attempt, in the reader's words.
const told = async (c) => {
  await c.page.waitForURL(/\/attempts\/./);
  return (await c.page.locator('main').innerText()).replace(/\s+/g, ' ');
};

// explain opens the story of the newest attempt with the number that failed.
async function explain(c) {
  await c.menu('Sign-in attempts');
  await c.fill({ identifier: phone });
  await c.press('Search');
  await c.look('attempts');
  await c.page.getByRole('row').nth(1).getByRole('link', { name: 'Explain' }).click();
  return told(c);
}

export function support(step) {
  step('the first person signs up with the lines that were copied', async (c, { browser, state }) => {
    state.website = await Website.open(browser, state.snippet);
    const { value, rejected } = await state.website.run(async (auth, [who, pass]) => {
      const { user } = await tt.signUp({ phone_number: who }, () => text(who), { password: pass, name: 'Lin' });
      return user.uid;
    }, [phone, secret]);
    assert.ok(value, JSON.stringify(rejected));
    state.uid = value;
  });

  step('they are found by their number', async (c, { state }) => {
    await c.menu('People');
    await c.look('users');
    await c.page.getByRole('searchbox').fill(phone);
    await c.page.waitForURL(/[?&]q=/); // while it is typed
    await c.look('users-found');
    await c.follow('Lin');
    assert.equal(new URL(c.page.url()).pathname, `/console/pools/${env}/users/${state.uid}`);
    await c.look('user');
  });

  step('their sign-in is explained', async (c, { state }) => {
    await c.page.getByRole('link', { name: 'Explain', exact: true }).first().click();
    assert.match(await told(c), /This worked.*The account was made.*A session was opened/);
    await c.look('explained-new');
    assert.ok((await attempt(state.website, secret)).value);
    await c.follow('Open the person');
    await c.page.getByRole('link', { name: 'Explain', exact: true }).first().click();
    assert.match(await told(c), /This worked.*The password was right.*A session was opened/);
    await c.look('explained-good');
  });

  step('the overview shows that all is set up', async (c) => {
    await c.menu('Overview');
    await c.look('overview');
    const text = await c.page.locator('main').innerText();
    assert.match(text, /Sign-ins today\s+2/);
    assert.doesNotMatch(text, /First steps/);
  });

  step('so is one that failed', async (c, { state }) => {
    const { rejected } = await attempt(state.website, 'oolong');
    assert.ok(rejected, 'a wrong password is taken');
    assert.match(await explain(c), /This failed.*The password was wrong/);
    await c.look('explained-bad');
  });

  step('somebody without a mouse signs in and blocks them', async (c, { browser, state }) => {
    const k = await Console.open(browser.browser, c.dir);
    const { page } = k;
    await page.goto(at(`/pools/${env}/users/${state.uid}`));
    await type(page, name);
    await tab(page, 'Password');
    await type(page, password);
    await enter(page);
    await type(page, c.recovery.pop());
    await enter(page);
    assert.equal(new URL(page.url()).pathname, `/console/pools/${env}/users/${state.uid}`);
    await page.keyboard.press('Tab');
    assert.equal((await focused(page)).name, 'Skip to the content');
    await page.keyboard.press('Enter');
    await tab(page, 'Block');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await k.look('dialog', { again: false });
    for (let n = 0; n < 5; n += 1) { // what is behind it cannot be reached
      const { tag, inside } = await focused(page);
      assert.ok(inside || tag === 'body', `the focus left for ${tag}`);
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Escape');
    assert.equal((await focused(page)).name, 'Block');
    await page.keyboard.press('Enter');
    await tab(page, 'Block');
    await enter(page);
    await k.says(/blocked/i);
    assert.deepEqual([k.heard, k.looker.problems], [[], []]);
    await k.close();
    assert.ok((await attempt(state.website, secret)).rejected, 'a blocked person signs in');
    assert.match(await explain(c), /This failed.*The account is blocked/);
    await c.look('explained-blocked');
    await state.website.close();
  });
}

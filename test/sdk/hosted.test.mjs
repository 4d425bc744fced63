// The hosted sign-in page in Chromium: each button leads to a simulated vendor's page and
// back to the app. TIGERTALLY_URL names the server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import * as server from './lib/server.mjs';

let chromium;
before(async () => { chromium = await startBrowser(); });
after(() => chromium?.close());

const app = `${server.url}/healthz`; // any page does

// open is the page as an app's link leads there.
async function open() {
  const context = await chromium.browser.newContext({ locale: 'en-US' });
  const page = await context.newPage();
  const query = new URLSearchParams({
    client_id: (await server.project()).appId, redirect_uri: app, response_type: 'code', scope: 'openid', state: 'mine',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
  });
  await page.goto(`${server.url}/oidc/auth?${query}`);
  return page;
}

// press leaves for a vendor and is alice there.
async function press(page, provider) {
  await page.locator(`a.provider[href*="/to/${provider}?"]`).click();
  await page.locator('button', { hasText: 'alice' }).first().click();
}

// isBack is the app's page with a code of ours.
async function isBack(page) {
  await page.waitForURL((url) => url.href.startsWith(app) && url.searchParams.has('code'), { timeout: 10_000 });
  const query = new URL(page.url()).searchParams;
  assert.match(query.get('code'), /^ac_/);
  assert.equal(query.get('state'), 'mine');
  await page.context().close();
}

for (const provider of ['wx_open', 'github', 'oidc', 'apple']) {
  test(`the page signs in with ${provider}, twice`, { timeout: 60_000 }, async () => {
    await server.fresh();
    for (let time = 1; time <= 2; time++) {
      const page = await open();
      await press(page, provider);
      await isBack(page);
    }
  });
}

test('somebody whose address another account has is asked', { timeout: 60_000 }, async () => {
  await server.fresh();
  let page = await open();
  await press(page, 'github');
  await isBack(page);
  page = await open();
  await press(page, 'oidc');
  await page.locator('button[value=create]').click();
  await isBack(page);
});

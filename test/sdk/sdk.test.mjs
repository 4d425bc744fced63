// The published CloudBase SDKs against a running development server, in a browser.
// TIGERTALLY_URL names the server; SCENARIO, a regular expression, picks scenarios.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { tour } from './lib/page-tour.mjs';
import { register } from './lib/scenario.mjs';
import { sdks } from './lib/sdks.mjs';
import { url } from './lib/server.mjs';
import './scenarios/a-reach.mjs';
import './scenarios/b-codes.mjs';
import './scenarios/c-signin.mjs';
import './scenarios/d-anonymous.mjs';
import './scenarios/e-session.mjs';
import './scenarios/f-user.mjs';
import './scenarios/h-captcha.mjs';
import './scenarios/seed.mjs';

let browser;

before(async () => {
  assert.ok(url, 'TIGERTALLY_URL is not set');
  browser = await startBrowser();
});
after(() => browser?.close());

register(() => browser, sdks);
if (!process.env.SCENARIO || process.env.SCENARIO === 'page') tour(() => browser);

// The published CloudBase SDKs and identity providers: in a browser, and as a mini-program.
// TIGERTALLY_URL names the server, TIGERTALLY_UPSTREAMS the simulator its providers are.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { register } from './lib/scenario.mjs';
import { sdks } from './lib/sdks.mjs';
import { url } from './lib/server.mjs';
import { upstreams } from './lib/upstreams.mjs';
import './scenarios/g-providers.mjs';
import './scenarios/mini-program.mjs';

let browser;

before(async () => {
  assert.ok(url && upstreams, 'TIGERTALLY_URL or TIGERTALLY_UPSTREAMS is not set');
  browser = await startBrowser();
});
after(() => browser?.close());

register(() => browser, sdks);

// The published Authing SDK in a browser, as a page of another origin, against a running
// development server. TIGERTALLY_URL names it; SCENARIO, a regular expression, picks stories.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { close, open } from './lib/authing-page.mjs';
import { url } from './lib/server.mjs';
import './authing-page/core.mjs';
import './authing-page/hosted.mjs';

before(async () => {
  assert.ok(url, 'TIGERTALLY_URL is not set');
  await open();
});
after(close);

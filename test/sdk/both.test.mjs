// CloudBase's SDK and Authing's against one running development server.
// TIGERTALLY_URL names it; SCENARIO, a regular expression, picks stories.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { close, open } from './lib/both.mjs';
import { url } from './lib/server.mjs';
import './both/account.mjs';

before(async () => {
  assert.ok(url, 'TIGERTALLY_URL is not set');
  await open();
});
after(close);

// A new operator in the console, from the one-time link to the first people's questions.
// TIGERTALLY_URL names a server nobody has touched, TIGERTALLY_DIR the directory it runs in,
// TIGERTALLY_UPSIM its vendors; with TIGERTALLY_LOOK each page is looked at by everybody, and
// KEEP_SCREENSHOTS names a directory for what they saw.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startBrowser } from './lib/browser.mjs';
import { Console } from './lib/console.mjs';
import { url } from './lib/server.mjs';
import { arrive } from './console/arrive.mjs';
import { prepare } from './console/prepare.mjs';
import { support } from './console/support.mjs';
import { walk } from './console/walk.mjs';

const journey = { state: {} };

before(async () => {
  assert.ok(url && process.env.TIGERTALLY_DIR && process.env.TIGERTALLY_UPSIM, 'TIGERTALLY_URL, _DIR or _UPSIM is not set');
  journey.browser = await startBrowser();
  journey.console = await Console.open(journey.browser.browser, process.env.TIGERTALLY_DIR);
});
after(async () => {
  await journey.console?.close();
  await journey.browser?.close();
});

// Each step goes on where the one before it ended, so one that fails is the last.
let failed = false;
const step = (name, run) => test(name, { timeout: 900_000 }, async (t) => {
  if (failed) return t.skip('a step before it failed');
  failed = true;
  await run(journey.console, journey);
  assert.deepEqual(journey.console.heard, []);
  assert.deepEqual(journey.console.looker.problems, []);
  failed = false;
});

for (const chapter of [arrive, prepare, support, walk]) chapter(step);

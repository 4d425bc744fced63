// H. The SDK's own captcha dialog.
import assert from 'node:assert/strict';
import { scenario } from '../lib/scenario.mjs';
import * as server from '../lib/server.mjs';

const phone = '+86 13800000000';
const image = '#captcha-image';

const send = (auth, phone_number) => auth.getVerification({ phone_number });

// type fills the dialog in and confirms. The button ignores clicks in quick succession.
async function type(page, characters) {
  await page.getByPlaceholder('输入字符').fill(characters);
  await page.waitForTimeout(600);
  await page.getByRole('button', { name: '确定' }).click();
}

// shown waits for a picture other than the one before and returns its answer.
async function shown(page, before = '') {
  await page.waitForFunction(([selector, old]) => {
    const img = document.querySelector(selector);
    return img?.src && img.src !== old && img.complete && img.naturalWidth > 0;
  }, [image, before]);
  const [{ code }] = await server.messages('', 'captcha');
  return code;
}

// begin asks for a code, which takes until the dialog is answered.
function begin(s) {
  const sending = s.ok(send, phone);
  sending.catch(() => {}); // the scenario awaits it later
  return sending;
}

const codesAsked = (s) => s.traffic.sent('POST', '/auth/v1/verification');

scenario('H1 H3 the right characters, and no dialog for the next call', async (s) => {
  await server.settings({ captcha: 'always' });
  await s.open();
  const sending = begin(s);
  const answer = await shown(s.page);
  assert.equal(answer.length, 4);
  await type(s.page, answer);
  assert.ok((await sending).verification_id);
  const [first, second] = codesAsked(s);
  assert.ok(new URL(second.url).searchParams.get('captcha_token'));
  assert.equal(first.headers['x-request-id'], second.headers['x-request-id']);
  assert.equal(await s.page.locator(image).count(), 0);

  assert.ok((await s.ok(send, phone)).verification_id);
  assert.equal(s.traffic.sent('POST', '/auth/v1/captcha/data').length, 1);
});

scenario('H2 wrong characters show why and another picture in the same dialog', async (s) => {
  await server.settings({ captcha: 'always' });
  await s.open();
  const sending = begin(s);
  const answer = await shown(s.page);
  const picture = await s.page.locator(image).getAttribute('src');
  await type(s.page, answer === '0000' ? '1111' : '0000');
  const next = await shown(s.page, picture);
  assert.equal(await s.page.locator(image).count(), 1);
  const [refused] = await s.traffic.answered('/auth/v1/captcha/data/verify');
  assert.equal(refused.body.error, 'invalid_argument');
  assert.ok(await s.page.getByText(refused.body.error_description, { exact: true }).isVisible());
  await type(s.page, next);
  assert.ok((await sending).verification_id);
});

scenario('H a token the server does not know is called invalid', async (s) => {
  await server.settings({ captcha: 'always' });
  await s.open();
  const key = `captcha_${s.env}`;
  await s.page.evaluate((k) => {
    localStorage.setItem(k, JSON.stringify({ captcha_token: 'ct_stale', expires_in: 600, expires_at: new Date(Date.now() + 500_000) }));
  }, key);
  const { rejected } = await s.run(send, phone);
  assert.equal(rejected?.error, 'captcha_invalid');
});

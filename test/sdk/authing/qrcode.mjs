// Q. A screen shows a QR code, and a phone that is signed in confirms it.
import assert from 'node:assert/strict';
import { forceLogin, isUser, password, refused, story } from '../lib/authing.mjs';
import * as server from '../lib/server.mjs';

// phone is the app of somebody signed in: what the mobile clients do with a code they read
// from the picture.
async function phone(s) {
  const app = s.app();
  const { token } = await app.registerByUsername('ann', password, {}, forceLogin);
  return async (what, random) => {
    const answer = await fetch(`${s.wire.url}/api/v2/qrcode/${what}`, {
      method: 'POST', body: JSON.stringify({ random }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'x-authing-app-id': s.project.appId },
    });
    return answer.json();
  };
}

// shown is the random in the picture, which the address names too.
const shown = (url) => new URL(url).pathname.split('/').pop();

// until polls as the SDK's page does, and returns what it is told in the end.
const until = (screen, random) => new Promise((resolve, reject) => {
  const seen = [];
  screen.qrcode.startPolling(random, {
    interval: 20,
    onScanned: (user) => seen.push(['scanned', user.nickname]),
    onSuccess: (user, ticket) => resolve({ seen, ticket }),
    onCancel: () => resolve({ seen, cancelled: true }),
    onExpired: () => resolve({ seen, expired: true }),
    onError: reject,
  });
});

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

story('Q1 Q3 a screen signs in', async (s) => {
  const tap = await phone(s);
  const screen = s.app();
  const { random, url } = await screen.qrcode.geneCode();
  const picture = await fetch(url);
  assert.equal(picture.headers.get('content-type'), 'image/png');
  assert.equal((await screen.qrcode.checkStatus(random)).status, 0);
  const told = until(screen, random);
  assert.equal((await tap('scanned', shown(url))).code, 200);
  await pause(150);
  assert.equal((await tap('confirm', shown(url))).code, 200);
  const { seen, ticket } = await told;
  assert.equal(seen.length, 1);
  const user = isUser(await screen.qrcode.exchangeUserInfo(ticket), { username: 'ann' });
  screen.setCurrentUser(user);
  isUser(await screen.getCurrentUser(), { id: user.id });
  await refused(2207, screen.qrcode.exchangeUserInfo(ticket));
});

story('Q2 a code is cancelled, and expires', async (s) => {
  const tap = await phone(s);
  const screen = s.app();
  const no = await screen.qrcode.geneCode();
  await tap('scanned', shown(no.url));
  assert.equal((await tap('cancel', shown(no.url))).code, 200);
  assert.equal((await until(screen, no.random)).cancelled, true);

  const late = await screen.qrcode.geneCode();
  await server.advance('3m');
  assert.equal((await until(screen, late.random)).expired, true);
  assert.equal((await tap('confirm', shown(late.url))).code, 2207);
});

story('Q3 what the picture shows is no way in', async (s) => {
  const tap = await phone(s);
  const screen = s.app();
  const { url } = await screen.qrcode.geneCode();
  assert.equal((await tap('confirm', shown(url))).code, 200);
  assert.equal((await s.app().qrcode.checkStatus(shown(url))).status, -1);
  await refused(2207, s.app().qrcode.exchangeUserInfo(shown(url)));
});

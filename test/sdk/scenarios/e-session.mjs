// E. The life of a session.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { dropFirst } from '../lib/proxy.mjs';
import { scenario } from '../lib/scenario.mjs';
import * as server from '../lib/server.mjs';

const phone = '+86 13800000000';
const password = 'a good password';

const me = (auth) => auth.getUserInfo();
const signIn = (auth, secret) => auth.signIn({ username: 'myname', password: secret });

// brief makes a signed-in user whose tokens the SDK takes for expired after a second.
async function brief(s) {
  await server.settings({ accessTokenSeconds: 31 });
  await server.createUser({ username: 'myname', password });
  await s.open();
  await s.ok(signIn, password);
  return s.credentials();
}

const revoke = (token) => server.auth('POST', 'revoke', { token });

scenario('E1 getAccessToken asks the server nothing', async (s) => {
  await s.open();
  await s.member();
  const before = s.traffic.requests.length;
  const [first, second] = await s.ok(async (auth) => [await auth.getAccessToken(), await auth.getAccessToken()]);
  assert.deepEqual(first, second);
  assert.equal(first.env, s.env);
  assert.equal(s.traffic.requests.length, before);
});

scenario('E2 E3 three calls at once refresh once, and the session stays whole', async (s) => {
  const before = await brief(s);
  await sleep(2000);
  const infos = await s.ok((auth) => Promise.all([auth.getUserInfo(), auth.getUserInfo(), auth.getUserInfo()]));
  assert.equal(new Set(infos.map((i) => i.sub)).size, 1);
  assert.equal(s.traffic.sent('POST', '/auth/v1/token').length, 1);
  const after = await s.credentials();
  assert.notEqual(after.refresh_token, before.refresh_token);
  assert.equal(after.token_type, 'Bearer');
  assert.equal(after.scope, before.scope);
  assert.deepEqual(after.groups, before.groups);
  assert.equal(after.sub, before.sub);
});

scenario('E4 two tabs refresh at the same moment', async (s) => {
  const first = s.page;
  await brief(s);
  const second = await s.tab();
  await s.open(undefined, { page: second });
  for (let round = 0; round < 2; round++) {
    await sleep(1500);
    const [a, b] = await Promise.all([s.ok(me, undefined, first), s.ok(me, undefined, second)]);
    assert.equal(a.sub, b.sub);
  }
  assert.ok(s.traffic.sent('POST', '/auth/v1/token').length >= 2);
  assert.ok(await s.credentials());
});

scenario('E5 a revoked refresh token signs the browser out', async (s) => {
  const { access_token: token } = await brief(s);
  await revoke(token);
  await sleep(1500);
  await s.rejects('unauthenticated', (auth) => auth.getAccessToken());
  assert.strictEqual(await s.ok((auth) => auth.hasLoginState()), null);
});

scenario('E6 an anonymous user survives a dead refresh token', async (s) => {
  await server.settings({ accessTokenSeconds: 31 });
  await s.open();
  await s.ok((auth) => auth.signInAnonymously());
  const before = await s.credentials();
  await revoke(before.access_token);
  await sleep(1500);
  assert.equal((await s.ok(me)).sub, before.sub);
  const again = s.traffic.sent('POST', '/auth/v1/signin/anonymously').at(-1);
  assert.match(again.headers.authorization, /^Basic /);
});

scenario('E8 signing out ends both tokens and clears the browser', async (s) => {
  await s.open();
  await s.member();
  const { access_token, refresh_token } = await s.credentials();
  await s.ok((auth) => auth.signOut());
  for (const key of Object.keys(await s.storage())) assert.match(key, /^(device_id|lang_.*)$/);
  assert.equal((await server.auth('GET', 'user/me', undefined, access_token)).body.error, 'unauthenticated');
  const refreshed = await server.auth('POST', `token?client_id=${s.env}`, { client_id: s.env, client_secret: '', grant_type: 'refresh_token', refresh_token });
  assert.equal(refreshed.body.error, 'invalid_grant');
});

scenario('E9 signing out always works: the user is gone', async (s) => {
  await s.open();
  await s.member({ password });
  const { access_token: token } = await s.credentials();
  const { body } = await server.auth('POST', 'user/sudo', { password }, token);
  assert.equal((await server.auth('DELETE', `user/me?sudo_token=${encodeURIComponent(body.sudo_token)}`, undefined, token)).status, 200);
  const answer = await s.ok((auth) => auth.signOut());
  assert.ok(!answer?.error, JSON.stringify(answer));
  assert.equal(await s.credentials(), undefined);
});

scenario('E9 signing out always works: the token has expired', async (s) => {
  await s.open();
  await s.member();
  await server.advance('3h');
  const answer = await s.ok((auth) => auth.signOut());
  assert.ok(!answer?.error, JSON.stringify(answer));
  assert.equal(await s.credentials(), undefined);
});

scenario('E11 a revoked session ends at the next call', async (s) => {
  await s.open();
  await s.member({ password });
  await revoke((await s.credentials()).access_token);
  await s.rejects('unauthenticated', (auth, secret) => auth.sudo({ password: secret }), password);
  assert.equal(await s.credentials(), undefined);
});

scenario('E12 a wrong sudo token does not end the session', async (s) => {
  await s.open();
  await s.member({ password });
  await s.rejects('permission_denied', (auth) => auth.setPassword({ new_password: 'another good one', sudo_token: 'wrong' }));
  assert.ok(await s.credentials());
  await s.ok(me);
});

scenario('E15 a lost answer is asked for again and counts once', async (s) => {
  const proxy = await dropFirst(s.base, 'POST', '/auth/v1/verification/verify');
  s.traffic.allow(proxy.origin);
  s.traffic.mayFail = ({ body }) => body === undefined;
  try {
    await s.open(undefined, { base: proxy.origin });
    await s.member();
    assert.ok(proxy.dropped());
    const sent = s.traffic.sent('POST', '/auth/v1/verification/verify');
    assert.equal(sent.length, 2);
    assert.equal(sent[0].headers['x-request-id'], sent[1].headers['x-request-id']);
    assert.ok(await s.signedIn());
  } finally {
    await proxy.close();
  }
});

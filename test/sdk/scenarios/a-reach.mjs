// A. Reaching the server.
import assert from 'node:assert/strict';
import { scenario } from '../lib/scenario.mjs';
import * as server from '../lib/server.mjs';

scenario('A1 one preflight and one request reach the server', async (s) => {
  await s.open();
  assert.equal(await s.ok((auth) => auth.isUsernameRegistered('nobody')), false);
  const sent = s.traffic.sent('GET', '/auth/v1/checkIfUserExist');
  assert.equal(sent.length, 1);
  assert.equal(new URL(sent[0].url).searchParams.get('client_id'), s.env);
  assert.equal(s.traffic.preflights('/auth/v1/checkIfUserExist').length, 1);
});

scenario('A3 another client id and English', async (s) => {
  await server.createUser({ username: 'someone', password: 'a good password' });
  const attempt = (auth) => auth.signIn({ username: 'someone', password: 'a bad password' });
  await s.open();
  const chinese = await s.rejects('invalid_password', attempt);
  assert.match(chinese.error_description, /\p{Script=Han}/u);
  await s.open({ clientId: 'clientX', lang: 'en-US' });
  const english = await s.rejects('invalid_password', attempt);
  assert.doesNotMatch(english.error_description, /\p{Script=Han}/u);
  await s.ok((auth) => auth.signIn({ username: 'someone', password: 'a good password' }));
  assert.ok(await s.credentials('clientX'));
});

scenario('A4 the stand-alone oauth package, which sends a header named undefined', async (s) => {
  await server.createUser({ username: 'someone', password: 'a good password' });
  const page = await s.tab(await s.browser.load('oauth'));
  const credentials = await page.evaluate(async ([apiOrigin, clientId]) => {
    const { CloudbaseOAuth } = window.cloudbaseOAuth;
    const oauth = new CloudbaseOAuth({ apiOrigin, clientId, env: clientId });
    return oauth.authApi.signIn({ username: 'someone', password: 'a good password' });
  }, [s.base, s.env]);
  assert.equal(credentials.token_type, 'Bearer');
  const [preflight] = s.traffic.preflights('/auth/v1/signin');
  assert.match(preflight.headers['access-control-request-headers'], /undefined/);
});

scenario('A6 errors keep their name across origins', async (s) => {
  await s.open();
  const calls = {
    invalid_argument: (auth) => auth.verify({ verification_id: 'none', verification_code: '000000' }),
    not_found: (auth) => auth.signIn({ username: 'nobody', password: 'a good password' }),
  };
  for (const [error, call] of Object.entries(calls)) await s.rejects(error, call);
  await s.ok((auth) => auth.signInAnonymously());
  await s.rejects('permission_denied', (auth) => auth.queryUser({ username: 'nobody' }));
});

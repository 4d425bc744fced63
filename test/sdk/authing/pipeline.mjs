// Q. The functions of functions/, which the Go test installs; without them there is
// nothing to tell.
import assert from 'node:assert/strict';
import { forceLogin, password, phone, refused, story } from '../lib/authing.mjs';
import { claims } from '../lib/wire.mjs';
import * as server from '../lib/server.mjs';

const tell = process.env.TIGERTALLY_FUNCTIONS ? story : () => {};

tell('Q1 a function refuses a registration in its own words', async (s) => {
  const app = s.app();
  const work = [
    () => app.registerByEmail('x@evil.com', password, {}, forceLogin),
    async () => app.registerByEmailCode('y@evil.com', await s.mail(app, 'y@evil.com')),
  ];
  for (const register of work) assert.equal((await refused(1001, register())).message, 'Access denied');
  assert.equal(await app.isUserExists({ email: 'x@evil.com' }), false);
  assert.equal(await app.isUserExists({ email: 'y@evil.com' }), false);
  await app.registerByEmail('x@example.com', password, {}, forceLogin);
});

tell('Q2 the context of an app reaches its functions', async (s) => {
  await s.fields({ k: 'STRING' });
  const app = s.app();
  const kept = async () => (await app.getUdfValue()).k;
  const context = (k) => ({ context: { k } });
  await app.registerByUsername('bob', password, {}, { ...forceLogin, ...context('registered') });
  assert.equal(await kept(), 'registered');
  await app.loginByUsername('bob', password, context('password'));
  assert.equal(await kept(), 'password');
  await app.bindPhone(phone, await s.sms(app, phone));
  await app.loginByPhoneCode(phone, await s.sms(app, phone), context('phone code'));
  assert.equal(await kept(), 'phone code');
  await app.bindEmail('bob@example.com', await s.mail(app, 'bob@example.com'));
  await app.loginByEmailCode('bob@example.com', await s.mail(app, 'bob@example.com'), context('email code'));
  assert.equal(await kept(), 'email code');
});

tell('Q5 a claim of a function is in the id token only', async (s) => {
  const app = s.app({ protocol: 'oidc', tokenEndPointAuthMethod: 'none' });
  await server.createUser({ username: 'bob', password });
  const { token } = await app.loginByUsername('bob', password);
  const tokens = await app.getAccessTokenByIdToken({ redirectUri: 'http://127.0.0.1:9/cb', idToken: token, scope: 'openid' });
  assert.equal(claims(tokens.id_token).a, 1);
  assert.equal(claims(tokens.access_token).a, undefined);
});

// C and R. Transport and registration.
import assert from 'node:assert/strict';
import { email, forceLogin, isUser, password, phone, refused, story } from '../lib/authing.mjs';
import * as server from '../lib/server.mjs';
import { claims } from '../lib/wire.mjs';

story('C3 C5 C6 fetches the key once, and neither stale tokens nor cookies matter', async (s) => {
  const app = s.app({ token: 'garbage' });
  app.setToken('garbage');
  await app.registerByUsername('bob', password, {}, forceLogin);
  await app.registerByUsername('carl', password, {}, forceLogin);
  app.setToken('eyJhbGciOiJub25lIn0.e30.');
  isUser(await app.loginByUsername('bob', password), { username: 'bob' });
  isUser(await app.getCurrentUser(), { username: 'bob' });
  const keys = s.wire.exchanges.filter((e) => e.path === '/api/v2/.well-known');
  assert.equal(keys.length, 1);
  assert.equal(keys[0].body.data.publicKey, s.project.publicKey);
});

story('C3 takes the key an app is built with', async (s) => {
  const app = s.app({ publicKey: s.project.publicKey });
  await app.registerByUsername('bob', password, {}, forceLogin);
  assert.ok(!s.wire.exchanges.some((e) => e.path === '/api/v2/.well-known'));
});

story('C10 errors are worded in the language of the app', async (s) => {
  const zh = await refused(2003, s.app().registerByEmail('nope', password));
  const en = await refused(2003, s.app({ lang: 'en-US' }).registerByEmail('nope', password));
  assert.match(zh.message, /\p{Script=Han}/u);
  assert.doesNotMatch(en.message, /\p{Script=Han}/u);
});

story('R1 R3 R4 register by email and password', async (s) => {
  const app = s.app();
  const user = isUser(await app.registerByEmail('Ann@Example.com', password, { nickname: 'Ann' }, forceLogin), {
    email, emailVerified: false, phone: null, nickname: 'Ann', loginsCount: 1, status: 'Activated', registerSource: ['basic:email'],
  });
  const { sub, aud, data, iss } = claims(user.token);
  assert.deepEqual([sub, aud, data.id, data.email, iss], [user.id, s.project.appId, user.id, email, s.project.issuer]);
  await refused(2026, s.app().registerByEmail('ANN@example.COM', password));
  await refused(2003, s.app().registerByEmail('nope', password));
});

story('R5 R6 R13 register by email and code', async (s) => {
  const app = s.app();
  const code = await s.mail(app, email);
  await refused(2001, app.registerByEmailCode(email, server.wrong(code)));
  isUser(await app.registerByEmailCode(email, code, { nickname: 'Ann' }, { ...forceLogin, context: { source: 'js' } }), {
    email, emailVerified: true, nickname: 'Ann', registerSource: ['basic:email-code'],
  });
  await refused(2001, s.app().loginByEmailCode(email, code));
});

story('R8 register by user name', async (s) => {
  const app = s.app();
  isUser(await app.registerByUsername('bob', password, { company: 'c' }, forceLogin), { username: 'bob', email: null, phone: null, company: 'c' });
  await refused(2026, s.app().registerByUsername('bob', password));
});

story('R10 R12 register by phone code and password', async (s) => {
  const app = s.app();
  const code = await s.sms(app, phone);
  await refused(2001, app.registerByPhoneCode(phone, server.wrong(code), password));
  const user = isUser(await app.registerByPhoneCode(phone, code, password, { nickname: 'p' }, { ...forceLogin, phoneCountryCode: '+86' }), {
    phone, phoneCountryCode: '+86', phoneVerified: true, nickname: 'p',
  });
  isUser(await s.app().loginByPhonePassword(phone, password), { id: user.id });
  await refused(2026, app.registerByPhoneCode(phone, await s.sms(app, phone)));
});

story('R11 R12 register by phone code without a password, of another country', async (s) => {
  const app = s.app();
  const options = { ...forceLogin, phoneCountryCode: '+44' };
  const code = await s.sms(app, '7880000637', '+44');
  isUser(await app.registerByPhoneCode('7880000637', code, undefined, {}, options), { phone: '7880000637', phoneCountryCode: '+44' });
});

story('R14 a password for another key is refused, and nobody is made', async (s) => {
  const app = s.app({ encryptFunction: async () => 'error' });
  await refused(2016, app.registerByUsername('bob', password, {}, forceLogin));
  assert.equal(await app.isUserExists({ username: 'bob' }), false);
});

story('R15 registration alone signs nobody in', async (s) => {
  const app = s.app();
  const user = await app.registerByUsername('bob', password);
  assert.equal(user.token, null);
  assert.equal(await app.getCurrentUser(), null);
  assert.equal(await app.isUserExists({ username: 'bob' }), true);
  const generated = await s.app().registerByUsername('carl', password, {}, { generateToken: true });
  assert.equal(generated.token.split('.').length, 3);
});

story('G6 custom data at registration and sign-in', async (s) => {
  await s.fields({ school: 'STRING', age: 'NUMBER' });
  const app = s.app();
  await app.registerByEmail(email, password, {}, { ...forceLogin, customData: { school: 'x', unknown: 1 } });
  assert.deepEqual(await app.getUdfValue(), { school: 'x' });
  await app.loginByEmail(email, password, { customData: { age: 3 }, context: { k: 1 }, clientIp: '1.1.1.1' });
  const kept = await app.getUdfValue();
  assert.equal(kept.school, 'x');
  const { app: cat } = await s.byEmailCode('cat@example.com', { customData: { school: 'y' } });
  assert.deepEqual(await cat.getUdfValue(), { school: 'y' });
});

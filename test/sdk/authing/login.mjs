// L, S and V. Sign-in, sessions and codes.
import assert from 'node:assert/strict';
import { email, forceLogin, isUser, password, phone, refused, story } from '../lib/authing.mjs';
import * as server from '../lib/server.mjs';

story('G2 L3 G3 passwords', async (s) => {
  const id = await server.createUser({ username: 'bob', email, phone: `+86 ${phone}`, password });
  const ways = { loginByEmail: 'ANN@example.com', loginByUsername: 'bob', loginByPhonePassword: phone };
  for (const [method, account] of Object.entries(ways)) {
    const app = s.app();
    isUser(await app[method](account, password, { context: { k: 1 } }), { id });
    isUser(await app.getCurrentUser(), { id });
    const wrong = await refused(2333, s.app()[method](account, 'a bad password'));
    const nobody = await refused(2333, s.app()[method](method === 'loginByEmail' ? 'no@example.com' : method === 'loginByUsername' ? 'nobody' : '18899999999', password));
    assert.deepEqual(nobody, wrong);
  }
});

story('L4 unknown accounts are made where the app asks for it', async (s) => {
  const made = isUser(await s.app().loginByUsername('neo', password, { autoRegister: true }), { username: 'neo' });
  await refused(2333, s.app().loginByUsername('neo', 'a bad password', { autoRegister: true }));
  isUser(await s.app().loginByUsername('neo', password), { id: made.id, loginsCount: 2 });
});

story('L5 L6 L8 phone codes', async (s) => {
  const id = await server.createUser({ phone: `+86 ${phone}` });
  const app = s.app();
  const code = await s.sms(app, phone);
  await refused(2001, app.loginByPhoneCode(phone, server.wrong(code)));
  isUser(await app.loginByPhoneCode(phone, code, { phoneCountryCode: '+86', context: { a: 1 } }), { id, phone, phoneVerified: true });
  await refused(2004, s.app().loginByPhoneCode('18800000002', await s.sms(app, '18800000002')));
});

story('L6 L7 email codes', async (s) => {
  const id = await server.createUser({ email });
  const app = s.app();
  const code = await s.mail(app, email);
  await refused(2001, app.loginByEmailCode(email, server.wrong(code)));
  isUser(await app.loginByEmailCode(email, code, { context: { a: 1 } }), { id, email, emailVerified: true });
  isUser(await app.getCurrentUser(), { id });
});

story('L10 P5 the first sign-in sets a password', async (s) => {
  await server.createUser({ username: 'newbie', password: 'an initial password', resetPasswordOnFirstLogin: true });
  const { data: { token } } = await refused(1639, s.app().loginByUsername('newbie', 'an initial password'));
  const app = s.app();
  app.setToken(token);
  assert.equal(await app.getCurrentUser(), null);
  const done = await s.app().resetPasswordByFirstLoginToken({ token, password });
  assert.equal(done.code, 200);
  isUser(await s.app().loginByUsername('newbie', password), { username: 'newbie' });
  await assert.rejects(s.app().resetPasswordByFirstLoginToken({ token, password }));
});

story('L11 a blocked person gets no token', async (s) => {
  await server.createUser({ username: 'bob', password, status: 'blocked' });
  await refused(2005, s.app().loginByUsername('bob', password));
});

story('S1 S8 every answer about the caller keeps them signed in', async (s) => {
  const app = s.app();
  const { id } = await app.registerByEmail(email, password, {}, forceLogin);
  isUser(await app.getCurrentUser(), { id });
  isUser(await app.updateProfile({ nickname: 'Nick', gender: 'F', familyName: 'F', birthdate: '2000-01-02', website: 'https://example.com/' }), {
    id, nickname: 'Nick', gender: 'F', familyName: 'F', birthdate: '2000-01-02',
  });
  isUser(await app.bindPhone(phone, await s.sms(app, phone)), { id, phone });
  isUser(await app.unbindPhone(), { id, phone: null });
  isUser(await app.getCurrentUser(), { id, nickname: 'Nick', phone: null });
});

story('S3 G4 sign-out ends the session', async (s) => {
  const app = s.app();
  const { token } = await app.registerByEmail(email, password, {}, forceLogin);
  await app.logout();
  assert.equal(await app.getCurrentUser(), null);
  const stolen = s.app();
  stolen.setToken(token);
  assert.equal(await stolen.getCurrentUser(), null);
  await app.logout();
});

story('S3 sign-out of one device leaves the others alone', async (s) => {
  const [one, two] = [s.app(), s.app()];
  await one.registerByEmail(email, password, {}, forceLogin);
  await two.loginByEmail(email, password);
  const { token } = one.tokenProvider.getUser();
  await one.logoutCurrent();
  assert.ok(await two.getCurrentUser());
  one.setToken(token);
  assert.equal(await one.getCurrentUser(), null);
});

story('S7 G5 refresh and inspect a token', async (s) => {
  const app = s.app();
  const { id } = await app.registerByEmail(email, password, {}, forceLogin);
  const { token, iat, exp } = await app.refreshToken();
  assert.ok(exp > iat);
  app.setToken(token);
  isUser(await app.getCurrentUser(), { id });
  const good = await app.checkLoginStatus(token);
  assert.deepEqual([good.code, good.status, good.data.id, good.exp], [200, true, id, exp]);
  const bad = await app.checkLoginStatus('garbage');
  assert.deepEqual([bad.code, bad.status], [2206, false]);
  await app.logout();
  assert.equal((await s.app().checkLoginStatus(token)).status, false);
});

story('S2 a session ends with its time and with its person', async (s) => {
  const app = s.app();
  const { id } = await app.registerByEmail(email, password, {}, forceLogin);
  await s.manager().users.delete(id);
  assert.equal(await app.getCurrentUser(), null);
  await app.registerByEmail(email, password, {}, forceLogin);
  await server.advance('40d');
  assert.equal(await app.getCurrentUser(), null);
});

story('V1 V2 V3 messages by phone', async (s) => {
  const app = s.app();
  await s.sms(app, phone);
  const foreign = await s.sms(app, '7880000637', '+44', 'register');
  await refused(500, app.registerByPhoneCode('7880000637', foreign));
  await refused(500, app.sendSmsCode('12'));
  for (const scene of ['SCENE_LOGIN', 'login', 'register', 'reset', 'bind', 'unbind', 'mfa-verify']) await s.sms(app, phone, '+86', scene);
});

story('V4 V5 messages by email', async (s) => {
  const app = s.app();
  for (const scene of ['RESET_PASSWORD', 'CHANGE_EMAIL', 'MFA_VERIFY', 'VERIFY_CODE', 'REGISTER_VERIFY_CODE', 'LOGIN_VERIFY_CODE']) {
    await s.mail(app, email, scene);
  }
  await refused(1020017, app.sendEmail('nope', 'VERIFY_CODE'));
  await refused(2231, app.sendEmail(email, 'NO_SUCH_SCENE'));
});

story('V4 a link verifies an address', async (s) => {
  const app = s.app();
  const { id } = await app.registerByEmail(email, password, {}, forceLogin);
  assert.equal((await app.sendEmail(email, 'VERIFY_EMAIL')).code, 200);
  const [{ code, text, html }] = await server.messages(email);
  const [link] = /https?:\/\/\S+/.exec(text);
  assert.ok(!code && link.startsWith(`${server.url}/oidc/confirm/`) && html.includes(`href="${link}"`));
  for (let scan = 0; scan < 3; scan += 1) assert.equal((await fetch(link)).status, 200); // as programs that look at mail do
  isUser(await app.getCurrentUser(), { id, emailVerified: false });
  const press = (fields) => fetch(link, { method: 'POST', body: new URLSearchParams(fields) });
  assert.equal((await press({ do: 'confirm', password: 'not mine' })).status, 400);
  assert.equal((await press({ do: 'confirm', password })).status, 200);
  isUser(await app.getCurrentUser(), { id, emailVerified: true });
  assert.equal((await press({ do: 'confirm', password })).status, 403);
});

story('V4 whose address it is takes an account that others made with it', async (s) => {
  const app = s.app();
  const { id } = await app.registerByEmail(email, password, {}, forceLogin);
  await app.sendEmail(email, 'VERIFY_EMAIL');
  const [{ text }] = await server.messages(email);
  const answer = await fetch(/https?:\/\/\S+/.exec(text)[0], { method: 'POST', body: new URLSearchParams({ do: 'claim' }) });
  assert.equal(answer.status, 200);
  assert.equal(await app.getCurrentUser(), null);
  await refused(2333, s.app().loginByEmail(email, password));
  isUser(await s.app().loginByEmailCode(email, await s.mail(app, email)), { id, emailVerified: true });
});

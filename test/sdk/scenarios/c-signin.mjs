// C. Sign-up and sign-in.
import assert from 'node:assert/strict';
import { scenario } from '../lib/scenario.mjs';
import * as server from '../lib/server.mjs';

const phone = '+86 13800000000';
const email = 'test@example.com';
const password = 'a good password';

const signIn = (auth, params) => auth.signIn(params);

scenario('C1 sign up by phone as documented', async (s) => {
  await s.open();
  const found = await s.ok(async (auth, [phone_number, secret]) => {
    const state = await tt.signUp({ phone_number }, () => mail(phone_number), { name: '手机用户', password: secret, username: 'myname' });
    const info = await auth.getUserInfo();
    return { uid: state.user.uid, loggedIn: Boolean(auth.hasLoginState()), info, scope: await auth.loginScope() };
  }, [phone, password]);
  assert.ok(found.uid);
  assert.ok(found.loggedIn);
  assert.equal(found.info.name, '手机用户');
  assert.equal(found.info.username, 'myname');
  assert.equal(found.info.phone_number, phone);
  assert.notEqual(found.scope, 'anonymous');
});

scenario('C2 sign up by email', async (s) => {
  await s.open();
  await s.member({ password }, { email });
  const info = await s.ok((auth) => auth.getUserInfo());
  assert.strictEqual(info.email_verified, true);
  assert.equal(info.email, email);
});

scenario('C3 a phone number signs up once', async (s) => {
  await s.open();
  await s.member({ password });
  await s.rejects('failed_precondition', (auth, phone_number) => tt.signUp({ phone_number }, () => mail(phone_number)), phone);
});

scenario('C4 a proof for another address does not sign up', async (s) => {
  await s.open();
  await s.rejects(['invalid_argument', 'permission_denied'], async (auth, to) => {
    const { verification_token } = await tt.proof({ email: to }, () => mail(to));
    return auth.signUp({ phone_number: '+86 13900000000', verification_token });
  }, email);
  assert.equal(await s.signedIn(), false);
});

scenario('C5 password sign-in by phone, email and user name', async (s) => {
  const uid = await server.createUser({ username: 'myname', phone, email, password });
  await s.open();
  for (const username of [phone, '13800000000', email, 'Test@Example.com', 'myname']) {
    const got = await s.ok(async (auth, [name, secret]) => (await auth.signIn({ username: name, password: secret })).user.uid, [username, password]);
    assert.equal(got, uid, username);
  }
});

scenario('C6 sign in by code, whose proof works once', async (s) => {
  const uid = await server.createUser({ phone });
  await s.open();
  const { token, got } = await s.ok(async (auth, phone_number) => {
    const { verification_token } = await tt.proof({ phone_number }, () => mail(phone_number));
    const state = await auth.signIn({ username: phone_number, verification_token });
    return { token: verification_token, got: state.user.uid };
  }, phone);
  assert.equal(got, uid);
  const { rejected } = await s.run(signIn, { username: phone, verification_token: token });
  assert.ok(rejected?.error);
  assert.notEqual(rejected.error, 'unauthenticated');
});

scenario('C7 a wrong password', async (s) => {
  await server.createUser({ username: 'myname', password });
  await s.open();
  const refused = await s.rejects('invalid_password', signIn, { username: 'myname', password: 'a bad password' });
  const reserved = [3, 5, 7, 8, 9, 10, 12, 13, 14, 16, 4001, 4002, 4019, 4022, 4042, 4045];
  assert.ok(Number.isInteger(refused.error_code) && !reserved.includes(refused.error_code), String(refused.error_code));
  assert.equal(refused.error_uri, '/auth/v1/signin');
  assert.match(refused.requestId, /^[0-9a-f]{32}$/);
});

scenario('C8 C9 C11 users that cannot sign in say why', async (s) => {
  await server.createUser({ phone });
  await server.createUser({ username: 'blocked', password, status: 'blocked' });
  await server.createUser({ username: 'pending', password, status: 'pending' });
  await s.open();
  await s.rejects('not_found', signIn, { username: 'nobody', password });
  await s.rejects('password_not_set', signIn, { username: phone, password });
  await s.rejects('user_blocked', signIn, { username: 'blocked', password });
  await s.rejects('user_pending', signIn, { username: 'pending', password });
});

scenario('C10 too many wrong passwords lock the account for a while', async (s) => {
  await server.createUser({ username: 'myname', password });
  await s.open();
  let last;
  for (let i = 0; i < 30 && last?.error !== 'invalid_status'; i++) {
    last = await s.rejects(['invalid_password', 'invalid_status'], signIn, { username: 'myname', password: `bad password ${i}` });
  }
  assert.equal(last.error, 'invalid_status');
  await s.rejects('invalid_status', signIn, { username: 'myname', password });
  await server.advance('25h');
  await s.ok(signIn, { username: 'myname', password });
});

scenario('C12 signInWithSms for a new and a known user', async (s) => {
  await s.open();
  const flow = async (auth, phone_number) => {
    const verificationInfo = await auth.getVerification({ phone_number });
    const state = await auth.signInWithSms({ verificationInfo, verificationCode: await mail(phone_number), phoneNum: phone_number });
    return { known: verificationInfo.is_user, uid: state.user.uid };
  };
  const first = await s.ok(flow, phone);
  assert.strictEqual(first.known, false);
  assert.ok(await s.signedIn());
  await s.ok((auth) => auth.signOut());
  const second = await s.ok(flow, phone);
  assert.strictEqual(second.known, true);
  assert.equal(second.uid, first.uid);
});

scenario('C15 signInWithPassword in the newer style', async (s) => {
  await server.createUser({ username: 'myname', password });
  await s.open();
  const { data, error } = await s.ok((auth, secret) => auth.signInWithPassword({ username: 'myname', password: secret }), password);
  assert.ok(!error);
  assert.ok(data.session.access_token);
  await s.refuses({ category: 'INVALID_CREDENTIALS' }, (auth) => auth.signInWithPassword({ username: 'myname', password: 'a bad password' }));
  await s.refuses({ category: 'USER_NOT_FOUND' }, (auth) => auth.signInWithPassword({ username: 'nobody', password: 'a bad password' }));
});

scenario('C15 signInWithPassword encrypted', async (s) => {
  await server.createUser({ username: 'myname', password: '密码密码密码密码密码' });
  await s.open();
  const { data, error } = await s.ok((auth) => auth.signInWithPassword({ username: 'myname', password: '密码密码密码密码密码', is_encrypt: true }));
  assert.ok(!error, JSON.stringify(error));
  assert.ok(data.session.access_token);
  assert.equal(s.traffic.sent('POST', '/auth/v2/signin/username').length, 1);
});

scenario('C16 signUp and verifyOtp in the newer style', async (s) => {
  await s.open();
  const { data, error } = await s.ok(async (auth, [to, secret]) => {
    const first = await auth.signUp({ email: to, password: secret, username: 'myname' });
    return first.data.verifyOtp({ token: await mail(to) });
  }, [email, password]);
  assert.ok(!error, JSON.stringify(error));
  assert.equal(data.user.email, email);
  assert.ok(await s.signedIn());
});

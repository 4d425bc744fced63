// F. User data and security operations.
import assert from 'node:assert/strict';
import { scenario } from '../lib/scenario.mjs';
import * as server from '../lib/server.mjs';

const phone = '+86 13800000000';
const email = 'test@example.com';
const password = 'a good password';
const other = 'another good password';

const signIn = (auth, params) => auth.signIn(params);

scenario('F1 F2 the profile and changes to it', async (s) => {
  await s.open();
  const { uid } = await s.member({ password });
  const info = await s.ok((auth) => auth.getUserInfo());
  assert.equal(info.uid, info.sub);
  assert.equal(info.uid, uid);
  const [{ body: profile }] = await s.traffic.answered('/auth/v1/user/me');
  assert.equal(typeof profile.email_verified, 'boolean');
  assert.match(profile.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);
  assert.equal(profile.phone_number, phone);
  const changed = await s.ok(async (auth) => {
    await auth.currentUser.update({ gender: 'MALE', name: 'x' });
    return { uid: auth.currentUser.uid, name: auth.currentUser.name, gender: auth.currentUser.gender };
  });
  assert.deepEqual(changed, { uid, name: 'x', gender: 'MALE' });
});

scenario('F4 sudo by password', async (s) => {
  await s.open();
  await s.member({ password });
  const answer = await s.ok((auth, secret) => auth.sudo({ password: secret }), password);
  assert.ok(answer.sudo_token);
  await s.rejects('invalid_password', (auth) => auth.sudo({ password: 'a bad password' }));
  assert.ok(await s.signedIn());
});

scenario('F4 sudo by code', async (s) => {
  await s.open();
  await s.member();
  const answer = await s.ok(async (auth, phone_number) => {
    const { verification_token } = await tt.proof({ phone_number }, () => mail(phone_number));
    return auth.sudo({ verification_token });
  }, phone);
  assert.ok(answer.sudo_token);
});

scenario('F6 a new password replaces the old one and keeps the session', async (s) => {
  await s.open();
  await s.member({ password, username: 'myname' });
  await s.ok(async (auth, [old, next]) => {
    const { sudo_token } = await auth.sudo({ password: old });
    await auth.setPassword({ new_password: next, sudo_token });
    return auth.getUserInfo();
  }, [password, other]);
  await s.rejects('invalid_password', signIn, { username: 'myname', password });
  await s.ok(signIn, { username: 'myname', password: other });
});

scenario('F6 a user without a password sets one with an empty sudo token', async (s) => {
  await s.open();
  await s.member();
  await s.ok((auth, next) => auth.setPassword({ new_password: next, sudo_token: '' }), other);
  await s.ok(signIn, { username: phone, password: other });
});

for (const [method, contact, taken] of [
  ['bindEmail', { email }, { email: 'taken@example.com' }],
  ['bindPhoneNumber', { phone_number: '+86 13900000000' }, { phone_number: '+86 13700000000' }],
]) {
  scenario(`F8 ${method}`, async (s) => {
    await server.createUser({ email: 'taken@example.com', phone: '+86 13700000000' });
    await s.open();
    await s.member({ password });
    const bind = async (auth, [name, who, secret]) => {
      const { sudo_token } = await auth.sudo({ password: secret });
      const { verification_token } = await tt.proof(who, () => mail(who.email ?? who.phone_number));
      await auth[name]({ ...who, sudo_token, verification_token });
      return auth.getUserInfo();
    };
    const info = await s.ok(bind, [method, contact, password]);
    for (const [key, value] of Object.entries(contact)) assert.equal(info[key], value);
    await s.rejects('failed_precondition', bind, [method, taken, password]);
  });
}

for (const contact of [{ phone_number: phone }, { email }]) {
  scenario(`F9 resetPassword by ${Object.keys(contact)[0]}`, async (s) => {
    await s.open();
    await s.member({ password }, contact);
    const { access_token: token } = await s.credentials();
    const reset = async (auth, [who, next]) => {
      const { verification_token } = await tt.proof(who, () => mail(who.email ?? who.phone_number));
      return auth.resetPassword({ ...who, new_password: next, verification_token });
    };
    await s.ok(reset, [contact, other]);
    assert.equal((await server.auth('GET', 'user/me', undefined, token)).body.error, 'unauthenticated');
    await s.ok(signIn, { username: contact.email ?? contact.phone_number, password: other });
    await s.rejects('invalid_argument', (auth, [who, next]) => auth.resetPassword({ ...who, new_password: next, verification_token: undefined }), [contact, other]);
  });
}

scenario('F10 queryUser', async (s) => {
  const a = await server.createUser({ username: 'alice', password, email: 'alice@example.com', phone: '+86 13700000001' });
  const b = await server.createUser({ username: 'bob', password });
  await s.open();
  await s.member();
  const query = (auth, q) => auth.queryUser(q);
  const both = await s.ok(query, { id: [a, b] });
  assert.strictEqual(both.total, 2);
  assert.deepEqual(both.data.map((u) => u.sub).sort(), [a, b].sort());
  const open = ['sub', 'name', 'picture', 'gender', 'locale', 'email', 'phone_number'];
  for (const q of [{ username: 'alice' }, { email: 'alice@example.com' }, { phone_number: '+86 13700000001' }]) {
    const { total, data } = await s.ok(query, q);
    assert.strictEqual(total, 1, JSON.stringify(q));
    assert.equal(data[0].sub, a);
    for (const key of Object.keys(data[0])) assert.ok(open.includes(key) || key in q, key);
  }
  assert.deepEqual(await s.ok(query, { username: 'nobody' }), { total: 0, data: [] });
  await s.rejects('invalid_argument', query, { id: Array.from({ length: 51 }, (_, i) => `id${i}`) });
});

scenario('F12 deleteMe and signOut', async (s) => {
  await s.open();
  const { uid } = await s.member({ password, username: 'myname' });
  const deleted = await s.ok(async (auth, secret) => {
    const { sudo_token } = await auth.sudo({ password: secret });
    const user = await auth.deleteMe({ sudo_token });
    await auth.signOut();
    return user;
  }, password);
  assert.equal(deleted.sub, uid);
  await s.rejects('not_found', signIn, { username: 'myname', password });
});

scenario('F14 basic/edit takes no contact without proof by this user', async (s) => {
  await s.open();
  await s.member({ password });
  const { access_token: token } = await s.credentials();
  for (const change of [{ email }, { phone: '+86 13900000000' }, { new_password: other }]) {
    const { status, body } = await server.auth('POST', 'user/basic/edit', change, token);
    assert.ok(status >= 400 && body.error, JSON.stringify(body));
    assert.notEqual(body.error, 'unauthenticated');
  }
  // Somebody else's proof of the address is none for this user.
  const sent = await server.auth('POST', 'verification', { email });
  await server.auth('POST', 'verification/verify', { verification_id: sent.body.verification_id, verification_code: await server.code(email) });
  const { body } = await server.auth('POST', 'user/basic/edit', { email }, token);
  assert.ok(body.error);
  assert.ok(!(await server.auth('GET', 'user/me', undefined, token)).body.email);
});

scenario('F14 updateUser and verifyOtp change the email with proof', async (s) => {
  await s.open();
  await s.member({ password });
  const { data, error } = await s.ok(async (auth, to) => {
    const first = await auth.updateUser({ email: to });
    if (first.error) return first;
    return first.data.verifyOtp({ email: to, token: await mail(to) });
  }, email);
  assert.ok(!error, JSON.stringify(error));
  assert.ok(data);
  assert.equal((await s.ok((auth) => auth.getUserInfo())).email, email);
});

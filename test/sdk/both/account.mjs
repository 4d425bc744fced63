// One account, two protocols: who they are, and what ends in both at once.
import assert from 'node:assert/strict';
import { password, password2, refused } from '../lib/authing.mjs';
import { both } from '../lib/both.mjs';
import * as server from '../lib/server.mjs';

const email = 'ann@example.com';
const phone = '18800000001';

const signIn = (auth, [username, secret]) => auth.signIn({ username, password: secret });
const info = (auth) => auth.getUserInfo();

// ended is for the CloudBase half after the other one did something to its person: the
// SDK finds out at its next request and forgets them.
async function ended(cloud) {
  const { value } = await cloud.run(info);
  assert.ok(!value?.sub, JSON.stringify(value));
  assert.equal(await cloud.credentials(), undefined);
}

both('who signs up with CloudBase signs in with Authing', async ({ cloud, app }) => {
  const { uid } = await cloud.member({ password, username: 'myname', name: 'Ann' }, { phone_number: `+86 ${phone}` });
  const one = app();
  assert.equal((await one.loginByPhonePassword(phone, password)).id, uid);
  assert.equal((await app().loginByUsername('myname', password)).id, uid);
  await one.sendSmsCode(phone);
  const user = await one.loginByPhoneCode(phone, await server.code(`+86${phone}`));
  assert.deepEqual([user.id, user.name, user.phone, user.phoneVerified], [uid, 'Ann', phone, true]);
  await one.updateProfile({ name: 'Anne', gender: 'F' });
  const found = await cloud.ok(info);
  assert.deepEqual([found.sub, found.name, found.gender], [uid, 'Anne', 'FEMALE']);
});

both('who registers with Authing signs in with CloudBase', async ({ cloud, app }) => {
  const one = app();
  await one.sendEmail(email, 'VERIFY_CODE');
  const user = await one.registerByEmailCode(email, await server.code(email), { nickname: 'Ann' }, { forceLogin: true });
  one.setCurrentUser(user);
  await one.updatePassword(password);
  await one.sendSmsCode(phone);
  await one.bindPhone(phone, await server.code(`+86${phone}`));
  for (const username of [email, phone, `+86 ${phone}`]) {
    assert.equal((await cloud.ok(signIn, [username, password])).user.uid, user.id, username);
  }
  const byCode = await cloud.ok(async (auth, to) => {
    const verificationInfo = await auth.getVerification({ phone_number: to });
    return (await auth.signInWithSms({ verificationInfo, verificationCode: await mail(to), phoneNum: to.slice(4) })).user.uid;
  }, `+86 ${phone}`);
  assert.equal(byCode, user.id);
  const found = await cloud.ok(info);
  assert.deepEqual([found.sub, found.email, found.email_verified, found.phone_number], [user.id, email, true, `+86 ${phone}`]);
});

both('a person of one application signs out of it in both', async ({ cloud, app, project }) => {
  const { uid } = await cloud.member({ password, username: 'myname' });
  const one = app({ appId: project.env });
  await one.loginByUsername('myname', password);
  await one.logout();
  await ended(cloud);
  assert.equal((await one.loginByUsername('myname', password)).id, uid);
});

both('signing out everywhere with CloudBase ends Authing’s sessions', async ({ cloud, app }) => {
  await cloud.member({ password, username: 'myname' });
  const one = app();
  await one.loginByUsername('myname', password);
  const { access_token: token } = await cloud.credentials();
  const answer = await server.auth('DELETE', 'user/revoke/all', undefined, token);
  assert.equal(answer.status, 200);
  assert.equal(await one.getCurrentUser(), null);
  await ended(cloud);
});

both('a token that signed out of one is refused by the other', async ({ cloud, app, project }) => {
  await cloud.member({ password, username: 'myname' });
  const { access_token: token } = await cloud.credentials();
  const one = app({ appId: project.env });
  one.setToken(token);
  assert.ok(await one.getCurrentUser());
  await cloud.ok((auth) => auth.signOut());
  one.setToken(token);
  assert.equal(await one.getCurrentUser(), null);
});

both('who is blocked is out of both', async ({ cloud, app, manager }) => {
  const { uid } = await cloud.member({ password, username: 'myname' });
  const one = app();
  await one.loginByUsername('myname', password);
  await manager().users.update(uid, { blocked: true });
  assert.equal(await one.getCurrentUser(), null);
  await ended(cloud);
  await refused(2005, app().loginByUsername('myname', password));
  await cloud.rejects('user_blocked', signIn, ['myname', password]);
  await manager().users.update(uid, { blocked: false });
  assert.equal((await app().loginByUsername('myname', password)).id, uid);
  assert.equal((await cloud.ok(signIn, ['myname', password])).user.uid, uid);
});

both('a password changed in one is changed in both', async ({ cloud, app }) => {
  await cloud.member({ password, username: 'myname' });
  const one = app();
  await one.loginByUsername('myname', password);
  await one.updatePassword(password2, password);
  assert.ok(await one.getCurrentUser(), 'the session that changed it stays');
  await ended(cloud);
  await cloud.rejects('invalid_password', signIn, ['myname', password]);
  await cloud.ok(signIn, ['myname', password2]);
  await cloud.ok(async (auth, [next, secret]) => {
    const { sudo_token } = await auth.sudo({ password: secret });
    return auth.setPassword({ new_password: next, sudo_token });
  }, [password, password2]);
  assert.equal(await one.getCurrentUser(), null);
  await refused(2333, app().loginByUsername('myname', password2));
  await app().loginByUsername('myname', password);
});

both('who is deleted in one is gone from both', async ({ cloud, app, manager }) => {
  const { uid } = await cloud.member({ password, username: 'myname' });
  const one = app();
  await one.loginByUsername('myname', password);
  await cloud.ok(async (auth, secret) => {
    const { sudo_token } = await auth.sudo({ password: secret });
    return auth.deleteMe({ sudo_token });
  }, password);
  assert.equal(await one.getCurrentUser(), null);
  await refused(2333, app().loginByUsername('myname', password));
  await refused(2004, manager().users.detail(uid));
  const next = await one.registerByUsername('myname', password, {}, { forceLogin: true });
  assert.notEqual(next.id, uid);
  await cloud.ok(signIn, ['myname', password]);
  await manager().users.delete(next.id);
  await ended(cloud);
  await cloud.rejects(['not_found', 'invalid_password'], signIn, ['myname', password]);
});

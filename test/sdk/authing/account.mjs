// P, B and G. Passwords, contacts and what people keep.
import assert from 'node:assert/strict';
import { email, forceLogin, isUser, password, password2, phone, refused, story } from '../lib/authing.mjs';
import * as server from '../lib/server.mjs';

story('P1 P3 P4 reset a password by phone', async (s) => {
  const app = s.app();
  await app.registerByPhoneCode(phone, await s.sms(app, phone), password, {}, forceLogin);
  const code = await s.sms(s.app(), phone);
  await refused(2001, s.app().resetPasswordByPhoneCode(phone, server.wrong(code), password2));
  const done = await s.app().resetPasswordByPhoneCode(phone, code, password2, '+86');
  assert.equal(done.code, 200);
  await refused(2333, s.app().loginByPhonePassword(phone, password));
  await s.app().loginByPhonePassword(phone, password2);
  await refused(2004, s.app().resetPasswordByPhoneCode('18899999999', '123456', password2));
  assert.equal(await app.getCurrentUser(), null, 'sessions end');
});

story('P2 P3 reset a password by email', async (s) => {
  await server.createUser({ email, password });
  const app = s.app();
  const done = await app.resetPasswordByEmailCode(email, await s.mail(app, email, 'RESET_PASSWORD'), password2);
  assert.equal(done.code, 200);
  await refused(2333, app.loginByEmail(email, password));
  await app.loginByEmail(email, password2);
  await refused(2004, app.resetPasswordByEmailCode('none@example.com', '123456', password2));
});

story('P6 P7 change a password and stay signed in', async (s) => {
  const app = s.app();
  const { id } = await app.registerByEmail(email, password, {}, forceLogin);
  await refused(1320011, app.updatePassword(password2, 'a bad password'));
  await refused(1320011, app.updatePassword(password2));
  isUser(await app.updatePassword(password2, password), { id });
  isUser(await app.getCurrentUser(), { id });
  await s.app().loginByEmail(email, password2);
});

story('P8 set a first password', async (s) => {
  const { app } = await s.byEmailCode(email);
  await app.updatePassword(password);
  await s.app().loginByEmail(email, password);
});

story('P9 B9 nobody changes what is nobody’s', async (s) => {
  const app = s.app();
  await refused(2020, app.updatePassword(password));
  await refused(2020, app.bindPhone(phone, '123456'));
  await refused(2020, app.unbindPhone());
  await refused(2020, app.bindEmail(email, '123456'));
  await refused(2020, app.unbindEmail());
});

story('passwords are rated', async (s) => {
  const app = s.app();
  const weak = await app.checkPasswordStrength('abc');
  assert.equal(weak.valid, false);
  assert.ok(weak.message);
  assert.equal((await app.checkPasswordStrength(password)).valid, true);
  assert.equal(app.computedPasswordSecurityLevel('Abc123!@#xyz'), 3); // decided by the SDK itself
});

story('B1 B2 B3 B4 bind and unbind', async (s) => {
  const app = s.app();
  const { id } = await app.registerByEmail(email, password, {}, forceLogin);
  isUser(await app.bindPhone(phone, await s.sms(app, phone), '+86'), { id, phone, phoneVerified: true });
  isUser(await app.unbindEmail(), { id, email: null });
  isUser(await app.bindEmail('new@example.com', await s.mail(app, 'new@example.com', 'CHANGE_EMAIL')), { id, email: 'new@example.com', emailVerified: true });
  isUser(await app.unbindPhone(), { id, phone: null });
  isUser(await app.getCurrentUser(), { id, phone: null, email: 'new@example.com' });
});

story('B5 B6 B7 B8 what cannot be bound or unbound', async (s) => {
  await server.createUser({ email: 'taken@example.com', phone: '+86 18800000009' });
  const app = s.app();
  await app.registerByPhoneCode(phone, await s.sms(app, phone), undefined, {}, forceLogin);
  await refused(1320005, app.unbindPhone());
  await refused(1320005, app.unbindEmail());
  await refused(2001, app.bindEmail(email, server.wrong(await s.mail(app, email))));
  await refused(2200, app.bindEmail('taken@example.com', await s.mail(app, 'taken@example.com')));
  await refused(2035, app.bindPhone('18800000009', await s.sms(app, '18800000009')));
});

story('B1 B3 replace an address by another', async (s) => {
  const { app, user: { id } } = await s.byEmailCode(email);
  await app.bindPhone(phone, await s.sms(app, phone));
  const [next, old] = [await s.mail(app, 'new@example.com'), await s.mail(app, email)];
  await app.updateEmail('new@example.com', next, email, old);
  const [number, was] = [await s.sms(app, '18800000002'), await s.sms(app, phone)];
  await app.updatePhone('18800000002', number, phone, was, '+86', '+86');
  isUser(await app.getCurrentUser(), { id, email: 'new@example.com', phone: '18800000002' });
});

story('G7 a profile is one’s own and holds no powers', async (s) => {
  const other = await server.createUser({ username: 'other', password });
  const app = s.app();
  const { id } = await app.registerByEmail(email, password, {}, forceLogin);
  await app.updateProfile({ nickname: 'n', blocked: true, emailVerified: true, loginsCount: 99, id: other }).catch(() => {});
  isUser(await app.getCurrentUser(), { id, email, blocked: false, emailVerified: false });
  isUser(await app.updateProfile({ email: 'x@example.com', phone: '18800000003' }), { id, email, phone: null });
  app.setCurrentUser({ ...app.tokenProvider.getUser(), id: other });
  await refused(1001, app.updateProfile({ nickname: 'stolen' }));
  isUser(await s.manager().users.detail(other), { nickname: null });
});

story('G8 custom data keeps its types', async (s) => {
  await s.fields({ school: 'STRING', age: 'NUMBER', member: 'BOOLEAN', more: 'OBJECT', born: 'DATETIME' });
  const app = s.app();
  await app.registerByEmail(email, password, {}, forceLogin);
  const data = { school: 'hust', age: 20, member: true, more: { a: [1] } };
  await app.setUdfValue(data);
  assert.deepEqual(await app.getUdfValue(), data);
  await app.removeUdfValue('school');
  assert.equal((await app.getUdfValue()).school, undefined);
  const listed = await app.setUdv('school', 'ucla');
  assert.ok(listed.some(({ key, value }) => key === 'school' && value === 'ucla'), JSON.stringify(listed));
  assert.ok((await app.listUdv()).some(({ key, value, dataType }) => key === 'age' && value === 20 && dataType === 'NUMBER'));
  await app.removeUdv('age');
  assert.ok(!(await app.listUdv()).some(({ key }) => key === 'age'));
});

story('lists of what there is none of', async (s) => {
  const { app } = await s.byEmailCode(email);
  await app.updatePassword(password);
  assert.deepEqual(await app.listOrgs(), []);
  assert.equal((await app.listDepartments()).totalCount, 0);
  assert.deepEqual(await app.listAuthorizedResources('default'), { totalCount: 0, list: [] });
  assert.equal(await app.hasRole('admin'), false);
  const { list, totalCount } = await app.listApplications({ page: 1, limit: 10 });
  assert.equal(list.length, totalCount);
  const level = await app.getSecurityLevel();
  assert.deepEqual([level.email, level.phone, level.password], [true, false, true]);
  assert.equal(await app.trackSession().then((found) => found?.session ?? null), null);
});

story('what is not there says so, and two accounts are never made one', async (s) => {
  const app = s.app({ websocketHost: s.wire.url }); // where the SDK asks for loginByAd
  const { token } = await app.registerByEmail(email, password, {}, forceLogin);
  for (const work of [
    () => app.loginByLdap('bob', password),
    () => app.loginByAd('bob', password),
    () => app.mfa.getMfaAuthenticators(),
    () => app.resetPasswordByForceResetToken({ token: 'x', newPassword: password2, oldPassword: password }),
  ]) await refused(404, work());
  await refused(1001, app.linkAccount({ primaryUserToken: token, secondaryUserToken: token }));
  isUser(await app.getCurrentUser(), { email });
});

story('L2 an account of any kind signs in by loginBySubAccount', async (s) => {
  const id = await server.createUser({ username: 'bob', email, phone: `+86 ${phone}`, password });
  for (const account of ['bob', email, phone]) isUser(await s.app().loginBySubAccount(account, password), { id });
  await refused(2333, s.app().loginBySubAccount('bob', 'a bad password'));
});

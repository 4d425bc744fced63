// M. The SDK's other half: a server that knows the pool's secret.
import assert from 'node:assert/strict';
import { email, forceLogin, isUser, password, password2, phone, refused, story } from '../lib/authing.mjs';
import * as server from '../lib/server.mjs';
import { claims } from '../lib/wire.mjs';

story('M1 a wrong secret opens nothing', async (s) => {
  await refused(1001, s.manager({ secret: 'wrong' }).users.list());
});

story('M2 a person is made, read, changed, listed and deleted', async (s) => {
  const { users } = s.manager();
  const made = isUser(await users.create({ username: 'm1', email, password, nickname: 'M' }), { username: 'm1', email, nickname: 'M' });
  isUser(await users.detail(made.id), { id: made.id, username: 'm1' });
  isUser(await s.app().loginByUsername('m1', password), { id: made.id });
  isUser(await users.update(made.id, { nickname: 'NN', password: password2, phone }), { id: made.id, nickname: 'NN', phone });
  await refused(2333, s.app().loginByUsername('m1', password));
  isUser(await s.app().loginByPhonePassword(phone, password2), { id: made.id });
  for (const by of [{ username: 'm1' }, { email }, { phone }]) isUser(await users.find(by), { id: made.id });
  const { totalCount, list } = await users.list(1, 5);
  assert.deepEqual([totalCount, list.map((u) => u.id)], [1, [made.id]]);
  assert.equal((await users.delete(made.id)).code, 200);
  await refused(2004, users.detail(made.id));
  assert.equal((await users.list()).totalCount, 0);
});

story('M3 nobody is made twice', async (s) => {
  const { users } = s.manager();
  await users.create({ username: 'm1' });
  await refused(2026, users.create({ username: 'm1' }));
  assert.equal((await users.list()).totalCount, 1);
});

story('M4 the management token is used again', async (s) => {
  const { users } = s.manager();
  for (let i = 0; i < 3; i++) await users.list();
  assert.equal(s.wire.queries('accessToken').length, 1);
  const { accessToken, exp, iat } = s.wire.queries('accessToken')[0].body.data.accessToken;
  assert.ok(exp - iat > 3600 && claims(accessToken).exp === exp);
  assert.equal((await s.manager({ secret: undefined, accessToken }).users.list()).totalCount, 0);
});

story('M5 a person’s token manages nobody', async (s) => {
  const app = s.app();
  const { token, id } = await app.registerByEmail(email, password, {}, forceLogin);
  const { users } = s.manager({ secret: undefined, accessToken: token });
  await assert.rejects(users.list());
  await assert.rejects(users.create({ username: 'm1' }));
  await assert.rejects(users.delete(id));
  await assert.rejects(users.kick([id]));
  isUser(await app.getCurrentUser(), { id });
  assert.equal(await app.isUserExists({ username: 'm1' }), false);
});

story('M2 people are found in several ways', async (s) => {
  await s.fields({ school: 'STRING' });
  const { users } = s.manager();
  const ids = [];
  for (const username of ['m1', 'm2', 'm3']) ids.push((await users.create({ username, nickname: `nick ${username}` })).id);
  await users.setUdfValue(ids[0], { school: 'hust' });
  const names = (list) => list.map((u) => u.username).sort();
  assert.deepEqual(names((await users.search('m2')).list), ['m2']);
  assert.deepEqual(names((await users.search('nick', { fields: ['nickname'], page: 1, limit: 2 })).list).length, 2);
  assert.deepEqual(names(await users.batch(ids.slice(0, 2))), ['m1', 'm2']);
  const [one] = await users.batch(['m1'], { queryField: 'username', withCustomData: true });
  isUser(one, { id: ids[0], customData: { school: 'hust' } });
  isUser(await users.detail(ids[0], { withCustomData: true }), { customData: { school: 'hust' } });
  isUser(await users.find({ username: 'm1', withCustomData: true }), { customData: { school: 'hust' } });
  const listed = await users.list(1, 10, { withCustomData: true });
  assert.equal(listed.totalCount, 3);
  assert.ok(listed.list.some((u) => u.customData.school === 'hust'));
  assert.equal((await users.filter({ page: 1, limit: 10, filter: [] })).totalCount, 3);
  assert.equal(await users.exists({ username: 'm3' }), true);
  assert.equal(await users.exists({ username: 'm4' }), false);
  assert.equal((await users.listArchivedUsers()).totalCount, 0);
  assert.equal((await users.deleteMany(ids)).code, 200);
  assert.equal((await users.list()).totalCount, 0);
});

story('L10 a person made with a password to change', async (s) => {
  const { users } = s.manager();
  await users.create({ username: 'newbie', password }, { resetPasswordOnFirstLogin: true });
  const { data: { token } } = await refused(1639, s.app().loginByUsername('newbie', password));
  await s.app().resetPasswordByFirstLoginToken({ token, password: password2 });
  isUser(await s.app().loginByUsername('newbie', password2), { username: 'newbie' });
});

story('M2 sessions are seen and ended', async (s) => {
  const { users } = s.manager();
  const app = s.app();
  const { id } = await app.registerByEmail(email, password, {}, forceLogin);
  assert.equal((await users.checkLoginStatus(id, s.project.appId)).isLogin, true);
  assert.equal((await users.kick([id])).code, 200);
  assert.equal((await users.checkLoginStatus(id)).isLogin, false);
  assert.equal(await app.getCurrentUser(), null);
  await app.loginByEmail(email, password);
  await users.logout({ appId: s.project.appId, userId: id });
  assert.equal(await app.getCurrentUser(), null);
});

story('M2 a token for a person, and what it says', async (s) => {
  const manager = s.manager();
  const { id } = await manager.users.create({ email });
  const { token, exp, iat } = await manager.users.refreshToken(id);
  assert.ok(exp > iat);
  const app = s.app();
  app.setToken(token);
  isUser(await app.getCurrentUser(), { id });
  assert.equal((await manager.checkLoginStatus(token)).id, id);
  isUser(await manager.checkLoginStatus(token, { fetchUserDetail: true }), { id });
});

story('M2 fields and values', async (s) => {
  const { users, udf } = s.manager();
  const types = { city2: 'STRING', score: 'NUMBER', vip: 'BOOLEAN', bag: 'OBJECT' };
  await s.fields(types);
  const listed = Object.fromEntries((await udf.list('USER')).map((f) => [f.key, f.dataType]));
  for (const [key, type] of Object.entries(types)) assert.equal(listed[key], type);
  const [a, b] = [(await users.create({ username: 'a' })).id, (await users.create({ username: 'b' })).id];
  const data = { city2: 'x', score: 1.5, vip: false, bag: { k: [1, 'v'] } };
  await users.setUdfValue(a, data);
  assert.deepEqual(await users.getUdfValue(a), data);
  await users.setUdfValueBatch([{ userId: a, data: { score: 2 } }, { userId: b, data: { score: 3 } }]);
  const both = await users.getUdfValueBatch([a, b]);
  assert.deepEqual([both[a].score, both[b].score], [2, 3]);
  await users.removeUdfValue(a, 'city2');
  assert.equal((await users.getUdfValue(a)).city2, undefined);
  await udf.remove('USER', 'city2');
  assert.ok(!(await udf.list('USER')).some((f) => f.key === 'city2'));
  await assert.rejects(udf.set('USER', 'x', 'NO_SUCH_TYPE', 'x'));
});

story('M2 mails, passwords and what there is none of', async (s) => {
  const manager = s.manager();
  const { id } = await manager.users.create({ email });
  assert.equal((await manager.sendEmail(email, 'RESET_PASSWORD')).code, 200);
  assert.match(await server.code(email), /^\d+$/);
  assert.ok(await manager.isPasswordValid(password));
  assert.equal((await manager.users.listRoles(id)).totalCount, 0);
  assert.equal((await manager.users.listGroups(id)).totalCount, 0);
  assert.deepEqual(await manager.users.listOrgs(id), []);
  assert.equal((await manager.users.listDepartment(id)).totalCount, 0);
  assert.equal((await manager.users.listAuthorizedResources(id, 'default')).totalCount, 0);
  assert.equal(await manager.users.hasRole(id, 'admin'), false);
});

story('M2 what the server does not do, it says', async (s) => {
  const { roles, groups, org } = s.manager();
  for (const work of [() => roles.create('r'), () => groups.create('g', 'g'), () => org.create({ name: 'o' })]) {
    const error = await refused(404, work());
    assert.ok(error.message);
  }
});

// D. Anonymous users and custom tickets.
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import tcb from '@cloudbase/node-sdk';
import { scenario } from '../lib/scenario.mjs';
import * as server from '../lib/server.mjs';

const phone = '+86 13800000000';

const anonymous = async (auth) => {
  const { error } = await auth.signInAnonymously();
  if (error) throw error;
  return { sub: (await auth.getUserInfo()).sub, scope: await auth.loginScope() };
};

scenario('D1 D2 anonymous users come back on the same device', async (s) => {
  await s.open();
  const first = await s.ok(anonymous);
  assert.equal(first.scope, 'anonymous');
  const { data } = await s.ok((auth) => auth.getUser());
  assert.strictEqual(data.user.is_anonymous, true);
  await s.ok((auth) => auth.signOut());
  assert.equal((await s.ok(anonymous)).sub, first.sub);
});

for (const [name, upgrade] of [
  ['D4 an anonymous user signs up and keeps its id', async (auth) => (await auth.getAccessToken()).accessToken],
  ['D5 the same with the whole answer of getAccessToken, as documented', (auth) => auth.getAccessToken()],
]) {
  scenario(name, async (s) => {
    await s.open();
    const before = await s.ok(anonymous);
    const old = await s.credentials();
    const after = await s.ok(async (auth, [phone_number, source]) => {
      const anonymous_token = await (0, eval)(`(${source})`)(auth);
      await tt.signUp({ phone_number }, () => mail(phone_number), { anonymous_token });
      return { sub: (await auth.getUserInfo()).sub, scope: await auth.loginScope() };
    }, [phone, String(upgrade)]);
    assert.notEqual(after.scope, 'anonymous');
    assert.equal(after.sub, before.sub);
    const stale = await server.auth('GET', 'user/me', undefined, old.access_token);
    assert.equal(stale.body.error, 'unauthenticated');
  });
}

scenario('D6 anonymous sign-in switched off', async (s) => {
  await server.settings({ anonymous: false });
  await s.open();
  await s.refuses({ code: ['unimplemented', 'login_type_disabled'] }, (auth) => auth.signInAnonymously());
  assert.equal(await s.signedIn(), false);
});

const custom = async (auth, ticket) => {
  auth.setCustomSignFunc(() => Promise.resolve(ticket));
  const { error } = await auth.signInWithCustomTicket();
  if (error) throw error;
  return (await auth.getUserInfo()).uid;
};

const ticketFor = (credentials, uid) => tcb.init({ env: credentials.env_id, credentials }).auth().createTicket(uid);

scenario('D7 a ticket of the published node-sdk', async (s) => {
  const credentials = await server.ticketKey();
  await s.open();
  const first = await s.ok(custom, ticketFor(credentials, 'user_0001'));
  assert.ok(first);
  assert.equal(await s.ok(custom, ticketFor(credentials, 'user_0001')), first);
  assert.notEqual(await s.ok(custom, ticketFor(credentials, 'user_0002')), first);
  await s.rejects('permission_denied', (auth) => auth.queryUser({ username: 'nobody' }));
  assert.ok(await s.signedIn());
});

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

scenario('D8 tickets that prove nothing', async (s) => {
  const credentials = await server.ticketKey();
  const good = ticketFor(credentials, 'user_0001');
  const [id, jwt] = good.split('/@@/');
  const [header, payload, signature] = jwt.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url'));
  const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const hs = `${encode({ alg: 'HS256', typ: 'JWT' })}.${payload}`;
  const forged = {
    'another key': ticketFor({ ...credentials, private_key: foreign }, 'user_0001'),
    'an unknown key id': `unknown/@@/${jwt}`,
    'another environment': ticketFor({ ...credentials, env_id: 'elsewhere' }, 'user_0001'),
    HS256: `${id}/@@/${hs}.${createHmac('sha256', credentials.private_key).update(hs).digest('base64url')}`,
    'no algorithm': `${id}/@@/${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
    'a tampered uid': `${id}/@@/${header}.${encode({ ...claims, uid: 'user_0002' })}.${signature}`,
    'no separator': jwt,
    nothing: '',
  };
  await s.open();
  const refused = async (ticket, why) => {
    const { value, rejected } = await s.run(custom, ticket);
    assert.ok(rejected, `${why} signed in as ${value}`);
    assert.equal(await s.signedIn(), false, why);
  };
  for (const [why, ticket] of Object.entries(forged)) await refused(ticket, why);
  await server.advance('11m');
  await refused(good, 'an old ticket');
});

scenario('D10 anonymous users cannot look others up', async (s) => {
  await s.open();
  await s.ok(anonymous);
  await s.rejects('permission_denied', (auth) => auth.queryUser({ username: 'nobody' }));
  assert.ok(await s.signedIn());
  await s.ok((auth) => auth.getUserInfo());
});

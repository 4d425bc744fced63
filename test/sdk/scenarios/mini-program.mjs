// The SDK's build for mini-programs, signing in with WeChat.
import assert from 'node:assert/strict';
import { story } from '../lib/mini-program.mjs';
import * as server from '../lib/server.mjs';
import { oneTime } from '../lib/upstreams.mjs';

const ok = async (work) => {
  const result = await work;
  assert.ok(!result?.error, JSON.stringify(result?.error));
  return result;
};

story('signInWithOpenId', async (open) => {
  const phone = open('alice');
  await ok(phone.auth.signInWithOpenId({ useWxCloud: false }));
  const sub = await phone.me();
  assert.ok(sub && phone.auth.hasLoginState());
  const [{ body }] = phone.sent('/auth/v1/provider/token');
  assert.equal(body.provider_params.provider_code_type, 'open_id');
  const other = open('alice');
  await ok(other.auth.signInWithOpenId({ useWxCloud: false }));
  assert.equal(await other.me(), sub);
  const bob = open('bob');
  await ok(bob.auth.signInWithOpenId({ useWxCloud: false }));
  assert.notEqual(await bob.me(), sub);
});

story('signInWithOpenId through the cloud, as the documentation has it', async (open) => {
  const phone = open('alice');
  await ok(phone.auth.signInWithOpenId());
  const sub = await phone.me();
  assert.ok(sub && phone.auth.hasLoginState());
  const through = phone.requests.filter((r) => r.cloud).map((r) => new URL(r.url).pathname);
  assert.deepEqual(through, ['/auth/v1/provider/token', '/auth/v1/signin/with/provider']);
  const other = open('alice');
  await ok(other.auth.signInWithOpenId({ useWxCloud: false }));
  assert.equal(await other.me(), sub);
  const refused = await open('bob', { appId: 'nobody' }).auth.signInWithOpenId().catch((error) => ({ error }));
  assert.ok(refused.error);
});

story('signInWithOpenId through a cloud that the app has opened', async (open) => {
  const phone = open('alice', { ownCloud: true });
  await ok(phone.auth.signInWithOpenId());
  assert.ok(await phone.me());
  assert.equal(phone.requests.filter((r) => r.cloud).length, 2);
});

story('the function of the cloud serves sign-in only', async (open) => {
  const { cloud } = open('alice').wx();
  const url = `${server.url}/emulator/v1/project`;
  const { result } = await cloud.callFunction({ name: 'httpOverCallFunction', data: { url, method: 'GET' } });
  assert.equal(result.statusCode, 404);
});

story('signInWithUnionId', async (open) => {
  const phone = open('alice');
  await ok(phone.auth.signInWithOpenId({ useWxCloud: false }));
  const sub = await phone.me();
  const other = open('alice');
  await ok(other.auth.signInWithUnionId());
  assert.equal(await other.me(), sub);
});

story('signInWithPhoneAuth', async (open) => {
  const phone = open('alice');
  await ok(phone.auth.signInWithPhoneAuth({ phoneCode: oneTime('WP', 'alice') }));
  const me = await phone.auth.getUserInfo();
  assert.equal(me.phone_number, '+86 13800000001');
  const other = open('alice');
  await ok(other.auth.signInWithOpenId({ useWxCloud: false }));
  assert.equal(await other.me(), me.sub);
});

story("signInWithPhoneAuth refuses somebody else's phone code", async (open) => {
  const phone = open('alice');
  const answer = await phone.auth.signInWithPhoneAuth({ phoneCode: oneTime('WP', 'bob') }).catch((error) => ({ error }));
  assert.ok(answer.error);
  assert.equal(phone.auth.hasLoginState(), null);
  assert.equal(phone.sent('/auth/v1/provider/token').at(-1).answer.error, 'failed_precondition');
});

story('signInAnonymouslyInWx', async (open) => {
  const phone = open('alice');
  await phone.auth.signInAnonymouslyInWx({ useWxCloud: false });
  const sub = await phone.me();
  assert.equal(await phone.auth.loginScope(), 'anonymous');
  const other = open('alice');
  await other.auth.signInAnonymouslyInWx({ useWxCloud: false });
  assert.equal(await other.me(), sub);
});

story('bindOpenId, and a profile changed by a method the host cannot send', async (open) => {
  const phone = open('alice');
  await ok(phone.auth.signInWithPhoneAuth({ phoneCode: oneTime('WP', 'alice') }));
  const sub = await phone.me();
  await phone.auth.bindOpenId();
  const { data } = await phone.auth.getProviders();
  assert.ok(data.some((p) => p.bind));
  await phone.auth.currentUser.update({ name: 'Alice' });
  assert.equal((await phone.auth.getUserInfo()).name, 'Alice');
  assert.equal(phone.sent('/auth/v1/user/profile')[0].method, 'POST');
  assert.equal(await phone.me(), sub);
});

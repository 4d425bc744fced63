// G. Vendors that mobile clients sign in with, and what the SDK makes of the people. The
// SDK for JavaScript has no method for them, so the calls are what the mobile clients send.
import assert from 'node:assert/strict';
import { createPublicKey, publicEncrypt, constants } from 'node:crypto';
import { email, forceLogin, isUser, password, phone, refused, story } from '../lib/authing.mjs';
import { oneTime } from '../lib/upstreams.mjs';

const alicePhone = '13800000001'; // as the simulated vendors know her

// mobile posts what a mobile client would and returns the envelope.
const mobile = (s, token) => async (path, body) => {
  const answer = await fetch(`${s.wire.url}/api/v2/${path}`, {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'x-authing-app-id': s.project.appId, ...(token && { authorization: `Bearer ${token}` }) },
  });
  return answer.json();
};

// entered signs the SDK in as the person of an envelope.
async function entered(s, answer) {
  assert.equal(answer.code, 200, JSON.stringify(answer));
  const app = s.app();
  app.setCurrentUser(answer.data);
  isUser(await app.getCurrentUser(), { id: answer.data.id });
  return { app, user: answer.data };
}

const refuses = (answer, code) => {
  assert.equal(answer.code, code, JSON.stringify(answer));
  assert.ok(answer.message);
  return answer.data;
};

// sealed is a password as clients encrypt it.
function sealed(s, text) {
  const key = createPublicKey({ key: Buffer.from(s.project.publicKey, 'base64'), format: 'der', type: 'spki' });
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, Buffer.from(text)).toString('base64');
}

const identify = (s, who) => mobile(s)('ecConn/wechatMobile/authByCodeIdentity', {
  connId: 'wx_open', code: oneTime('WO', who), appId: s.project.appId, options: { scope: 'openid', context: '{"k":1}' },
});

for (const [path, connId, kind] of [
  ['wechatminiprogramapplaunch', 'wx0000000000000002', 'WX'], ['github', 'github', 'GH'], ['wechat-work', 'wecom', 'WC'],
  ['dingtalk', 'dingtalk', 'DT'], ['lark', 'feishu', 'FS'], ['alipay', 'alipay', 'AL'],
]) {
  story(`G authByCode of ${path}`, async (s) => {
    const send = mobile(s);
    const code = oneTime(kind, 'alice');
    const { user } = await entered(s, await send(`ecConn/${path}/authByCode`, { connId, code }));
    const again = await entered(s, await send(`ecConn/${path}/authByCode`, { connId, code: oneTime(kind, 'alice') }));
    assert.equal(again.user.id, user.id);
    const bob = await entered(s, await send(`ecConn/${path}/authByCode`, { connId, code: oneTime(kind, 'bob') }));
    assert.notEqual(bob.user.id, user.id);
    refuses(await send(`ecConn/${path}/authByCode`, { connId, code }), 2333);
    refuses(await send(`ecConn/${path}/authByCode`, { connId, code: 'made up' }), 2333);
    refuses(await send(`ecConn/${path}/authByCode`, { connId: 'nobody', code: oneTime(kind, 'alice') }), 404);
  });
}

story('G authByAccessToken takes no token that another app may have got', async (s) => {
  for (const [path, connId] of [['QQConnect', 'qq'], ['weibo', 'weibo']]) {
    refuses(await mobile(s)(`ecConn/${path}/authByAccessToken`, { connId, access_token: 'a token' }), 1001);
  }
});

story('G a mini-program brings a verified number', async (s) => {
  const { user } = await entered(s, await mobile(s)('ecConn/wechatminiprogramapplaunch/authByCode', {
    connId: 'wx0000000000000002', code: oneTime('WX', 'alice'), phoneInfoCode: oneTime('WP', 'alice'), iv: '', encryptedData: '',
  }));
  isUser(user, { phone: alicePhone, phoneVerified: true });
});

story('L9 loginByOneAuth', async (s) => {
  const send = mobile(s);
  const pair = (who) => ({ token: oneTime('OT', who), accessToken: oneTime('OT', who), netWork: 1 });
  const first = pair('alice');
  const { user } = await entered(s, await send('ecConn/oneAuth/login', first));
  isUser(user, { phone: alicePhone, phoneVerified: true });
  const again = await entered(s, await send('ecConn/oneAuth/login', pair('alice')));
  assert.equal(again.user.id, user.id);
  refuses(await send('ecConn/oneAuth/login', first), 2333);
  refuses(await send('ecConn/oneAuth/login', { token: oneTime('OT', 'alice'), accessToken: oneTime('OT', 'bob') }), 2333);
  refuses(await send('ecConn/oneAuth/login', { token: 'token', accessToken: 'accessToken' }), 2333);
});

story('G 1640 sign in to link', async (s) => {
  const ann = await s.app().registerByUsername('ann', password, {}, forceLogin);
  refuses(await mobile(s)('ecConn/wechatMobile/authByCode', { connId: 'wx_open', code: oneTime('WO', 'alice') }), 2004);
  const { key, methods } = refuses(await identify(s, 'alice'), 1640);
  assert.ok(methods.length && key);
  const byAccount = (secret) => mobile(s)('ecConn/wechatMobile/byAccount', {
    action: 'bind-identity-by-password', key, account: 'ann', password: sealed(s, secret),
  });
  refuses(await byAccount('a bad password'), 2333);
  const { app, user } = await entered(s, await byAccount(password));
  assert.equal(user.id, ann.id);
  assert.equal((await entered(s, await identify(s, 'alice'))).user.id, ann.id);
  refuses(await byAccount(password), 2207);
  await app.unLinkAccount({ primaryUserToken: user.token, provider: 'wx_open' });
  refuses(await identify(s, 'alice'), 1640);
});

story('G 1640 sign in to link, by codes', async (s) => {
  const { app: known, user: mia } = await s.byEmailCode(email);
  const app = s.app();
  let { key } = refuses(await identify(s, 'alice'), 1640);
  const byCode = await mobile(s)('ecConn/wechatMobile/byEmailCode', {
    action: 'bind-identity-by-email-code', key, email, code: await s.mail(app, email),
  });
  assert.equal((await entered(s, byCode)).user.id, mia.id);

  await known.bindPhone(phone, await s.sms(known, phone));
  ({ key } = refuses(await identify(s, 'bob'), 1640));
  const byPhone = await mobile(s)('ecConn/wechatMobile/byPhoneCode', {
    action: 'bind-identity-by-phone-code', key, phone, code: await s.sms(app, phone),
  });
  assert.equal((await entered(s, byPhone)).user.id, mia.id);
});

story('G 1641 link or register', async (s) => {
  const app = s.app();
  const ann = await app.registerByPhoneCode(alicePhone, await s.sms(app, alicePhone), password, {}, forceLogin);
  const ask = async () => refuses(await mobile(s)('ecConn/wechatminiprogramapplaunch/authByCodeIdentity', {
    connId: 'wx0000000000000002', code: oneTime('WX', 'alice'), phoneInfoCode: oneTime('WP', 'alice'), appId: s.project.appId,
  }), 1641);
  const { key } = await ask();
  const { user } = await entered(s, await mobile(s)('ecConn/wechatMobile/register', { action: 'create-federation-account', key }));
  assert.notEqual(user.id, ann.id);
  isUser(user, { phone: null });
});

story('G 2921 choose an account', async (s) => {
  const app = s.app();
  const ann = await app.registerByPhoneCode(phone, await s.sms(app, phone), password, {}, forceLogin);
  const { user: bob } = await s.byEmailCode(email);
  const ask = async () => refuses(await mobile(s)('ecConn/intranet/authByCodeIdentity', {
    connId: 'intranet', code: `zoe +86${phone} ${email} ${Math.random()}`, appId: s.project.appId,
  }), 2921);
  const { key, accounts } = await ask();
  assert.deepEqual(accounts.map((a) => a.id).sort(), [ann.id, bob.id].sort());
  assert.ok(!JSON.stringify(accounts).includes(phone) && !JSON.stringify(accounts).includes(email));
  refuses(await mobile(s)('ecConn/wechatMobile/select', { key, accountId: 'somebodyelse' }), 2026);
  const chosen = await mobile(s)('ecConn/wechatMobile/select', { action: 'bind-identity-by-selection', key, accountId: bob.id });
  assert.equal((await entered(s, chosen)).user.id, bob.id);
});

story('G linkAccount and unLinkAccount', async (s) => {
  const app = s.app();
  const { token, id } = await app.registerByUsername('ann', password, {}, forceLogin);
  const { key } = refuses(await mobile(s, token)('ecConn/wechatMobile/authByCodeIdentity', {
    connId: 'wx_open', code: oneTime('WO', 'alice'), appId: s.project.appId,
  }), 1640);
  assert.equal((await app.linkAccount({ primaryUserToken: token, secondaryUserToken: key })).code, 200);
  assert.equal((await entered(s, await identify(s, 'alice'))).user.id, id);
  await app.unLinkAccount({ primaryUserToken: token, provider: 'wechat' });
  refuses(await identify(s, 'alice'), 1640);
  const stranger = await s.app().registerByUsername('eve', password, {}, forceLogin);
  await refused(1001, app.linkAccount({ primaryUserToken: token, secondaryUserToken: stranger.token }));
});

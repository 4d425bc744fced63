// G. Identity providers, in a browser. The upstream simulator plays them.
import assert from 'node:assert/strict';
import { scenario } from '../lib/scenario.mjs';
import * as server from '../lib/server.mjs';
import { approve, miniProgram, oneTime, refuse, upstreams } from '../lib/upstreams.mjs';

const page = (s) => s.address;

// away runs what makes the page leave, chooses somebody at the provider, and returns what
// the page is told when it is back.
async function away(s, work, argument, choose) {
  s.traffic.mayFail = unread;
  await s.traffic.settled();
  const left = s.page.waitForURL((url) => url.origin === upstreams);
  await Promise.all([left, s.run(work, argument).catch(() => {})]);
  await choose(s.page);
  await s.page.waitForURL((url) => url.origin + url.pathname === page(s) && url.searchParams.has('state'));
  return new URL(s.page.url()).searchParams;
}

// unread is an answer that the page left at once, before anybody else could look at it.
const unread = ({ url, failure }) => failure && /\/(provider\/uri|provider\/token|signin\/with\/provider|user\/me)$/.test(new URL(url).pathname);

const go = async (auth, [provider_id, provider_redirect_uri, state]) => {
  const { uri } = await auth.genProviderRedirectUri({ provider_id, provider_redirect_uri, state });
  location.href = uri;
  await new Promise(() => {});
};

// exchange is what an app does on the page that people come back to.
const exchange = async (auth, [provider_id, provider_redirect_uri, provider_code]) => {
  const granted = await auth.grantProviderToken({ provider_id, provider_redirect_uri, provider_code });
  await auth.signInWithProvider({ provider_token: granted.provider_token });
  return { granted, sub: (await auth.getUserInfo()).sub };
};

// scanned is a provider token for somebody's WeChat.
const scanned = (s, who) => s.ok(async (auth, [provider_redirect_uri, provider_code]) => {
  const { provider_token } = await auth.grantProviderToken({ provider_id: 'wx_open', provider_redirect_uri, provider_code });
  return provider_token;
}, [page(s), oneTime('WO', who)]);

const linked = (s) => s.ok(async (auth) => {
  const { total, data } = await auth.getProviders();
  if (total !== data.length) throw new Error(`total is ${total}`);
  return Object.fromEntries(data.map(({ id, bind }) => [id, bind]));
});

scenario('G1 the address of a provider', async (s) => {
  await s.open();
  const { uri, signout_uri } = await s.ok((auth, at) => auth.genProviderRedirectUri({
    provider_id: 'wx_open', provider_redirect_uri: at, state: 'wx_open', other_params: { sign_out_uri: at },
  }), page(s));
  assert.ok(uri.startsWith(`${server.url}/auth/v1/provider/start/`) && !uri.includes('%'), uri);
  assert.equal(signout_uri, page(s));
  await s.traffic.settled();
  const opened = await s.page.goto(uri);
  assert.equal(opened.status(), 200);
  assert.equal(new URL(s.page.url()).pathname, '/wechat-open/connect/qrconnect');
});

for (const [provider, name] of [['wx_open', 'WeChat'], ['wx_mp', "WeChat's own browser"], ['corp', 'an OpenID provider']]) {
  scenario(`G2 there and back: ${name}`, async (s) => {
    await s.open();
    const back = await away(s, go, [provider, page(s), 'state 1&2'], approve('alice'));
    assert.equal(back.get('state'), 'state 1&2');
    await s.open();
    const { granted, sub } = await s.ok(exchange, [provider, page(s), back.get('code')]);
    assert.equal(granted.provider_profile.provider_id, provider);
    assert.ok(granted.provider_profile.sub);
    assert.ok(granted.expires_in > 0);
    assert.ok(sub && await s.signedIn());
    await s.ok((auth) => auth.signOut());
    const again = await away(s, go, [provider, page(s), 'again'], approve('alice'));
    await s.open();
    assert.equal((await s.ok(exchange, [provider, page(s), again.get('code')])).sub, sub);
    await s.ok((auth) => auth.signOut());
    const other = await away(s, go, [provider, page(s), 'other'], approve('bob'));
    await s.open();
    assert.notEqual((await s.ok(exchange, [provider, page(s), other.get('code')])).sub, sub);
  });
}

scenario('G3 somebody refuses', async (s) => {
  await s.open();
  const back = await away(s, go, ['corp', page(s), 'no'], refuse);
  assert.equal(back.get('error'), 'access_denied');
  assert.equal(back.get('state'), 'no');
  assert.equal(back.has('code'), false);
});

scenario('G4 signInWithOAuth and verifyOAuth', async (s) => {
  await s.open();
  await away(s, (auth) => auth.signInWithOAuth({ provider: 'corp' }), undefined, approve('alice'));
  await s.open();
  const { data, error } = await s.ok((auth) => auth.verifyOAuth());
  assert.ok(!error, JSON.stringify(error));
  assert.ok(data.user?.id && data.session?.access_token);
  assert.ok(await s.signedIn());
});

scenario('G4 the page finds the session in its address', async (s) => {
  await s.open();
  await away(s, (auth) => auth.signInWithOAuth({ provider: 'corp' }), undefined, approve('alice'));
  await s.open({ auth: { detectSessionInUrl: true } });
  // The SDK loads the page again, without the code.
  await s.page.waitForFunction(() => window.tt && !tt.auth && !location.search.includes('code='));
  await s.open();
  assert.ok((await s.ok((auth) => auth.getUserInfo())).sub);
}, { only: 3 });

scenario('G5 linkIdentity', async (s) => {
  await s.open();
  const { uid } = await s.member();
  await away(s, (auth) => auth.linkIdentity({ provider: 'corp' }), undefined, approve('alice'));
  await s.open();
  const { data, error } = await s.ok((auth) => auth.verifyOAuth());
  assert.ok(!error, JSON.stringify({ data, error }));
  const { data: { identities } } = await s.ok((auth) => auth.getUserIdentities());
  assert.deepEqual(identities.map((i) => i.id), ['corp']);
  await s.ok((auth) => auth.signOut());
  await away(s, (auth) => auth.signInWithOAuth({ provider: 'corp' }), undefined, approve('alice'));
  await s.open();
  await s.ok((auth) => auth.verifyOAuth());
  assert.equal((await s.ok((auth) => auth.getUserInfo())).sub, uid);
});

scenario('G6 provider tokens work once, for ten minutes', async (s) => {
  await s.open();
  const token = await scanned(s, 'alice');
  const signIn = (auth, provider_token) => auth.signInWithProvider({ provider_token });
  await s.ok(signIn, token);
  await s.rejects('permission_denied', signIn, token);
  const late = await scanned(s, 'alice');
  await server.advance('11m');
  await s.rejects('permission_denied', signIn, late);
});

scenario('G6 a code of the provider works once', async (s) => {
  await s.open();
  const args = ['wx_open', page(s), oneTime('WO', 'alice')];
  await s.ok(exchange, args);
  await server.advance('2m');
  await s.rejects('failed_precondition', exchange, args);
  await s.rejects('failed_precondition', exchange, ['wx_open', page(s), 'not a code']);
});

scenario('G7 link, list and unlink', async (s) => {
  await s.open();
  const { uid } = await s.member();
  assert.equal((await linked(s)).wx_open, false);
  await s.ok((auth, provider_token) => auth.bindWithProvider({ provider_token }), await scanned(s, 'alice'));
  assert.equal((await linked(s)).wx_open, true);
  await s.ok((auth) => auth.signOut());
  assert.equal((await s.ok(exchange, ['wx_open', page(s), oneTime('WO', 'alice')])).sub, uid);
  await s.ok((auth) => auth.unbindProvider({ provider_id: 'wx_open' }));
  assert.equal((await linked(s)).wx_open, false);

  await s.ok((auth) => auth.signOut());
  await s.ok(exchange, ['wx_open', page(s), oneTime('WO', 'bob')]);
  await s.rejects('failed_precondition', (auth) => auth.unbindProvider({ provider_id: 'wx_open' }));
  assert.equal((await linked(s)).wx_open, true);
});

scenario('G7 a number and a provider at once', async (s) => {
  await s.open();
  const { uid } = await s.member();
  await s.ok((auth) => auth.signOut());
  const provider_token = await scanned(s, 'alice');
  await s.ok(async (auth, providerToken) => {
    const phone = '+86 13800000000';
    const verificationInfo = await auth.getVerification({ phone_number: phone });
    await auth.signInWithSms({
      verificationInfo, verificationCode: await mail(phone), phoneNum: phone, bindInfo: { providerToken, providerId: 'wx_open' },
    });
  }, provider_token);
  assert.equal((await linked(s)).wx_open, true);
  await s.ok((auth) => auth.signOut());
  assert.equal((await s.ok(exchange, ['wx_open', page(s), oneTime('WO', 'alice')])).sub, uid);
});

scenario('G7 a link needs a sign-in of the last minutes, or sudo', async (s) => {
  await s.open();
  await s.member({ password: 'a good password' });
  await server.advance('6m');
  const bind = (auth, [provider_token, sudo_token]) => auth.bindWithProvider({ provider_token, sudo_token });
  await s.rejects('permission_denied', bind, [await scanned(s, 'alice')]);
  assert.equal((await linked(s)).wx_open, false);
  const { sudo_token } = await s.ok((auth) => auth.sudo({ password: 'a good password' }));
  await s.ok(bind, [await scanned(s, 'alice'), sudo_token]);
  assert.equal((await linked(s)).wx_open, true);
});

scenario('G7 an identity of somebody else is not taken over', async (s) => {
  await s.open();
  await s.ok(exchange, ['wx_open', page(s), oneTime('WO', 'alice')]);
  await s.ok((auth) => auth.signOut());
  await s.member();
  const token = await scanned(s, 'alice');
  await s.rejects('failed_precondition', (auth, provider_token) => auth.bindWithProvider({ provider_token }), token);
  assert.equal((await linked(s)).wx_open, false);
});

scenario('G8 patchProviderToken adds a number', async (s) => {
  await s.open();
  const info = await s.ok(async (auth, [provider_id, provider_code, code]) => {
    const granted = await auth.grantProviderToken({
      provider_id, provider_code, provider_params: { provider_code_type: 'open_id', appid: provider_id },
    });
    const { provider_token, provider_profile } = await auth.patchProviderToken({
      provider_token: granted.provider_token, provider_id, provider_params: { code, provider_code_type: 'phone' },
    });
    await auth.signInWithProvider({ provider_token });
    return { profile: provider_profile, info: await auth.getUserInfo() };
  }, [miniProgram, oneTime('WX', 'alice'), oneTime('WP', 'alice')]);
  assert.equal(info.profile.phone_number, '+86 13800000001');
  assert.deepEqual([info.profile.meta.appid, info.profile.meta.openid], [miniProgram, info.profile.sub]);
  assert.equal(info.info.phone_number, '+86 13800000001');
});

scenario('G9 unlinkIdentity', async (s) => {
  await s.open();
  await s.member();
  await s.ok((auth, provider_token) => auth.bindWithProvider({ provider_token }), await scanned(s, 'alice'));
  const { data } = await s.ok((auth) => auth.getUserIdentities());
  assert.deepEqual(data.identities.map((i) => i.id), ['wx_open']);
  const answer = await s.ok((auth) => auth.unlinkIdentity({ provider: 'wx_open' }));
  assert.ok(!answer.error, JSON.stringify(answer));
  assert.equal((await linked(s)).wx_open, false);
});

// O. OpenID Connect, without the browser's part.
import assert from 'node:assert/strict';
import { email, forceLogin, password, phone, story } from '../lib/authing.mjs';
import { claims } from '../lib/wire.mjs';

const open = {
  protocol: 'oidc', redirectUri: 'http://127.0.0.1:9/cb', secret: 'unused',
  tokenEndPointAuthMethod: 'none', introspectionEndPointAuthMethod: 'none', revocationEndPointAuthMethod: 'none',
};

// granted turns a fresh registration into OIDC tokens.
async function granted(s) {
  const app = s.app(open);
  const user = await app.registerByPhoneCode(phone, await s.sms(app, phone), password, { nickname: 'Ann' }, forceLogin);
  await app.bindEmail(email, await s.mail(app, email));
  const tokens = await app.getAccessTokenByIdToken({
    redirectUri: open.redirectUri, idToken: user.token, scope: 'openid profile email phone username address offline_access roles extended_fields',
  });
  return { app, user, tokens };
}

// invalid is for what OIDC refuses; the SDK keeps the whole answer.
async function invalid(error, work) {
  await assert.rejects(work, (e) => {
    assert.deepEqual([e.response?.status, e.response?.data?.error], [400, error], e.message);
    return true;
  });
}

story('O1 O3 a login token becomes OIDC tokens', async (s) => {
  const { app, user, tokens } = await granted(s);
  assert.equal(tokens.token_type, 'Bearer');
  assert.ok(tokens.expires_in > 0 && tokens.refresh_token);
  assert.ok(claims(tokens.access_token).jti);
  const id = claims(tokens.id_token);
  assert.deepEqual([id.sub, id.aud, id.iss], [user.id, s.project.appId, s.project.issuer]);
  for (const options of [undefined, { method: 'POST', tokenPlace: 'header' }, { method: 'POST', tokenPlace: 'body' }, { method: 'GET', tokenPlace: 'header' }]) {
    const me = await app.getUserInfoByAccessToken(tokens.access_token, options);
    assert.equal(me.sub, user.id);
    assert.deepEqual([me.email, me.email_verified, me.phone_number_verified, me.nickname], [email, true, true, 'Ann']);
  }
});

story('O2 a token that is none buys nothing', async (s) => {
  const app = s.app(open);
  for (const idToken of ['garbage', 'a.b.c', '']) {
    await invalid('invalid_grant', app.getAccessTokenByIdToken({ redirectUri: open.redirectUri, idToken, scope: 'openid' })).catch((e) => {
      if (idToken) throw e; // an empty one is a missing parameter
    });
  }
});

story('O1 OIDC tokens speak for the person everywhere', async (s) => {
  const { user, tokens } = await granted(s);
  for (const token of [tokens.access_token, tokens.id_token]) {
    const app = s.app();
    app.setToken(token);
    assert.equal((await app.getCurrentUser())?.id, user.id);
    assert.equal((await app.getCurrentUser())?.id, user.id, 'with the token the answer gave');
  }
});

story('O4 a refresh token is replaced, and the old one ends', async (s) => {
  const { app, user, tokens } = await granted(s);
  const next = await app.getNewAccessTokenByRefreshToken(tokens.refresh_token);
  assert.equal(claims(next.access_token).sub, user.id);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  await invalid('invalid_grant', app.getNewAccessTokenByRefreshToken(tokens.refresh_token));
});

story('O6 introspection and revocation', async (s) => {
  const { app, user, tokens } = await granted(s);
  const found = await app.introspectToken(tokens.access_token);
  assert.deepEqual([found.active, found.sub, found.client_id], [true, user.id, s.project.appId]);
  assert.equal((await app.validateToken({ accessToken: tokens.access_token })).sub, user.id);
  assert.equal((await app.validateToken({ idToken: tokens.id_token })).sub, user.id);
  assert.equal(await app.revokeToken(tokens.access_token), true);
  assert.equal((await app.introspectToken(tokens.access_token)).active, false);
  await invalid('invalid_grant', app.getNewAccessTokenByRefreshToken(tokens.refresh_token));
  assert.equal((await app.validateToken({ accessToken: tokens.access_token })).code, 400);
});

story('O5 the addresses an app sends people to', async (s) => {
  const app = s.app(open);
  const codeChallenge = app.getCodeChallengeDigest({ codeChallenge: app.generateCodeChallenge(), method: 'S256' });
  const at = new URL(app.buildAuthorizeUrl({ scope: 'openid offline_access', state: 'st', nonce: 'no', codeChallenge, codeChallengeMethod: 'S256' }));
  assert.equal(at.pathname, '/oidc/auth');
  assert.deepEqual(Object.fromEntries(at.searchParams), {
    nonce: 'no', state: 'st', scope: 'openid offline_access', client_id: s.project.appId, redirect_uri: open.redirectUri, response_type: 'code', prompt: 'consent',
    code_challenge: codeChallenge, code_challenge_method: 'S256',
  });
  const page = await fetch(at, { redirect: 'manual' });
  assert.deepEqual([page.status, new URL(page.headers.get('location'), at).pathname.startsWith('/oidc/signin/')], [303, true]);
});

story('S3 the browser signs out at the server', async (s) => {
  const { app, tokens } = await granted(s);
  const out = await fetch(app.buildLogoutUrl({ expert: true, idToken: tokens.id_token, redirectUri: open.redirectUri }), { redirect: 'manual' });
  assert.deepEqual([out.status, out.headers.get('location')], [303, open.redirectUri]);
  assert.equal((await app.introspectToken(tokens.access_token)).active, false);
});

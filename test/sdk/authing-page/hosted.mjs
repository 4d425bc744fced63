// O5. The authorization code flow through the hosted sign-in page, as a person does it.
import assert from 'node:assert/strict';
import { story } from '../lib/authing-page.mjs';
import * as server from '../lib/server.mjs';

const password = 'a good password';

const options = (s, more) => ({
  protocol: 'oidc', redirectUri: s.address, secret: 'unused',
  tokenEndPointAuthMethod: 'none', introspectionEndPointAuthMethod: 'none', revocationEndPointAuthMethod: 'none', ...more,
});

// authorize sends the person to the sign-in page and comes back with a code.
async function authorize(s, signIn) {
  await s.init(options(s));
  const { verifier, state } = await s.page.evaluate(() => {
    const codeChallenge = window.app.generateCodeChallenge();
    const sent = { verifier: codeChallenge, state: 'state-of-this-page' };
    const to = window.app.buildAuthorizeUrl({
      scope: 'openid profile email offline_access', state: sent.state, codeChallengeMethod: 'S256',
      codeChallenge: window.app.getCodeChallengeDigest({ codeChallenge, method: 'S256' }),
    });
    setTimeout(() => { location.href = to; });
    return sent;
  });
  await s.page.waitForURL(/\/oidc\/signin\//);
  await signIn(s.page);
  await s.page.waitForURL((url) => url.href.startsWith(`${s.address}?`));
  const back = new URL(s.page.url()).searchParams;
  assert.equal(back.get('state'), state);
  await s.init(options(s));
  return { code: back.get('code'), verifier };
}

async function byPassword(page) {
  await page.fill('[name=account]', 'ann@example.com');
  await page.fill('[name=password]', password);
  await page.click('button[value=password]');
}

const exchange = (app, [code, codeVerifier]) => app.getAccessTokenByCode(code, { codeVerifier });

// denied is for what the token endpoint answers 400 to.
async function denied(s, code, verifier) {
  const { rejected } = await s.run(exchange, [code, verifier]);
  assert.match(rejected?.message ?? 'resolved', /status code 400/);
}

story('O5 by password, with a wrong one first', async (s) => {
  const id = await server.createUser({ email: 'ann@example.com', password });
  const { code, verifier } = await authorize(s, async (page) => {
    await page.fill('[name=account]', 'ann@example.com');
    await page.fill('[name=password]', 'a bad password');
    await page.click('button[value=password]');
    await page.locator('#problem').waitFor();
    await byPassword(page);
  });
  const tokens = await s.ok(exchange, [code, verifier]);
  assert.ok(tokens.id_token && tokens.refresh_token);
  const found = await s.ok((app, t) => app.getUserInfoByAccessToken(t), tokens.access_token);
  assert.deepEqual([found.sub, found.email], [id, 'ann@example.com']);
  assert.equal((await s.ok(async (app, t) => { app.setToken(t); return app.getCurrentUser(); }, tokens.id_token)).id, id);
  const next = await s.ok((app, t) => app.getNewAccessTokenByRefreshToken(t), tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
});

story('O5 by phone code', async (s) => {
  const id = await server.createUser({ phone: '+86 18800000001' });
  const { code, verifier } = await authorize(s, async (page) => {
    await page.click('nav.tabs a[href*="tab=phone"]');
    await page.fill('[name=account]', '18800000001');
    await page.click('button[value=send]');
    await page.locator('[name=code]').waitFor();
    await page.fill('[name=code]', await server.code('+8618800000001'));
    await page.click('button[value=code].primary');
  });
  const { access_token: token } = await s.ok(exchange, [code, verifier]);
  assert.equal((await s.ok((app, t) => app.getUserInfoByAccessToken(t), token)).sub, id);
});

story('O5 a code is for one verifier, one use and one address', async (s) => {
  await server.createUser({ email: 'ann@example.com', password });
  const first = await authorize(s, byPassword);
  await denied(s, first.code, `${first.verifier.slice(0, -3)}xyz`);
  const second = await authorize(s, byPassword);
  const { access_token: token } = await s.ok(exchange, [second.code, second.verifier]);
  await denied(s, second.code, second.verifier);
  assert.equal((await s.ok((app, t) => app.introspectToken(t), token)).active, false, 'a code shown twice ends what it bought');
  const third = await authorize(s, byPassword);
  await s.init(options(s, { redirectUri: `${s.address}/elsewhere` }));
  await denied(s, third.code, third.verifier);
});

// oidc-provider, a certified OpenID provider, with its own pages for signing in.
// CLIENT_KEY is the public JWK of the client that proves itself with private_key_jwt.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';
import { talk } from './run.mjs';

const jwk = (type, options, alg) => ({ ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }), kid: alg, alg, use: 'sig' });

const client = (client_id, more) => ({
  client_id, client_secret: 'a secret/with:signs%&', redirect_uris: [process.env.REDIRECT_URI], ...more,
});

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      client('basic', { token_endpoint_auth_method: 'client_secret_basic' }),
      client('post', { token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: 'ES256' }),
      client('signed', {
        token_endpoint_auth_method: 'private_key_jwt', client_secret: undefined,
        jwks: { keys: [JSON.parse(process.env.CLIENT_KEY)] },
      }),
    ],
    jwks: { keys: [jwk('rsa', { modulusLength: 2048 }, 'RS256'), jwk('ec', { namedCurve: 'P-256' }, 'ES256')] },
    cookies: { keys: ['only for this test'] },
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    pkce: { required: () => true },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: 'Alice', email: 'alice@example.com', email_verified: true }),
    }),
  });
  server.on('request', provider.callback());
  talk(issuer, () => {});
});

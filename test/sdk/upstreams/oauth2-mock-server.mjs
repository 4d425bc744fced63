// oauth2-mock-server, an OpenID provider that lets its answers be tampered with.
import { OAuth2Server } from 'oauth2-mock-server';
import { talk } from './run.mjs';

let wrong = '';

const minutes = (n) => Math.floor(Date.now() / 1000) + 60 * n;

// What can be wrong with an ID token before it is signed.
const tampering = {
  IAT_FUTURE: ({ payload }) => { payload.iat = minutes(60); },
  EXPIRED: ({ payload }) => { payload.exp = minutes(-10); },
  NBF_FUTURE: ({ payload }) => { payload.nbf = minutes(60); },
  BAD_ISS: ({ payload }) => { payload.iss = 'https://elsewhere.example.com'; },
  BAD_AUD: ({ payload }) => { payload.aud = 'another-client'; },
  MULTI_AUD_NO_AZP: ({ payload }) => { payload.aud = [payload.aud, 'another-client']; },
  BAD_NONCE: ({ payload }) => { payload.nonce = 'another-nonce'; },
  NO_NONCE: ({ payload }) => { delete payload.nonce; },
  BAD_AT_HASH: ({ payload }) => { payload.at_hash = 'AAAAAAAAAAAAAAAAAAAAAA'; },
  UNKNOWN_KID: ({ header }) => { header.kid = 'unknown'; },
};

const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');

const server = new OAuth2Server();
await server.issuer.keys.generate('RS256');
server.service.on('beforeTokenSigning', (token) => {
  // The access token is signed by the same event and has no audience.
  if (token.payload.aud) tampering[wrong]?.(token);
});
server.service.on('beforeResponse', ({ body }) => {
  if (wrong !== 'ALG_NONE') return;
  const [, payload] = body.id_token.split('.');
  body.id_token = `${encode({ alg: 'none' })}.${payload}.`;
});
server.service.on('beforeUserinfo', ({ body }) => {
  if (wrong === 'USERINFO_SUB_MISMATCH') body.sub = 'somebody-else';
});
await server.start(0, '127.0.0.1');
talk(server.issuer.url, (line) => { wrong = line; });

// A proxy between a client library and the server that keeps what passes and holds it
// against the rules every Authing client depends on.
import assert from 'node:assert/strict';
import { createServer, request as send } from 'node:http';

export async function tap(target) {
  const wire = new Wire();
  const server = createServer(async (incoming, outgoing) => {
    const body = await read(incoming);
    const upstream = send(new URL(incoming.url, target), { method: incoming.method, headers: incoming.headers }, async (answer) => {
      const text = await read(answer);
      wire.keep(incoming, body, answer, text);
      outgoing.writeHead(answer.statusCode, answer.headers);
      outgoing.end(text);
    });
    upstream.on('error', () => incoming.socket.destroy());
    upstream.end(body);
  });
  await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
  wire.url = `http://127.0.0.1:${server.address().port}`;
  wire.close = () => new Promise((closed) => { server.close(closed); server.closeAllConnections(); });
  return wire;
}

async function read(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

// Answers that the clients read without an envelope.
const bare = ['/api/v2/udvs/get', '/api/v2/users/resource/authorized', '/api/v2/oidc/validate_token', '/cas/session', '/api/v3/signin'];

// What a browser shows instead of a client library reading it.
const pages = ['/api/v2/security/captcha', '/oidc/auth', '/oidc/session/end'];

class Wire {
  exchanges = []; // {method, path, token, sent, status, type, body}

  keep(request, sent, answer, text) {
    const { pathname: path } = new URL(request.url, 'http://x');
    const type = answer.headers['content-type'] ?? '';
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    this.exchanges.push({
      method: request.method, path, token, sent: json(sent), status: answer.statusCode, type, body: json(text), text: String(text),
    });
  }

  // queries lists the exchanges of one GraphQL root field.
  queries(field) {
    return this.exchanges.filter((e) => e.path === '/graphql/v2' && rootField(e.sent.query) === field);
  }

  // check holds after every story.
  check() {
    for (const e of this.exchanges) {
      const what = `${e.method} ${e.path} ${e.status} ${e.text.slice(0, 500)}`;
      if (pages.includes(e.path)) continue;
      assert.match(e.type, /application\/json/, what);
      if (e.path.startsWith('/oidc/')) {
        assert.ok(e.status === 200 || e.body?.error, what);
        continue;
      }
      assert.equal(e.status, 200, what);
      assert.ok(e.body && typeof e.body === 'object', what);
      const answers = e.path === '/graphql/v2' ? graphql(e, what) : rest(e, what);
      for (const user of users(answers)) checkUser(user, e.token, what);
    }
  }
}

const rootField = (query) => /\{\s*(\w+)/.exec(query)[1];

function graphql({ sent, body }, what) {
  if (!body.errors) {
    assert.deepEqual(Object.keys(body.data), [rootField(sent.query)], what);
    return body.data;
  }
  for (const { message } of body.errors) refusal(message, what);
  return undefined;
}

function rest({ path, body }, what) {
  if (bare.includes(path) && !('code' in body)) return body;
  assert.ok(Number.isInteger(body.code), `code: ${what}`);
  if (body.code !== 200) refusal(body, what);
  return body.data;
}

function refusal(message, what) {
  assert.ok(Number.isInteger(message.code) && message.code !== 200, `code: ${what}`);
  assert.ok(typeof message.message === 'string' && message.message, `message: ${what}`);
}

// users finds the user objects of an answer.
function* users(value) {
  if (!value || typeof value !== 'object') return;
  if ('userPoolId' in value && 'loginsCount' in value) yield value;
  for (const inner of Object.values(value)) yield* users(inner);
}

const types = {
  id: 'string', userPoolId: 'string', status: 'string', loginsCount: 'number', gender: 'string', createdAt: 'string', updatedAt: 'string',
  emailVerified: 'boolean', phoneVerified: 'boolean', blocked: 'boolean', isDeleted: 'boolean',
};

function checkUser(user, token, what) {
  for (const [name, type] of Object.entries(types)) assert.equal(typeof user[name], type, `${name}: ${what}`);
  for (const name of ['username', 'email', 'phone', 'nickname', 'photo']) {
    assert.ok(user[name] === null || (typeof user[name] === 'string' && user[name]), `${name}: ${what}`);
  }
  assert.ok(Array.isArray(user.identities), `identities: ${what}`);
  for (const name of ['password', 'salt']) assert.ok(!user[name], `${name}: ${what}`);
  if (token && claims(token)?.data?.id === user.id) {
    assert.equal(String(user.token).split('.').length, 3, `an answer about the caller without a token: ${what}`);
  }
}

export function claims(token) {
  return json(Buffer.from(token.split('.')[1] ?? '', 'base64url'));
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

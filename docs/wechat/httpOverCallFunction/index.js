// A function of WeChat's cloud through which a mini-program reaches this server: what
// @cloudbase/js-sdk calls in signInWithOpenId() and, with init({ useWxCloud: true }),
// everywhere. Set TIGERTALLY_URL to the public address of the server. It passes on what is
// for the server's sign-in, and nothing else.
const http = require('http');
const https = require('https');

const passed = ['authorization', 'accept-language', 'user-agent', 'x-device-id', 'x-request-id', 'x-sdk-version', 'x-http-method-override'];

exports.main = async ({ url, method = 'GET', headers = {}, body }) => {
  const { pathname, search } = new URL(url);
  if (!pathname.startsWith('/auth/')) {
    return answer(404, { error: 'not_found', error_code: 5, error_description: 'only sign-in is served here' });
  }
  const sent = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(headers)) {
    if (value && passed.includes(name.toLowerCase())) sent[name.toLowerCase()] = value;
  }
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const { status, reply } = await send(new URL(pathname + search, process.env.TIGERTALLY_URL), method, sent, text);
  return answer(status, JSON.parse(reply));
};

const answer = (statusCode, body) => ({ statusCode, body });

function send(to, method, headers, text) {
  return new Promise((resolve, reject) => {
    const request = (to.protocol === 'https:' ? https : http).request(to, { method, headers, timeout: 10000 }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, reply: Buffer.concat(parts).toString() }));
      response.on('error', reject);
    });
    request.on('timeout', () => request.destroy(new Error('the server is silent')));
    request.on('error', reject);
    request.end(text);
  });
}

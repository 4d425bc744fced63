// Watches everything a browser context sends and receives, without touching it:
// intercepting requests would answer preflights and hide what browsers do with them.
import assert from 'node:assert/strict';

export class Traffic {
  #own;
  #pending = [];
  requests = []; // {method, url, headers, body, preflight}
  answers = []; // {url, status, headers, body}
  mayFail = () => false; // requests a scenario breaks on purpose

  constructor(own) { this.#own = new Set(own); }

  allow(origin) { this.#own.add(origin); }

  async watch(page) {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Network.enable');
    // Headers the network adds, those of a preflight among them, are told apart.
    const entries = new Map();
    const entry = (id) => entries.get(id) ?? entries.set(id, { headers: {} }).get(id);
    cdp.on('Network.requestWillBeSent', ({ requestId, request }) => {
      const { method, url, postData: body } = request;
      const it = Object.assign(entry(requestId), { method, url, body, preflight: method === 'OPTIONS' });
      Object.assign(it.headers, lower(request.headers));
      this.requests.push(it);
    });
    cdp.on('Network.requestWillBeSentExtraInfo', ({ requestId, headers }) => {
      Object.assign(entry(requestId).headers, lower(headers));
    });
    cdp.on('Network.webSocketCreated', ({ url }) => this.requests.push({ method: 'WS', url, headers: {} }));
    page.on('response', (response) => this.#pending.push(this.#answer(response)));
  }

  async #answer(response) {
    const url = response.url();
    const { pathname } = new URL(url);
    if (!pathname.startsWith('/auth/') || journey.test(pathname)) return;
    const entry = { url, status: response.status(), headers: await response.allHeaders() };
    this.answers.push(entry);
    try {
      entry.text = await response.text();
      entry.body = JSON.parse(entry.text);
    } catch (e) {
      entry.failure = e.message;
    }
  }

  // sent lists the real requests to a path, in order.
  sent(method, path) {
    return this.requests.filter((r) => !r.preflight && r.method === method && new URL(r.url).pathname === path);
  }

  preflights(path) {
    return this.requests.filter((r) => r.preflight && new URL(r.url).pathname === path);
  }

  // answered lists the answers of a path once they are read.
  async answered(path) {
    await this.settled();
    return this.answers.filter((a) => new URL(a.url).pathname === path);
  }

  // settled waits until every answer so far is read; a page that leaves takes them along.
  settled() { return Promise.all(this.#pending); }

  // check holds after every scenario.
  async check() {
    await this.settled();
    for (const { url } of this.requests) {
      assert.ok(/^(data|blob|about):/.test(url) || this.#own.has(new URL(url).origin), `a request left for ${url}`);
    }
    for (const answer of this.answers.filter((a) => !this.mayFail(a))) {
      const what = `${answer.status} ${answer.url}`;
      assert.ok(answer.headers['access-control-allow-origin'], `no CORS header: ${what}`);
      assert.match(answer.headers['content-type'] ?? '', /application\/json/, what);
      assert.ok(answer.body && typeof answer.body === 'object' && !Array.isArray(answer.body), `no JSON object: ${what} ${answer.text}`);
      if (answer.body.error) {
        assert.equal(typeof answer.body.error, 'string', what);
        assert.ok(Number.isInteger(answer.body.error_code) && answer.body.error_code !== 0, `error_code: ${what} ${answer.text}`);
        assert.equal(typeof answer.body.error_description, 'string', what);
        assert.ok(answer.status >= 400, what);
      } else {
        assert.equal(answer.status, 200, `${what} ${answer.text}`);
        assert.ok(!answer.body.code, what);
      }
    }
  }
}

// What browsers pass on their way to a provider and back; no script reads the answers.
const journey = /^\/auth\/v1\/provider\/(start|callback)\//;

const lower = (headers) => Object.fromEntries(Object.entries(headers).map(([k, v]) => [k.toLowerCase(), v]));

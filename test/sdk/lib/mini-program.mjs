// A story of a mini-program: the SDK's own build for it, in a world that has wx and
// neither window nor document.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import vm from 'node:vm';
import { sdks } from './sdks.mjs';
import * as server from './server.mjs';
import { miniProgram, oneTime } from './upstreams.mjs';

// story adds a test for each SDK. run gets a maker of phones.
export function story(name, run, { only } = {}) {
  if (process.env.SCENARIO && !new RegExp(process.env.SCENARIO).test(name)) return;
  for (const sdk of sdks.filter((s) => !only || s.major === only)) {
    test(`${sdk.label} in a mini-program: ${name}`, { timeout: 60_000 }, async () => {
      await server.fresh();
      const { env } = await server.project();
      const phones = [];
      await run((who, options) => {
        const phone = new Phone(sdk, env, who, options);
        phones.push(phone);
        return phone;
      });
      for (const phone of phones) phone.check();
    });
  }
}

// Phone is somebody's, with the app open in it.
class Phone {
  requests = []; // {method, url, headers, body, status, answer}
  storage = new Map();

  constructor({ name, major }, env, who, { appId = miniProgram, ownCloud = false } = {}) {
    this.who = who;
    this.appId = appId;
    const options = {};
    const wx = this.wx();
    if (ownCloud) [options.wxCloud, wx.cloud] = [wx.cloud];
    const cloudbase = load(name, wx);
    const made = cloudbase.init({ env });
    if (major === 2) {
      made.registerEndPoint(`${server.url}/web`);
      this.auth = made.auth(options);
    } else {
      const { host, protocol } = new URL(server.url);
      made.registerHost(host, protocol.slice(0, -1));
      this.auth = ownCloud ? made.auth(options) : made.auth();
    }
  }

  // wx is as much of a mini-program's host as the SDK touches.
  wx() {
    const kept = this.storage;
    return {
      getSystemInfoSync: () => ({ AppPlatform: 'wechat' }),
      getDeviceInfo: () => ({ platform: 'ios' }),
      getAccountInfoSync: () => ({ miniProgram: { appId: this.appId, envVersion: 'develop' } }),
      getStorageSync: (key) => kept.get(key) ?? '',
      setStorageSync: (key, value) => { kept.set(key, value); },
      removeStorageSync: (key) => { kept.delete(key); },
      clearStorageSync: () => kept.clear(),
      connectSocket: () => { throw new Error('no sockets'); },
      onAppShow() {}, onAppHide() {},
      getRendererUserAgent: async () => 'a phone',
      cloud: { init() {}, callFunction: (call) => this.#cloud(call) },
      login: (options) => settle(Promise.resolve({ errMsg: 'login:ok', code: oneTime('WX', this.who) }), options),
      request: (options) => {
        settle(this.#send(options), options);
        return { abort() {}, onChunkReceived() {} };
      },
    };
  }

  // #cloud runs the function that operators deploy, as WeChat's cloud would.
  async #cloud({ name, data }) {
    process.env.TIGERTALLY_URL = server.url;
    const { main } = createRequire(import.meta.url)(`../../../docs/wechat/${name}/index.js`);
    const call = JSON.parse(JSON.stringify(data)); // it is another machine
    const { statusCode, body } = await main(call);
    const sent = typeof call.body === 'string' ? JSON.parse(call.body) : call.body;
    this.requests.push({ method: call.method, url: call.url, headers: call.headers, body: sent, status: statusCode, answer: body, cloud: true });
    return { result: { statusCode, body } };
  }

  async #send({ url, method = 'GET', data, header = {} }) {
    assert.ok(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'].includes(method), `wx.request cannot ${method}`);
    const body = method === 'GET' || data === undefined ? undefined : typeof data === 'string' ? data : JSON.stringify(data);
    const response = await fetch(url, { method, body, headers: { 'content-type': 'application/json', ...header } });
    const text = await response.text();
    const answer = JSON.parse(text);
    this.requests.push({ method, url, headers: header, body: body && JSON.parse(body), status: response.status, answer });
    return { errMsg: 'request:ok', statusCode: response.status, header: Object.fromEntries(response.headers), data: answer };
  }

  // sent lists the requests to a path.
  sent(path) { return this.requests.filter((r) => new URL(r.url).pathname === path); }

  async me() { return (await this.auth.getUserInfo()).sub; }

  // check holds after every story.
  check() {
    for (const r of this.requests) {
      const what = `${r.method} ${r.url} ${r.status} ${JSON.stringify(r.answer)}`;
      assert.equal(new URL(r.url).origin, server.url, what);
      assert.ok(r.answer && typeof r.answer === 'object' && !Array.isArray(r.answer), what);
      assert.equal(Boolean(r.answer.error), r.status !== 200, what);
      if (r.answer.error) assert.ok(Number.isInteger(r.answer.error_code) && r.answer.error_code !== 0, what);
    }
  }
}

// settle answers by callbacks when there are any, and by the promise otherwise.
function settle(work, { success, fail, complete } = {}) {
  if (!success && !fail && !complete) return work;
  work.then((value) => { success?.(value); complete?.(value); }, (error) => {
    const e = { errMsg: String(error) };
    fail?.(e);
    complete?.(e);
  });
  return undefined;
}

const scripts = new Map();

function load(name, wx) {
  if (!scripts.has(name)) {
    const file = new URL(`../node_modules/${name}/miniprogram_dist/index.js`, import.meta.url);
    scripts.set(name, new vm.Script(`(function (module, exports) {${readFileSync(file, 'utf8')}\n})`, { filename: file.pathname }));
  }
  const context = vm.createContext({ wx, Page() {}, App() {}, getApp() {}, console: quiet, setTimeout, clearTimeout, setInterval, clearInterval });
  const module = { exports: {} };
  scripts.get(name).runInContext(context).call(module.exports, module, module.exports);
  return module.exports.default ?? module.exports;
}

const quiet = { log() {}, info() {}, warn() {}, error() {}, debug() {} };

// A story of a page of another origin that uses the published Authing SDK.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startBrowser } from './browser.mjs';
import * as server from './server.mjs';
import { Traffic } from './traffic.mjs';

let browser;

export async function open() { browser = await startBrowser(); }
export async function close() { await browser?.close(); }

// story adds a test.
export function story(name, run) {
  if (process.env.SCENARIO && !new RegExp(process.env.SCENARIO).test(name)) return;
  test(`authing-js-sdk 4.23.55 in Chromium: ${name}`, { timeout: 60_000 }, async () => {
    await server.fresh();
    const context = await browser.browser.newContext({ locale: 'zh-CN' });
    try {
      const stage = new Stage(context, await server.project(), await browser.load('authing'));
      await stage.start();
      await run(stage);
      await stage.check();
    } finally {
      await context.close();
    }
  });
}

class Stage {
  answers = [];

  constructor(context, project, address) {
    Object.assign(this, { context, project, address, traffic: new Traffic([server.url, browser.origin]) });
  }

  async start() {
    this.page = await this.context.newPage();
    await this.traffic.watch(this.page);
    this.page.on('response', (answer) => this.answers.push(answer));
    await this.page.exposeFunction('mail', server.code);
    await this.page.goto(this.address);
    await this.init();
  }

  // init is the one line of an app. A page that was loaded again has its people still.
  async init(options) {
    await this.page.evaluate(([appId, appHost, o]) => {
      window.app = new authing.AuthenticationClient({ appId, appHost, onError() {}, ...o });
    }, [this.project.appId, server.url, options]);
  }

  // run evaluates fn(app, argument) in the page and returns {value} or {rejected}.
  run(fn, argument) {
    return this.page.evaluate(([source, a]) => tt.outcome(() => (0, eval)(`(${source})`)(window.app, a)), [String(fn), argument]);
  }

  // ok is run for what has to work.
  async ok(fn, argument) {
    const { value, rejected } = await this.run(fn, argument);
    assert.equal(rejected, undefined, `rejected: ${JSON.stringify(rejected)}`);
    return value;
  }

  // refused is run for what has to be rejected with a code.
  async refused(code, fn, argument) {
    const { value, rejected } = await this.run(fn, argument);
    assert.ok(rejected, `resolved: ${JSON.stringify(value)}`);
    const { code: got } = rejected.name === 'Error' ? JSON.parse(rejected.message) : rejected;
    assert.equal(got, code, JSON.stringify(rejected));
  }

  // check holds after every story: nothing left this machine, and every answer may be
  // read by this origin alone, with credentials.
  async check() {
    await this.traffic.check();
    for (const answer of this.answers.filter((a) => /^\/(api|graphql)/.test(new URL(a.url()).pathname))) {
      const what = `${answer.status()} ${answer.url()}`;
      const headers = await answer.allHeaders();
      assert.equal(headers['access-control-allow-origin'], browser.origin, what);
      assert.equal(headers['access-control-allow-credentials'], 'true', what);
      assert.ok([200, 204].includes(answer.status()), what);
    }
  }
}

// A scenario is one story of an app: a fresh server, a fresh browser profile, one SDK.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as server from './server.mjs';
import { Traffic } from './traffic.mjs';
import { upstreams } from './upstreams.mjs';

const stories = [];

// scenario adds a story. Its function gets a Stage.
export function scenario(name, run, { only } = {}) {
  stories.push({ name, run, only });
}

// register makes the tests: all stories with the first SDK, then with the second.
export function register(browser, sdks) {
  const wanted = process.env.SCENARIO && new RegExp(process.env.SCENARIO);
  for (const sdk of sdks) {
    for (const story of stories.filter((s) => (!s.only || s.only === sdk.major) && (!wanted || wanted.test(s.name)))) {
      test(`${sdk.label}: ${story.name}`, { timeout: 60_000 }, () => play(browser(), sdk, story));
    }
  }
}

async function play(b, sdk, { run }) {
  await server.fresh();
  const { env } = await server.project();
  const context = await b.browser.newContext();
  const traffic = new Traffic([server.url, b.origin, upstreams].filter(Boolean));
  try {
    const stage = new Stage({ context, traffic, env, major: sdk.major, address: await b.load(sdk.name), browser: b });
    await stage.tab();
    await run(stage);
    await traffic.check();
  } finally {
    await context.close();
  }
}

export class Stage {
  constructor(parts) { Object.assign(this, parts, { base: server.url }); }

  // tab opens one more page of the app; the first is the current one.
  async tab(address = this.address) {
    const page = await this.context.newPage();
    await this.traffic.watch(page);
    await page.exposeFunction('mail', server.code);
    await page.goto(address);
    this.page ??= page;
    return page;
  }

  // open initialises the SDK in the page.
  async open(options, { page = this.page, base = this.base } = {}) {
    await page.evaluate(([at, o]) => { tt.open(at, o); }, [{ major: this.major, base, env: this.env }, options]);
  }

  // run evaluates fn(auth, argument) in the page and returns {value} or {rejected}.
  run(fn, argument, page = this.page) {
    return page.evaluate(([source, a]) => tt.outcome(() => (0, eval)(`(${source})`)(tt.auth, a)), [String(fn), argument]);
  }

  // ok is run for what has to work.
  async ok(fn, argument, page) {
    const { value, rejected } = await this.run(fn, argument, page);
    assert.equal(rejected, undefined, `rejected: ${JSON.stringify(rejected)}`);
    return value;
  }

  // rejects is run for what the SDK has to reject with one of the named errors.
  async rejects(errors, fn, argument, page) {
    const { value, rejected } = await this.run(fn, argument, page);
    assert.ok(rejected, `resolved: ${JSON.stringify(value)}`);
    assert.ok([errors].flat().includes(rejected.error), `rejected with ${JSON.stringify(rejected)}`);
    return rejected;
  }

  // refuses is run for the methods that resolve {data, error} instead of rejecting.
  async refuses(expected, fn, argument) {
    const value = await this.ok(fn, argument);
    assert.ok(value.error, `no error: ${JSON.stringify(value)}`);
    for (const [key, want] of Object.entries(expected)) {
      assert.ok([want].flat().includes(value.error[key]), `${key} of ${JSON.stringify(value.error)}`);
    }
    return value.error;
  }

  // member signs a new user up the documented way and leaves it signed in.
  async member(rest = {}, contact = { phone_number: '+86 13800000000' }) {
    return this.ok(async (auth, [who, more]) => {
      const to = who.phone_number ?? who.email;
      const state = await tt.signUp(who, () => mail(to), more);
      return { uid: state.user.uid };
    }, [contact, rest]);
  }

  storage(page = this.page) { return page.evaluate(() => tt.storage()); }

  // credentials are the tokens as the SDK keeps them, undefined when signed out.
  async credentials(clientId = this.env) {
    const kept = (await this.storage())[`credentials_${clientId}`];
    return kept && JSON.parse(kept);
  }

  async signedIn() { return this.ok((auth) => Boolean(auth.hasLoginState())); }
}

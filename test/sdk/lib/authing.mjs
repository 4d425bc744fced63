// A story of an app that uses the published Authing SDK in Node: a fresh server, and
// everything that passes between the two is checked.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import authing from 'authing-js-sdk';
import * as server from './server.mjs';
import { tap } from './wire.mjs';

export const password = 'a good password';
export const password2 = 'another good one';
export const email = 'ann@example.com';
export const phone = '18800000001';

// story adds a test.
export function story(name, run) {
  if (process.env.SCENARIO && !new RegExp(process.env.SCENARIO).test(name)) return;
  test(`authing-js-sdk 4.23.55: ${name}`, { timeout: 60_000 }, async () => {
    await server.fresh();
    const wire = await tap(server.url);
    try {
      await run(new Story(await server.project(), wire));
      wire.check();
    } finally {
      await wire.close();
    }
  });
}

class Story {
  constructor(project, wire) { Object.assign(this, { project, wire }); }

  // app is one more client of the app, signed out.
  app(options) { return client(this.project, this.wire.url, options); }

  // manager is the app's own server, which knows the pool's secret.
  manager(options) { return manager(this.project, this.wire.url, options); }

  // fields defines what people of the pool can keep.
  async fields(types) {
    const manager = this.manager();
    for (const [key, type] of Object.entries(types)) await manager.udf.set('USER', key, type, key);
  }

  // byEmailCode registers somebody with a proved address. The SDK leaves it to the app to
  // keep them signed in.
  async byEmailCode(to, options) {
    const app = this.app();
    const user = await app.registerByEmailCode(to, await this.mail(app, to), {}, { forceLogin: true, ...options });
    app.setCurrentUser(user);
    return { app, user };
  }

  // sms sends a code to a number and returns it.
  async sms(client, to, ...rest) {
    await client.sendSmsCode(to, ...rest);
    return server.code(`${rest[0] ?? '+86'}${to}`);
  }

  // mail sends a code to an address and returns it.
  async mail(client, to, scene = 'VERIFY_CODE') {
    const sent = await client.sendEmail(to, scene);
    assert.equal(sent.code, 200);
    return server.code(to);
  }
}

// client is an app's half of the SDK, manager its server's.
export const client = ({ appId }, appHost, options) => new authing.AuthenticationClient({ appId, appHost, onError, ...options });
export const manager = ({ pool, poolSecret }, host, options) => new authing.ManagementClient({ userPoolId: pool, secret: poolSecret, host, onError, ...options });

// onError is what an app of good manners gives: the default prints.
function onError() {}

// refused is for what has to be rejected with a code.
export async function refused(code, work) {
  let value;
  try {
    value = await work;
  } catch (error) {
    const e = error instanceof Error ? JSON.parse(error.message) : error;
    assert.equal(e.code, code, JSON.stringify(e));
    assert.ok(typeof e.message === 'string' && e.message);
    return e;
  }
  return assert.fail(`not refused: ${JSON.stringify(value)}`);
}

// isUser checks who an answer is about.
export function isUser(user, want) {
  assert.match(user.id, /^[0-9a-z]+$/i);
  for (const [name, value] of Object.entries(want)) assert.deepEqual(user[name], value, name);
  return user;
}

export const forceLogin = { forceLogin: true };

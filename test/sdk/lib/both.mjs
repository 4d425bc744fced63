// A story of one person and two apps: CloudBase's SDK in a page, Authing's in Node.
import { test } from 'node:test';
import * as authing from './authing.mjs';
import { startBrowser } from './browser.mjs';
import { Stage } from './scenario.mjs';
import * as server from './server.mjs';
import { Traffic } from './traffic.mjs';

let browser;

export async function open() { browser = await startBrowser(); }
export async function close() { await browser?.close(); }

// both adds a test. run gets the CloudBase stage and makers of Authing clients.
export function both(name, run) {
  if (process.env.SCENARIO && !new RegExp(process.env.SCENARIO).test(name)) return;
  test(`both SDKs: ${name}`, { timeout: 60_000 }, async () => {
    await server.fresh();
    const project = await server.project();
    const context = await browser.browser.newContext();
    const traffic = new Traffic([server.url, browser.origin]);
    try {
      const cloud = new Stage({ context, traffic, env: project.env, major: 3, address: await browser.load('cb3'), browser });
      await cloud.tab();
      await cloud.open();
      await run({
        cloud, project,
        app: (options) => authing.client(project, server.url, options),
        manager: () => authing.manager(project, server.url),
      });
      await traffic.check();
    } finally {
      await context.close();
    }
  });
}

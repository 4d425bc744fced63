// One browser for the whole run, and a blank page on an origin that is not the server's.
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';
import { bundle } from './bundle.mjs';

const executable = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

// hermetic keeps the browser from talking to anybody but this machine.
const hermetic = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

export async function startBrowser() {
  const files = new Map();
  const runtime = readFileSync(new URL('page.js', import.meta.url), 'utf8');
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://127.0.0.1');
    if (pathname.endsWith('.js')) {
      response.setHeader('Content-Type', 'text/javascript; charset=utf-8');
      response.end(files.get(pathname.slice(1, -3)));
      return;
    }
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>app</title><script src="${pathname}.js"></script><script>${runtime}</script>`);
  });
  await new Promise((listening) => { server.listen(0, '127.0.0.1', listening); });
  const origin = `http://127.0.0.1:${server.address().port}`;
  const browser = await chromium.launch({ executablePath: executable, args: hermetic });
  return {
    browser, origin,
    async load(name) {
      if (!files.has(name)) files.set(name, await bundle(name));
      return `${origin}/${name}`;
    },
    async close() {
      await browser.close();
      server.closeAllConnections();
      await new Promise((closed) => { server.close(closed); });
    },
  };
}

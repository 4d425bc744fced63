// Every page that a link leads to, as everybody sees it.
import assert from 'node:assert/strict';
import { at } from '../lib/console.mjs';
import { url } from '../lib/server.mjs';

// things come before the id of one of them in an address.
const things = /^(pools|apps|providers|drivers|templates|deliveries|users|attempts|records|operators|webhooks|pipelines)$/;

// kind is what pages about different things of one sort have in common: one of them is
// looked at.
function kind(address) {
  const { pathname, searchParams } = new URL(address);
  const path = pathname.split('/').map((part, n, all) => (things.test(all[n - 1]) && part !== 'new' || /\d/.test(part) ? '*' : part)).join('/');
  return `${path}?${[...new Set(searchParams.keys())].sort().join('&')}`;
}

const shot = (address) => kind(address).replace(/^\/console\/?/, '').replace(/[^\w*=]+/g, '-').replace(/\*/g, 'x').replace(/-$/, '') || 'home';

async function answer(c, to) {
  const response = await c.context.request.get(to);
  return { status: response.status(), page: response.status() === 200 && response.headers()['content-type'].startsWith('text/html') };
}

export function walk(step) {
  step('every page is fit to be seen, and every link leads somewhere', async (c) => {
    if (!c.looking) return;
    const seen = new Set(), asked = new Map(), todo = [at('')];
    while (todo.length > 0) {
      const address = todo.shift();
      if (seen.has(kind(address))) continue;
      seen.add(kind(address));
      for (const to of await c.looker.at(c.context, address, `page-${shot(address)}`)) {
        if (!to.startsWith(url)) continue;
        if (!asked.has(to)) asked.set(to, await answer(c, to));
        const { status, page } = asked.get(to);
        if (status !== 200) c.looker.problems.push(`${address} leads to ${to}, which answers ${status}`);
        if (page && to.startsWith(at(''))) todo.push(to);
      }
    }
    assert.ok(seen.size > 20, `only ${seen.size} pages`);
    console.log(`${seen.size} pages, ${c.looker.looked} looks, ${asked.size} links`);
  });

  step('what is not there is said nicely', async (c) => {
    if (!c.looking) return;
    for (const path of ['/nothing', '/pools/nobody']) await c.looker.at(c.context, at(path), `missing${path.replaceAll('/', '-')}`, { status: 404 });
  });
}

// What an operator sets up before the first user: a pool, vendors and an application.
import assert from 'node:assert/strict';
import { register, sms, upsim } from '../lib/upsim.mjs';

export const env = 'tea-house';
const gateway = 'kingfisher-over-the-quiet-pond-77'; // the operator's own secret with the gateway
const wechat = { appid: 'wx7e0e5eaa11c0ffee', secret: '0b9d5c1e7a3f48629d5e4c7b8a1f2036' };

export function prepare(step) {
  step('a user pool', async (c) => {
    await c.look('pools-none');
    await c.fill({ id: 'Not An Id', name: 'Tea house' });
    await c.press('Add');
    await c.page.getByRole('alert').waitFor();
    await c.fill({ id: env, name: 'Tea house' });
    await c.press('Add');
    await c.look('pool-new');
    assert.equal(new URL(c.page.url()).pathname, `/console/pools/${env}`);
  });

  step('people may sign in with WeChat', async (c) => {
    await register(`wechat/${wechat.appid}`, { name: 'Tea house', kind: 'open', secret: wechat.secret, redirect_domain: '127.0.0.1' });
    await c.menu('Identity providers');
    await c.look('providers-none');
    await c.follow('Add a provider');
    await c.look('provider-kinds');
    await Promise.all([c.page.waitForEvent('load'), c.page.locator('a[href*="kind=wechat_open"]').click()]);
    await c.look('provider-form');
    await c.page.getByText('More settings, rarely needed').click();
    await c.fill({ set_appid: wechat.appid, set_secret: wechat.secret.replace('0b', '0c'), set_base: upsim['wechat.api_base'], set_open_base: upsim['wechat.open_base'] });
    await c.press('Add');
    await c.press('Test');
    assert.match(await c.page.locator('main').innerText(), /The secret is wrong/);
    await c.look('provider-refused', { again: false });
    await c.follow('Edit');
    await c.fill({ set_secret: wechat.secret });
    await c.press('Save');
    await c.press('Test');
    assert.match(await c.page.locator('main').innerText(), /The vendor answers/);
    await c.look('provider-good', { again: false });
    assert.ok(!(await c.page.content()).includes(wechat.secret), 'the page shows a secret');
  });

  step('a vendor for text messages, tried with one', async (c) => {
    await register('webhook/tea-house', { secret: gateway });
    await c.menu('Messages');
    await c.look('messages-none');
    await Promise.all([c.page.waitForEvent('load'), c.page.locator('a[href*="channel=sms&kind=webhook"]').click()]);
    await c.look('message-vendor-form');
    await c.fill({ opt_url: upsim['sms.webhook.url'], opt_secret: `${gateway}-not`, id: 'gateway', name: 'Own gateway' });
    await c.press('Save');
    await c.says(/Saved/);
    await c.look('message-vendor');
    await c.fill({ to: '13900005678' });
    await c.press('Send');
    await c.look('message-test-refused', { again: false });
    assert.doesNotMatch(await c.page.getByRole('status').innerText(), /took the message/);
    await c.fill({ opt_secret: gateway });
    await c.press('Save');
    await c.fill({ to: '13900005678' });
    await c.press('Send');
    assert.match(await c.page.getByRole('status').innerText(), /took the message/);
    await c.look('message-test', { again: false });
    const { text, to_e164: to } = await sms('13900005678');
    assert.equal(to, '+8613900005678');
    assert.match(text, /\d{6}/);
    assert.ok(!(await c.page.content()).includes(gateway), 'the page shows a secret');
  });

  step('an application with its lines to paste', async (c, { browser, state }) => {
    await c.menu('Applications');
    await c.look('apps');
    await c.follow('Add an application');
    await c.look('app-form');
    await c.fill({ name: 'Tea house website', id: 'website', origins: browser.origin });
    await c.press('Add');
    await c.look('app');
    await c.page.getByRole('group').filter({ hasText: '@cloudbase/js-sdk 3.x' }).getByRole('button', { name: 'Copy' }).waitFor();
    state.snippet = await c.page.locator('details', { hasText: '@cloudbase/js-sdk 3.x' }).locator('pre code').innerText();
  });
}

// The core methods, from a page of another origin.
import assert from 'node:assert/strict';
import { story } from '../lib/authing-page.mjs';
import * as server from '../lib/server.mjs';

const email = 'ann@example.com';
const phone = '18800000001';
const password = 'a good password';
const me = (app) => app.getCurrentUser();

story('C9 R1 R8 register, and the page stays signed in', async (s) => {
  const user = await s.ok((app, [to, secret]) => app.registerByEmail(to, secret, { nickname: 'Ann' }, { forceLogin: true, context: { source: 'page' } }), [email, password]);
  assert.equal(user.nickname, 'Ann');
  await s.page.reload();
  await s.init();
  assert.equal((await s.ok(me)).id, user.id);
  await s.refused(2026, (app, [to, secret]) => app.registerByEmail(to, secret), [email, password]);
  await s.ok((app, secret) => app.registerByUsername('bob', secret, {}, { forceLogin: true }), password);
  assert.equal((await s.ok(me)).username, 'bob');
});

story('V1 R10 L5 phone codes', async (s) => {
  const user = await s.ok(async (app, [to, secret]) => {
    await app.sendSmsCode(to);
    return app.registerByPhoneCode(to, await mail(`+86${to}`), secret, {}, { forceLogin: true });
  }, [phone, password]);
  assert.equal(user.phoneVerified, true);
  await s.ok((app) => app.logout());
  assert.equal(await s.ok(me), null);
  const again = await s.ok(async (app, to) => {
    await app.sendSmsCode(to);
    return app.loginByPhoneCode(to, await mail(`+86${to}`));
  }, phone);
  assert.equal(again.id, user.id);
  assert.equal((await s.ok((app, [to, secret]) => app.loginByPhonePassword(to, secret), [phone, password])).id, user.id);
});

story('V4 R5 L7 P2 email codes', async (s) => {
  const user = await s.ok(async (app, to) => {
    await app.sendEmail(to, 'VERIFY_CODE');
    return app.registerByEmailCode(to, await mail(to), {}, { forceLogin: true });
  }, email);
  assert.equal(user.emailVerified, true);
  const again = await s.ok(async (app, to) => {
    await app.sendEmail(to, 'VERIFY_CODE');
    return app.loginByEmailCode(to, await mail(to));
  }, email);
  assert.equal(again.id, user.id);
  await s.ok(async (app, [to, secret]) => {
    await app.sendEmail(to, 'RESET_PASSWORD');
    return app.resetPasswordByEmailCode(to, await mail(to), secret);
  }, [email, password]);
  await s.ok((app, [to, secret]) => app.loginByEmail(to, secret), [email, password]);
  await s.refused(2333, (app, to) => app.loginByEmail(to, 'a bad password'), email);
});

story('S1 S7 S8 P6 B1 B2 the person and their account', async (s) => {
  await server.createUser({ email, password });
  const { id } = await s.ok((app, [to, secret]) => app.loginByEmail(to, secret), [email, password]);
  const bound = await s.ok(async (app, to) => {
    await app.updateProfile({ nickname: 'Nick', gender: 'F' });
    await app.sendSmsCode(to);
    return app.bindPhone(to, await mail(`+86${to}`));
  }, phone);
  assert.deepEqual([bound.id, bound.phone, bound.nickname], [id, phone, 'Nick']);
  assert.equal((await s.ok((app) => app.unbindPhone())).phone, null);
  await s.ok((app, secret) => app.updatePassword('another good one', secret), password);
  const { token } = await s.ok((app) => app.refreshToken());
  assert.equal((await s.ok((app, t) => app.checkLoginStatus(t), token)).status, true);
  assert.equal((await s.ok(me)).id, id);
  assert.deepEqual(await s.ok((app) => app.listOrgs()), []);
});

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

story('uploadAvatar stores a picture that the page can show', async (s) => {
  await server.createUser({ email, password });
  await s.ok((app, [to, secret]) => app.loginByEmail(to, secret), [email, password]);
  const chosen = s.page.waitForEvent('filechooser');
  const done = s.ok((app) => app.uploadAvatar());
  await (await chosen).setFiles({ name: 'me.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') });
  const { photo } = await done;
  assert.ok(photo.startsWith(`${server.url}/`), photo);
  assert.equal((await s.ok(me)).photo, photo);
  const width = await s.page.evaluate((src) => new Promise((shown, failed) => {
    const image = new Image();
    image.onload = () => shown(image.naturalWidth);
    image.onerror = failed;
    image.src = src;
  }), photo);
  assert.equal(width, 1);
});

story('uploadAvatar refuses what is no picture', async (s) => {
  await server.createUser({ email, password });
  await s.ok((app, [to, secret]) => app.loginByEmail(to, secret), [email, password]);
  const chosen = s.page.waitForEvent('filechooser');
  // The SDK tells only its error callback, and its promise stays open.
  const told = s.page.evaluate(() => new Promise((heard) => {
    window.app.options.onError = (code) => heard(code);
    window.app.uploadAvatar();
  }));
  await (await chosen).setFiles({ name: 'me.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>') });
  assert.equal(await told, 422);
});

// B. Verification codes.
import assert from 'node:assert/strict';
import { scenario } from '../lib/scenario.mjs';
import * as server from '../lib/server.mjs';

const phone = '+86 13800000000';
const email = 'test@example.com';

const getVerification = (auth, params) => auth.getVerification(params);
const verify = (auth, [verification_id, verification_code]) => auth.verify({ verification_id, verification_code });

scenario('B1 a code for a new number', async (s) => {
  await s.open();
  const v = await s.ok(getVerification, { phone_number: phone });
  assert.equal(typeof v.verification_id, 'string');
  assert.strictEqual(v.is_user, false);
  assert.match(await server.code(phone), /^\d{6}$/);
});

scenario('B2 one number in every way of writing it', async (s) => {
  await s.open();
  const forms = ['13800000000', '+8613800000000', phone];
  for (const phone_number of forms) {
    assert.strictEqual((await s.ok(getVerification, { phone_number })).is_user, false, phone_number);
  }
  const { uid } = await s.member({ password: 'a good password' });
  for (const phone_number of forms) {
    assert.strictEqual((await s.ok(getVerification, { phone_number })).is_user, true, phone_number);
    const again = await s.ok(async (auth, username) => (await auth.signIn({ username, password: 'a good password' })).user.uid, phone_number);
    assert.equal(again, uid);
  }
});

scenario('B4 a registered address says so with a boolean', async (s) => {
  await server.createUser({ email });
  await s.open();
  assert.strictEqual((await s.ok(getVerification, { email })).is_user, true);
});

scenario('B5 B6 B9 the right code, a wrong one, a spent one and an expired one', async (s) => {
  await s.open();
  const { verification_id: id } = await s.ok(getVerification, { phone_number: phone });
  const code = await server.code(phone);
  await s.rejects('invalid_argument', verify, [id, server.wrong(code)]);
  const { verification_token } = await s.ok(verify, [id, code]);
  assert.equal(typeof verification_token, 'string');
  await s.rejects('invalid_argument', verify, [id, code]);

  const late = await s.ok(getVerification, { email });
  const lateCode = await server.code(email);
  await server.advance('1h');
  await s.rejects('invalid_argument', verify, [late.verification_id, lateCode]);
});

scenario('B7 too many wrong codes', async (s) => {
  await s.open();
  const { verification_id: id } = await s.ok(getVerification, { phone_number: phone });
  const code = await server.code(phone);
  let last;
  for (let i = 0; i < 20 && last?.error !== 'aborted'; i++) {
    last = await s.rejects(['invalid_argument', 'aborted'], verify, [id, server.wrong(code)]);
  }
  assert.equal(last.error, 'aborted');
  await s.rejects('aborted', verify, [id, code]);
});

scenario('B8 a second code too soon', async (s) => {
  await server.settings({ limits: true });
  await s.open();
  await s.ok(getVerification, { phone_number: phone });
  await s.rejects('resource_exhausted', getVerification, { phone_number: phone });
  const refused = await s.refuses({ category: 'RATE_LIMITED' }, (auth, to) => auth.resend({ type: 'signup', phone: to }), phone);
  assert.equal(typeof refused.retryAfter, 'number');
});

scenario('B10 targets', async (s) => {
  await server.createUser({ email: 'known@example.com' });
  await s.open();
  await s.rejects(['not_found', 'failed_precondition'], getVerification, { email: 'unknown@example.com', target: 'USER' });
  await s.rejects('failed_precondition', getVerification, { email: 'known@example.com', target: 'NOT_USER' });
});

// The examples of the documentation in the order of the page, as an app would hold
// them. What cannot work literally is expected to fail the documented way.
import assert from 'node:assert/strict';
import { scenario } from '../lib/scenario.mjs';
import * as server from '../lib/server.mjs';

const phoneNumber = '+86 13800000000';
const email = 'test@example.com';
const password = 'your password';

scenario('seed App.auth with a client id of its own', async (s) => {
  await s.open({ clientId: 'xxxx' });
  assert.strictEqual(await s.ok((auth) => auth.hasLoginState()), null);
  await s.ok((auth) => auth.signInAnonymously());
  assert.ok(await s.credentials('xxxx'));
});

for (const contact of [{ phone_number: phoneNumber }, { email }]) {
  const to = contact.phone_number ?? contact.email;
  scenario(`seed signUp, or signIn when the user exists: ${Object.keys(contact)[0]}`, async (s) => {
    await s.open();
    const example = async (auth, [who, address]) => {
      const verification = await auth.getVerification(who);
      const verificationCode = await mail(address);
      const verificationTokenRes = await auth.verify({
        verification_id: verification.verification_id,
        verification_code: verificationCode,
      });
      if (verification.is_user) {
        await auth.signIn({
          username: address,
          verification_token: verificationTokenRes.verification_token,
        });
      } else {
        await auth.signUp({
          ...who,
          verification_code: verificationCode,
          verification_token: verificationTokenRes.verification_token,
          name: '手机用户',
          password: 'password',
          username: 'username',
        });
      }
      return { known: verification.is_user, uid: auth.currentUser.uid };
    };
    const first = await s.ok(example, [contact, to]);
    assert.strictEqual(first.known, false);
    await s.ok((auth) => auth.signOut());
    assert.deepEqual(await s.ok(example, [contact, to]), { known: true, uid: first.uid });
  });
}

scenario('seed signIn by phone, email and user name, then signOut', async (s) => {
  await server.createUser({ phone: phoneNumber, email, username: 'myname', password });
  await s.open();
  await s.ok(async (auth, [phone, mailbox]) => {
    await auth.signIn({ username: phone, password: 'your password' });
    await auth.signIn({ username: mailbox, password: 'your password' });
    const username = 'myname';
    await auth.signIn({ username, password: 'your password' });
    await auth.signOut();
  }, [phoneNumber, email]);
  assert.equal(await s.signedIn(), false);
});

scenario('seed signInAnonymously and becoming a member', async (s) => {
  await s.open();
  const { before, after } = await s.ok(async (auth, phone_number) => {
    await auth.signInAnonymously();
    const first = auth.currentUser.uid;
    const access_token = await auth.getAccessToken();
    await tt.signUp({ phone_number }, () => mail(phone_number), { anonymous_token: access_token });
    return { before: first, after: auth.currentUser.uid };
  }, phoneNumber);
  assert.equal(after, before);
});

scenario('seed setCustomSignFunc with a promise fails in the SDK', async (s) => {
  await s.open();
  const sent = s.traffic.requests.length;
  const { value, rejected } = await s.run(async (auth) => {
    const getTickFn = new Promise(() => {});
    await auth.setCustomSignFunc(getTickFn);
    return auth.signInWithCustomTicket();
  });
  assert.ok(rejected || value.error);
  assert.equal(s.traffic.requests.length, sent);
});

scenario('seed the mini-program methods need a mini-program', async (s) => {
  await s.open();
  for (const call of [
    (auth) => auth.signInWithOpenId(),
    (auth) => auth.signInWithUnionId(),
    (auth) => auth.signInWithPhoneAuth({ phoneCode: 'xxx' }),
  ]) {
    const { value, rejected } = await s.run(call);
    assert.ok(rejected || value.error, String(call));
  }
  assert.equal(await s.signedIn(), false);
});

scenario('seed signInWithSms', async (s) => {
  await s.open();
  await s.ok(async (auth, phone) => {
    const verificationInfo = await auth.getVerification({ phone_number: phone });
    await auth.signInWithSms({ verificationInfo, verificationCode: await mail(phone), phoneNum: phone });
  }, phoneNumber);
  assert.ok(await s.signedIn());
});

scenario('seed third-party platforms that are not configured', async (s) => {
  await s.open();
  const refused = async (call) => assert.ok((await s.run(call)).rejected?.error, String(call));
  await refused((auth) => auth.genProviderRedirectUri({
    provider_id: 'test_provider_id', provider_redirect_uri: 'test_provider_redirect_uri',
    state: 'wx_open', other_params: { sign_out_uri: 'test_sign_out_uri' },
  }));
  await refused((auth) => auth.grantProviderToken({ provider_id: 'wx_open', provider_redirect_uri: 'cur page', provider_code: 'provider code' }));
  await refused((auth) => auth.signInWithProvider({ provider_token: 'test_provider_token' }));
  await s.member();
  await refused((auth) => auth.bindWithProvider({ provider_token: 'test_provider_token' }));
  assert.ok(await s.signedIn());
});

scenario('seed getProviders, and unbindProvider of undefined', async (s) => {
  await s.open();
  await s.member();
  const providers = await s.ok((auth) => auth.getProviders());
  assert.equal(typeof providers.total, 'number');
  assert.ok(Array.isArray(providers.data));
  await s.rejects('not_found', async (auth) => {
    const { id } = await auth.getProviders();
    await auth.unbindProvider({ provider_id: id });
  });
  assert.equal(s.traffic.sent('DELETE', '/auth/v1/user/provider/undefined').length, 1);
});

scenario('seed verify and getVerification', async (s) => {
  await s.open();
  const answer = await s.ok(async (auth, phone) => {
    const verification = await auth.getVerification({ phone_number: phone });
    return auth.verify({ verification_code: await mail(phone), verification_id: verification.verification_id });
  }, phoneNumber);
  assert.ok(answer.verification_token);
  await s.ok((auth, to) => auth.getVerification({ email: to, usage: 'test_usage' }), email);
});

scenario('seed sudo both ways, bindEmail, bindPhoneNumber and setPassword', async (s) => {
  await s.open();
  await s.member({ password: 'test_password' }, { email });
  const info = await s.ok(async (auth, [mailbox, phone_number]) => {
    const pass = 'test_password';
    const byPassword = await auth.sudo({ password: pass });

    const verification = await auth.getVerification({ email: mailbox });
    const verificationTokenRes = await auth.verify({ verification_id: verification.verification_id, verification_code: await mail(mailbox) });
    const sudoRes = await auth.sudo({ verification_token: verificationTokenRes.verification_token });

    const phoneProof = await tt.proof({ phone_number }, () => mail(phone_number));
    await auth.bindPhoneNumber({ phone_number, sudo_token: byPassword.sudo_token, verification_token: phoneProof.verification_token });

    const newEmail = 'new@example.com';
    const mailProof = await tt.proof({ email: newEmail }, () => mail(newEmail));
    await auth.bindEmail({ email: newEmail, sudo_token: sudoRes.sudo_token, verification_token: mailProof.verification_token });

    const again = await auth.sudo({ password: pass });
    await auth.setPassword({ new_password: 'test_new_password', sudo_token: again.sudo_token });
    return auth.getUserInfo();
  }, [email, phoneNumber]);
  assert.equal(info.email, 'new@example.com');
  assert.equal(info.phone_number, phoneNumber);
  await s.ok((auth, username) => auth.signIn({ username, password: 'test_new_password' }), phoneNumber);
});

scenario('seed getAccessToken, getCurrentUser, getUserInfo and queryUser', async (s) => {
  await server.createUser({ username: 'test_username', password });
  await s.open();
  const { uid } = await s.member();
  const found = await s.ok(async (auth) => {
    const { accessToken } = await auth.getAccessToken();
    const user = await tt.app.auth().getCurrentUser();
    const userInfo = await auth.getUserInfo();
    const username = 'test_username';
    const others = await auth.queryUser({ username });
    return { accessToken, uid: user?.uid, userInfo, others };
  });
  assert.equal(found.accessToken.split('.').length, 3);
  assert.equal(found.uid, uid);
  assert.equal(found.userInfo.phone_number, phoneNumber);
  assert.equal(found.others.total, 1);
});

scenario('seed resetPassword with the misspelt field, and spelt right', async (s) => {
  await s.open();
  await s.member({ password });
  const example = async (auth, [phone, field]) => {
    const verification = await auth.getVerification({ phone_number: phone });
    const verificationToken = await auth.verify({ verification_id: verification.verification_id, verification_code: await mail(phone) });
    await auth.resetPassword({ phone_number: phone, new_password: 'test_new_password', verification_token: verificationToken[field] });
  };
  await s.rejects('invalid_argument', example, [phoneNumber, 'verificationToken']);
  await s.ok(example, [phoneNumber, 'verification_token']);
  await s.ok((auth, username) => auth.signIn({ username, password: 'test_new_password' }), phoneNumber);
});

scenario('seed isUsernameRegistered', async (s) => {
  await s.open();
  const ask = (auth) => auth.isUsernameRegistered('your_awesome_username');
  assert.strictEqual(await s.ok(ask), false);
  await server.createUser({ username: 'your_awesome_username', password });
  assert.strictEqual(await s.ok(ask), true);
});

scenario('seed deleteMe', async (s) => {
  await s.open();
  const { uid } = await s.member({ password });
  const { rejected } = await s.run((auth) => auth.deleteMe({ sudo_token: 'your sudo_token' }));
  assert.equal(rejected?.error, 'permission_denied');
  const user = await s.ok(async (auth, secret) => {
    const { sudo_token } = await auth.sudo({ password: secret });
    return auth.deleteMe({ sudo_token });
  }, password);
  assert.equal(user.sub, uid);
});

scenario('seed loginScope, hasLoginState and getLoginState', async (s) => {
  await s.open();
  const state = (auth) => auth.getLoginState().then((loginState) => [Boolean(loginState), Boolean(auth.hasLoginState())]);
  assert.deepEqual(await s.ok(state), [false, false]);
  await s.ok((auth) => auth.signInAnonymously());
  assert.equal(await s.ok((auth) => auth.loginScope()), 'anonymous');
  assert.deepEqual(await s.ok(state), [true, true]);
});

scenario('seed User.update and User.refresh', async (s) => {
  await s.open();
  const { uid } = await s.member();
  const info = await s.ok(async (auth) => {
    const user = auth.currentUser;
    await user.update({ gender: 'MALE' });
    return user.refresh();
  });
  assert.equal(info.gender, 'MALE');
  assert.equal(info.sub, uid);
});

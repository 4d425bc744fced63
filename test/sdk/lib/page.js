// Runs inside the blank page, next to the SDK's bundle.
window.tt = {
  // open sets the SDK up the least intrusive way that reaches a server of one's own.
  open({ major, base, env }, options = {}) {
    tt.app = cloudbase.init({ env, ...options });
    tt.point(major, base);
    return tt.auth;
  },

  // point is the one line an app adds.
  point(major, base) {
    const { host, protocol } = new URL(base);
    if (major === 2) {
      tt.app.registerEndPoint(`${base}/web`);
      tt.auth = tt.app.auth({});
    } else {
      tt.app.registerHost(host, protocol.slice(0, -1));
      tt.auth = tt.app.auth();
    }
  },

  // outcome tells a rejection apart from a value, whatever was thrown.
  async outcome(work) {
    try {
      return { value: tt.plain(await work()) };
    } catch (e) {
      return { rejected: tt.plain(e) };
    }
  },

  // plain keeps what survives the way out of the browser.
  plain(value, depth = 0) {
    if (value === null || typeof value !== 'object') return typeof value === 'function' ? undefined : value;
    if (depth > 5) return undefined;
    if (Array.isArray(value)) return value.map((v) => tt.plain(v, depth + 1));
    const copy = {};
    if (value instanceof Error) Object.assign(copy, { name: value.name, message: value.message });
    for (const key of Object.keys(value)) copy[key] = tt.plain(value[key], depth + 1);
    return copy;
  },

  // signUp is the flow of the documentation in one call.
  async signUp(contact, code, rest = {}) {
    const { verification_id } = await tt.auth.getVerification(contact);
    const verification_code = await code();
    const { verification_token } = await tt.auth.verify({ verification_id, verification_code });
    return tt.auth.signUp({ ...contact, verification_code, verification_token, ...rest });
  },

  // proof gets a verification token for an address.
  async proof(contact, code) {
    const v = await tt.auth.getVerification(contact);
    const { verification_token } = await tt.auth.verify({ verification_id: v.verification_id, verification_code: await code() });
    return { ...v, verification_token };
  },

  storage: () => Object.fromEntries(Object.keys(localStorage).map((k) => [k, localStorage.getItem(k)])),
};

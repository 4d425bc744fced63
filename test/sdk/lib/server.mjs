// The server under test, seen through its development endpoints.
export const url = process.env.TIGERTALLY_URL?.replace(/\/$/, '');

async function emulator(method, path, body) {
  const response = await fetch(`${url}/emulator/v1/${path}`, { method, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer.error)}`);
  return answer;
}

export const project = () => emulator('GET', 'project');
export const advance = (by) => emulator('POST', 'clock', { advance: by });
export const settings = (change) => emulator('PUT', 'settings', change);
export const ticketKey = () => emulator('POST', 'ticket-keys');
export const createUser = async (user) => (await emulator('POST', 'users', user)).id;

// fresh brings the server back to what every scenario starts from.
export async function fresh() {
  await emulator('POST', 'clock', { reset: true });
  await settings({ captcha: 'off', anonymous: true, limits: false, accessTokenSeconds: 7200, allowedOrigins: ['*'] });
  await emulator('POST', 'reset');
}

// messages waits until there are any for the address, newest first.
export const messages = (to, channel = '') => emulator('GET', `messages?wait=5s&channel=${channel}&to=${encodeURIComponent(to)}`);

// code returns the newest code sent to an address.
export async function code(to) {
  const [message] = await messages(to);
  if (!message) throw new Error(`no message for ${to}`);
  return message.code;
}

// wrong returns a code of the same length that is not the right one.
export const wrong = (right) => [...right].map((digit) => (Number(digit) + 1) % 10).join('');

// auth calls the protocol directly, as something that is not the SDK would.
export async function auth(method, path, body, token) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  const response = await fetch(`${url}/auth/v1/${path}`, { method, headers, body: body && JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

import { language } from './words.js';

// emulator calls one of the development endpoints.
export async function emulator(method, path, body) {
  const response = await fetch('/emulator/v1/' + path, {
    method, headers: { 'Accept-Language': language() }, body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

// project is what an application needs to know, asked for once.
export const project = emulator('GET', 'project');

// deviceID names this browser, which is all an anonymous user is known by.
function deviceID() {
  let id = localStorage.getItem('emulator_device');
  if (!id) {
    id = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
    localStorage.setItem('emulator_device', id);
  }
  return id;
}

// auth speaks the CloudBase protocol the way the SDK does.
export async function auth(method, path, body, { token, captcha } = {}) {
  const query = new URLSearchParams();
  if (captcha) query.set('captcha_token', captcha);
  if (!token) query.set('client_id', (await project).clientId);
  const headers = { 'Accept-Language': language() === 'en' ? 'en-US' : 'zh-CN', 'x-device-id': deviceID() };
  if (token) headers.Authorization = 'Bearer ' + token;
  const response = await fetch(`/auth/v1/${path}?${query}`, { method, headers, body: body && JSON.stringify(body) });
  const answer = await response.json();
  if (answer.error) {
    throw Object.assign(new Error(answer.error_description || answer.error), { code: answer.error });
  }
  return answer;
}

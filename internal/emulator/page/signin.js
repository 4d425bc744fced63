import { auth } from './api.js';
import { $, $$, el } from './dom.js';
import { onMessage } from './inbox.js';
import { onLanguage, t } from './words.js';

let tab = 'phone';
let pending = null; // the verification under way: {field, to, verification_id, is_user}
let challenge = null; // the captcha under way: {token, resolve}
let captchaToken = '';
let tokens = null;

function show() {
  for (const b of $$('[data-tab]')) b.setAttribute('aria-selected', String(b.dataset.tab === tab));
  for (const f of $$('[data-pane]')) f.hidden = f.dataset.pane !== tab;
  $('#captcha').hidden = !challenge;
  $('#code').hidden = !pending || pending.tab !== tab;
  if (pending) {
    $('#more').hidden = pending.is_user;
    $('#finish').textContent = t(pending.is_user ? 'signIn' : 'signUp');
  }
  $('#result').hidden = !tokens;
}

// attempt runs a form's work with the form locked and shows what went wrong.
async function attempt(form, work) {
  const error = $('#try-error');
  const fields = [...form.elements];
  error.hidden = true;
  for (const f of fields) f.disabled = true;
  try {
    await work();
  } catch (e) {
    error.textContent = e.code ? `${e.message} (${e.code})` : e.message;
    error.hidden = false;
  } finally {
    for (const f of fields) f.disabled = false;
    show();
  }
}

const values = (form) => Object.fromEntries([...new FormData(form)].filter(([, v]) => v !== ''));

async function askCaptcha() {
  const c = await auth('POST', 'captcha/data', { state: 'POST:/v1/verification' });
  $('#captcha-image').src = c.data;
  $('#captcha').reset();
  return new Promise((resolve) => {
    challenge = { token: c.token, resolve };
    show();
    $('#captcha input').focus();
  });
}

async function answerCaptcha({ key }) {
  const { resolve, token } = challenge;
  try {
    const a = await auth('POST', 'captcha/data/verify', { token, key });
    captchaToken = a.captcha_token;
  } catch (e) {
    const again = await auth('POST', 'captcha/data', { state: 'POST:/v1/verification' });
    $('#captcha-image').src = again.data;
    challenge.token = again.token;
    throw e;
  }
  challenge = null;
  resolve();
}

async function send(field, to) {
  const body = { [field]: to };
  try {
    return await auth('POST', 'verification', body, { captcha: captchaToken });
  } catch (e) {
    if (!['captcha_required', 'captcha_invalid'].includes(e.code)) throw e;
    await askCaptcha();
    return auth('POST', 'verification', body, { captcha: captchaToken });
  }
}

async function sendCode({ to }) {
  const field = tab === 'phone' ? 'phone_number' : 'email';
  pending = null;
  latest = {};
  $('#code').reset();
  show();
  const v = await send(field, to);
  pending = { tab, field, to, ...v };
  fill();
}

// latest holds the newest code of each channel since the last request for one, because
// it can arrive before the answer to that request.
let latest = {};
function arrived(m) {
  latest[m.channel] = m.code;
  fill();
}

function fill() {
  const input = $('#code input[name=code]');
  const found = latest[pending?.field === 'email' ? 'email' : 'sms'];
  if (pending && found && !input.value) input.value = found;
}

async function finish({ code, ...details }) {
  const { verification_token } = await auth('POST', 'verification/verify', { verification_id: pending.verification_id, verification_code: code });
  const body = pending.is_user
    ? { username: pending.to, verification_token }
    : { [pending.field]: pending.to, verification_code: code, verification_token, ...details };
  await signedIn(await auth('POST', pending.is_user ? 'signin' : 'signup', body));
  pending = null;
}

async function signedIn(answer) {
  const profile = await auth('GET', 'user/me', undefined, { token: answer.access_token });
  tokens = answer;
  $('#access').textContent = answer.access_token;
  $('#refresh').textContent = answer.refresh_token ?? '';
  $('#claims').textContent = JSON.stringify(claims(answer.access_token), null, 2);
  const rows = Object.entries(profile).filter(([, v]) => v !== '' && v !== null && !(Array.isArray(v) && v.length === 0));
  $('#profile').replaceChildren(...rows.map(([k, v]) => el('tr', {}, el('th', { scope: 'row' }, k), el('td', {}, typeof v === 'object' ? JSON.stringify(v) : String(v)))));
}

function claims(token) {
  const part = token.split('.')[1].replace(/-/g, '+').replace(/_/g, '/');
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(part), (c) => c.charCodeAt(0))));
}

async function signOut() {
  await auth('POST', 'revoke', { token: tokens.access_token });
  tokens = null;
  show();
}

function onSubmit(form, work) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const filled = values(form); // before attempt disables the fields: those are left out
    attempt(form, () => work(filled));
  });
}

export function startSignIn() {
  for (const b of $$('[data-tab]')) b.addEventListener('click', () => { tab = b.dataset.tab; $('#try-error').hidden = true; show(); });
  for (const pane of ['phone', 'email']) onSubmit($(`[data-pane=${pane}]`), sendCode);
  onSubmit($('#captcha'), answerCaptcha);
  onSubmit($('#code'), finish);
  onSubmit($('[data-pane=password]'), async (filled) => signedIn(await auth('POST', 'signin', filled)));
  onSubmit($('[data-pane=anonymous]'), async () => signedIn(await auth('POST', 'signin/anonymously', {})));
  $('#signout').addEventListener('click', signOut);
  onMessage(arrived);
  onLanguage(show);
}

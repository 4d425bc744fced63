// The page: ask for a number, ask for the code, say who is signed in.

const words = {
  en: {
    other: '中文', shop: 'Shop', signin: 'Sign in', phone: 'Mobile number', send: 'Send me a code', enter: 'Enter the code',
    sent: 'We sent it to', code: 'Code', again: 'Another number', welcome: 'You are signed in', id: 'Your id', since: 'Since',
    signout: 'Sign out', unavailable: 'This does not work right now. Please try again in a moment.',
    bad_request: 'Please check what you typed.', missing: 'Please fill this in.',
  },
  zh: {
    other: 'English', shop: '小店', signin: '登录', phone: '手机号', send: '获取验证码', enter: '输入验证码',
    sent: '验证码已发送至', code: '验证码', again: '换一个号码', welcome: '您已登录', id: '您的编号', since: '登录时间',
    signout: '退出登录', unavailable: '暂时无法完成，请稍后再试。', bad_request: '请检查输入的内容。', missing: '请填写此项。',
  },
};
const $ = (id) => document.getElementById(id);
const kept = localStorage.getItem('language');
let lang = kept in words ? kept : navigator.language.startsWith('zh') ? 'zh' : 'en';
let person = null;

function speak() {
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en';
  for (const e of document.querySelectorAll('[data-word]')) e.textContent = words[lang][e.dataset.word];
  $('language').textContent = words[lang].other;
  document.title = words[lang].shop;
  if (person) $('since').textContent = new Date(person.since).toLocaleString(document.documentElement.lang);
}

function show(id) {
  for (const part of ['phone', 'code', 'me']) $(part).hidden = part !== id;
  $('problem').textContent = '';
  $(id).querySelector('input')?.focus();
}

// call asks the back end. What it refuses is thrown, with words for people.
async function call(method, path, body) {
  let res, out;
  try {
    res = await fetch('/api/' + path, {
      method, headers: { 'Content-Type': 'application/json', 'Accept-Language': lang === 'zh' ? 'zh-CN' : 'en' },
      body: body && JSON.stringify(body),
    });
    out = await res.json();
  } catch {
    throw { text: words[lang].unavailable };
  }
  if (!res.ok) throw { code: out.error, text: out.text || words[lang][out.error] || words[lang].unavailable };
  return out;
}

// during runs fn while the buttons rest, and shows what went wrong.
async function during(fn) {
  const buttons = document.querySelectorAll('main button');
  for (const b of buttons) b.disabled = true;
  $('problem').textContent = '';
  try {
    await fn();
  } catch (e) {
    if (e.code === 'signed_out') return home();
    $('problem').textContent = e.text;
  } finally {
    for (const b of buttons) b.disabled = false;
  }
}

async function home() {
  try {
    person = await call('GET', 'private/me');
  } catch (e) {
    person = null;
    show('phone');
    if (e.code !== 'signed_out') $('problem').textContent = e.text;
    return;
  }
  $('id').textContent = person.id;
  speak();
  show('me');
}

function submit(id, fn) {
  $(id).addEventListener('submit', (event) => {
    event.preventDefault();
    const input = $(id).querySelector('input');
    if (!input.value.trim()) {
      $('problem').textContent = words[lang].missing;
      input.focus();
      return;
    }
    during(() => fn(input.value));
  });
}

submit('phone', async (phone) => {
  $('target').textContent = (await call('POST', 'code', { phone })).phone;
  $('digits').value = '';
  show('code');
});
submit('code', async (code) => {
  await call('POST', 'signin', { code });
  await home();
});
$('again').addEventListener('click', () => show('phone'));
$('signout').addEventListener('click', () => during(async () => {
  await call('POST', 'signout');
  await home();
}));
$('language').addEventListener('click', () => {
  lang = lang === 'zh' ? 'en' : 'zh';
  localStorage.setItem('language', lang);
  speak();
});

speak();
home();

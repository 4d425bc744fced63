'use strict';
// The captcha page of older client libraries: it shows the picture in an iframe of the
// app and goes back to the app's page. The server decides where that is.
(() => {
  const words = {
    zh: { title: '请完成验证', hint: '输入图中字符，点击图片可更换', confirm: '确定', cancel: '返回', broken: '网络错误，请稍后重试' },
    en: { title: 'Please verify', hint: 'Type the characters; click the picture for another', confirm: 'Confirm', cancel: 'Back', broken: 'Network error, please try again' },
  };
  const query = new URLSearchParams(location.search);
  const wanted = query.get('lang') || navigator.language || 'zh';
  const lang = wanted.toLowerCase().startsWith('en') ? 'en' : 'zh';
  const say = words[lang];
  const at = (id) => document.getElementById(id);
  document.documentElement.lang = lang === 'en' ? 'en' : 'zh-CN';
  document.title = say.title;
  for (const id of ['title', 'hint', 'confirm', 'cancel']) at(id).textContent = say[id];
  at('picture').alt = say.hint;

  let token = '';

  async function send(path, body) {
    const url = path + '?client_id=' + encodeURIComponent(query.get('client_id') || '');
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Accept-Language': lang === 'en' ? 'en' : 'zh-CN' },
      body: JSON.stringify(body),
    });
    const out = await answer.json();
    if (out.error) throw new Error(out.error_description || out.error);
    return out;
  }

  async function guarded(work) {
    const buttons = document.querySelectorAll('button');
    buttons.forEach((b) => { b.disabled = true; });
    try {
      await work();
    } catch (e) {
      at('problem').textContent = e instanceof TypeError ? say.broken : e.message;
    } finally {
      buttons.forEach((b) => { b.disabled = false; });
    }
  }

  async function draw() {
    const out = await send('data', { state: query.get('state') || '' });
    token = out.token;
    at('picture').src = out.data;
    at('key').value = '';
    at('key').focus();
  }

  async function leave(body) {
    const out = await send('page/finish', {
      redirect_uri: query.get('redirect_uri'), state: query.get('state') || '', ...body,
    });
    location.replace(out.redirect_uri);
  }

  at('image').addEventListener('click', () => guarded(draw));
  at('cancel').addEventListener('click', () => guarded(() => leave({ cancel: true })));
  at('form').addEventListener('submit', (event) => {
    event.preventDefault();
    at('problem').textContent = '';
    guarded(async () => {
      try {
        await leave({ token, key: at('key').value.trim() });
      } catch (e) {
        await draw();
        throw e;
      }
    });
  });
  guarded(draw);
})();

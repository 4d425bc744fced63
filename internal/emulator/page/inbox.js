import { emulator } from './api.js';
import { $, el, copyFrom } from './dom.js';
import { language, onLanguage, t } from './words.js';

let messages = [];
const arrivals = [];
const seen = new Set();
let first = true;

// onMessage runs fn for every message that arrives while the page is open.
export function onMessage(fn) { arrivals.push(fn); }

function matches(m) {
  const channel = $('#channel').value;
  if (channel && m.channel !== channel) return false;
  const wanted = $('#search').value.toLowerCase().replace(/\s/g, '');
  return !wanted || [m.to, m.code, m.subject].some((v) => v.toLowerCase().replace(/\s/g, '').includes(wanted));
}

function card(m) {
  const time = new Date(m.createdAt);
  const head = el('div', { class: 'head' },
    el('span', { class: 'tag ' + m.channel }, t(m.channel)),
    el('span', { class: 'to', title: m.to }, m.to),
    el('time', { datetime: m.createdAt, title: time.toLocaleString(language()) }, time.toLocaleTimeString(language())));
  const item = el('li', { class: seen.has(m.id) ? 'card' : 'card new' }, head);
  if (m.code) {
    const button = el('button', { type: 'button' }, t('copy'));
    button.addEventListener('click', () => copyFrom(button, m.code));
    item.append(el('div', { class: 'code' }, el('strong', {}, m.code), button));
  }
  if (m.subject) item.append(el('p', { class: 'subject' }, m.subject));
  if (m.text) item.append(el('p', { class: 'text' }, m.text));
  return item;
}

function render() {
  const shown = messages.filter(matches);
  $('#list').replaceChildren(...shown.map(card));
  $('#count').textContent = messages.length || '';
  $('#empty').hidden = messages.length > 0;
  $('#nomatch').hidden = messages.length === 0 || shown.length > 0;
  for (const m of messages) seen.add(m.id);
}

function arrived(list) {
  messages = list;
  const fresh = list.filter((m) => !seen.has(m.id)).reverse();
  if (first) for (const m of list) seen.add(m.id);
  render();
  if (!first) for (const m of fresh) for (const fn of arrivals) fn(m);
  first = false;
}

// follow keeps the list current for as long as the page is open.
async function follow() {
  let wait = '0s';
  for (;;) {
    try {
      const after = messages[0]?.id ?? '';
      arrived(await emulator('GET', `messages?limit=200&wait=${wait}&after=${after}`));
      $('#offline').hidden = true;
      wait = '25s';
    } catch {
      $('#offline').hidden = false;
      await new Promise((done) => { setTimeout(done, 1500); });
    }
  }
}

export function startInbox() {
  $('#search').addEventListener('input', render);
  $('#channel').addEventListener('change', render);
  onLanguage(() => { if (!first) render(); });
  follow();
}

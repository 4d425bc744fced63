import { emulator } from './api.js';
import { $, $$ } from './dom.js';
import { language, onLanguage, t } from './words.js';

let clock = { read: 0, at: 0, offset: 0 };
let moved = 0; // how often somebody has moved it here

function showClock() {
  if (!clock.read) return; // the server has not told yet
  const now = new Date(clock.read + (performance.now() - clock.at));
  $('#now').textContent = now.toLocaleString(language(), { dateStyle: 'medium', timeStyle: 'medium' });
  $('#ahead').textContent = clock.offset ? t('ahead', span(clock.offset)) : t('onTime');
  $('#ahead').classList.toggle('on', clock.offset !== 0);
}

const units = { m: 'minute', h: 'hour', d: 'day' };

function nameSteps() {
  for (const b of $$('[data-advance]')) {
    const by = b.dataset.advance;
    b.textContent = `+${parseInt(by, 10)} ${t(units[by.at(-1)])}`;
  }
}

function span(seconds) {
  const minutes = Math.round(seconds / 60);
  const parts = [[Math.floor(minutes / 1440), 'day'], [Math.floor(minutes / 60) % 24, 'hour'], [minutes % 60, 'minute']];
  return parts.filter(([n]) => n).map(([n, unit]) => `${n} ${t(unit)}`).join(' ') || `<1 ${t('minute')}`;
}

function setClock(state) {
  clock = { read: Date.parse(state.now), at: performance.now(), offset: state.offsetSeconds };
  showClock();
}

async function move(by) {
  moved++;
  const state = await emulator('POST', 'clock', by);
  moved++; // what was asked for meanwhile is as old
  setClock(state);
}

async function readClock() {
  try {
    const moves = moved;
    const state = await emulator('GET', 'clock');
    if (moves === moved) setClock(state); // else it is older than what moving answered
  } catch {
    // The inbox already tells that the server is away.
  }
}

function fillSettings(s) {
  const form = $('#settings form');
  form.captcha.checked = s.captcha === 'always';
  form.anonymous.checked = Boolean(s.anonymous);
  form.limits.checked = Boolean(s.limits);
  form.accessTokenSeconds.value = s.accessTokenSeconds ?? '';
  form.allowedOrigins.value = (s.allowedOrigins ?? []).join(' ');
}

function changed(input) {
  switch (input.name) {
    case 'captcha': return { captcha: input.checked ? 'always' : 'off' };
    case 'accessTokenSeconds': return { accessTokenSeconds: Number(input.value) };
    case 'allowedOrigins': return { allowedOrigins: input.value.split(/[\s,]+/).filter(Boolean) };
    default: return { [input.name]: input.checked };
  }
}

async function save(event) {
  const saved = $('#saved');
  try {
    fillSettings(await emulator('PUT', 'settings', changed(event.target)));
    saved.className = 'hint';
    saved.textContent = t('saved');
  } catch (e) {
    saved.className = 'error';
    saved.textContent = e.message;
  }
  setTimeout(() => { saved.textContent = ''; }, 3000);
}

// reset asks twice, on the button itself.
async function reset() {
  const button = $('#reset-button');
  if (!button.dataset.sure) {
    button.dataset.sure = 'yes';
    button.textContent = t('resetSure');
    setTimeout(() => { delete button.dataset.sure; button.textContent = t('resetButton'); }, 3000);
    return;
  }
  await emulator('POST', 'reset');
  button.textContent = t('resetDone');
}

// startControls makes the buttons work at once; what they show comes with the answers.
export function startControls() {
  onLanguage(nameSteps);
  for (const b of $$('[data-advance]')) {
    b.addEventListener('click', () => move({ advance: b.dataset.advance }));
  }
  $('#clock-reset').addEventListener('click', () => move({ reset: true }));
  $('#settings form').addEventListener('submit', (event) => event.preventDefault());
  $('#settings form').addEventListener('change', save);
  $('#reset-button').addEventListener('click', reset);
  setInterval(readClock, 10000);
  return Promise.all([readSettings(), startClock()]);
}

async function startClock() {
  await readClock();
  setInterval(showClock, 1000);
  onLanguage(showClock);
}

async function readSettings() {
  // What is changed before the answer is here would be put back by it.
  fillSettings(await emulator('GET', 'settings'));
  $('#settings fieldset').disabled = false;
}

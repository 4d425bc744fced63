import { project } from './api.js';
import { startControls } from './controls.js';
import { $, $$, copyFrom, el } from './dom.js';
import { startInbox } from './inbox.js';
import { startSignIn } from './signin.js';
import { onLanguage, t, toggleLanguage, translate } from './words.js';

const themes = ['auto', 'light', 'dark'];
let theme = localStorage.getItem('emulator_theme') || 'auto';

function showTheme() {
  document.documentElement.dataset.theme = theme;
  $('#theme').textContent = t({ auto: 'themeAuto', light: 'themeLight', dark: 'themeDark' }[theme]);
}

function nextTheme() {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  localStorage.setItem('emulator_theme', theme);
  showTheme();
}

function showProject(p) {
  const facts = { env: p.env, clientId: p.clientId, appId: p.appId };
  $('#project').replaceChildren(...Object.entries(facts).filter(([, v]) => v)
    .map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
  const link = $('#console');
  if (p.consoleUrl) link.href = p.consoleUrl;
  link.hidden = !p.consoleUrl || new URL(p.consoleUrl).pathname === location.pathname;
  const scheme = location.protocol.slice(0, -1);
  const init = `const app = cloudbase.init({ env: '${p.env}' });\n`;
  $('#sdk2').textContent = `${init}app.registerEndPoint('${location.origin}/web');\nconst auth = app.auth({});`;
  $('#sdk3').textContent = `${init}app.registerHost('${location.host}', '${scheme}');\nconst auth = app.auth();`;
  $('#authing').textContent = `new AuthenticationClient({ appId: '${p.appId}', appHost: '${location.origin}' });`;
  $('#swift').textContent = `Authing.setSchema(schema: "${scheme}")\nAuthing.setOnPremiseInfo(host: "${location.host}", publicKey: "${p.publicKey}")\nAuthing.start("${p.appId}")`;
  $('#android').textContent = `Authing.setScheme("${scheme}");\nAuthing.setOnPremiseInfo("${location.host}", "${p.publicKey}");\nAuthing.init(context, "${p.appId}");`;
  $('#curl').textContent = `curl '${location.origin}/emulator/v1/messages?to=13800000000&wait=5s'`;
}

$('#lang').addEventListener('click', toggleLanguage);
$('#theme').addEventListener('click', nextTheme);
for (const b of $$('[data-copy]')) b.addEventListener('click', () => copyFrom(b, $('#' + b.dataset.copy).textContent));
onLanguage(() => { translate(); showTheme(); $('#lang').textContent = t('other'); });
startInbox();
startSignIn();
const controls = startControls();
showProject(await project);
await controls;

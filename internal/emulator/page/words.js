// Every text of the page, in both languages. English is the fallback for a missing one.
const words = {
  en: {
    other: '中文', title: 'development', console: 'Console',
    offline: 'The server does not answer. Trying again…',
    messages: 'Messages', search: 'Phone, email or code', channel: 'Channel',
    all: 'All', sms: 'SMS', email: 'Email', captcha: 'Captcha',
    noMatch: 'No message matches.',
    emptyTitle: 'Nothing sent yet',
    emptyText: 'This server sends no SMS and no email. Every code it would have sent appears here at once, and so does the answer to every captcha.',
    emptyStep1: 'Point your app at this server with one of the snippets below.',
    emptyStep2: 'Ask for a code in your app, or press “Send code” under “Try a sign-in”.',
    emptyStep3: 'Copy the code from here. Any phone number and email address works.',
    inTests: 'In automated tests', copy: 'Copy', copied: 'Copied',
    try: 'Try a sign-in', byPhone: 'Phone', byEmail: 'Email', byPassword: 'Password', byAnonymous: 'Anonymous',
    phone: 'Phone number', emailAddress: 'Email address', send: 'Send code',
    captchaLabel: 'Characters in the picture', goOn: 'Continue',
    code: 'Code (filled in from the messages)', newUser: 'New user: optional details', nickname: 'Nickname', username: 'User name',
    passwordOptional: 'Password', signIn: 'Sign in', signUp: 'Sign up', signOut: 'Sign out',
    identifier: 'User name, phone or email', password: 'Password',
    anonymousHint: 'A user with nothing but this browser. The same browser gets the same user again; signing up later keeps its id.',
    signInAnonymous: 'Sign in anonymously', signedIn: 'Signed in', tokens: 'Tokens', claims: 'Claims of the access token',
    clock: 'Clock', ahead: 'ahead by {n}', onTime: 'real time', realTime: 'Back to real time',
    clockHint: 'Codes, tokens and sessions follow this clock. Move it to see them expire.',
    settings: 'Settings', setCaptcha: 'Demand a captcha before every code', setAnonymous: 'Allow anonymous sign-in',
    setLimits: 'Enforce sending limits', setAccess: 'Access token life in seconds', setOrigins: 'Allowed origins, separated by spaces',
    saved: 'Saved', reset: 'Start over',
    resetHint: 'Deletes all users, sessions and messages. Applications, keys and settings stay.',
    resetButton: 'Delete all users', resetSure: 'Press again to delete', resetDone: 'Done',
    theme: 'Theme', themeAuto: '◐ Auto', themeLight: '☀ Light', themeDark: '☾ Dark', day: 'd', hour: 'h', minute: 'min',
  },
  'zh-CN': {
    other: 'English', title: '开发模式', console: '控制台',
    offline: '服务器没有响应，正在重试…',
    messages: '消息', search: '手机号、邮箱或验证码', channel: '通道',
    all: '全部', sms: '短信', email: '邮件', captcha: '图形验证码',
    noMatch: '没有符合条件的消息。',
    emptyTitle: '还没有发出任何消息',
    emptyText: '本服务器不会真的发送短信或邮件。所有本应发出的验证码都会立刻显示在这里，图形验证码的答案也一样。',
    emptyStep1: '用下面任意一段代码，让您的应用连接本服务器。',
    emptyStep2: '在应用里获取验证码，或者点击“试一试登录”里的“发送验证码”。',
    emptyStep3: '从这里复制验证码。任意手机号和邮箱都可以使用。',
    inTests: '在自动化测试中', copy: '复制', copied: '已复制',
    try: '试一试登录', byPhone: '手机号', byEmail: '邮箱', byPassword: '密码', byAnonymous: '匿名',
    phone: '手机号', emailAddress: '邮箱地址', send: '发送验证码',
    captchaLabel: '图中的字符', goOn: '继续',
    code: '验证码（会从消息中自动填入）', newUser: '新用户：选填资料', nickname: '昵称', username: '用户名',
    passwordOptional: '密码', signIn: '登录', signUp: '注册', signOut: '退出登录',
    identifier: '用户名、手机号或邮箱', password: '密码',
    anonymousHint: '只凭这个浏览器识别的用户。同一浏览器再次登录仍是同一用户，之后注册会保留它的 uid。',
    signInAnonymous: '匿名登录', signedIn: '已登录', tokens: '令牌', claims: '访问令牌内容',
    clock: '时钟', ahead: '快了 {n}', onTime: '真实时间', realTime: '恢复真实时间',
    clockHint: '验证码、令牌和会话都按这个时钟过期。拨快它即可看到过期效果。',
    settings: '设置', setCaptcha: '发送验证码前必须通过图形验证', setAnonymous: '允许匿名登录',
    setLimits: '启用发送频率限制', setAccess: '访问令牌有效期（秒）', setOrigins: '允许的来源，用空格分隔',
    saved: '已保存', reset: '重新开始',
    resetHint: '删除全部用户、会话和消息，保留应用、密钥和设置。',
    resetButton: '删除全部用户', resetSure: '再按一次确认删除', resetDone: '完成',
    theme: '主题', themeAuto: '◐ 自动', themeLight: '☀ 浅色', themeDark: '☾ 深色', day: '天', hour: '小时', minute: '分钟',
  },
};

const listeners = [];
let lang = localStorage.getItem('emulator_lang') || (navigator.language.startsWith('zh') ? 'zh-CN' : 'en');

export const language = () => lang;
export const t = (key, n) => (words[lang][key] ?? words.en[key] ?? key).replace('{n}', n);

// onLanguage runs fn now and whenever the language changes.
export function onLanguage(fn) {
  listeners.push(fn);
  fn();
}

export function toggleLanguage() {
  lang = lang === 'en' ? 'zh-CN' : 'en';
  localStorage.setItem('emulator_lang', lang);
  for (const fn of listeners) fn();
}

// translate fills every element that names its text.
export function translate() {
  document.documentElement.lang = lang;
  for (const e of document.querySelectorAll('[data-t]')) e.textContent = t(e.dataset.t);
  for (const e of document.querySelectorAll('[data-t-placeholder]')) e.placeholder = t(e.dataset.tPlaceholder);
  for (const e of document.querySelectorAll('[data-t-title]')) e.title = t(e.dataset.tTitle);
  for (const e of document.querySelectorAll('[data-t-label]')) e.setAttribute('aria-label', t(e.dataset.tLabel));
}

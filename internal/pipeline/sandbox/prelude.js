// Read once into the image every call starts from. It runs before any function of a
// pool and keeps its own references, so that nothing a function changes reaches it; but
// what it returns is checked again outside in any case.
(function () {
  'use strict';
  const { stringify, parse } = JSON;
  const { apply } = Reflect;
  const { defineProperty, setPrototypeOf } = Object;
  const { slice, split, indexOf } = String.prototype;
  const { then } = Promise.prototype;
  const { isArray } = Array;
  const { min, max } = Math;
  const PromiseOf = Promise, StringOf = String, ErrorOf = Error, ProxyOf = Proxy;
  const BigIntOf = BigInt, NumberOf = Number;
  const decode = decodeURIComponent, encode = encodeURIComponent;
  const cut = (text, n) => (text.length > n ? apply(slice, text, [0, n]) : text);

  const maxLines = 50, maxLine = 500, maxAnswer = 64 * 1024, maxOps = 64;

  // Log lines are one growing JSON text: an array would run setters of a prototype.
  let lines = '', count = 0;
  const show = (v) => {
    if (typeof v === 'string') return v;
    if (typeof v === 'object' && v !== null) {
      if (v instanceof ErrorOf) return StringOf(v.message);
      return stringify(v) || '[object]';
    }
    return StringOf(v);
  };
  function log(...args) {
    if (count >= maxLines) return;
    let text = '';
    for (let i = 0; i < args.length && text.length < maxLine; i++) {
      let part;
      try { part = show(args[i]); } catch (e) { part = '[unprintable]'; }
      text += (i > 0 ? ' ' : '') + cut(part, maxLine);
    }
    count++;
    lines += (lines ? ',' : '') + stringify(cut(text, maxLine));
  }

  const hide = (object, name, value) =>
    defineProperty(object, name, { __proto__: null, value, writable: true, configurable: true });

  // What the outside is told: changes other than assignments, again as JSON text.
  let ops = '', opCount = 0;
  function note(kind, key, value) {
    if (typeof key !== 'string' || key === '' || key.length > 128) throw new TypeError(kind + ': the key must be a text');
    if (++opCount > maxOps) throw new RangeError(kind + ': too many changes');
    const text = value === undefined ? 'null' : stringify(value) || 'null';
    if (ops.length + text.length > maxAnswer) throw new RangeError(kind + ': the value is too large');
    ops += (ops ? ',' : '') + '{"kind":"' + kind + '","key":' + stringify(key) + ',"value":' + text + '}';
  }
  function methods(user) {
    hide(user, 'addCustomData', (k, v) => note('addCustomData', k, v));
    hide(user, 'addIdToken', (k, v) => note('addIdToken', k, v));
    hide(user, 'removeIdToken', (k) => note('removeIdToken', k));
    hide(user, 'addAccessToken', (k, v) => note('addAccessToken', k, v));
    hide(user, 'removeAccessToken', (k) => note('removeAccessToken', k));
    return user;
  }

  // Addresses as numbers; IPv4 in the form ::ffff:a.b.c.d is IPv4.
  function address(text) {
    text = apply(split, StringOf(text), ['%'])[0];
    if (apply(indexOf, text, [':']) < 0) {
      const parts = apply(split, text, ['.']);
      if (parts.length !== 4) return null;
      let n = 0;
      for (let i = 0; i < 4; i++) {
        const b = NumberOf(parts[i]);
        if (parts[i] === '' || !(b >= 0 && b <= 255) || b % 1 !== 0) return null;
        n = n * 256 + b;
      }
      return BigIntOf(n) + 0xffff00000000n;
    }
    const dot = text.lastIndexOf(':');
    let tail = null;
    if (apply(indexOf, text, ['.']) > 0) {
      tail = address(apply(slice, text, [dot + 1]));
      if (tail === null) return null;
      text = apply(slice, text, [0, dot + 1]) + ((tail >> 16n) & 0xffffn).toString(16) + ':' + (tail & 0xffffn).toString(16);
    }
    const halves = apply(split, text, ['::']);
    const words = (s) => (s === '' ? [] : apply(split, s, [':']));
    const head = words(halves[0]), rest = halves.length === 2 ? words(halves[1]) : [];
    const gap = 8 - head.length - rest.length;
    if (halves.length > 2 || (halves.length === 1 ? gap !== 0 : gap < 1)) return null;
    let n = 0n;
    const push = (w) => { n = (n << 16n) | BigIntOf('0x' + w); };
    try {
      head.forEach(push);
      n <<= BigIntOf(16 * max(gap, 0));
      rest.forEach(push);
    } catch (e) { return null; }
    return n;
  }
  function ipRangeCheck(ip, range) {
    const [low, high] = isArray(range) ? range : [range, range];
    const a = address(ip), b = address(low), c = address(high);
    return a !== null && b !== null && c !== null && a >= b && a <= c;
  }
  const unescape = (s) => {
    s = s.replaceAll('+', ' ');
    try { return decode(s); } catch (e) { return s; }
  };
  const modules = {
    __proto__: null,
    './utils': () => ({ ipRangeCheck }),
    querystring: () => ({
      escape: encode,
      unescape,
      parse(text) {
        const out = {};
        for (const pair of StringOf(text).split('&')) {
          if (pair === '') continue;
          const at = pair.indexOf('=');
          const k = unescape(at < 0 ? pair : pair.slice(0, at)), v = at < 0 ? '' : unescape(pair.slice(at + 1));
          if (k === '__proto__') continue;
          if (k in out) out[k] = isArray(out[k]) ? [...out[k], v] : [out[k], v];
          else out[k] = v;
        }
        return out;
      },
      stringify(object) {
        return Object.entries(object || {}).flatMap(([k, v]) =>
          (isArray(v) ? v : [v]).map((x) => encode(k) + '=' + encode(x === null || x === undefined ? '' : x))).join('&');
      },
    }),
  };
  const missing = (what) =>
    new ErrorOf(what + ' is not available: functions run without network, files and packages (see docs/pipelines.md)');
  function require(name) {
    const make = modules[name] || modules[apply(slice, StringOf(name), [0, 5]) === 'node:' ? apply(slice, name, [5]) : name];
    if (!make) throw missing("require('" + cut(StringOf(name), 64) + "')");
    return make();
  }
  const refuse = (name) =>
    new ProxyOf(function () {}, {
      get(_, key) { if (typeof key === 'symbol') return undefined; throw missing(name); },
      apply() { throw missing(name); },
    });

  const global = globalThis;
  hide(global, 'log', log);
  hide(global, 'console', { log, info: log, warn: log, error: log, debug: log });
  hide(global, 'require', require);
  hide(global, 'axios', refuse('axios'));
  hide(global, 'authing', refuse('authing'));

  // xorshift128, seeded for each call: the image would otherwise repeat one sequence.
  function random(seed) {
    let [a, b, c, d] = seed;
    hide(Math, 'random', function random() {
      let t = d;
      const s = a;
      d = c; c = b; b = s;
      t ^= t << 11; t ^= t >>> 8;
      a = t ^ s ^ (s >>> 19);
      return (a >>> 0) / 4294967296;
    });
  }

  // One call: the answer is settled by callback, by an exception or not at all.
  let answer = '';
  const settle = (kind, text) => {
    if (answer === '') answer = '{"kind":"' + kind + '","message":' + stringify(cut(text, maxLine)) + '}';
  };
  function text(error) {
    try {
      if (typeof error === 'object' && error !== null && typeof error.message === 'string') return error.message;
      return StringOf(error);
    } catch (e) { return 'unprintable error'; }
  }
  function load(make, env, seed) {
    random(parse(seed));
    hide(global, 'env', env);
    try {
      const pipe = make();
      if (typeof pipe === 'function') return pipe;
      settle('crashed', 'there is no function called pipe');
    } catch (e) { settle('crashed', text(e)); }
  }
  // Only reads the source, to find out whether it could run.
  function inspect(make, input, seed) {
    if (load(make, parse(input).env, seed)) answer = '{"kind":"done","user":{},"context":{}}';
  }
  function start(make, input, seed) {
    const { user: givenUser, context: givenContext, env } = parse(input);
    const pipe = load(make, env, seed);
    if (!pipe) return;
    const user = methods(givenUser), context = givenContext;
    const two = pipe.length === 2;
    const callback = (error, a, b) => {
      if (answer !== '') return;
      if (error !== null && error !== undefined) { settle('denied', text(error)); return; }
      const nextUser = two || a === undefined || a === null ? user : a;
      const given = two ? a : b;
      const nextContext = given === undefined || given === null ? context : given;
      let u, c;
      try {
        u = stringify(nextUser);
        c = stringify(nextContext);
      } catch (e) { settle('invalid', 'the answer cannot be written as JSON: ' + text(e)); return; }
      if (typeof u !== 'string' || typeof c !== 'string') { settle('invalid', 'user and context must be objects'); return; }
      if (u.length + c.length > maxAnswer) { settle('invalid', 'the answer is larger than 64 KB'); return; }
      answer = '{"kind":"done","user":' + u + ',"context":' + c + '}';
    };
    try {
      const result = two ? pipe(context, callback) : pipe(user, context, callback);
      if (typeof result === 'object' && result !== null) {
        apply(then, new PromiseOf((resolve) => resolve(result)), [() => {}, (e) => settle('crashed', text(e))]);
      }
    } catch (e) { settle('crashed', text(e)); }
  }
  const finish = () => '{"answer":' + (answer || '{"kind":"silent"}') + ',"ops":[' + ops + '],"logs":[' + lines + ']}';
  return { start, inspect, finish };
})();

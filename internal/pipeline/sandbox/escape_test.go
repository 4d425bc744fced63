package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
)

// JS-02: whatever an expression reaches, it is inside the interpreter.
func TestEscape(t *testing.T) {
	s := start(t, 1)
	for name, c := range map[string]struct{ expr, want string }{
		"the function constructor finds the sandbox's global": {`constructor.constructor('return this')() === globalThis`, "true"},
		"a constructor of a constructor":                      {`(()=>{}).constructor.constructor('return typeof process')()`, "undefined"},
		"the async function constructor":                      {`Object.getPrototypeOf(async function(){}).constructor('return this')() instanceof Promise`, "true"},
		"the generator constructor":                           {`Object.getPrototypeOf(function*(){}).constructor('yield typeof process')().next().value`, "undefined"},
		"the constructor of user":                             {`user.constructor.constructor('return typeof require("fs")')()`, "threw Error"},
		"the constructor of a method of user":                 {`user.addCustomData.constructor('return typeof process')()`, "undefined"},
		"the constructor of callback":                         {`callback.constructor('return typeof process')()`, "undefined"},
		"indirect eval":                                       {`(0, eval)('typeof process')`, "undefined"},
		"require of fs":                                       {`require('fs')`, "threw Error"},
		"require of child_process":                            {`require('child_process')`, "threw Error"},
		"require of node:fs":                                  {`require('node:fs')`, "threw Error"},
		"require of a prototype's name":                       {`require('constructor')`, "threw Error"},
		"require of __proto__":                                {`require('__proto__')`, "threw Error"},
		"require of an object with a text":                    {`require({ toString() { return 'fs' } })`, "threw Error"},
		"require has no cache or main":                        {`typeof require.cache + typeof require.main`, "undefinedundefined"},
		"process":                                             {`typeof process`, "undefined"},
		"global of Node":                                      {`typeof global`, "undefined"},
		"Deno and Bun":                                        {`typeof Deno + typeof Bun`, "undefinedundefined"},
		"std and os of the interpreter":                       {`typeof std + typeof os + typeof bjson + typeof scriptArgs`, "undefinedundefinedundefinedundefined"},
		"print, load and evalScript":                          {`typeof print + typeof load + typeof loadScript + typeof evalScript`, "undefinedundefinedundefinedundefined"},
		"fetch and sockets":                                   {`typeof fetch + typeof XMLHttpRequest + typeof WebSocket`, "undefinedundefinedundefined"},
		"timers":                                              {`typeof setTimeout + typeof setInterval + typeof setImmediate`, "undefinedundefinedundefined"},
		"WebAssembly and Worker":                              {`typeof WebAssembly + typeof Worker`, "undefinedundefined"},
		"shared memory":                                       {`typeof Atomics`, "undefined"},
		"module and exports":                                  {`typeof module + typeof exports + typeof __filename`, "undefinedundefinedundefined"},
		"axios explains itself":                               {`axios.get('http://169.254.169.254/')`, "threw Error"},
		"authing explains itself":                             {`authing.users.list()`, "threw Error"},
		"the prelude's functions are nowhere":                 {`Object.getOwnPropertyNames(globalThis).filter(n => /^(start|finish|settle|note|modules)$/.test(n)).length`, "0"},
		"arguments.callee.caller":                             {`arguments.callee.caller`, "undefined"},
		"an error's stack names no path of the host":          {`/\/(tmp|usr|home|work|etc)\//.test(new Error('x').stack)`, "false"},
		"prepareStackTrace sees no frames of the host": {
			`(() => { Error.prepareStackTrace = (e, frames) => frames; const f = new Error('x').stack; return Array.isArray(f) ? f.some(x => x.getThis && x.getThis() !== undefined) : false })()`, "false",
		},
		"a symbol species":                        {`(() => { class A extends Array { static get [Symbol.species]() { return Function } } return typeof process })()`, "undefined"},
		"a proxy as prototype":                    {`(() => { Object.setPrototypeOf(user, new Proxy({}, { get: (t, k) => k })); return user.process })()`, "process"},
		"__lookupGetter__ of axios":               {`typeof globalThis.__lookupGetter__('axios')`, "undefined"},
		"the clock stands still":                  {`(() => { const a = Date.now(); for (let i = 0; i < 1e5; i++); return Date.now() - a })()`, "0"},
		"the clock is the one given":              {`new Date().toISOString()`, "2026-05-01T08:00:00.000Z"},
		"local time is UTC":                       {`new Date().getTimezoneOffset()`, "0"},
		"a finalizer runs nothing":                {`(() => { new FinalizationRegistry(() => { throw 1 }).register({}, 1); return typeof process })()`, "undefined"},
		"debugger and with find nothing of ours":  {`(() => { with (globalThis) { debugger; return typeof lines } })()`, "undefined"},
		"closures of the prelude are not in text": {`log.toString().includes('password')`, "false"},
	} {
		t.Run(name, func(t *testing.T) {
			a := run(t, s, `function pipe(user, context, callback) {
				try { context.out = String(`+c.expr+`) } catch (e) { context.out = 'threw ' + e.name }
				return callback(null, {}, context)
			}`)
			if a.Fault != nil {
				t.Fatal(a.Fault)
			}
			if got := a.Context["out"]; got != c.want {
				t.Errorf("%s = %v, want %s", c.expr, got, c.want)
			}
		})
	}
	t.Run("import() loads nothing", func(t *testing.T) {
		a := run(t, s, `async function pipe(u, c, callback) {
			for (const m of ['fs', 'std', 'os', 'qjs:std', '/etc/passwd', './prelude.js']) {
				try { await import(m); c.got = m } catch (e) {}
			}
			return callback(null, u, c)
		}`)
		if a.Fault != nil || a.Context["got"] != nil {
			t.Errorf("%v, imported %v", a.Fault, a.Context["got"])
		}
	})
}

// JS-03: what one call breaks is whole in the next one, of the same tenant or another,
// and in the next function of its own chain.
func TestNothingSurvives(t *testing.T) {
	s := start(t, 1)
	const pollute = `function pipe(user, context, callback) {
		Object.prototype.isAdmin = true;
		Array.prototype.map = () => 'stolen';
		JSON.stringify = JSON.parse = String.prototype.slice = Promise.prototype.then = () => '{"kind":"done","user":{"id":"root"},"context":{}}';
		globalThis.left = user; env.KEY = 'changed'; require.left = 1; log.left = 1;
		Object.defineProperty(Array.prototype, '0', { set(v) { globalThis.seen = v }, configurable: true });
		return callback(null, user, context);
	}`
	const look = `async function pipe(user, context, callback) {
		context.found = [typeof ({}).isAdmin, typeof left, typeof seen, typeof require.left, typeof log.left, env.KEY, [1].map(x => x + 1)[0], JSON.stringify([1])].join();
		return callback(null, user, context);
	}`
	const clean = "undefined,undefined,undefined,undefined,undefined,value,2,[1]"
	for range 3 {
		if a := run(t, s, pollute); a.Fault != nil || a.User["id"] != "u1" {
			t.Fatalf("fault %v, user %v", a.Fault, a.User)
		}
		other := job(look)
		other.Tenant = "other"
		a, err := s.Run(t.Context(), other)
		if err != nil || a.Context["found"] != clean {
			t.Errorf("next call: %v, %v %v", a.Context["found"], err, a.Fault)
		}
		if a := run(t, s, pollute, look); a.Context["found"] != clean {
			t.Errorf("next function: %v %v", a.Context["found"], a.Fault)
		}
	}
	t.Run("random numbers follow the seed", func(t *testing.T) {
		const f = `function pipe(u, c, cb) { c.r = Math.random(); return cb(null, u, c) }`
		one, two := job(f), job(f)
		two.Seed = [4]uint32{9, 8, 7, 6}
		a, _ := s.Run(t.Context(), one)
		b, _ := s.Run(t.Context(), two)
		if a.Context["r"] == nil || a.Context["r"] == b.Context["r"] {
			t.Errorf("%v and %v", a.Context["r"], b.Context["r"])
		}
	})
}

// JS-04: the answer is a bounded copy in JSON.
func TestAnswer(t *testing.T) {
	s := start(t, 1)
	for name, c := range map[string]struct {
		source string
		kind   sandbox.Kind
		text   string
	}{
		"a refusal by an error":              {`function pipe(u, c, cb) { return cb(new Error('no evil.com')) }`, sandbox.Denied, "no evil.com"},
		"a refusal by a text":                {`function pipe(u, c, cb) { return cb('nope') }`, sandbox.Denied, "nope"},
		"a refusal by an object":             {`function pipe(u, c, cb) { return cb({ message: 'obj' }) }`, sandbox.Denied, "obj"},
		"a refusal of the two-argument kind": {`function pipe(c, cb) { return cb(new Error('old form')) }`, sandbox.Denied, "old form"},
		"an exception":                       {`function pipe(u, c, cb) { null.x }`, sandbox.Crashed, "cannot read property 'x' of null"},
		"a rejected promise":                 {`async function pipe(u, c, cb) { throw new Error('late') }`, sandbox.Crashed, "late"},
		"no callback":                        {`async function pipe(u, c, cb) { return u }`, sandbox.Silent, "callback was not called"},
		"no pipe":                            {`const x = 1`, sandbox.Crashed, "there is no function called pipe"},
		"a syntax error":                     {"function pipe(u, c, cb) {\n  return +;\n}", sandbox.Syntax, "SyntaxError"},
		"the line of a syntax error":         {"function pipe(u, c, cb) {\n  return +;\n}", sandbox.Syntax, "(line 2)"},
		"text that closes the wrapping":      {"}); for (;;) {} (function () {", sandbox.Syntax, "SyntaxError"},
		"a text for a user":                  {`function pipe(u, c, cb) { return cb(null, 'user', c) }`, sandbox.Invalid, "must be objects"},
		"a list for a context":               {`function pipe(u, c, cb) { return cb(null, u, [1]) }`, sandbox.Invalid, "must be objects"},
		"a function for a context":           {`function pipe(u, c, cb) { return cb(null, u, () => 1) }`, sandbox.Invalid, "must be objects"},
		"a number no JSON has":               {`function pipe(u, c, cb) { c.n = 10n; return cb(null, u, c) }`, sandbox.Invalid, "JSON"},
		"changes that are too large":         {`function pipe(u, c, cb) { u.addCustomData('a', 'x'.repeat(70000)); return cb(null, u, c) }`, sandbox.Crashed, "too large"},
		"many changes":                       {`function pipe(u, c, cb) { for (let i = 0; i < 1000; i++) u.addCustomData('k' + i, 1); return cb(null, u, c) }`, sandbox.Crashed, "too many"},
	} {
		t.Run(name, func(t *testing.T) {
			a := run(t, s, c.source)
			if a.Fault == nil || a.Fault.Kind != c.kind || !strings.Contains(a.Fault.Message, c.text) {
				t.Errorf("got %v, want %s: %s", a.Fault, c.kind, c.text)
			}
		})
	}
}

func TestContract(t *testing.T) {
	s := start(t, 1)
	for name, c := range map[string]struct {
		sources []string
		want    any
	}{
		"three arguments":                      {[]string{`function pipe(u, c, cb) { c.out = u.id; return cb(null, u, c) }`}, "u1"},
		"two arguments":                        {[]string{`function pipe(c, cb) { c.out = c.protocol; return cb(null, c) }`}, "password"},
		"an arrow function":                    {[]string{`const pipe = async (u, c, cb) => { c.out = await Promise.resolve(1); cb(null, u, c) }`}, 1.0},
		"a callback after a promise":           {[]string{`function pipe(u, c, cb) { Promise.resolve().then(() => { c.out = 2; cb(null, u, c) }) }`}, 2.0},
		"the first callback counts":            {[]string{`function pipe(u, c, cb) { c.out = 1; cb(null, u, c); c.out = 2; cb(new Error('x')) }`}, 1.0},
		"a callback without values":            {[]string{`function pipe(u, c, cb) { c.out = 3; cb() }`}, 3.0},
		"env":                                  {[]string{`function pipe(u, c, cb) { c.out = env.KEY; return cb(null, u, c) }`}, "value"},
		"a chain hands on":                     {[]string{`function pipe(u, c, cb) { c.n = 1; return cb(null, u, c) }`, `function pipe(u, c, cb) { c.out = c.n + 1; return cb(null, u, c) }`}, 2.0},
		"ipRangeCheck inside":                  {[]string{`function pipe(u, c, cb) { c.out = require('./utils').ipRangeCheck('110.53.254.7', ['110.53.254.1', '110.53.254.255']); return cb(null, u, c) }`}, true},
		"ipRangeCheck outside":                 {[]string{`function pipe(u, c, cb) { c.out = require('./utils').ipRangeCheck('110.54.0.1', ['110.53.254.1', '110.53.254.255']); return cb(null, u, c) }`}, false},
		"ipRangeCheck of IPv6":                 {[]string{`function pipe(u, c, cb) { c.out = require('./utils').ipRangeCheck('2001:db8::5', ['2001:db8::', '2001:db8::ffff']); return cb(null, u, c) }`}, true},
		"ipRangeCheck of a mapped address":     {[]string{`function pipe(u, c, cb) { c.out = require('./utils').ipRangeCheck('::ffff:10.0.0.9', ['10.0.0.1', '10.0.0.10']); return cb(null, u, c) }`}, true},
		"ipRangeCheck of nonsense":             {[]string{`function pipe(u, c, cb) { c.out = require('./utils').ipRangeCheck('10.0.0', ['10.0.0.1', '10.0.0.10']); return cb(null, u, c) }`}, false},
		"querystring":                          {[]string{`function pipe(u, c, cb) { const q = require('querystring'); c.out = q.stringify({ a: 'x y', b: [1, 2] }) + q.parse('a=1&a=2&b=%20').a.length; return cb(null, u, c) }`}, "a=x%20y&b=1&b=22"},
		"methods are not part of user as JSON": {[]string{`function pipe(u, c, cb) { c.out = Object.keys(u).sort().join(); return cb(null, u, c) }`}, "email,id"},
	} {
		t.Run(name, func(t *testing.T) {
			a := run(t, s, c.sources...)
			if a.Fault != nil || a.Context["out"] != c.want {
				t.Errorf("got %v (%v), want %v", a.Context["out"], a.Fault, c.want)
			}
		})
	}
	t.Run("changes and log lines come out in order", func(t *testing.T) {
		a := run(t, s, `function pipe(user, context, callback) {
			log('one', { a: 1 }, 2); console.log('two');
			user.addCustomData('level', 3); user.addIdToken('role', ['x']); user.removeIdToken('email'); user.addAccessToken('t', null);
			return callback(null, { ...user, nickname: 'n' }, context)
		}`)
		var got []string
		for _, c := range a.Changes {
			got = append(got, c.Kind+" "+c.Key+" "+string(c.Value))
		}
		if g, w := strings.Join(got, ";"), `addCustomData level 3;addIdToken role ["x"];removeIdToken email null;addAccessToken t null`; g != w {
			t.Errorf("changes %s, want %s", g, w)
		}
		if len(a.Logs) != 2 || a.Logs[0].Text != `one {"a":1} 2` || a.Logs[1].Text != "two" || a.User["nickname"] != "n" {
			t.Errorf("logs %v, user %v", a.Logs, a.User)
		}
	})
	t.Run("a refusal keeps the lines logged before", func(t *testing.T) {
		a := run(t, s, `function pipe(u, c, cb) { log('before'); return cb(new Error('no')) }`)
		if len(a.Logs) != 1 || a.Fault == nil {
			t.Errorf("%v %v", a.Logs, a.Fault)
		}
	})
	t.Run("Check compiles only", func(t *testing.T) {
		f, err := s.Check(t.Context(), "acme", sandbox.Step{Name: "a", Source: "const x = env.LIST.split(','); function pipe() { for (;;) {} }"}, map[string]string{"LIST": "1"}, time.Now())
		if f != nil || err != nil {
			t.Errorf("%v %v", f, err)
		}
		f, err = s.Check(t.Context(), "acme", sandbox.Step{Name: "a", Source: "function pipe( {"}, nil, time.Now())
		if f == nil || f.Kind != sandbox.Syntax || err != nil {
			t.Errorf("%v %v", f, err)
		}
	})
}

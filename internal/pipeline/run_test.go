package pipeline_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
	"github.com/tigertally/tigertally/internal/user"
)

const pass = `function pipe(user, context, callback) { return callback(null, user, context) }`

func TestRun(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		if w.Active(ctx, poolID, pipeline.PreRegister) {
			t.Error("active without functions")
		}
		w.put(t, pipeline.PreRegister, "guard", `async function pipe(user, context, callback) {
			if (user.email && user.email.endsWith('@evil.com')) return callback(new Error('evil.com is not welcome'));
			user.nickname = 'Annie';
			context.seen = ['guard'];
			return callback(null, user, context);
		}`)
		w.put(t, pipeline.PreRegister, "mark", `function pipe(user, context, callback) {
			user.company = user.nickname + ' Ltd'; user.username = 'root'; user.phone = '1'; user.blocked = true; user.gender = 'F';
			user.website = 5;
			user.addCustomData('level', 3);
			user.addIdToken('role', 'admin');
			context.seen.push('mark');
			return callback(null, user, context);
		}`)
		if !w.Active(ctx, poolID, pipeline.PreRegister) || w.Active(ctx, poolID, pipeline.PostRegister) ||
			w.Active(ctx, otherID, pipeline.PreRegister) {
			t.Error("active somewhere else, or not at all")
		}

		view := pipeline.UserView(user.User{Email: "a@example.com", Gender: user.GenderMale}, poolID)
		effect, err := w.Run(ctx, pipeline.PreRegister, w.input(view))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"nickname": "Annie", "company": "Annie Ltd", "gender": "F"}
		if diff := cmp.Diff(want, effect.User); diff != "" {
			t.Errorf("user (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]any{"level": 3.0}, effect.CustomData); diff != "" {
			t.Errorf("custom data (-want +got):\n%s", diff)
		}
		if len(effect.IDToken.Set) != 0 {
			t.Errorf("claims at a registration: %v", effect.IDToken)
		}
		if diff := cmp.Diff([]any{"guard", "mark"}, effect.Context["seen"]); diff != "" {
			t.Errorf("chain (-want +got):\n%s", diff)
		}
		p := effect.Profile()
		if *p.Gender != user.GenderFemale || *p.Attributes["nickname"] != "Annie" || p.Name != nil || p.Username != nil {
			t.Errorf("profile %+v", p)
		}
		if err := p.CheckAttributes(); err != nil {
			t.Error(err)
		}

		_, err = w.Run(ctx, pipeline.PreRegister, w.input(map[string]any{"email": "x@evil.com"}))
		e := errs.From(err)
		if e == nil || e.Code != errs.PipelineDenied || e.Params["message"] != "evil.com is not welcome" {
			t.Errorf("denied: %v", err)
		}
		if effect, err := w.Run(ctx, pipeline.PostRegister, w.input(view)); err != nil || effect.User != nil || effect.Context != nil {
			t.Errorf("a point without functions: %v %v", effect, err)
		}
	})
}

// JS-05: what breaks before the event refuses it, what breaks after it is passed over;
// both are recorded. A refusal counts everywhere.
func TestFailurePolicy(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const loop = `function pipe(user, context, callback) { for (;;) {} }`
		const crash = `function pipe(user, context, callback) { throw new Error('call 13800000000 or a@example.com') }`
		const deny = `function pipe(user, context, callback) { return callback('no') }`
		for _, c := range []struct {
			name, source string
			want         map[pipeline.Point]errs.Code
		}{
			{"loop", loop, map[pipeline.Point]errs.Code{ //nolint:exhaustive // each costs a second.
				pipeline.PreAuthentication: errs.PipelineFailed, pipeline.PostAuthentication: "",
			}},
			{"crash", crash, map[pipeline.Point]errs.Code{
				pipeline.PreRegister: errs.PipelineFailed, pipeline.PostRegister: "", pipeline.PreAuthentication: errs.PipelineFailed,
				pipeline.PostAuthentication: "", pipeline.PreIDToken: errs.PipelineFailed, pipeline.PreAccessToken: errs.PipelineFailed,
			}},
			{"deny", deny, map[pipeline.Point]errs.Code{
				pipeline.PreRegister: errs.PipelineDenied, pipeline.PostRegister: errs.PipelineDenied, pipeline.PreAuthentication: errs.PipelineDenied,
				pipeline.PostAuthentication: errs.PipelineDenied, pipeline.PreIDToken: errs.PipelineDenied, pipeline.PreAccessToken: errs.PipelineDenied,
			}},
		} {
			for p, want := range c.want {
				f := w.put(t, p, "f", c.source)
				begin := time.Now()
				_, err := w.Run(t.Context(), p, w.input(map[string]any{"id": "u1"}))
				if errs.CodeOf(err) != want {
					t.Errorf("%s at %s: %v, want %q", c.name, p, err, want)
				}
				if took := time.Since(begin); took > sandbox.CallTime+5*time.Second {
					t.Errorf("%s at %s took %v", c.name, p, took)
				}
				if err := w.Remove(t.Context(), poolID, f.ID, "ann"); err != nil {
					t.Fatal(err)
				}
			}
		}
		failed := w.events(t, audit.FunctionFailed)
		if len(failed) != 8 || !strings.Contains(strings.Join(failed, "\n"), `"kind":"slow"`) {
			t.Errorf("recorded %d failures: %v", len(failed), failed)
		}
		if logs := w.logs.String(); strings.Contains(logs, "13800000000") || strings.Contains(logs, "a@example.com") {
			t.Error("a number or address is in the log")
		}
	})
}

func TestTokenPoints(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := open(t, d)
		const source = `async function pipe(user, context, callback) {
			for (const k of ['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti', 'sid', 'auth_time', 'nonce', 'scope', 'client_id', 'azp', 'at_hash']) {
				user.addIdToken(k, 'evil'); user.addAccessToken(k, 'evil'); user.removeIdToken(k); user.removeAccessToken(k);
			}
			user.addIdToken('role', ['a']); user.addIdToken('gone', 1); user.removeIdToken('gone'); user.removeIdToken('email');
			user.addAccessToken('tier', { level: context.accessTokenTarget || 'none' });
			user.addCustomData('x', 1); user.nickname = 'y';
			return callback(null, user, context);
		}`
		w.put(t, pipeline.PreIDToken, "id", source)
		w.put(t, pipeline.PreAccessToken, "access", source)

		in := w.input(map[string]any{"id": "u1", "nickname": "n"})
		in.Protocol, in.AccessTokenTarget = "oidc", "user"
		effect, err := w.Run(t.Context(), pipeline.PreIDToken, in)
		if err != nil {
			t.Fatal(err)
		}
		want := pipeline.Effect{
			IDToken: pipeline.Claims{Set: map[string]any{"role": []any{"a"}}, Remove: []string{"gone", "email"}}, Context: effect.Context,
		}
		if diff := cmp.Diff(want, effect); diff != "" {
			t.Errorf("id token (-want +got):\n%s", diff)
		}
		in.User, in.AccessTokenTarget = nil, "programmaticAccount"
		effect, err = w.Run(t.Context(), pipeline.PreAccessToken, in)
		if err != nil {
			t.Fatal(err)
		}
		want = pipeline.Effect{
			AccessToken: pipeline.Claims{Set: map[string]any{"tier": map[string]any{"level": "programmaticAccount"}}}, Context: effect.Context,
		}
		if diff := cmp.Diff(want, effect); diff != "" {
			t.Errorf("access token of a machine (-want +got):\n%s", diff)
		}
	})
}

// What an app sends along reaches functions by every documented way, and never replaces
// what we say.
func TestContext(t *testing.T) {
	w := open(t, dbtest.Open(t, dbtest.SQLite))
	w.put(t, pipeline.PreAuthentication, "dump", pass)
	w.put(t, pipeline.PostAuthentication, "dump2", pass)
	run := func(in pipeline.Input, p pipeline.Point) map[string]any {
		t.Helper()
		effect, err := w.Run(t.Context(), p, in)
		if err != nil {
			t.Fatal(err)
		}
		return effect.Context
	}
	at := func(c map[string]any, path string) any {
		var v any = c
		for key := range strings.SplitSeq(path, ".") {
			m, _ := v.(map[string]any)
			v = m[key]
		}
		return v
	}

	t.Run("the documented keys", func(t *testing.T) {
		in := w.input(nil)
		in.Body, in.Query = map[string]any{"email": "a@b.cn"}, map[string]any{"q": "1"}
		c := run(in, pipeline.PreAuthentication)
		for path, want := range map[string]any{
			"protocol": "password", "userPoolId": poolID, "userPoolName": "The acme", "appId": poolID, "request.ip": "192.0.2.7", "ip": "192.0.2.7",
			"request.body.email": "a@b.cn", "request.query.q": "1", "userPool.id": poolID, "userPool.name": "The acme",
			"connection": nil, "requestContext": nil, "accessTokenTarget": nil, "data.userInfo.email": "a@b.cn",
		} {
			if got := at(c, path); got != want {
				t.Errorf("%s = %v, want %v", path, got, want)
			}
		}
	})
	const text = `{"source":"wechat", "protocol":"spoofed","connection":"ldap","request":{"ip":"1.1.1.1"},"requestContext":1}`
	for name, sent := range map[string]any{
		"text with an object": text,
		"an object":           map[string]any{"source": "wechat", "protocol": "spoofed", "connection": "ldap", "request": map[string]any{"ip": "1.1.1.1"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := w.input(nil)
			in.RequestContext = sent
			c := run(in, pipeline.PreAuthentication)
			for path, want := range map[string]any{
				"source": "wechat", "requestContext.source": "wechat", "requestContext.protocol": "spoofed",
				"protocol": "password", "connection": nil, "request.ip": "192.0.2.7", "request.body.context.source": "wechat",
			} {
				if got := at(c, path); got != want {
					t.Errorf("%s = %v, want %v", path, got, want)
				}
			}
		})
	}
	for name, sent := range map[string]any{"plain text": "hello", "broken JSON": `{"a":`, "a list": `[1]`, "a number": "7"} {
		t.Run(name+" stays text", func(t *testing.T) {
			in := w.input(nil)
			in.RequestContext = sent
			c := run(in, pipeline.PreAuthentication)
			if at(c, "request.body.context") != sent || at(c, "requestContext") != nil {
				t.Errorf("%v", c)
			}
		})
	}
	t.Run("too large", func(t *testing.T) {
		in := w.input(nil)
		in.RequestContext = strings.Repeat("x", 8<<10+1)
		if _, err := w.Run(t.Context(), pipeline.PreAuthentication, in); errs.CodeOf(err) != errs.FieldTooLong {
			t.Errorf("got %v", err)
		}
	})
	t.Run("what one point adds the next one sees", func(t *testing.T) {
		w.put(t, pipeline.PreAuthentication, "dump", `function pipe(u, context, cb) { context.added = 1; context.protocol = 'x'; return cb(null, u, context) }`)
		in := w.input(nil)
		in.RequestContext, in.Carry = `{"source":"qr"}`, &pipeline.Carry{}
		run(in, pipeline.PreAuthentication)
		in.RequestContext = nil
		c := run(in, pipeline.PostAuthentication)
		if c["added"] != 1.0 || c["source"] != "qr" || c["protocol"] != "password" {
			t.Errorf("%v", c)
		}
		if c := run(w.input(nil), pipeline.PostAuthentication); c["added"] != nil {
			t.Error("another request sees it")
		}
	})
}

// JS-04: nothing that proves somebody reaches a function, however deep it is.
func TestNoSecretsReachFunctions(t *testing.T) {
	w := open(t, dbtest.Open(t, dbtest.SQLite))
	w.put(t, pipeline.PreAuthentication, "dump", `function pipe(u, context, cb) { return cb(null, u, { all: JSON.stringify([u, context]) }) }`)
	const canary = "CANARY-7d1f"
	secrets := map[string]any{}
	for _, k := range []string{
		"password", "newPassword", "old_password", "Password", "code", "verify_code", "verificationCode", "phoneCode", "email-code",
		"token", "accessToken", "access_token", "refresh_token", "idToken", "secret", "clientSecret", "passwordHash", "Authorization", "Cookie",
		"oneTapToken", "ticket", "captchaToken", "sudo_token", "mfaToken",
	} {
		secrets[k] = canary
	}
	deep, err := json.Marshal(secrets)
	if err != nil {
		t.Fatal(err)
	}
	in := w.input(map[string]any{"id": "u1", "customData": map[string]any{"inviteCode": "kept-1", "x": secrets}})
	in.Body = map[string]any{"email": "a@b.cn", "profile": map[string]any{"list": []any{secrets}}}
	in.Query = secrets
	in.RequestContext = `{"inviteCode":"kept-2","nested":` + string(deep) + `}`
	effect, err := w.Run(t.Context(), pipeline.PreAuthentication, in)
	if err != nil {
		t.Fatal(err)
	}
	all, _ := effect.Context["all"].(string)
	if strings.Contains(all, canary) {
		t.Errorf("a secret is shown: %s", all)
	}
	if !strings.Contains(all, "kept-1") || !strings.Contains(all, "kept-2") {
		t.Errorf("an invitation code is gone: %s", all)
	}
	if secrets["password"] != canary {
		t.Error("the caller's own map was changed")
	}
	view, err := json.Marshal(pipeline.UserView(user.User{ID: "u", PasswordHash: canary}, poolID))
	if err != nil || strings.Contains(string(view), canary) {
		t.Errorf("view %s, %v", view, err)
	}
}

func TestBackground(t *testing.T) {
	w := open(t, dbtest.Open(t, dbtest.SQLite))
	for name, source := range map[string]string{
		"tell":  `function pipe(user, context, callback) { log('told about', context.mark); return callback(new Error('ignored'), user, context) }`,
		"crash": `function pipe() { throw new Error('ignored too') }`,
	} {
		_, err := w.Put(t.Context(), poolID, pipeline.Function{
			Point: pipeline.PreAuthentication, Name: name, Source: source, Enabled: true, Background: true, Author: "ann",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.put(t, pipeline.PreAuthentication, "mark", `function pipe(u, context, cb) { context.mark = 'm1'; return cb(null, u, context) }`)
	effect, err := w.Run(t.Context(), pipeline.PreAuthentication, w.input(nil))
	if err != nil || effect.Context["mark"] != "m1" {
		t.Fatalf("%v %v", effect, err)
	}
	for range 100 {
		if strings.Contains(w.logs.String(), "told about m1") && len(w.events(t, audit.FunctionFailed)) == 2 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("the background did not run: %s", w.logs.String())
}

func TestWithoutWorkers(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	open(t, d).put(t, pipeline.PreAuthentication, "f", pass)
	w := openWith(t, d, nil)
	if _, err := w.Run(t.Context(), pipeline.PreAuthentication, w.input(nil)); errs.CodeOf(err) != errs.PipelineFailed {
		t.Errorf("got %v", err)
	}
	if _, err := w.Run(t.Context(), pipeline.PostRegister, w.input(nil)); err != nil {
		t.Errorf("got %v", err)
	}
}

package authing_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/testkit"
)

// TestMain lets functions run: their worker is this binary.
func TestMain(m *testing.M) { testkit.Main(m) }

// with runs fn while the pool has a function.
func (w *world) with(f pipeline.Function, fn func()) {
	w.Helper()
	f.Name, f.Enabled = "function", true
	if _, err := w.s.App.Pipelines.Put(w.Context(), poolID, f); err != nil {
		w.Fatal(err)
	}
	fn()
	if err := w.s.App.Pipelines.Remove(w.Context(), poolID, f.Name, "test"); err != nil {
		w.Fatal(err)
	}
}

func TestFunctions(t *testing.T) {
	each(t, func(w *world) {
		w.run("Q1 a registration is refused in the function's words", func(w *world) {
			w.with(pipeline.Function{Point: pipeline.PreRegister, Source: `async function pipe(user, context, callback) {
				if (user.email && user.email.endsWith('@evil.com')) return callback(new Error('Access denied'));
				return callback(null, user, context);
			}`}, func() {
				in := body{"email": "x@evil.com", "password": w.seal("passw0rd"), "forceLogin": true}
				a := w.post("/api/v2/register/email", in).want(1001)
				if a.String("message") != "Access denied" {
					w.Errorf("%s", a.Raw)
				}
				w.login("x@evil.com", "passw0rd").want(2333)
				w.post("/api/v2/register/email", body{"email": "x@good.com", "password": w.seal("passw0rd"), "forceLogin": true}).user()
			})
		})
		w.run("Q2 the context of each client reaches functions", contextArrives)
		w.run("Q3 a function that never calls back", func(w *world) {
			w.byName("waits")
			w.with(pipeline.Function{Point: pipeline.PreAuthentication, Source: `async function pipe(user, context, callback) { await new Promise(() => {}); }`}, func() {
				begin := time.Now()
				a := w.login("waits", "passw0rd")
				if code := a.Body["code"]; code == 200.0 || a.Status != http.StatusOK || a.String("message") == "" {
					w.Errorf("%d %s", a.Status, a.Raw)
				}
				if took := time.Since(begin); took > 5*time.Second {
					w.Errorf("answered after %v", took)
				}
			})
			w.login("waits", "passw0rd").user()
		})
		w.run("Q4 a function in the background throws", func(w *world) {
			w.byName("throws")
			w.with(pipeline.Function{Point: pipeline.PostAuthentication, Background: true, Source: `async function pipe(user, context, callback) { throw new Error('x'); }`}, func() {
				w.login("throws", "passw0rd").user()
			})
		})
		w.run("Q5 a claim of the id token", idClaim)
	})
}

// contextArrives signs in with the text mobile clients send and the object web ones do.
func contextArrives(w *world) {
	w.byName("bob")
	m := w.manager()
	w.ask(m.token, "setUdf", body{"targetType": "USER", "key": "k", "dataType": "STRING", "label": "k"})
	w.with(pipeline.Function{Point: pipeline.PostAuthentication, Source: `async function pipe(user, context, callback) {
		user.addCustomData('k', context.request.body.context.k);
		return callback(null, user, context);
	}`}, func() {
		for want, sent := range map[string]any{"text": `{"k":"text"}`, "object": body{"k": "object"}} {
			p := w.post("/api/v2/login/account", body{"account": "bob", "password": w.seal("passw0rd"), "context": sent}).user()
			a := w.postAs(p.token, "/api/v2/udvs/get", body{"targetType": "USER", "targetId": p.id})
			if !strings.Contains(string(a.Raw), `"value":"`+want+`"`) {
				w.Errorf("%s", a.Raw)
			}
		}
	})
}

func idClaim(w *world) {
	p := w.byName("claims")
	w.with(pipeline.Function{Point: pipeline.PreIDToken, Source: `async function pipe(user, context, callback) {
		user.addIdToken('a', 1);
		return callback(null, user, context);
	}`}, func() {
		form := "grant_type=http%3A%2F%2Fauthing.cn%2Foidc%2Fgrant_type%2Fauthing_token&scope=openid&client_id=" + appID + "&token=" + p.token
		req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.s.URL+"/oidc/token", strings.NewReader(form))
		if err != nil {
			w.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		a := roundTrip(w, req)
		if claimsIn(w, a.String("id_token"))["a"] != 1.0 || claimsIn(w, a.String("access_token"))["a"] != nil {
			w.Errorf("%s", a.Raw)
		}
	})
}

// claimsIn decodes a token.
func claimsIn(w *world, token string) map[string]any {
	w.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		w.Fatalf("no token: %q", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		w.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		w.Fatal(err)
	}
	return claims
}

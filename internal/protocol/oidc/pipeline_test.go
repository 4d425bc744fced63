package oidc_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/pipeline"
)

func (w *world) function(point pipeline.Point, name, source string) {
	w.t.Helper()
	_, err := w.Pipelines.Put(w.t.Context(), "p", pipeline.Function{Point: point, Name: name, Source: source, Enabled: true})
	must(w.t, err)
}

// Q5, JW-06: functions add claims to one sort of token, and never one of ours.
func TestFunctionsAddClaims(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		w.function(pipeline.PreIDToken, "id", `async function pipe(user, context, callback) {
			user.addIdToken("a", 1); user.addIdToken("sub", "root"); user.addIdToken("exp", 9999999999);
			user.addIdToken("token_use", "login"); user.addIdToken("email", "new@example.com");
			user.removeIdToken("phone_number"); user.removeIdToken("iss");
			return callback(null, user, context) }`)
		w.function(pipeline.PreAccessToken, "access", `async function pipe(user, context, callback) {
			user.addAccessToken("b", {c: [true]}); user.addAccessToken("scope", "root"); user.addAccessToken("sid", "x");
			user.addAccessToken("target", context.accessTokenTarget || "none");
			return callback(null, user, context) }`)
		got := w.exchange("app")
		for range 2 {
			_, id := claimsOf(t, got.str("id_token"))
			if id["a"] != 1.0 || id["sub"] != w.user.ID || id["token_use"] != "id" || id["iss"] != issuer ||
				id["exp"] == 9999999999.0 || id["email"] != "new@example.com" || id["phone_number"] != nil || id["b"] != nil {
				t.Errorf("ID token %v", id)
			}
			_, access := claimsOf(t, got.str("access_token"))
			if diff := cmp.Diff(any(map[string]any{"c": []any{true}}), access["b"]); diff != "" || access["scope"] != everyone ||
				access["sid"] == "x" || access["a"] != nil {
				t.Errorf("access token %v", access)
			}
			w.good(w.me(got.str("access_token")))
			got = w.good(w.refresh("app", got.str("refresh_token")))
		}
		machine := w.good(w.form("/oidc/token", "grant_type", "client_credentials", "client_id", "server", "client_secret", w.secret))
		if _, c := claimsOf(t, machine.str("access_token")); c["b"] == nil || c["scope"] != "" {
			t.Errorf("machine's token %v", c)
		}
	})
}

// A function that refuses leaves what was shown as good as it was.
func TestFunctionsRefuse(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		got, code := w.exchange("app"), w.code()
		w.function(pipeline.PreAccessToken, "no", `async function pipe(user, context, callback) {
			return callback(new Error("Access denied")) }`)
		for what, a := range map[string]answer{
			"refresh": w.refresh("app", got.str("refresh_token")), "code": w.redeem(code),
		} {
			w.bad(what, a, http.StatusBadRequest, "access_denied")
			if a.str("error_description") != "Access denied" {
				t.Errorf("%s: %s", what, a.raw)
			}
		}
		must(t, w.Pipelines.SetEnabled(t.Context(), "p", "no", false, "test"))
		w.good(w.refresh("app", got.str("refresh_token")))
		w.good(w.redeem(code))
		w.function(pipeline.PreIDToken, "nein", `async function pipe(user, context, callback) {
			return callback(new Error("不可以 \"quoted\"")) }`)
		w.bad("in another language", w.redeem(w.code()), http.StatusBadRequest, "access_denied")
	})
}

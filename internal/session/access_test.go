package session_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
)

var defaults = pool.Defaults()

// SE-01: what an access token says.
func TestAccessTokenClaims(t *testing.T) {
	tests := []struct {
		name, scope string
		more        map[string]any
	}{
		{"of a user", "user sso", map[string]any{"provider_type": "password"}},
		{"of an anonymous person", session.ScopeAnonymous, map[string]any{
			"provider_type": "password", "name": "Anonymous",
		}},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for _, test := range tests {
			tokens, err := w.Start(t.Context(), session.Start{
				Pool: w.p1, ClientID: "app", UserID: "u1", Scope: test.scope,
				AMR: []string{"pwd", "otp"}, ProviderType: "password",
			})
			if err != nil {
				t.Fatal(err)
			}
			now := float64(w.clock.Now().Unix())
			want := map[string]any{
				"iss": "https://id.example/p1", "sub": "u1", "aud": "app", "exp": now + 7200, "iat": now,
				"sid": tokens.SessionID, "scope": test.scope, "project_id": "p1", "auth_time": now,
				"amr": []any{"pwd", "otp"}, "user_type": "",
				"meta": map[string]any{"wxOpenId": "", "wxUnionId": ""},
			}
			maps.Copy(want, test.more)
			head, got := decode(t, tokens.Access)
			if head["typ"] != "at+jwt" || head["alg"] != "ES256" || head["kid"] == "" {
				t.Errorf("%s: header %v", test.name, head)
			}
			if id, _ := got["jti"].(string); id == "" {
				t.Errorf("%s: no jti", test.name)
			}
			delete(got, "jti")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", test.name, diff)
			}
		}
	})
}

func decode(t *testing.T, token string) (head, body map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	for i, into := range []*map[string]any{&head, &body} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatal(err)
		}
	}
	return head, body
}

func TestVerifyReturnsThePrincipal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		tokens := w.start(t)
		now := w.clock.Now()
		_, said := decode(t, tokens.Access)
		id, _ := said["jti"].(string)
		want := session.Principal{
			TokenID: id,
			PoolID:  "p1", UserID: "u1", SessionID: tokens.SessionID, ClientID: "p1", Scope: "user sso",
			AMR: []string{"pwd"}, AuthAt: now, IssuedAt: now, ExpiresAt: now.Add(2 * time.Hour),
		}
		for _, what := range []string{"first", "remembered"} {
			got := w.verified(t, what, tokens.Access)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", what, diff)
			}
		}
	})
}

// JW-03: a token lives exactly as long as it says, give or take a clock's error.
func TestAccessTokenExpires(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		tokens := w.start(t)
		w.clock.advance(tokens.ExpiresIn)
		w.verified(t, "at its last moment", tokens.Access)
		w.clock.advance(time.Minute)
		w.verifyRefused(t, "a minute later", tokens.Access)
		w.clock.advance(-2*tokens.ExpiresIn - time.Minute)
		w.verifyRefused(t, "before it was issued", tokens.Access)
		if _, err := w.Inspect(t.Context(), tokens.Access); err != nil {
			t.Errorf("inspect: %v", err)
		}
	})
}

// JW-01, JW-04: tokens of another type, issuer, pool or installation are refused.
func TestForeignAccessTokensAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		tokens := w.start(t)
		sign := func(poolID, typ string, change func(map[string]any)) string {
			_, body := decode(t, tokens.Access)
			change(body)
			token, err := w.keys.Sign(t.Context(), poolID, typ, body)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		same := func(map[string]any) {}
		w.verified(t, "control", sign("p1", "at+jwt", same))
		w.verifyRefused(t, "an ID token", sign("p1", "JWT", same))
		w.verifyRefused(t, "signed by another pool", sign("p2", "at+jwt", same))
		w.verifyRefused(t, "another pool's user", sign("p2", "at+jwt", func(b map[string]any) {
			b["project_id"], b["iss"] = "p2", "https://id.example/p2"
		}))
		w.verifyRefused(t, "another issuer", sign("p1", "at+jwt", func(b map[string]any) {
			b["iss"] = "https://evil.example"
		}))
		w.verifyRefused(t, "an unknown pool", sign("p1", "at+jwt", func(b map[string]any) {
			b["project_id"] = "p9"
		}))
		w.verifyRefused(t, "another user's session", sign("p1", "at+jwt", func(b map[string]any) {
			b["sub"] = "u2"
		}))
		w.verifyRefused(t, "a refresh token", tokens.Refresh)
	})
}

// TK-01, MUT: every truncation, extension and change of an access token is refused,
// also after the token itself is remembered.
func TestMutatedAccessTokensAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		tokens := w.start(t)
		w.verified(t, "itself", tokens.Access)
		for _, bad := range mutations(tokens.Access) {
			w.verifyRefused(t, bad[:min(len(bad), 40)], bad)
		}
	})
}

// SE-06: the end of a session or of a key is seen at once, by other nodes too.
func TestEndsAreSeenByOtherNodes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		other, _ := node(t, d, w.clock.Now)
		a, b := w.start(t), w.start(t)
		for _, access := range []string{a.Access, b.Access} {
			w.verified(t, "here", access)
			if _, err := other.Verify(t.Context(), access); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Revoke(t.Context(), a.SessionID, "sign_out"); err != nil {
			t.Fatal(err)
		}
		if _, err := other.Verify(t.Context(), a.Access); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("ended session elsewhere: %v", err)
		}
		head, _ := decode(t, b.Access)
		if err := w.keys.Revoke(t.Context(), "p1", head["kid"].(string)); err != nil {
			t.Fatal(err)
		}
		w.verifyRefused(t, "revoked key", b.Access)
		w.clock.advance(2 * time.Second)
		if _, err := other.Verify(t.Context(), b.Access); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("revoked key elsewhere: %v", err)
		}
	})
}

func TestListShowsLiveSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.start(t)
		w.clock.advance(time.Second)
		b := w.start(t)
		w.clock.advance(time.Second)
		c := w.start(t)
		if err := w.Revoke(t.Context(), b.SessionID, "sign_out"); err != nil {
			t.Fatal(err)
		}
		list, err := w.List(t.Context(), "u1")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range list {
			got = append(got, s.ID)
		}
		if diff := cmp.Diff([]string{c.SessionID, a.SessionID}, got); diff != "" {
			t.Error(diff)
		}
		if n, err := w.RevokeUser(t.Context(), "u1", c.SessionID, "password_changed"); err != nil || n != 1 {
			t.Errorf("ended %d, %v; want all but one", n, err)
		}
		w.verified(t, "the kept one", c.Access)
	})
}

// SE-04, KM-01, SE-02: a restart keeps the successor, and the file holds no token and
// no private key.
func TestRestartAndCanary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "canary.db")
	open := func() *db.DB {
		d, err := db.Open(t.Context(), db.Options{URL: "sqlite:" + path})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	w := newWorld(t, d)
	a := w.start(t)
	b := w.rotate(t, a)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open()
	w.Service, w.keys = node(t, d, w.clock.Now)
	if again := w.rotate(t, a); again.Refresh != b.Refresh {
		t.Error("another successor after the restart")
	}
	w.verified(t, "after the restart", b.Access)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(a.Refresh, "r."))
	if err != nil {
		t.Fatal(err)
	}
	seed, mac := raw[34:50], raw[50:]
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for what, canary := range map[string][]byte{
			"refresh token": []byte(a.Refresh), "successor": []byte(b.Refresh), "access token": []byte(a.Access),
			"seed": seed, "MAC": mac, "PEM key": []byte("PRIVATE KEY"),
			// The algorithm identifier of an EC key followed by the private key's own header.
			"PKCS#8 key": []byte("\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x6d\x30\x6b"),
		} {
			if bytes.Contains(content, canary) {
				t.Errorf("%s holds the %s", filepath.Base(file), what)
			}
		}
	}
}

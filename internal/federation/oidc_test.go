package federation_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/provider"
	"github.com/tigertally/tigertally/internal/secret"
)

// genuine fits a driver to the flow, as package app does.
type genuine struct{ provider.Driver }

func (genuine) Relayed() bool { return false }

func (g genuine) Authorize(ctx context.Context, a federation.AuthorizeRequest) (string, error) {
	return g.Driver.Authorize(ctx, provider.AuthorizeRequest(a))
}

func (g genuine) Exchange(ctx context.Context, c federation.Credential) (federation.Profile, error) {
	p, err := g.Driver.Exchange(ctx, provider.Credential(c))
	return federation.Profile(p), err
}

// issuer is an OpenID provider that signs what a test wants it to say, and holds the code
// to the PKCE challenge of the page.
type issuer struct {
	*httptest.Server

	key    *ecdsa.PrivateKey
	at     url.Values // what the page was asked
	claims map[string]any
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), secret.Reader())
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"jwks_uri": i.URL + "/jwks", "response_types_supported": []string{"code"},
			"subject_types_supported":               []string{"public"},
			"id_token_signing_alg_values_supported": []string{"ES256"},
		})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(challenge[:]) != i.at.Get("code_challenge") ||
			r.PostFormValue("redirect_uri") != i.at.Get("redirect_uri") || r.PostFormValue("code") != "good" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
			return
		}
		answer(w, map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": i.sign(t)})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) sign(t *testing.T) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: "k"}}, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	payload, err := json.Marshal(i.claims)
	if err != nil {
		t.Error(err)
		return ""
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Error(err)
		return ""
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Error(err)
	}
	return text
}

// visit takes a browser to the issuer and back, and returns what the application's page
// gets. The ID token says what a good one does, with changes.
func (k *kit) visit(t *testing.T, i *issuer, code string, changes map[string]any) url.Values {
	t.Helper()
	opaque, at := k.begin(t, "oidc", "app-state")
	i.at = at
	now := k.Now().Unix()
	i.claims = map[string]any{
		"iss": i.URL, "aud": "us", "sub": "subject", "nonce": at.Get("nonce"), "iat": now, "exp": now + 300,
	}
	maps.Copy(i.claims, changes)
	return k.callback(t, "oidc", map[string]string{"state": opaque, "code": code})
}

func realKit(t *testing.T, d *db.DB, trusted bool) (*kit, *issuer) {
	t.Helper()
	k, i := newKit(t, d), newIssuer(t)
	client := driver.NewClient(driver.ClientOptions{Now: k.Now, Allow: driver.LoopbackRanges()})
	k.Vendor = func(c connection.Connection, settings map[string]string) (federation.Vendor, error) {
		v, err := provider.Open(c.Kind, settings, provider.Env{Now: k.Now, HTTP: client, Tokens: k.Connections.Tokens(c)})
		return genuine{v}, err
	}
	_, err := k.Connections.Put(t.Context(), connection.Connection{
		PoolID: "p", ID: "oidc", Kind: "oidc", Enabled: true, SignUp: true, TrustEmail: trusted,
	}, map[string]string{"issuer": i.URL, "client_id": "us", "client_secret": "a-secret-of-32-characters-at-least"})
	wantCode(t, err, "")
	return k, i
}

// LK-05 with real signatures: only a boolean true of a trusted provider matches an
// address; everything else is an account of its own, without the address.
func TestRealIssuerAndItsAddresses(t *testing.T) {
	tests := []struct {
		name     string
		trusted  bool
		verified any // nil: the claim is missing
		alices   bool
		refused  errs.Code
	}{
		{"true, trusted", true, true, true, ""},
		{"true, untrusted", false, true, false, errs.LinkRequired},
		{"false", true, false, false, ""},
		{"missing", true, nil, false, ""},
		{"a text", true, "true", false, ""},
		{"a number", true, 1, false, ""},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k, i := realKit(t, d, true)
		alice := k.User(t, admin.NewUser{Email: email})
		for n, test := range tests {
			c, err := k.Connections.Get(t.Context(), "p", "oidc")
			wantCode(t, err, "")
			set, err := k.Connections.Settings(c)
			wantCode(t, err, "")
			c.TrustEmail = test.trusted
			_, err = k.Connections.Put(t.Context(), c, set)
			wantCode(t, err, "")
			claims := map[string]any{"sub": "s" + string(rune('0'+n)), "email": email}
			if test.verified != nil {
				claims["email_verified"] = test.verified
			}
			k.forget(t) // the issuer gives out one code only
			q := k.visit(t, i, "good", claims)
			g, err := k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: "oidc", Code: q.Get("code"), RedirectURI: page})
			if err != nil {
				t.Fatalf("%s: %v, page got %v", test.name, err, q)
			}
			out, err := k.Signin.SignIn(here(t), k.in(g.Token))
			if errs.CodeOf(err) != test.refused {
				t.Errorf("%s: %v, want %q", test.name, err, test.refused)
			} else if err == nil && (out.User.ID == alice.ID) != test.alices {
				t.Errorf("%s: signed in as %+v", test.name, out.User)
			}
		}
	})
}

// SO-02, SO-03: a token for another client, issuer or nonce, an old one, and a wrong code
// make nobody and leave nothing.
func TestRealIssuerAndBadTokens(t *testing.T) {
	tests := []struct {
		name    string
		code    string
		changes map[string]any
	}{
		{"another audience", "good", map[string]any{"aud": "them"}},
		{"another issuer", "good", map[string]any{"iss": "https://evil.test"}},
		{"another nonce", "good", map[string]any{"nonce": "replayed"}},
		{"no nonce", "good", map[string]any{"nonce": ""}},
		{"expired", "good", map[string]any{"exp": 1}},
		{"no subject", "good", map[string]any{"sub": ""}},
		{"a wrong code", "bad", nil},
	}
	k, i := realKit(t, dbtest.Open(t, "sqlite"), false)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k.forget(t)
			q := k.visit(t, i, test.code, test.changes)
			if q.Get("error") == "" || q.Has("code") {
				t.Errorf("page gets %v", q)
			}
		})
	}
	if n := k.count(t, `SELECT COUNT(*) FROM users`) + k.count(t, `SELECT COUNT(*) FROM tickets WHERE class = 'pc'`); n != 0 {
		t.Errorf("%d users and codes", n)
	}
}

// forget forgets the codes that were shown.
func (k *kit) forget(t *testing.T) {
	t.Helper()
	if _, err := k.DB.Exec(t.Context(), `DELETE FROM tickets WHERE class = 'px'`); err != nil {
		t.Fatal(err)
	}
}

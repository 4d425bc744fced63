package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

const (
	appleIssuer = "https://appleid.apple.com"
	appleApp    = "com.example.web"
)

// cupertino checks what Apple checks.
type cupertino struct {
	t        *testing.T
	base     string
	patience time.Duration
	key      *ecdsa.PrivateKey // of the developer
	signer   jose.SigningKey   // of Apple
	claims   map[string]any
	code     string
	revoked  []string
	fixed    map[string]http.HandlerFunc
	seen     counts
}

func newCupertino(t *testing.T) *cupertino {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &cupertino{
		t: t, key: key, signer: rsaKey("apple-1"), code: goodCode, fixed: map[string]http.HandlerFunc{},
		claims: map[string]any{
			"iss": appleIssuer, "aud": appleApp, "sub": "001.alice", "nonce": sentNonce, "iat": today().Unix(), "exp": today().Unix() + 300,
			"email": "x1@privaterelay.appleid.com", "email_verified": "true", "is_private_email": "true",
		},
	}
	route := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			a.seen.add(r.URL.Path)
			if fixed := a.fixed[r.URL.Path]; fixed != nil {
				fixed(w, r)
				return
			}
			h(w, r)
		}
	}
	a.base = upstream(t, map[string]http.HandlerFunc{
		"POST /auth/token":  route(a.token),
		"POST /auth/revoke": route(a.revoke),
		"GET /auth/keys": route(func(w http.ResponseWriter, _ *http.Request) {
			json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: public(a.signer)})
		}),
	})
	return a
}

// proven checks the client secret as Apple documents it, without the code that made it.
func (a *cupertino) proven(form url.Values) bool {
	parts := strings.Split(form.Get("client_secret"), ".")
	if len(parts) != 3 || form.Get("client_id") != appleApp {
		return false
	}
	var raw [3][]byte
	for i, p := range parts {
		raw[i], _ = base64.RawURLEncoding.DecodeString(p)
	}
	var header struct{ Alg, Kid string }
	var claims struct {
		Iss, Sub, Aud string
		Iat, Exp      int64
	}
	json.Unmarshal(raw[0], &header)
	json.Unmarshal(raw[1], &claims)
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	const halfYear = 15777000
	return header.Alg == "ES256" && header.Kid == "KEY1" && len(raw[2]) == 64 &&
		ecdsa.Verify(&a.key.PublicKey, digest[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])) &&
		claims.Iss == "TEAM1" && claims.Sub == appleApp && claims.Aud == appleIssuer &&
		claims.Iat <= today().Unix() && claims.Exp > today().Unix() && claims.Exp-today().Unix() <= halfYear
}

func (a *cupertino) token(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	switch {
	case !a.proven(r.PostForm):
		failing(400, `{"error":"invalid_client"}`)(w, r)
	case r.PostForm.Get("grant_type") != "authorization_code":
		failing(400, `{"error":"unsupported_grant_type"}`)(w, r)
	case r.PostForm.Get("code") != a.code, r.PostForm.Get("redirect_uri") != callbackURI, r.PostForm.Has("code_verifier"):
		failing(400, `{"error":"invalid_grant","error_description":"The code has expired or has been revoked."}`)(w, r)
	default:
		a.code = "used"
		json.NewEncoder(w).Encode(answers{
			"access_token": "a", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "refresh-1", "id_token": a.sign(),
		})
	}
}

func (a *cupertino) sign() string { return sign(a.t, a.signer, nil, a.claims) }

func (a *cupertino) revoke(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	if !a.proven(r.PostForm) || r.PostForm.Get("token_type_hint") != "refresh_token" {
		failing(400, `{"error":"invalid_client"}`)(w, r)
		return
	}
	a.revoked = append(a.revoked, r.PostForm.Get("token"))
}

func (a *cupertino) open(more ...string) provider.Driver {
	a.t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	set := map[string]string{
		"client_id": appleApp, "team_id": "TEAM1", "key_id": "KEY1", "base": a.base,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	return openHasty(a.t, a.patience, nil, "apple", set)
}

// I3: Apple posts its answer as a form, and insists on it when it may be asked for a name.
func TestApplePage(t *testing.T) {
	a := newCupertino(t)
	page, err := a.open().Authorize(t.Context(), provider.AuthorizeRequest{
		RedirectURI: callbackURI, State: "st", Nonce: sentNonce, Challenge: rfcChallenge,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := a.base + "/auth/authorize?client_id=com.example.web&nonce=" + sentNonce + "&redirect_uri=" +
		url.QueryEscape(callbackURI) + "&response_mode=form_post&response_type=code&scope=name%20email&state=st"
	if page != want {
		t.Errorf("got  %s\nwant %s", page, want)
	}
}

func TestAppleSaysWhoIsBehindACode(t *testing.T) {
	hidden := provider.Profile{
		Subject: "001.alice", Email: "x1@privaterelay.appleid.com", EmailVerified: true, Revocable: "refresh-1",
		Extra: map[string]string{"is_private_email": "true"},
	}
	named := hidden
	named.Name = "Alice 李"
	open := provider.Profile{Subject: "001.alice", Email: "alice@example.com", EmailVerified: true, Revocable: "refresh-1"}
	doubtful := open
	doubtful.EmailVerified = false
	long := hidden
	long.Name = strings.Repeat("x", 64)
	with := func(params ...string) provider.Credential {
		c := byCode
		c.Params = map[string]string{}
		for i := 0; i+1 < len(params); i += 2 {
			c.Params[params[i]] = params[i+1]
		}
		return c
	}
	for _, tt := range []struct {
		name   string
		change map[string]any
		c      provider.Credential
		want   outcome
	}{
		{"a relay address, vouched for in words", nil, byCode, outcome{profile: hidden}},
		{"booleans", map[string]any{"email": "alice@example.com", "email_verified": true, "is_private_email": false}, byCode, outcome{profile: open}},
		{"an address nobody vouches for", map[string]any{"email": "alice@example.com", "email_verified": "false", "is_private_email": nil}, byCode, outcome{profile: doubtful}},
		{"the first time", nil, with("user", `{"name":{"firstName":" Alice","lastName":"李 "},"email":"mallory@example.com"}`), outcome{profile: named}},
		{"a name that is too long", nil, with("user", `{"name":{"firstName":"`+strings.Repeat("x", 5000)+`"}}`), outcome{profile: long}},
		{"a name that is no JSON", nil, with("user", `{"name":`), outcome{profile: hidden}},
		{"a person who cancelled", nil, provider.Credential{Params: map[string]string{"error": "user_cancelled_authorize"}}, refusal(errs.ProviderDenied, "declined")},
		{"no code", nil, provider.Credential{}, refusal(errs.ProviderDenied, "no_code")},
		{"a wrong code", nil, provider.Credential{Code: "x", RedirectURI: callbackURI}, refusal(errs.ProviderRefused, "vendor_invalid_grant")},
		{"another page", nil, provider.Credential{Code: goodCode, RedirectURI: "https://evil.example"}, refusal(errs.ProviderRefused, "vendor_invalid_grant")},
		{"another nonce", map[string]any{"nonce": "other"}, byCode, refusal(errs.ProviderRefused, "bad_nonce")},
		{"no nonce", map[string]any{"nonce": nil}, byCode, refusal(errs.ProviderRefused, "no_nonce")},
		{"a token for another app", map[string]any{"aud": "com.example.other"}, byCode, refusal(errs.ProviderRefused, "bad_aud")},
		{"a token of another issuer", map[string]any{"iss": "https://evil.example"}, byCode, refusal(errs.ProviderRefused, "bad_iss")},
		{"an old token", map[string]any{"exp": today().Unix() - 300}, byCode, refusal(errs.ProviderRefused, "expired")},
		{"nobody", map[string]any{"sub": nil}, byCode, refusal(errs.ProviderRefused, "no_sub")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newCupertino(t)
			for name, value := range tt.change {
				if a.claims[name] = value; value == nil {
					delete(a.claims, name)
				}
			}
			got, err := a.open().Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
			wantNoSecret(t, err, "refresh-1", goodCode)
		})
	}
}

func TestAppleNeedsItsKeys(t *testing.T) {
	for _, tt := range []struct {
		name string
		more []string
	}{
		{"another team", []string{"team_id", "TEAM2"}},
		{"another key id", []string{"key_id", "KEY2"}},
		{"another app", []string{"client_id", "com.example.other"}},
		{"another issuer", []string{"issuer", "https://appleid.example"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newCupertino(t).open(tt.more...).Exchange(t.Context(), byCode)
			wantRefusal(t, err, errs.ProviderMisconfigured, "vendor_invalid_client")
		})
	}
	set := map[string]string{"client_id": "a", "team_id": "b", "key_id": "c", "private_key": "no key"}
	if _, err := provider.Open("apple", set, provider.Env{Now: today}); err == nil {
		t.Error("opened without a key")
	}
	other, forged := newCupertino(t), newCupertino(t)
	forged.signer = otherKey("apple-1")
	forged.fixed["/auth/keys"] = func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: public(other.signer)})
	}
	_, err := forged.open().Exchange(t.Context(), byCode)
	wantRefusal(t, err, errs.ProviderRefused, "bad_signature")
}

// A native app hands in the token itself, which then is all there is: it must be allowed,
// for one of our apps and made for this sign-in.
func TestAppleTakesIDTokensOnlyWhenTold(t *testing.T) {
	for _, tt := range []struct {
		name  string
		aud   string
		nonce string
		more  []string
		want  outcome
	}{
		{"not allowed", appleApp, sentNonce, nil, refusal(errs.ProviderRefused, "client_token")},
		{"allowed", appleApp, sentNonce, []string{"client_tokens", "on"}, outcome{profile: provider.Profile{
			Subject: "001.alice", Email: "x1@privaterelay.appleid.com", EmailVerified: true, Extra: map[string]string{"is_private_email": "true"},
		}}},
		{"without a nonce", appleApp, "", []string{"client_tokens", "on"}, refusal(errs.ProviderRefused, "client_token")},
		{"of another sign-in", appleApp, "other", []string{"client_tokens", "on"}, refusal(errs.ProviderRefused, "bad_nonce")},
		{"for another app", "com.example.ios", sentNonce, []string{"client_tokens", "on"}, refusal(errs.ProviderRefused, "bad_aud")},
		{"for a sibling", "com.example.ios", sentNonce, []string{"client_tokens", "on", "audiences", "com.example.ios"}, outcome{profile: provider.Profile{
			Subject: "001.alice", Email: "x1@privaterelay.appleid.com", EmailVerified: true, Extra: map[string]string{"is_private_email": "true"},
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newCupertino(t)
			a.claims["aud"] = tt.aud
			got, err := a.open(tt.more...).Exchange(t.Context(), provider.Credential{IDToken: a.sign(), Nonce: tt.nonce})
			tt.want.check(t, got, err)
		})
	}
}

func TestAppleIsToldOfARemovedAccount(t *testing.T) {
	a := newCupertino(t)
	revoker, ok := a.open().(provider.Revoker)
	if !ok {
		t.Fatal("cannot revoke")
	}
	if err := revoker.Revoke(t.Context(), "refresh-1"); err != nil || len(a.revoked) != 1 || a.revoked[0] != "refresh-1" {
		t.Errorf("revoked %v, %v", a.revoked, err)
	}
	a.fixed["/auth/revoke"] = failing(503, "")
	err := revoker.Revoke(t.Context(), "refresh-2")
	wantRefusal(t, err, errs.Unavailable, "")
	wantNoSecret(t, err, "refresh-2")
}

func TestAnAppleThatFailsIsUnavailable(t *testing.T) {
	faults := vendorFaults(t)
	faults["an id_token that is none"] = func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"access_token":"a"}`) }
	for name, faulty := range faults {
		for _, path := range []string{"/auth/token", "/auth/keys"} {
			t.Run(path+" answers with "+name, func(t *testing.T) {
				a := newCupertino(t)
				a.fixed[path], a.patience = faulty, hasty
				got, err := a.open().Exchange(t.Context(), byCode)
				if path == "/auth/keys" && errs.CodeOf(err) == errs.ProviderRefused {
					wantRefusal(t, err, errs.ProviderRefused, "unknown_kid") // a set without keys
				} else {
					wantRefusal(t, err, errs.Unavailable, "")
				}
				wantNoSecret(t, err, goodCode, "refresh-1")
				if n := a.seen.of("/auth/token"); got.Subject != "" || n != 1 {
					t.Errorf("named %+v after %d calls", got, n)
				}
			})
		}
	}
}

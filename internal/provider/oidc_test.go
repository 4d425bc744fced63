package provider_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

func TestOIDCAsksThePageForACode(t *testing.T) {
	p := newIssuer(t)
	page, err := open(t, "oidc", p.settings()).Authorize(t.Context(), provider.AuthorizeRequest{
		RedirectURI: callbackURI, State: "state-1", Nonce: sentNonce, Challenge: rfcChallenge, Lang: "zh-CN", LoginHint: "alice",
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"theme": {"dark"}, "response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {callbackURI},
		"scope": {"openid profile email"}, "state": {"state-1"}, "nonce": {sentNonce},
		"code_challenge": {rfcChallenge}, "code_challenge_method": {"S256"}, "ui_locales": {"zh-CN"}, "login_hint": {"alice"},
	}
	if diff := cmp.Diff(want, got.Query()); diff != "" {
		t.Error(diff)
	}
}

func TestOIDCSaysWhoItIs(t *testing.T) {
	person := provider.Profile{
		Subject: "alice", Name: "Alice", Email: "alice@example.com", EmailVerified: true, Extra: map[string]string{},
	}
	for _, tt := range []struct {
		name  string
		set   []string
		spoil func(p *issuer)
		want  func(p *provider.Profile)
	}{
		{"by RS256 and userinfo", nil, func(*issuer) {}, func(*provider.Profile) {}},
		{"by ES256", nil, func(p *issuer) { p.key = ecKey("k2") }, func(*provider.Profile) {}},
		{"by the only key there is, which the token does not name", nil, func(p *issuer) {
			p.key, p.published = rsaKey(""), public(rsaKey("k1"))
		}, func(*provider.Profile) {}},
		{"for several audiences, made for us", nil, func(p *issuer) {
			p.claims["aud"], p.claims["azp"] = []string{"client-2", clientID}, clientID
		}, func(*provider.Profile) {}},
		{"with a clock a little ahead", nil, func(p *issuer) { p.claims["iat"] = today().Unix() + 30 }, func(*provider.Profile) {}},
		{"with times as fractions", nil, func(p *issuer) { p.claims["exp"] = float64(today().Unix()) + 300.5 }, func(*provider.Profile) {}},
		{
			"with a signed name that userinfo does not change", nil, func(p *issuer) { p.claims["name"] = "Alice A." },
			func(want *provider.Profile) { want.Name = "Alice A." },
		},
		{"without userinfo", []string{"userinfo", "off"}, func(p *issuer) {
			p.userinfo = map[string]any{"sub": "mallory"}
			p.claims["preferred_username"] = "ally"
		}, func(want *provider.Profile) {
			want.Name, want.Email, want.EmailVerified, want.Extra["preferred_username"] = "ally", "", false, "ally"
		}},
		{"with a number it vouches for", nil, func(p *issuer) {
			p.userinfo["phone_number"], p.userinfo["phone_number_verified"] = "+86 138 0000 0001", true
		}, func(want *provider.Profile) { want.Phone = "+8613800000001" }},
		{"with a number it does not vouch for", nil, func(p *issuer) {
			p.userinfo["phone_number"], p.userinfo["phone_number_verified"] = "+86 138 0000 0001", "true"
		}, func(*provider.Profile) {}},
		{"with a picture that is none", nil, func(p *issuer) { p.userinfo["picture"] = "javascript:alert(1)" }, func(*provider.Profile) {}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newIssuer(t)
			tt.spoil(p)
			want := person
			want.Extra = map[string]string{"issuer": p.URL}
			tt.want(&want)
			got, err := open(t, "oidc", p.settings(tt.set...)).Exchange(t.Context(), answerOf(p))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A provider that forgets the sub of somebody and makes a new one has made somebody new:
// the driver itself remembers nobody.
func TestOIDCKnowsPeopleByTheirSubjectAlone(t *testing.T) {
	p := newIssuer(t)
	d := open(t, "oidc", p.settings("userinfo", "off"))
	for _, sub := range []string{"alice", "alice-2"} {
		p.claims["sub"], p.claims["email"], p.claims["email_verified"] = sub, "alice@example.com", true
		got, err := d.Exchange(t.Context(), answerOf(p))
		if err != nil || got.Subject != sub {
			t.Errorf("got %q, %v", got.Subject, err)
		}
	}
}

func TestOIDCProvesWhoAsks(t *testing.T) {
	posted := func(r *http.Request) bool {
		_, header := r.Header["Authorization"]
		return !header && r.PostFormValue("client_id") == clientID && r.PostFormValue("client_secret") == clientSecret
	}
	der, err := x509.MarshalPKCS8PrivateKey(keysOf().ec)
	if err != nil {
		t.Fatal(err)
	}
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	for _, tt := range []struct {
		name    string
		set     []string
		offered []string
		proven  func(r *http.Request) bool // nil: as newIssuer has it
	}{
		{"in the header unless told", nil, nil, nil},
		{"in the header when both are offered", nil, []string{"client_secret_post", "client_secret_basic"}, nil},
		{"in the body when only that is offered", nil, []string{"client_secret_post"}, posted},
		{"in the body when told", []string{"auth", "client_secret_post"}, nil, posted},
		{"with a signed assertion", []string{"private_key", key, "key_id", "our-key"}, nil, assertedBy(t)},
		{"not at all", []string{"auth", "none", "client_secret", ""}, nil, func(r *http.Request) bool {
			return r.PostFormValue("client_id") == clientID && r.PostFormValue("client_secret") == "" && r.Header.Get("Authorization") == ""
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newIssuer(t)
			if tt.proven != nil {
				p.proven = tt.proven
			}
			if tt.offered != nil {
				p.metadata["token_endpoint_auth_methods_supported"] = tt.offered
			}
			if _, err := open(t, "oidc", p.settings(tt.set...)).Exchange(t.Context(), answerOf(p)); err != nil {
				t.Error(err)
			}
		})
	}
}

// assertedBy verifies a client assertion as RFC 7523 section 3 has it, and that none comes
// twice.
func assertedBy(t *testing.T) func(r *http.Request) bool {
	t.Helper()
	seen := map[string]bool{}
	return func(r *http.Request) bool {
		jws, err := jose.ParseSignedCompact(r.PostFormValue("client_assertion"), []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Error(err)
			return false
		}
		payload, err := jws.Verify(&keysOf().ec.PublicKey)
		if err != nil {
			t.Error(err)
			return false
		}
		var c struct {
			Iss, Sub, Aud, Jti string
			Iat, Exp           int64
		}
		if err := json.Unmarshal(payload, &c); err != nil {
			t.Error(err)
		}
		again := seen[c.Jti]
		seen[c.Jti] = true
		return r.PostFormValue("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" &&
			jws.Signatures[0].Header.KeyID == "our-key" && c.Iss == clientID && c.Sub == clientID &&
			c.Aud == "http://"+r.Host+"/token" && c.Iat == today().Unix() && c.Exp == today().Unix()+60 && c.Jti != "" && !again
	}
}

// I2: a token signed with a new key is taken at once.
func TestOIDCFollowsARotationOfKeys(t *testing.T) {
	p := newIssuer(t)
	now := today()
	d := openAt(t, func() time.Time { return now }, "oidc", p.settings())
	exchange := func() error {
		_, err := d.Exchange(t.Context(), answerOf(p))
		return err
	}
	if err := exchange(); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	p.key, p.published = otherKey("k3"), public(otherKey("k3"))
	if err := exchange(); err != nil {
		t.Errorf("with the new key: %v", err)
	}
	p.key = rsaKey("k1")
	wantRefusal(t, exchange(), errs.ProviderRefused, "unknown_kid")
	if n := p.keyReads.Load(); n != 2 {
		t.Errorf("the keys were read %d times", n)
	}
}

// SO-07: tokens with made-up key names make the server ask once a minute at most.
func TestOIDCIsNotMadeToAskForKeys(t *testing.T) {
	p := newIssuer(t)
	now := today()
	d := openAt(t, func() time.Time { return now }, "oidc", p.settings("client_tokens", "on"))
	flood := func(name string) {
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				header := map[string]any{"alg": "RS256", "kid": fmt.Sprint(name, i)}
				c := provider.Credential{IDToken: handmade(t, header, p.claims, "c2ln"), Nonce: sentNonce}
				if _, err := d.Exchange(t.Context(), c); err == nil {
					t.Error("was taken")
				}
			})
		}
		all.Wait()
	}
	flood("a")
	if n := p.keyReads.Load(); n != 1 {
		t.Errorf("the keys were read %d times in the first minute", n)
	}
	now = now.Add(time.Minute)
	flood("b")
	if n := p.keyReads.Load(); n != 2 {
		t.Errorf("the keys were read %d times in two minutes", n)
	}
	if n := p.discoveries.Load(); n != 1 {
		t.Errorf("the discovery document was read %d times", n)
	}
}

// What was read yesterday serves while the issuer cannot be read, for a day.
func TestOIDCOutlastsAnIssuersFailure(t *testing.T) {
	p := newIssuer(t)
	now := today()
	d := openAt(t, func() time.Time { return now }, "oidc", p.settings("userinfo", "off"))
	exchange := func() error {
		p.claims["iat"], p.claims["exp"] = now.Unix(), now.Unix()+300
		_, err := d.Exchange(t.Context(), answerOf(p))
		return err
	}
	if err := exchange(); err != nil {
		t.Fatal(err)
	}
	p.jwks = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }
	now = now.Add(23 * time.Hour)
	if err := exchange(); err != nil {
		t.Errorf("after 23 hours: %v", err)
	}
	now = now.Add(time.Hour)
	wantRefusal(t, exchange(), errs.Unavailable, "jwks_unavailable")
	p.jwks = nil
	now = now.Add(time.Minute)
	if err := exchange(); err != nil {
		t.Errorf("after the failure: %v", err)
	}
}

func TestOIDCRefusesSettingsThatCannotWork(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  map[string]string
	}{
		{"an issuer in the clear", map[string]string{"issuer": "http://idp.example.com", "client_id": "a", "client_secret": "b"}},
		{"no secret", map[string]string{"issuer": "https://idp.example.com", "client_id": "a"}},
		{"no key to sign with", map[string]string{"issuer": "https://idp.example.com", "client_id": "a", "auth": "private_key_jwt"}},
		{"an unknown proof", map[string]string{"issuer": "https://idp.example.com", "client_id": "a", "auth": "tls_client_auth"}},
		{"a key that is none", map[string]string{"issuer": "https://idp.example.com", "client_id": "a", "private_key": "AAAA"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := provider.Open("oidc", tt.set, provider.Env{Now: today}); err == nil {
				t.Error("was taken")
			}
		})
	}
}

package provider_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

func answerOf(p *issuer) provider.Credential {
	return provider.Credential{
		Code: goodCode, RedirectURI: callbackURI, Verifier: rfcVerifier, Nonce: sentNonce,
		Params: map[string]string{"iss": p.URL},
	}
}

// Everything an OpenID provider, or somebody in its place, can get wrong is refused, each
// with a reason of its own (SO-02, SO-03, SO-07).
func TestOIDCRefusesEachFaultForItsOwnReason(t *testing.T) {
	for _, tt := range []struct {
		name   string
		spoil  func(p *issuer, c *provider.Credential)
		code   errs.Code
		reason string
	}{
		{"IAT_FUTURE", func(p *issuer, _ *provider.Credential) { p.claims["iat"] = today().Unix() + 600 }, errs.ProviderRefused, "iat_future"},
		{"EXPIRED", func(p *issuer, _ *provider.Credential) {
			p.claims["iat"], p.claims["exp"] = today().Unix()-600, today().Unix()-300
		}, errs.ProviderRefused, "expired"},
		{"no expiry", func(p *issuer, _ *provider.Credential) { delete(p.claims, "exp") }, errs.ProviderRefused, "expired"},
		{"BAD_ISS", func(p *issuer, _ *provider.Credential) { p.claims["iss"] = "https://evil.example.com" }, errs.ProviderRefused, "bad_iss"},
		{"BAD_AUD", func(p *issuer, _ *provider.Credential) { p.claims["aud"] = "client-2" }, errs.ProviderRefused, "bad_aud"},
		{"MULTI_AUD_NO_AZP", func(p *issuer, _ *provider.Credential) { p.claims["aud"] = []string{clientID, "client-2"} }, errs.ProviderRefused, "no_azp"},
		{"the party it was made for is another", func(p *issuer, _ *provider.Credential) { p.claims["azp"] = "client-2" }, errs.ProviderRefused, "bad_azp"},
		{"BAD_NONCE", func(p *issuer, _ *provider.Credential) { p.claims["nonce"] = "nonce-2" }, errs.ProviderRefused, "bad_nonce"},
		{"NO_NONCE", func(p *issuer, _ *provider.Credential) { delete(p.claims, "nonce") }, errs.ProviderRefused, "no_nonce"},
		{"a nonce nobody sent", func(_ *issuer, c *provider.Credential) { c.Nonce = "" }, errs.ProviderRefused, "bad_nonce"},
		{"ALG_NONE", func(p *issuer, _ *provider.Credential) {
			p.sign = func(claims map[string]any) string { return handmade(p.t, map[string]any{"alg": "none"}, claims, "") }
		}, errs.ProviderRefused, "alg_none"},
		{"ALG_HS256_WITH_JWK", func(p *issuer, _ *provider.Credential) { p.sign = p.signWithPublicKey }, errs.ProviderRefused, "alg_refused"},
		{"a key that comes with the token", func(p *issuer, _ *provider.Credential) { p.sign = p.signWithOwnJWK }, errs.ProviderRefused, "bad_signature"},
		{"UNKNOWN_KID", func(p *issuer, _ *provider.Credential) { p.key = otherKey("k9") }, errs.ProviderRefused, "unknown_kid"},
		{"KID_REUSED_OTHER_KEY", func(p *issuer, _ *provider.Credential) { p.key = otherKey("k1") }, errs.ProviderRefused, "bad_signature"},
		{"BAD_AT_HASH", func(p *issuer, _ *provider.Credential) { p.claims["at_hash"] = halfHash("access-token-2") }, errs.ProviderRefused, "bad_at_hash"},
		{"SUB_CHANGED", func(p *issuer, c *provider.Credential) { p.claims["sub"], c.Subject = "mallory", "alice" }, errs.ProviderRefused, "sub_changed"},
		{"USERINFO_SUB_MISMATCH", func(p *issuer, _ *provider.Credential) { p.userinfo["sub"] = "mallory" }, errs.ProviderRefused, "userinfo_sub"},
		{"MIXUP_ISS", func(_ *issuer, c *provider.Credential) { c.Params["iss"] = "https://evil.example.com" }, errs.ProviderRefused, "mixup_iss"},
		{"an announced iss is missing", func(p *issuer, c *provider.Credential) {
			p.metadata["authorization_response_iss_parameter_supported"], c.Params = true, nil
		}, errs.ProviderRefused, "mixup_iss"},
		{"an announced iss is missing beside an ID token", func(p *issuer, c *provider.Credential) {
			p.metadata["authorization_response_iss_parameter_supported"], c.Params, c.IDToken = true, nil, "x.y.z"
		}, errs.ProviderRefused, "mixup_iss"},
		{"JWKS_500", func(p *issuer, _ *provider.Credential) {
			p.jwks = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }
		}, errs.Unavailable, "jwks_unavailable"},
		{"JWKS_HUGE", func(p *issuer, _ *provider.Credential) { p.jwks = says(strings.Repeat(" ", 10<<20)) }, errs.Unavailable, "jwks_too_large"},
		{"a key set too long for any issuer", func(p *issuer, _ *provider.Credential) { p.jwks = says(strings.Repeat(" ", 65<<10)) }, errs.Unavailable, "jwks_too_large"},
		{"a key set of 33 keys", func(p *issuer, _ *provider.Credential) {
			p.jwks = says(`{"keys":[` + strings.Repeat(`{},`, 32) + `{}]}`)
		}, errs.Unavailable, "jwks_too_large"},
		{"no key set at all", func(p *issuer, _ *provider.Credential) { p.jwks = says("<html>") }, errs.Unavailable, "jwks_malformed"},
		{"discovery of another issuer", func(p *issuer, _ *provider.Credential) { p.metadata["issuer"] = "https://evil.example.com" }, errs.ProviderMisconfigured, "discovery_issuer"},
		{"a token endpoint in the clear", func(p *issuer, _ *provider.Credential) {
			p.metadata["token_endpoint"] = "http://evil.example.com/token"
		}, errs.ProviderMisconfigured, "discovery_endpoint"},
		{"no person", func(p *issuer, _ *provider.Credential) { delete(p.claims, "sub") }, errs.ProviderRefused, "no_sub"},
		{"not a token", func(p *issuer, _ *provider.Credential) { p.sign = func(map[string]any) string { return "a.b.c" } }, errs.ProviderRefused, "id_token_malformed"},
		{"no ID token", func(p *issuer, _ *provider.Credential) { p.sign = func(map[string]any) string { return "" } }, errs.ProviderRefused, "no_id_token"},
		{"a wrong code", func(_ *issuer, c *provider.Credential) { c.Code = "bad-code" }, errs.ProviderRefused, "vendor_invalid_grant"},
		{"a verifier of another sign-in", func(_ *issuer, c *provider.Credential) { c.Verifier = "x" + rfcVerifier[1:] }, errs.ProviderRefused, "vendor_invalid_grant"},
		{"a wrong secret", func(p *issuer, _ *provider.Credential) {
			p.proven = func(*http.Request) bool { return false }
		}, errs.ProviderMisconfigured, "vendor_invalid_client"},
		{"the person said no", func(_ *issuer, c *provider.Credential) { c.Code, c.Params["error"] = "", "access_denied" }, errs.ProviderDenied, "vendor_access_denied"},
		{"no code and no reason", func(_ *issuer, c *provider.Credential) { c.Code = "" }, errs.ProviderDenied, "no_code"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newIssuer(t)
			c := answerOf(p)
			tt.spoil(p, &c)
			_, err := open(t, "oidc", p.settings()).Exchange(t.Context(), c)
			wantRefusal(t, err, tt.code, tt.reason)
			if strings.Contains(err.Error(), clientSecret) || strings.Contains(err.Error(), accessToken) {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

// signWithPublicKey takes the issuer's public key for a symmetric one.
func (p *issuer) signWithPublicKey(claims map[string]any) string {
	jwk, err := json.Marshal(p.published[0])
	if err != nil {
		p.t.Fatal(err)
	}
	signed := strings.TrimSuffix(handmade(p.t, map[string]any{"alg": "HS256", "kid": "k1", "jwk": json.RawMessage(jwk)}, claims, ""), ".")
	mac := hmac.New(sha256.New, jwk)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// signWithOwnJWK sends the key along that verifies the token, under a known name.
func (p *issuer) signWithOwnJWK(claims map[string]any) string {
	return sign(p.t, otherKey("k1"), map[jose.HeaderKey]any{"jwk": public(otherKey("k1"))[0]}, claims)
}

// An address that a provider does not vouch for with a boolean does not stop the sign-in,
// but links nothing (LK-05).
func TestOIDCVouchesForNoDoubtfulAddress(t *testing.T) {
	for _, tt := range []struct {
		name     string
		verified any
		want     bool
		doubt    string
	}{
		{"verified", true, true, ""},
		{"EMAIL_UNVERIFIED", false, false, "email_unverified"},
		{"EMAIL_VERIFIED_STRING", "true", false, "email_verified_not_boolean"},
		{"a number", 1, false, "email_verified_not_boolean"},
		{"nothing said", nil, false, "email_unverified"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newIssuer(t)
			p.userinfo["email_verified"] = tt.verified
			got, err := open(t, "oidc", p.settings()).Exchange(t.Context(), answerOf(p))
			if err != nil {
				t.Fatal(err)
			}
			if got.Email != "alice@example.com" || got.EmailVerified != tt.want || got.Extra["email_doubt"] != tt.doubt {
				t.Errorf("got %q, verified %v, doubt %q", got.Email, got.EmailVerified, got.Extra["email_doubt"])
			}
		})
	}
}

// SO-02: a client's ID token counts only where that is switched on, and then as much as
// one that came for a code.
func TestOIDCTakesIDTokensFromClientsOnlyWhenTold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		set    []string
		claims []any
		nonce  string
		reason string // "" is taken
	}{
		{"not unless told", nil, nil, sentNonce, "client_token"},
		{"for this client", []string{"client_tokens", "on"}, nil, sentNonce, ""},
		{"for an app of ours", []string{"client_tokens", "on", "audiences", "ios android"}, []any{"aud", "ios"}, sentNonce, ""},
		{"for the server, made for an app of ours", []string{"client_tokens", "on", "audiences", "ios android"}, []any{"azp", "android"}, sentNonce, ""},
		{"for another app", []string{"client_tokens", "on"}, []any{"aud", "ios"}, sentNonce, "bad_aud"},
		{"without the nonce", []string{"client_tokens", "on"}, []any{"nonce", nil}, "", "no_nonce"},
		{"with another nonce", []string{"client_tokens", "on"}, nil, "nonce-2", "bad_nonce"},
		{"expired", []string{"client_tokens", "on"}, []any{"exp", today().Unix() - 61}, sentNonce, "expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newIssuer(t)
			c := provider.Credential{IDToken: p.sign(p.with(tt.claims...)), Nonce: tt.nonce}
			got, err := open(t, "oidc", p.settings(tt.set...)).Exchange(t.Context(), c)
			switch {
			case tt.reason == "client_token":
				wantRefusal(t, err, errs.MethodDisabled, tt.reason)
			case tt.reason != "":
				wantRefusal(t, err, errs.ProviderRefused, tt.reason)
			case err != nil || got.Subject != "alice":
				t.Errorf("got %q, %v", got.Subject, err)
			}
		})
	}
}

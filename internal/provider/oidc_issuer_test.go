package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// The example of RFC 7636 appendix B.
const (
	rfcVerifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	rfcChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

const (
	clientID     = "client-1"
	clientSecret = "s3cret/with:signs%&"
	callbackURI  = "https://app.example.com/callback"
	goodCode     = "good-code"
	accessToken  = "access-token-1"
	sentNonce    = "nonce-1"
)

// issuer is an OpenID provider written from the standards, for the driver to be tested
// against. It verifies what a provider must and can be told to answer wrongly.
type issuer struct {
	URL string

	t         *testing.T
	roots     *x509.CertPool // trust it, when it speaks TLS
	key       jose.SigningKey
	published []jose.JSONWebKey
	metadata  map[string]any
	claims    map[string]any // of the ID token
	userinfo  map[string]any
	sign      func(claims map[string]any) string
	jwks      http.HandlerFunc           // in place of the key set
	proven    func(r *http.Request) bool // client authentication
	challenge string                     // "" wants no PKCE

	keyReads, discoveries, exchanges atomic.Int64
}

type testKeys struct {
	rsa, other *rsa.PrivateKey
	ec         *ecdsa.PrivateKey
}

// keysOf makes keys once, for they are slow to make.
var keysOf = sync.OnceValue(func() testKeys {
	first, err1 := rsa.GenerateKey(rand.Reader, 2048)
	second, err2 := rsa.GenerateKey(rand.Reader, 2048)
	ec, err3 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err1 != nil || err2 != nil || err3 != nil {
		panic("no keys")
	}
	return testKeys{first, second, ec}
})

func rsaKey(kid string) jose.SigningKey {
	return jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: keysOf().rsa, KeyID: kid}}
}

func otherKey(kid string) jose.SigningKey {
	return jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: keysOf().other, KeyID: kid}}
}

func ecKey(kid string) jose.SigningKey {
	return jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: keysOf().ec, KeyID: kid}}
}

func public(keys ...jose.SigningKey) []jose.JSONWebKey {
	var all []jose.JSONWebKey
	for _, k := range keys {
		private := k.Key.(jose.JSONWebKey)
		jwk := private.Public()
		jwk.Use, jwk.Algorithm = "sig", string(k.Algorithm)
		all = append(all, jwk)
	}
	return all
}

// newIssuer makes a provider that does everything right.
func newIssuer(t *testing.T) *issuer {
	t.Helper()
	return newIssuerOn(t, httptest.NewServer)
}

func newIssuerOn(t *testing.T, start func(http.Handler) *httptest.Server) *issuer {
	t.Helper()
	p := &issuer{t: t, key: rsaKey("k1"), published: public(rsaKey("k1"), ecKey("k2")), challenge: rfcChallenge}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.discoveries.Add(1)
		p.answer(w, http.StatusOK, p.metadata)
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, r *http.Request) {
		p.keyReads.Add(1)
		if p.jwks != nil {
			p.jwks(w, r)
			return
		}
		p.answer(w, http.StatusOK, jose.JSONWebKeySet{Keys: p.published})
	})
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			p.answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
			return
		}
		p.answer(w, http.StatusOK, p.userinfo)
	})
	server := start(mux)
	t.Cleanup(server.Close)
	p.URL, p.roots = server.URL, x509.NewCertPool()
	if server.Certificate() != nil {
		p.roots.AddCert(server.Certificate())
	}
	p.metadata = map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize?theme=dark", "token_endpoint": p.URL + "/token",
		"userinfo_endpoint": p.URL + "/userinfo", "jwks_uri": p.URL + "/jwks",
	}
	p.claims = map[string]any{
		"iss": p.URL, "sub": "alice", "aud": clientID, "nonce": sentNonce, "at_hash": halfHash(accessToken),
		"iat": today().Unix(), "exp": today().Unix() + 300,
	}
	p.userinfo = map[string]any{"sub": "alice", "name": "Alice", "email": "alice@example.com", "email_verified": true}
	p.sign = func(claims map[string]any) string { return sign(t, p.key, nil, claims) }
	p.proven = func(r *http.Request) bool {
		id, password, ok := r.BasicAuth()
		// Both halves are form-encoded.
		return ok && id == clientID && password == "s3cret%2Fwith%3Asigns%25%26"
	}
	return p
}

func (p *issuer) token(w http.ResponseWriter, r *http.Request) {
	p.exchanges.Add(1)
	fail := func(status int, word string) { p.answer(w, status, map[string]string{"error": word}) }
	switch sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier"))); {
	case !p.proven(r):
		fail(http.StatusUnauthorized, "invalid_client")
	case r.PostFormValue("grant_type") != "authorization_code":
		fail(http.StatusBadRequest, "unsupported_grant_type")
	case r.PostFormValue("code") != goodCode, r.PostFormValue("redirect_uri") != callbackURI,
		p.challenge != "" && base64.RawURLEncoding.EncodeToString(sum[:]) != p.challenge:
		fail(http.StatusBadRequest, "invalid_grant")
	default:
		p.answer(w, http.StatusOK, map[string]any{
			"access_token": accessToken, "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(p.claims),
		})
	}
}

func (p *issuer) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		p.t.Error(err)
	}
}

// settings are those of a client of the issuer, and more.
func (p *issuer) settings(more ...string) map[string]string {
	set := map[string]string{"issuer": p.URL, "client_id": clientID, "client_secret": clientSecret}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	return set
}

// with returns the claims changed; a nil value removes one.
func (p *issuer) with(pairs ...any) map[string]any {
	claims := maps.Clone(p.claims)
	for i := 0; i+1 < len(pairs); i += 2 {
		claims[pairs[i].(string)] = pairs[i+1]
		if pairs[i+1] == nil {
			delete(claims, pairs[i].(string))
		}
	}
	return claims
}

func halfHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func sign(t *testing.T, key jose.SigningKey, header map[jose.HeaderKey]any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, &jose.SignerOptions{ExtraHeaders: header})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// handmade is a token with any header and any third part.
func handmade(t *testing.T, header, claims map[string]any, signature string) string {
	t.Helper()
	var parts []string
	for _, part := range []map[string]any{header, claims} {
		raw, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, base64.RawURLEncoding.EncodeToString(raw))
	}
	return strings.Join(append(parts, signature), ".")
}

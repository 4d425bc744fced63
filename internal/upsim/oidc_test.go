package upsim_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/upsim"
)

const (
	callbackURL    = "http://localhost:9/callback"
	oidcClient     = "sim-client"
	oidcSecret     = "sim-client-secret-000000000001"
	sampleVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	sampleHash     = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

func raw64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// token is a signed token, parted by the test's own hands.
type token struct {
	header, claims map[string]any
	signed, sig    string
}

func readToken(t testing.TB, text string) token {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no token", text)
	}
	var k token
	for i, into := range []*map[string]any{&k.header, &k.claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(raw, into) != nil {
			t.Fatalf("%q is no token", text)
		}
	}
	k.signed, k.sig = parts[0]+"."+parts[1], parts[2]
	return k
}

// verified reports whether a key of a JWKS with the token's kid verifies it.
func (k token) verified(t testing.TB, jwks answer) bool {
	t.Helper()
	sum := sha256.Sum256([]byte(k.signed))
	sig, err := base64.RawURLEncoding.DecodeString(k.sig)
	if err != nil {
		t.Fatal(err)
	}
	number := func(key map[string]any, name string) *big.Int {
		text, _ := key[name].(string)
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(raw)
	}
	keys, _ := jwks.json["keys"].([]any)
	for _, one := range keys {
		key, _ := one.(map[string]any)
		if key["kid"] != k.header["kid"] || key["alg"] != k.header["alg"] {
			continue
		}
		if key["kty"] == "RSA" {
			public := &rsa.PublicKey{N: number(key, "n"), E: int(number(key, "e").Int64())}
			return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], sig) == nil
		}
		point := append([]byte{4}, number(key, "x").FillBytes(make([]byte, 32))...)
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(point, number(key, "y").FillBytes(make([]byte, 32))...))
		return err == nil && len(sig) == 64 && ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]))
	}
	return false
}

// signES256 signs header and claims with a key in PEM.
func signES256(t testing.TB, key string, header, claims map[string]any) string {
	t.Helper()
	h, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	input := raw64(h) + "." + raw64(c)
	private, _ := readPrivate(t, key).(*ecdsa.PrivateKey)
	sum := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(nil, private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return input + "." + raw64(sig)
}

func readPrivate(t testing.TB, text string) any {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no key")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func clientKeys(t testing.TB, s *upsim.Server) upsim.ClientKeys {
	t.Helper()
	keys, err := s.ClientKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func query(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q.Encode()
}

func approve(t testing.TB, s *upsim.Server, address, subject string, faults ...string) upsim.Landing {
	t.Helper()
	l, err := s.Approve(t.Context(), address, subject, faults...)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func oidcAuthorize(s *upsim.Server, provider string, more ...string) string {
	return s.Bases().OIDC + "/" + provider + "/authorize?" + query(append([]string{
		"client_id", oidcClient, "redirect_uri", callbackURL, "response_type", "code", "scope", "openid profile email", "state", "st", "nonce", "no",
		"code_challenge", sampleHash, "code_challenge_method", "S256",
	}, more...)...)
}

// codeExchange asks the token endpoint with client_secret_basic.
func codeExchange(s *upsim.Server, provider, secret, code string) call {
	c := postForm(s.Bases().OIDC, "/"+provider+"/token", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callbackURL}, "code_verifier": {sampleVerifier},
	})
	c.header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(oidcClient+":"+secret))
	return c
}

func oauthCode(a answer) string {
	if a.text("access_token") != "" {
		return "ok"
	}
	return a.text("error")
}

func TestOIDCSignsPeopleIn(t *testing.T) {
	s := start(t, vectorTime)
	for provider, want := range map[string]string{"corp": "RS256", "school": "ES256"} {
		secret := map[string]string{"corp": oidcSecret, "school": "sim-client-secret-000000000002"}[provider]
		discovery := get(s.Bases().OIDC, "/"+provider+"/.well-known/openid-configuration").do(t)
		issuer := s.Bases().OIDC + "/" + provider
		if discovery.text("issuer") != issuer || discovery.text("token_endpoint") != issuer+"/token" {
			t.Errorf("discovery: %s", discovery.body)
		}
		l := approve(t, s, oidcAuthorize(s, provider), "alice")
		if l.Get("state") != "st" || l.Get("iss") != issuer || !strings.HasPrefix(l.URL, callbackURL+"?") {
			t.Errorf("landing: %+v", l)
		}
		a := codeExchange(s, provider, secret, l.Get("code")).do(t)
		k := readToken(t, a.text("id_token"))
		if !k.verified(t, get(s.Bases().OIDC, "/"+provider+"/jwks").do(t)) {
			t.Errorf("%s: the ID token does not verify", provider)
		}
		sub, err := s.OutsideID("oidc", provider, "alice")
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(a.text("access_token")))
		wanted := map[string]any{
			"alg": want, "iss": issuer, "aud": oidcClient, "nonce": "no", "sub": sub, "email": "alice@example.test", "email_verified": true,
			"at_hash": raw64(sum[:16]), "iat": float64(vectorTime.Unix()),
		}
		got := map[string]any{"alg": k.header["alg"]}
		for name := range wanted {
			if name != "alg" {
				got[name] = k.claims[name]
			}
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Error(diff)
		}
		info := call{method: http.MethodGet, base: issuer, path: "/userinfo", header: map[string]string{"Authorization": "Bearer " + a.text("access_token")}}
		if b := info.do(t); b.text("sub") != sub || b.text("name") != "Alice" {
			t.Errorf("userinfo: %s", b.body)
		}
		out := get(issuer, "/end_session", "id_token_hint", a.text("id_token"), "post_logout_redirect_uri", "http://localhost:9/bye", "state", "x").do(t)
		if to := out.header.Get("Location"); to != "http://localhost:9/bye?state=x" {
			t.Errorf("end_session: %d %s", out.status, to)
		}
		revoke := codeExchange(s, provider, secret, "")
		revoke.path, revoke.body = "/"+provider+"/revoke", url.Values{"token": {a.text("access_token")}}.Encode()
		if revoke.do(t).status != http.StatusOK || info.do(t).status != http.StatusUnauthorized {
			t.Error("a revoked token still works")
		}
	}
}

// Every fault is seen by whoever checks what OpenID Connect says to check.
func TestOIDCFaultsBreakWhatTheySay(t *testing.T) {
	s := start(t, vectorTime)
	issuer := s.Bases().OIDC + "/corp"
	jwks := get(s.Bases().OIDC, "/corp/jwks").do(t)
	now := float64(vectorTime.Unix())
	for fault, broken := range map[string]func(k token) bool{
		"IAT_FUTURE":         func(k token) bool { n, _ := k.claims["iat"].(float64); return n > now },
		"EXPIRED":            func(k token) bool { n, _ := k.claims["exp"].(float64); return n < now },
		"BAD_ISS":            func(k token) bool { return k.claims["iss"] != issuer },
		"ISS_NO_SCHEME":      func(k token) bool { return "http://"+k.claims["iss"].(string) == issuer },
		"BAD_AUD":            func(k token) bool { return k.claims["aud"] != oidcClient },
		"MULTI_AUD_NO_AZP":   func(k token) bool { l, _ := k.claims["aud"].([]any); return len(l) == 2 && k.claims["azp"] == nil },
		"BAD_NONCE":          func(k token) bool { return k.claims["nonce"] != "no" },
		"NO_NONCE":           func(k token) bool { return k.claims["nonce"] == nil },
		"ALG_NONE":           func(k token) bool { return k.header["alg"] == "none" && k.sig == "" },
		"ALG_HS256_WITH_JWK": func(k token) bool { return k.header["alg"] == "HS256" && !k.verified(t, jwks) },
		"UNKNOWN_KID":        func(k token) bool { return !strings.Contains(jwks.body, k.header["kid"].(string)) },
		"KID_REUSED_OTHER_KEY": func(k token) bool {
			return strings.Contains(jwks.body, k.header["kid"].(string)) && !k.verified(t, jwks)
		},
		"BAD_SIG":               func(k token) bool { return !k.verified(t, jwks) },
		"BAD_AT_HASH":           func(k token) bool { return k.claims["at_hash"] != nil && k.verified(t, jwks) },
		"EMAIL_UNVERIFIED":      func(k token) bool { return k.claims["email_verified"] == false },
		"EMAIL_VERIFIED_STRING": func(k token) bool { return k.claims["email_verified"] == "true" },
		"SUB_CHANGED":           func(k token) bool { id, _ := s.OutsideID("oidc", "corp", "alice"); return k.claims["sub"] != id },
		"ES256":                 func(k token) bool { return k.header["alg"] == "ES256" && k.verified(t, jwks) },
	} {
		l := approve(t, s, oidcAuthorize(s, "corp"), "alice", fault)
		a := codeExchange(s, "corp", oidcSecret, l.Get("code")).do(t)
		if !broken(readToken(t, a.text("id_token"))) {
			t.Errorf("%s in a code: %s", fault, a.body)
		}
		id := arm(t, s, upsim.Fault{Match: upsim.Match{Upstream: "oidc", Path: "/token"}, Fault: fault, Times: 1})
		a = codeExchange(s, "corp", oidcSecret, approve(t, s, oidcAuthorize(s, "corp"), "alice").Get("code")).do(t)
		if !broken(readToken(t, a.text("id_token"))) {
			t.Errorf("%s armed: %s", fault, a.body)
		}
		s.Disarm(id)
	}
	l := approve(t, s, oidcAuthorize(s, "corp"), "alice", "MIXUP_ISS")
	if l.Get("iss") == issuer {
		t.Error("MIXUP_ISS names the right issuer")
	}
	l = approve(t, s, oidcAuthorize(s, "corp"), "alice", "USERINFO_SUB_MISMATCH")
	a := codeExchange(s, "corp", oidcSecret, l.Get("code")).do(t)
	info := call{method: http.MethodGet, base: issuer, path: "/userinfo", header: map[string]string{"Authorization": "Bearer " + a.text("access_token")}}
	if info.do(t).text("sub") == readToken(t, a.text("id_token")).claims["sub"] {
		t.Error("USERINFO_SUB_MISMATCH does not differ")
	}
	arm(t, s, upsim.Fault{Match: upsim.Match{Upstream: "oidc", Path: "/jwks"}, Fault: "JWKS_500", Times: 1})
	if got := get(issuer, "/jwks").do(t); got.status != http.StatusInternalServerError {
		t.Errorf("JWKS_500: %d", got.status)
	}
	arm(t, s, upsim.Fault{Match: upsim.Match{Upstream: "oidc", Path: "/jwks"}, Fault: "JWKS_HUGE", Times: 1})
	if got := get(issuer, "/jwks").do(t); len(got.body) < 4<<20 {
		t.Errorf("JWKS_HUGE: %d bytes", len(got.body))
	}
}

// S2 of the token endpoint with a secret.
func TestOIDCRefusesMutantsOfTheTokenRequest(t *testing.T) {
	s := start(t, vectorTime)
	good := codeExchange(s, "corp", oidcSecret, "SIM-OI-alice-1")
	basic := func(pair string) func(*call) {
		return headed("Authorization", instead("Basic "+base64.StdEncoding.EncodeToString([]byte(pair))))
	}
	mutants(t, s, good, "ok", oauthCode, []mutant{
		{name: "secret", change: basic(oidcClient + ":" + flip(oidcSecret)), want: "invalid_client"},
		{name: "case of the secret", change: basic(oidcClient + ":" + strings.ToUpper(oidcSecret)), want: "invalid_client"},
		{name: "cut secret", change: basic(oidcClient + ":" + oidcSecret[1:]), want: "invalid_client"},
		{name: "other client", change: basic("sim-client-public:" + oidcSecret), want: "invalid_client"},
		{name: "no client", change: headed("Authorization", instead("")), want: "invalid_client"},
		{name: "two ways", change: func(c *call) { c.body += "&client_secret=" + oidcSecret }, want: "invalid_request"},
		{name: "GET", change: func(c *call) { c.method, c.query, c.body = http.MethodGet, c.body, "" }, want: "invalid_request"},
		{name: "JSON", change: headed("Content-Type", instead("application/json")), want: "invalid_request"},
		{name: "grant type", change: replaced("authorization_code", "password"), want: "unsupported_grant_type"},
		{name: "code", change: replaced("SIM-OI-alice-1", "SIM-GH-alice-1"), want: "invalid_grant"},
		{name: "no verifier", change: replaced("code_verifier", "x"), want: "invalid_request"},
		{name: "malformed verifier", change: replaced(sampleVerifier, "short"), want: "invalid_grant"},
		{name: "foreign redirect", change: replaced("localhost", "evil.example"), want: "invalid_grant"},
		{name: "replay", change: func(*call) {}, twice: true, want: "invalid_grant"},
	})
}

// S1 and S2 of PKCE: the verifier of RFC 7636 is accepted for its challenge, and no other.
func TestOIDCChecksThePKCEVector(t *testing.T) {
	s := start(t, vectorTime)
	var in struct {
		Verifier string `json:"code_verifier"`
	}
	var hash string
	signinVectors(t, "oidc.pkce.")[0].read(t, &in, &hash)
	address := oidcAuthorize(s, "corp", "code_challenge", hash)
	for name, verifier := range map[string]string{
		"vector": in.Verifier, "last byte": flip(in.Verifier), "cut": in.Verifier[1:], "longer": in.Verifier + "a", "case": strings.ToLower(in.Verifier),
		"the challenge itself": hash, "empty": "", "padded": in.Verifier + "=", "space": " " + in.Verifier,
	} {
		c := codeExchange(s, "corp", oidcSecret, approve(t, s, address, "alice").Get("code"))
		c.body = strings.Replace(c.body, sampleVerifier, url.QueryEscape(verifier), 1)
		if got := oauthCode(c.do(t)); (got == "ok") != (name == "vector") {
			t.Errorf("%s: %s", name, got)
		}
	}
	for _, wrong := range []struct{ name, value, want string }{
		{"code_challenge", "", "invalid_request"},
		{"code_challenge_method", "plain", "invalid_request"},
		{"scope", "email", "invalid_scope"},
		{"response_type", "token", "unsupported_response_type"},
		{"prompt", "none login", "invalid_request"},
	} {
		if l := approve(t, s, oidcAuthorize(s, "corp", wrong.name, wrong.value), "alice"); l.Get("error") != wrong.want {
			t.Errorf("%s=%q: %s", wrong.name, wrong.value, l.URL)
		}
	}
}

func TestOIDCAuthorizePage(t *testing.T) {
	s := start(t, vectorTime)
	visit := func(more ...string) answer {
		address := oidcAuthorize(s, "corp", more...)
		base, rest, _ := strings.Cut(address, "/oidc")
		path, q, _ := strings.Cut("/oidc"+rest, "?")
		return call{method: http.MethodGet, base: base, path: path, query: q}.do(t)
	}
	if a := visit(); a.status != http.StatusOK || strings.Count(a.body, `name="sim_user" value=`) != len(s.Users()) {
		t.Errorf("page: %d %s", a.status, a.body)
	}
	for _, hint := range []string{"bob", "BOB@example.test", "+8613800000002"} {
		if a := visit("login_hint", hint); !strings.Contains(a.header.Get("Location"), "code=SIM-OI-bob-") {
			t.Errorf("login_hint %s: %d", hint, a.status)
		}
	}
	if a := visit("prompt", "none"); !strings.Contains(a.header.Get("Location"), "error=login_required&state=st&iss=") {
		t.Errorf("prompt=none: %s", a.header.Get("Location"))
	}
	if a := visit("sim_refuse", "1"); !strings.Contains(a.header.Get("Location"), "error=access_denied") {
		t.Errorf("refuse: %s", a.header.Get("Location"))
	}
	for _, bad := range [][2]string{{"redirect_uri", "http://evil.example/"}, {"redirect_uri", "javascript:alert(1)"}, {"client_id", "nobody"}} {
		if a := visit(bad[0], bad[1]); a.status != http.StatusBadRequest || a.header.Get("Location") != "" {
			t.Errorf("%s=%s: %d", bad[0], bad[1], a.status)
		}
	}
	if l := approve(t, s, oidcAuthorize(s, "corp", "response_mode", "form_post"), "alice"); l.Form == nil || l.Get("state") != "st" || l.URL != callbackURL {
		t.Errorf("form_post: %+v", l)
	}
}

// S1 and S2 of private_key_jwt.
func TestOIDCChecksClientAssertions(t *testing.T) {
	s := start(t, vectorTime)
	keys := clientKeys(t, s)
	issuer := s.Bases().OIDC + "/corp"
	serial := 0
	ask := func(t *testing.T, key string, header, claims map[string]any) string {
		t.Helper()
		serial++
		c := postForm(s.Bases().OIDC, "/corp/token", url.Values{
			"grant_type": {"authorization_code"}, "code": {"SIM-OI-alice-" + strconv.Itoa(serial)}, "redirect_uri": {callbackURL},
			"code_verifier": {sampleVerifier}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion": {signES256(t, key, header, claims)},
		})
		return oauthCode(c.do(t))
	}
	now := vectorTime.Unix()
	for _, m := range []struct {
		name, claim string
		value       any
		want        string
	}{
		{"unchanged", "x", 1, "ok"},
		{"issuer as audience", "aud", issuer, "ok"},
		{"list of audiences", "aud", []string{"https://other.example", issuer}, "ok"},
		{"other audience", "aud", "https://other.example", "invalid_client"},
		{"other issuer", "iss", oidcClient, "invalid_client"},
		{"client with a secret", "sub", oidcClient, "invalid_client"},
		{"unknown client", "sub", "nobody", "invalid_client"},
		{"expired", "exp", now, "invalid_client"},
		{"window + 1 s", "exp", now + 601, "invalid_client"},
		{"no exp", "exp", nil, "invalid_client"},
		{"no jti", "jti", "", "invalid_client"},
		{"replay", "jti", "jti-1", "invalid_client"},
	} {
		claims := map[string]any{
			"iss": "sim-client-jwt", "sub": "sim-client-jwt", "aud": issuer + "/token", "iat": now, "exp": now + 300, "jti": "jti-" + strconv.Itoa(serial+1),
		}
		claims[m.claim] = m.value
		if got := ask(t, keys.OIDC, map[string]any{"alg": "ES256"}, claims); got != m.want {
			t.Errorf("%s: %s", m.name, got)
		}
	}
	good := map[string]any{"iss": "sim-client-jwt", "sub": "sim-client-jwt", "aud": issuer, "exp": now + 300, "jti": "last"}
	if got := ask(t, keys.Apple, map[string]any{"alg": "ES256"}, good); got != "invalid_client" {
		t.Errorf("other key: %s", got)
	}
	if got := ask(t, keys.OIDC, map[string]any{"alg": "none"}, good); got != "invalid_client" {
		t.Errorf("alg none: %s", got)
	}
}

func TestRotatedKeysOverlap(t *testing.T) {
	s := start(t, vectorTime)
	fetch := func() answer { return get(s.Bases().OIDC, "/corp/jwks").do(t) }
	sign := func() token {
		return readToken(t, codeExchange(s, "corp", oidcSecret, approve(t, s, oidcAuthorize(s, "corp"), "alice").Get("code")).do(t).text("id_token"))
	}
	before := sign()
	old := fetch()
	if a := control(t, s, http.MethodPost, "/oidc/corp/rotate", ""); a.status != http.StatusOK {
		t.Fatal(a.body)
	}
	after := sign()
	if after.verified(t, old) || !after.verified(t, fetch()) || !before.verified(t, fetch()) {
		t.Error("a new key is in the old set, or one is missing from the new set")
	}
	s.RotateKeys("corp")
	if before.verified(t, fetch()) {
		t.Error("a key is published for ever")
	}
}

func TestOIDCTokensExpireAndRefresh(t *testing.T) {
	s := start(t, vectorTime)
	address := oidcAuthorize(s, "corp", "scope", "openid offline_access")
	a := codeExchange(s, "corp", oidcSecret, approve(t, s, address, "alice").Get("code")).do(t)
	refresh := codeExchange(s, "corp", oidcSecret, "")
	refresh.body = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {a.text("refresh_token")}}.Encode()
	s.Advance(time.Hour)
	info := call{method: http.MethodGet, base: s.Bases().OIDC, path: "/corp/userinfo", header: map[string]string{"Authorization": "Bearer " + a.text("access_token")}}
	if info.do(t).status != http.StatusUnauthorized {
		t.Error("an access token does not expire")
	}
	if got := oauthCode(refresh.do(t)); got != "ok" {
		t.Error(got)
	}
	if got := oauthCode(refresh.do(t)); got != "invalid_grant" {
		t.Errorf("a refresh token works twice: %s", got)
	}
}

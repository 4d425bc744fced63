package upsim_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/upsim"
)

// alipaySigned signs parameters as an app does.
func alipaySigned(t testing.TB, key string, params map[string]string) url.Values {
	t.Helper()
	var pairs []string
	form := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		form.Set(name, params[name])
		if params[name] != "" {
			pairs = append(pairs, name+"="+params[name])
		}
	}
	private, _ := readPrivate(t, key).(*rsa.PrivateKey)
	sum := sha256.Sum256([]byte(strings.Join(pairs, "&")))
	sig, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	form.Set("sign", base64.StdEncoding.EncodeToString(sig))
	return form
}

func alipayParams(method string) map[string]string {
	return map[string]string{
		"app_id": alipayApp, "method": method, "charset": "utf-8", "sign_type": "RSA2", "version": "1.0", "timestamp": "2023-11-15 06:13:20",
		"grant_type": "authorization_code", "code": "SIM-AL-alice-1",
	}
}

// alipayVerified reports whether Alipay signed the text of an answer as it stands.
func alipayVerified(t testing.TB, key string, a answer) bool {
	t.Helper()
	block, _ := pem.Decode([]byte(key))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(a.body, `":`)
	text, _, _ := strings.Cut(rest, `,"sign":`)
	sig, err := base64.StdEncoding.DecodeString(a.text("sign"))
	sum := sha256.Sum256([]byte(text))
	key2, _ := public.(*rsa.PublicKey)
	return err == nil && rsa.VerifyPKCS1v15(key2, crypto.SHA256, sum[:], sig) == nil
}

func alipayCode(a answer) string {
	if a.text("alipay_system_oauth_token_response", "access_token") != "" {
		return "ok"
	}
	return a.text("error_response", "sub_code")
}

func TestAlipaySignsBothWays(t *testing.T) {
	s := start(t, vectorTime)
	keys := clientKeys(t, s)
	l := approve(t, s, s.Bases().Alipay+"/oauth2/publicAppAuthorize.htm?"+query("app_id", alipayApp, "scope", "auth_user", "redirect_uri", callbackURL, "state", "st"), "alice")
	params := alipayParams("alipay.system.oauth.token")
	params["code"] = l.Get("auth_code")
	a := postForm(s.Bases().Alipay, "/gateway.do", alipaySigned(t, keys.AlipayApp, params)).do(t)
	if l.Get("app_id") != alipayApp || alipayCode(a) != "ok" || !alipayVerified(t, keys.AlipayPublic, a) {
		t.Fatalf("%+v %s", l, a.body)
	}
	id := outsideID(t, s, "alipay", alipayApp, "alice")
	if a.text("alipay_system_oauth_token_response", "open_id") != id || a.at("alipay_system_oauth_token_response", "user_id") != nil {
		t.Error(a.body)
	}
	share := alipayParams("alipay.user.info.share")
	share["auth_token"] = a.text("alipay_system_oauth_token_response", "access_token")
	b := postForm(s.Bases().Alipay, "/gateway.do", alipaySigned(t, keys.AlipayApp, share)).do(t)
	if b.text("alipay_user_info_share_response", "open_id") != id || !alipayVerified(t, keys.AlipayPublic, b) {
		t.Error(b.body)
	}
	for i, fault := range []string{"BADSIGN", "NOSIGN"} {
		params["code"] = "SIM-AL-alice-" + strconv.Itoa(i) + "-" + fault
		a := postForm(s.Bases().Alipay, "/gateway.do", alipaySigned(t, keys.AlipayApp, params)).do(t)
		if alipayCode(a) != "ok" || alipayVerified(t, keys.AlipayPublic, a) {
			t.Errorf("%s: %s", fault, a.body)
		}
	}
	params["app_id"], params["code"] = "2021000000000002", "SIM-AL-alice-9"
	a = postForm(s.Bases().Alipay, "/gateway.do", alipaySigned(t, keys.AlipayApp, params)).do(t)
	if !strings.HasPrefix(a.text("alipay_system_oauth_token_response", "user_id"), "2088") || a.at("alipay_system_oauth_token_response", "open_id") != nil {
		t.Error(a.body)
	}
}

func TestAlipayRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	keys := clientKeys(t, s)
	good := postForm(s.Bases().Alipay, "/gateway.do", alipaySigned(t, keys.AlipayApp, alipayParams("alipay.system.oauth.token")))
	sign := func(change func(string) string) func(*call) {
		return func(c *call) {
			form, _ := url.ParseQuery(c.body)
			form.Set("sign", change(form.Get("sign")))
			c.body = form.Encode()
		}
	}
	resigned := func(key, name, value string) func(*call) {
		return func(c *call) {
			params := alipayParams("alipay.system.oauth.token")
			params[name] = value
			c.body = alipaySigned(t, key, params).Encode()
		}
	}
	const wrong = "isv.invalid-signature"
	mutants(t, s, good, "ok", alipayCode, []mutant{
		{name: "one byte", change: replaced("alice", "alicf"), want: wrong},
		{name: "timestamp", change: replaced("06%3A13%3A20", "06%3A13%3A21"), want: wrong},
		{name: "one more parameter", change: func(c *call) { c.body += "&x=1" }, want: wrong},
		{name: "case of the signature", change: sign(strings.ToUpper), want: wrong},
		{name: "cut signature", change: sign(func(v string) string { return v[:len(v)-4] }), want: wrong},
		{name: "signature of nothing", change: sign(instead("AAAA")), want: wrong},
		{name: "no signature", change: sign(instead("")), want: "isv.missing-signature"},
		{name: "older algorithm", change: resigned(keys.AlipayApp, "sign_type", "RSA"), want: "isv.invalid-signature-type"},
		{name: "unknown app", change: resigned(keys.AlipayApp, "app_id", "1"), want: "isv.invalid-app-id"},
		{name: "unknown method", change: resigned(keys.AlipayApp, "method", "alipay.trade.pay"), want: "isv.invalid-method"},
		{name: "timestamp of another form", change: resigned(keys.AlipayApp, "timestamp", "1700000000"), want: "isv.invalid-timestamp"},
		{name: "charset", change: resigned(keys.AlipayApp, "charset", "gbk"), want: "isv.invalid-charset"},
		{name: "a parameter twice", change: func(c *call) { c.body += "&code=SIM-AL-bob-1" }, want: "isv.invalid-parameter"},
		{name: "expired", change: resigned(keys.AlipayApp, "code", "SIM-AL-alice-1-EXP"), want: "isv.code-invalid"},
		{name: "replay", change: func(*call) {}, twice: true, want: "isv.code-invalid"},
	})
}

func appleSecret(t testing.TB, s *upsim.Server, header, claims map[string]any) string {
	t.Helper()
	h := map[string]any{"alg": "ES256", "kid": "SIMKEY0001"}
	c := map[string]any{
		"iss": "SIMTEAM001", "sub": appleApp, "aud": "https://appleid.apple.com", "iat": vectorTime.Unix(), "exp": vectorTime.Add(time.Hour).Unix(),
	}
	maps.Copy(h, header)
	maps.Copy(c, claims)
	return signES256(t, clientKeys(t, s).Apple, h, c)
}

func appleToken(s *upsim.Server, secret, code string) call {
	return postForm(s.Bases().Apple, "/auth/token", url.Values{
		"client_id": {appleApp}, "client_secret": {secret}, "code": {code}, "grant_type": {"authorization_code"}, "redirect_uri": {callbackURL},
	})
}

func TestAppleTellsTheNameOnce(t *testing.T) {
	s := start(t, vectorTime)
	address := s.Bases().Apple + "/auth/authorize?" + query("client_id", appleApp, "redirect_uri", callbackURL, "response_type", "code", "scope", "name email",
		"response_mode", "form_post", "state", "st", "nonce", "no")
	l := approve(t, s, address, "alice", "RELAY")
	if l.Form == nil || l.URL != callbackURL || !strings.Contains(l.Get("user"), `"firstName":"Alice"`) {
		t.Fatalf("%+v", l)
	}
	secret := appleSecret(t, s, nil, nil)
	a := appleToken(s, secret, l.Get("code")).do(t)
	k := readToken(t, a.text("id_token"))
	if !k.verified(t, get(s.Bases().Apple, "/auth/keys").do(t)) || k.claims["iss"] != "https://appleid.apple.com" || k.claims["nonce"] != "no" ||
		k.claims["sub"] != outsideID(t, s, "apple", appleApp, "alice") || k.claims["email_verified"] != "true" || k.claims["is_private_email"] != "true" {
		t.Errorf("%v", k.claims)
	}
	if l := approve(t, s, address, "alice"); l.Get("user") != "" || l.Get("code") == "" {
		t.Errorf("again: %+v", l)
	}
	revoke := appleToken(s, secret, "")
	revoke.path, revoke.body = "/auth/revoke", url.Values{"client_id": {appleApp}, "client_secret": {secret}, "token": {a.text("refresh_token")}}.Encode()
	if a := revoke.do(t); a.status != http.StatusOK {
		t.Error(a.body)
	}
	if l := approve(t, s, address, "alice"); l.Get("user") == "" {
		t.Error("after revocation the consent is no first one")
	}
	if _, err := s.Approve(t.Context(), strings.Replace(address, "form_post", "query", 1), "alice"); err == nil {
		t.Error("a scope without form_post is taken")
	}
}

func TestAppleRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	secret := func(header, claims map[string]any) func(*call) {
		return func(c *call) { c.body = appleToken(s, appleSecret(t, s, header, claims), "SIM-AP-alice-1").body }
	}
	now := vectorTime.Unix()
	good := appleToken(s, appleSecret(t, s, nil, nil), "SIM-AP-alice-1")
	longest := appleToken(s, appleSecret(t, s, nil, map[string]any{"exp": now + 15777000}), "SIM-AP-alice-1")
	if got := oauthCode(longest.do(t)); got != "ok" {
		t.Errorf("longest life: %s", got)
	}
	const no = "invalid_client"
	mutants(t, s, good, "ok", oauthCode, []mutant{
		{name: "kid", change: secret(map[string]any{"kid": "OTHER"}, nil), want: no},
		{name: "alg", change: secret(map[string]any{"alg": "RS256"}, nil), want: no},
		{name: "alg none", change: secret(map[string]any{"alg": "none"}, nil), want: no},
		{name: "iss", change: secret(nil, map[string]any{"iss": "OTHER"}), want: no},
		{name: "sub", change: secret(nil, map[string]any{"sub": "other.app"}), want: no},
		{name: "aud", change: secret(nil, map[string]any{"aud": "https://example.test"}), want: no},
		{name: "two audiences", change: secret(nil, map[string]any{"aud": []string{"https://appleid.apple.com", "x"}}), want: no},
		{name: "expired", change: secret(nil, map[string]any{"exp": now}), want: no},
		{name: "window + 1 s", change: secret(nil, map[string]any{"exp": now + 15777001}), want: no},
		{name: "iat of tomorrow", change: secret(nil, map[string]any{"iat": now + 86400}), want: no},
		{name: "other key", change: func(c *call) {
			c.body = appleToken(s, signES256(t, clientKeys(t, s).OIDC, map[string]any{"alg": "ES256", "kid": "SIMKEY0001"}, map[string]any{
				"iss": "SIMTEAM001", "sub": appleApp, "aud": "https://appleid.apple.com", "iat": now, "exp": now + 60,
			}), "SIM-AP-alice-1").body
		}, want: no},
		{name: "longer signature", change: replaced("&code=", "x&code="), want: "invalid_client"},
		{name: "plain secret", change: func(c *call) { c.body = appleToken(s, "secret", "SIM-AP-alice-1").body }, want: no},
		{name: "GET", change: func(c *call) { c.method, c.query, c.body = http.MethodGet, c.body, "" }, want: "invalid_request"},
		{name: "code of another kind", change: replaced("SIM-AP", "SIM-GH"), want: "invalid_grant"},
		{name: "replay", change: func(*call) {}, twice: true, want: "invalid_grant"},
	})
}

package upsim_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/upsim"
)

type yidunInputs struct {
	SecretKey string            `json:"secretKey"`
	Params    map[string]string `json:"params"`
}

func yidunCall(t testing.TB, s *upsim.Server, v vector) call {
	t.Helper()
	var in yidunInputs
	var signature string
	v.read(t, &in, &signature)
	form := url.Values{"signature": {signature}}
	for name, value := range in.Params {
		form.Set(name, value)
	}
	return postForm(s.Bases().Yidun, "/v1/oneclick/check", form)
}

func code(a answer) string { return strconv.Itoa(a.number("code")) }

// S1 of Yidun, SM3 with it.
func TestYidunAcceptsTheVectors(t *testing.T) {
	s := start(t, vectorTime)
	for _, v := range vectors(t, "sim.yidun.") {
		t.Run(v.ID, func(t *testing.T) {
			s.Reset() // they share a nonce
			a := yidunCall(t, s, v).do(t)
			if a.number("code") != 200 || a.text("data", "phone") != "13800000000" {
				t.Error(a.body)
			}
		})
	}
}

// setForm makes a change of one field of a form.
func setForm(name, value string) func(*call) {
	return func(c *call) {
		form, err := url.ParseQuery(c.body)
		if err != nil {
			return
		}
		form.Set(name, value)
		if value == "" {
			form.Del(name)
		}
		c.body = form.Encode()
	}
}

// S2 of Yidun, for every way to sign.
func TestYidunRefusesMutants(t *testing.T) {
	for _, v := range vectors(t, "sim.yidun.") {
		t.Run(v.ID, func(t *testing.T) {
			s := start(t, vectorTime)
			good := yidunCall(t, s, v)
			form, err := url.ParseQuery(good.body)
			if err != nil {
				t.Fatal(err)
			}
			signature := form.Get("signature")
			mutants(t, s, good, "200", code, []mutant{
				{name: "one byte of a token", change: setForm("token", "sim-ydtoken-13800000001"), want: "410"},
				{name: "a parameter more", change: setForm("extra", "1"), want: "410"},
				{name: "another nonce", change: setForm("nonce", "1123456789abcdef0123456789abcdef"), want: "410"},
				{name: "the same nonce again", change: func(*call) {}, twice: true, want: "430"},
				{name: "another timestamp", change: setForm("timestamp", "1700000000001"), want: "410"},
				{name: "7 s later", change: func(*call) {}, advance: 7 * time.Second, want: "420"},
				{name: "7 s earlier", change: func(*call) {}, advance: -7 * time.Second, want: "420"},
				{name: "signature in capitals", change: setForm("signature", strings.ToUpper(signature)), want: "410"},
				{name: "signature cut short", change: setForm("signature", signature[:len(signature)-1]), want: "410"},
				{name: "no signature", change: setForm("signature", ""), want: "410"},
				{name: "another product", change: setForm("secretId", "sim_secret_id_0000000000000000002"), want: "401"},
				{name: "another business", change: setForm("businessId", "other"), want: "401"},
				{name: "no business", change: setForm("businessId", ""), want: "400"},
				{name: "an unknown method of signing", change: setForm("signatureMethod", "SHA512"), want: "405"},
				{name: "JSON", change: headed("Content-Type", instead("application/json")), want: "405"},
				{name: "GET", change: func(c *call) { c.method, c.query, c.body = http.MethodGet, c.body, "" }, want: "405"},
			})
		})
	}
}

// askYidun signs with SHA256 and code of the tests' own.
func askYidun(t testing.TB, s *upsim.Server, path, token, accessToken string, pairs ...string) answer {
	t.Helper()
	a, err := tryYidun(t, s, path, token, accessToken, pairs...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func tryYidun(t testing.TB, s *upsim.Server, path, token, accessToken string, pairs ...string) (answer, error) {
	t.Helper()
	form := url.Values{
		"secretId": {"sim_secret_id_0000000000000000001"}, "businessId": {"sim_business_id_00000000000000001"}, "version": {"v1"},
		"timestamp": {strconv.FormatInt(s.Now().UnixMilli(), 10)}, "nonce": {rand.Text()}, "signatureMethod": {"SHA256"},
		"token": {token}, "accessToken": {accessToken},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	names := []string{"accessToken", "businessId", "nonce", "phone", "secretId", "signatureMethod", "timestamp", "token", "version"}
	joined := ""
	for _, name := range names {
		if form.Has(name) {
			joined += name + form.Get(name)
		}
	}
	form.Set("signature", sha256Hex(joined+"sim_secret_key_000000000000000001"))
	return postForm(s.Bases().Yidun, path, form).try(t)
}

func TestYidunTellsTheNumberOnce(t *testing.T) {
	s := start(t, vectorTime)
	const check = "/v1/oneclick/check"
	for _, c := range []struct{ name, token, access, want string }{
		{"alice", "SIM-OT-alice-1", "SIM-OT-alice-2", `"phone":"13800000001"`},
		{"the token again", "SIM-OT-alice-1", "SIM-OT-alice-3", `"code":450`},
		{"the carrier's token again", "SIM-OT-alice-4", "SIM-OT-alice-2", `"code":450`},
		{"one code for both", "SIM-OT-bob-1", "SIM-OT-bob-1", `"phone":"13800000002"`},
		{"a number", "SIM-OT-13912345678-1", "SIM-OT-13912345678-1", `"phone":"13912345678"`},
		{"two phones", "SIM-OT-alice-5", "SIM-OT-bob-2", `"code":450`},
		{"no token", "token", "SIM-OT-bob-3", `"code":440`},
		{"a code of WeChat", "SIM-WX-alice-1", "SIM-OT-alice-6", `"code":440`},
		{"expired", "SIM-OT-alice-7-EXP", "SIM-OT-alice-8", `"code":450`},
		{"refused by the carrier", "SIM-OT-alice-9-EMPTYPHONE", "SIM-OT-alice-10", `"resultCode"`},
		{"abroad", "SIM-OT-carol-1", "SIM-OT-carol-1", `"phone":""`},
		{"too often", "SIM-OT-alice-11-RATE", "SIM-OT-alice-12", `"code":508`},
	} {
		if a := askYidun(t, s, check, c.token, c.access); !strings.Contains(a.body, c.want) {
			t.Errorf("%s: want %s in %s", c.name, c.want, a.body)
		}
	}
	for phone, want := range map[string]int{"13800000001": 1, "13800000002": 2} {
		a := askYidun(t, s, "/v1/check", "SIM-OT-alice-2"+phone, "SIM-OT-alice-2"+phone, "phone", phone)
		if a.number("data", "result") != want {
			t.Errorf("%s: %s", phone, a.body)
		}
	}
}

func TestMintedTokensExpireByTheVirtualClock(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{2 * time.Minute, 200}, {2*time.Minute + time.Second, 450}} {
		token, err := s.Mint(upsim.NewCode{Kind: "OT", Subject: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		s.Advance(c.after)
		if a := askYidun(t, s, "/v1/oneclick/check", token, token); a.number("code") != c.want {
			t.Errorf("after %v: %s", c.after, a.body)
		}
	}
}

func cmccCall(t testing.TB, s *upsim.Server) call {
	t.Helper()
	var in struct {
		Params map[string]string `json:"params"`
	}
	var sign string
	vectors(t, "sim.cmpassport.")[0].read(t, &in, &sign)
	in.Params["sign"] = sign
	return postJSON(t, s.Bases().CMCC, "/unisdk/rsapi/loginTokenValidate", in.Params)
}

// S1 and S2 of China Mobile. The vector's own time is used for the clock.
func TestCMCCRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	result := func(a answer) string { return a.text("resultCode") }
	const no, bad = "103101", "103414"
	mutants(t, s, cmccCall(t, s), "103000", result, []mutant{
		{name: "one byte of the token", change: replaced("STsidSIM13800000000", "STsidSIM13800000001"), want: no},
		{name: "another message id", change: replaced(`"0123456789abcdef`, `"1123456789abcdef`), want: no},
		{name: "another time", change: replaced("20231115061320000", "20231115061320001"), want: no},
		{name: "a time of 14 digits", change: replaced("20231115061320000", "20231115061320"), want: bad},
		{name: "601 s later", change: func(*call) {}, advance: 601 * time.Second, want: bad},
		{name: "601 s earlier", change: func(*call) {}, advance: -601 * time.Second, want: bad},
		{name: "signature in small letters", change: replaced("053B863A62C2B963A13237243D7DB1DB", "053b863a62c2b963a13237243d7db1db"), want: no},
		{name: "signature cut short", change: replaced("053B863A62C2B963A13237243D7DB1DB", "053B863A62C2B963A13237243D7DB1D"), want: no},
		{name: "another app", change: replaced("300000000001", "300000000002"), want: "103119"},
		{name: "a number where text belongs", change: replaced(`"strictcheck":"0"`, `"strictcheck":0`), want: bad},
		{name: "the strict check", change: replaced(`"strictcheck":"0"`, `"strictcheck":"1"`), want: no},
		{name: "another version", change: replaced(`"2.0"`, `"2.1"`), want: bad},
		{name: "the token again", change: func(*call) {}, twice: true, want: "104201"},
		{name: "no JSON", change: func(c *call) { c.body = "a=b" }, want: "103412"},
		{name: "GET", change: func(c *call) { c.method = http.MethodGet }, want: "103412"},
	})
}

func TestCMCCEncryptsForRSA(t *testing.T) {
	s := start(t, vectorTime)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	s.Edit(func(a *upsim.Accounts) {
		a.CMCC["300000000009"] = upsim.CMCCApp{PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), IPAllow: []string{"10.0.0.0/8"}}
	})
	sum := sha256.Sum256([]byte("300000000009" + "SIM-OT-alice-1"))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]string{
		"version": "2.0", "msgid": "1", "systemtime": "20231115061320000", "strictcheck": "0", "appid": "300000000009",
		"token": "SIM-OT-alice-1", "encryptionalgorithm": "RSA", "sign": hex.EncodeToString(signature),
	}
	c := postJSON(t, s.Bases().CMCC, "/unisdk/rsapi/loginTokenValidate", body)
	body["strictcheck"] = "1"
	if a := postJSON(t, s.Bases().CMCC, "/unisdk/rsapi/loginTokenValidate", body).do(t); a.text("resultCode") != "105018" {
		t.Errorf("from an address that is not listed: %s", a.body)
	}
	a := c.do(t)
	sealed, err := hex.DecodeString(a.text("msisdn"))
	if err != nil {
		t.Fatal(a.body)
	}
	if phone, err := rsa.DecryptPKCS1v15(nil, key, sealed); err != nil || string(phone) != "13800000001" { //nolint:staticcheck // the vendor's padding
		t.Errorf("%s %v", phone, err)
	}
}

// S1 and S2 of Tencent's number verification.
func TestRapidAuthRefusesMutants(t *testing.T) {
	var in struct {
		String string `json:"string"`
	}
	var sig string
	vectors(t, "tencent.rapidauth.")[0].read(t, &in, &sig)
	signed, err := url.ParseQuery(in.String)
	if err != nil {
		t.Fatal(err)
	}
	stamp, err := strconv.ParseInt(signed.Get("time"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, time.Unix(stamp, 0))
	good := postJSON(t, s.Bases().RapidAuth, "/v5/rapidauth/validate", map[string]string{
		"sig": sig, "time": signed.Get("time"), "carrier": "mobile", "token": "SIM-OT-alice-1",
	})
	good.query = "sdkappid=1400006666&random=" + signed.Get("random")
	result := func(a answer) string { return strconv.Itoa(a.number("result")) }
	query := func(from, to string) func(*call) {
		return func(c *call) { c.query = strings.Replace(c.query, from, to, 1) }
	}
	mutants(t, s, good, "0", result, []mutant{
		{name: "another random number", change: query("7226249334", "7226249335"), want: "1003"},
		{name: "nine digits", change: query("7226249334", "722624933"), want: "1001"},
		{name: "another app", change: query("1400006666", "1400006667"), want: "1002"},
		{name: "another time", change: replaced(signed.Get("time"), strconv.FormatInt(stamp+1, 10)), want: "1003"},
		{name: "601 s later", change: func(*call) {}, advance: 601 * time.Second, want: "1004"},
		{name: "601 s earlier", change: func(*call) {}, advance: -601 * time.Second, want: "1004"},
		{name: "signature in capitals", change: replaced(sig, strings.ToUpper(sig)), want: "1003"},
		{name: "signature cut short", change: replaced(sig, sig[1:]), want: "1003"},
		{name: "an unknown carrier", change: replaced("mobile", "pigeon"), want: "1001"},
		{name: "the token again", change: func(*call) {}, twice: true, want: "1005"},
		{name: "GET", change: func(c *call) { c.method = http.MethodGet }, want: "1001"},
	})
}

// S1 and S2 of GeeTest OneLogin.
func TestOneLoginRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	var in struct {
		AppID     string `json:"app_id"`
		Timestamp string `json:"timestamp"`
	}
	var sign string
	vectors(t, "sim.geetest.onelogin.")[0].read(t, &in, &sign)
	good := call{
		method: http.MethodPost, base: s.Bases().OneLogin, path: "/check_phone", header: map[string]string{"Content-Type": "application/json"},
		body: fmt.Sprintf(`{"process_id":"p1","token":"SIM-OT-alice-1","timestamp":%s,"sign":%q}`, in.Timestamp, sign),
	}
	status := func(a answer) string { return strconv.Itoa(a.number("status")) }
	mutants(t, s, good, "200", status, []mutant{
		{name: "another time", change: replaced("1700000000000", "1700000000001"), want: "12105"},
		{name: "the time as text", change: replaced("1700000000000", `"1700000000001"`), want: "12105"},
		{name: "601 s later", change: func(*call) {}, advance: 601 * time.Second, want: "12109"},
		{name: "601 s earlier", change: func(*call) {}, advance: -601 * time.Second, want: "12109"},
		{name: "signature in capitals", change: replaced(sign, strings.ToUpper(sign)), want: "12105"},
		{name: "signature cut short", change: replaced(sign, sign[1:]), want: "12105"},
		{name: "the process again", change: func(*call) {}, twice: true, want: "12101"},
		{name: "an unknown token", change: replaced("SIM-OT-alice-1", "SIM-WX-alice-1"), want: "12108"},
		{name: "no process", change: replaced("p1", ""), want: "500"},
		{name: "GET", change: func(c *call) { c.method = http.MethodGet }, want: "500"},
	})
	s.Reset()
	if a := good.do(t); a.text("result") != "13800000001" || !json.Valid([]byte(a.body)) {
		t.Error(a.body)
	}
}

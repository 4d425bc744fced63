package upsim_test

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/upsim"
)

const (
	hcaptchaKey, hcaptchaSecret   = "00000000-0000-4000-8000-000000000001", "ES_sim00000000000000000000000000001"
	turnstileKey, turnstileSecret = "0x4AAAsim00000000000001", "0x4AAAsimsecret000000000000000001"
)

// siteverifyCode is the error of hCaptcha and Turnstile.
func siteverifyCode(a answer) string {
	if a.at("success") == true {
		return "ok"
	}
	list, _ := a.at("error-codes").([]any)
	return strings.Trim(fmt.Sprint(list...), "[]")
}

func TestHCaptchaRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	good := postForm(s.Bases().HCaptcha, "/siteverify", url.Values{
		"secret": {hcaptchaSecret}, "response": {"SIM-CT-alice-1"}, "sitekey": {hcaptchaKey}, "remoteip": {"198.51.100.1"},
	})
	mutants(t, s, good, "ok", siteverifyCode, []mutant{
		{name: "secret", change: replaced(hcaptchaSecret, "ES_unknown"), want: "invalid-input-secret"},
		{name: "no secret", change: replaced("secret=", "x="), want: "missing-input-secret"},
		{name: "secret of another site", change: replaced(hcaptchaSecret, flip(hcaptchaSecret)[:len(hcaptchaSecret)-1]+"2"), want: "sitekey-secret-mismatch"},
		{name: "no ticket", change: replaced("response=", "x="), want: "missing-input-response"},
		{name: "ticket of another kind", change: replaced("SIM-CT", "SIM-OT"), want: "invalid-input-response"},
		{name: "malformed ticket", change: replaced("SIM-CT-alice-1", "x"), want: "invalid-input-response"},
		{name: "expired", change: replaced("alice-1", "alice-1-EXP"), want: "expired-input-response"},
		{name: "JSON", change: headed("Content-Type", instead("application/json")), want: "bad-request"},
		{name: "GET", change: func(c *call) { c.method, c.query, c.body = http.MethodGet, c.body, "" }, want: "bad-request"},
		{name: "test ticket", change: replaced("SIM-CT-alice-1", "10000000-aaaa-bbbb-cccc-000000000001"), want: "not-using-dummy-secret"},
		{name: "test secret", change: replaced(hcaptchaSecret, "0x"+strings.Repeat("0", 40)), want: "not-using-dummy-passcode"},
		{name: "replay", change: func(*call) {}, twice: true, want: "already-seen-response"},
	})
	code, err := s.Mint(upsim.NewCode{Kind: "CT", Subject: "alice", App: hcaptchaKey})
	if err != nil {
		t.Fatal(err)
	}
	s.Advance(5*time.Minute + time.Second)
	late := good.clone()
	late.body = strings.Replace(good.body, "SIM-CT-alice-1", code, 1)
	if got := siteverifyCode(late.do(t)); got != "expired-input-response" {
		t.Errorf("window + 1 s: %s", got)
	}
	dummy := postForm(s.Bases().HCaptcha, "/siteverify", url.Values{"secret": {"0x" + strings.Repeat("0", 40)}, "response": {"10000000-aaaa-bbbb-cccc-000000000001"}}).do(t)
	if siteverifyCode(dummy) != "ok" || lastVerdict(t, s) != "test_key" {
		t.Errorf("test keys: %s", dummy.body)
	}
	good.body = strings.Replace(good.body, "alice-1", "alice-2-OTHERHOST", 1)
	if a := good.do(t); a.text("hostname") != "phishing.example" {
		t.Errorf("other host: %s", a.body)
	}
}

func TestTurnstileRefusesMutants(t *testing.T) {
	s := start(t, vectorTime)
	good := postForm(s.Bases().Turnstile, "/turnstile/v0/siteverify", url.Values{"secret": {turnstileSecret}, "response": {"SIM-CT-alice-1"}})
	mutants(t, s, good, "ok", siteverifyCode, []mutant{
		{name: "secret", change: replaced(turnstileSecret, flip(turnstileSecret)), want: "invalid-input-secret"},
		{name: "no secret", change: replaced("secret=", "x="), want: "missing-input-secret"},
		{name: "no ticket", change: replaced("response=", "x="), want: "missing-input-response"},
		{name: "long ticket", change: replaced("SIM-CT-alice-1", strings.Repeat("x", 2049)), want: "invalid-input-response"},
		{name: "test ticket", change: replaced("SIM-CT-alice-1", "XXXX.DUMMY.TOKEN.XXXX"), want: "invalid-input-response"},
		{name: "ticket of another kind", change: replaced("SIM-CT", "SIM-OT"), want: "invalid-input-response"},
		{name: "expired", change: replaced("alice-1", "alice-1-EXP"), want: "timeout-or-duplicate"},
		{name: "GET", change: func(c *call) { c.method, c.query, c.body = http.MethodGet, c.body, "" }, want: "bad-request"},
		{name: "replay", change: func(*call) {}, twice: true, want: "timeout-or-duplicate"},
		{name: "secret that always fails", change: replaced(turnstileSecret, "2x"+strings.Repeat("0", 31)+"AA"), want: "invalid-input-response"},
		{name: "secret that is always spent", change: replaced(turnstileSecret, "3x"+strings.Repeat("0", 31)+"AA"), want: "timeout-or-duplicate"},
	})
	code, err := s.Mint(upsim.NewCode{Kind: "CT", Subject: "alice", App: turnstileKey, Scope: "sign-in"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"ok", "ok", "timeout-or-duplicate"} {
		in := map[string]string{"secret": turnstileSecret, "response": code, "idempotency_key": "k1"}
		if want != "ok" {
			in["idempotency_key"] = "k2"
		}
		a := postJSON(t, s.Bases().Turnstile, "/turnstile/v0/siteverify", in).do(t)
		if siteverifyCode(a) != want || want == "ok" && a.text("action") != "sign-in" {
			t.Errorf("want %s: %s", want, a.body)
		}
	}
}

// tencentSigned signs a call of Tencent's captcha.
func tencentSigned(t testing.TB, s *upsim.Server, in map[string]any) call {
	t.Helper()
	c := postJSON(t, s.Bases().Tencent, "/", in)
	const id, date = "AKIDsim00000000000000000000000001", "2023-11-14"
	key := []byte("TC3sim-secret-key-0000000000000001")
	for _, part := range []string{date, "captcha", "tc3_request"} {
		key = hmac256(key, part)
	}
	host := strings.TrimPrefix(s.Bases().Tencent, "http://")
	canonical := "POST\n/\n\ncontent-type:application/json\nhost:" + host + "\n\ncontent-type;host\n" + sha256Hex(c.body)
	stamp := strconv.FormatInt(vectorTime.Unix(), 10)
	signature := hex.EncodeToString(hmac256(key, "TC3-HMAC-SHA256\n"+stamp+"\n"+date+"/captcha/tc3_request\n"+sha256Hex(canonical)))
	c.header["X-TC-Action"], c.header["X-TC-Version"], c.header["X-TC-Timestamp"] = "DescribeCaptchaResult", "2019-07-22", stamp
	c.header["Authorization"] = fmt.Sprintf("TC3-HMAC-SHA256 Credential=%s/%s/captcha/tc3_request, SignedHeaders=content-type;host, Signature=%s", id, date, signature)
	return c
}

func TestTencentCaptchaTellsWhatIsWrongWithATicket(t *testing.T) {
	s := start(t, vectorTime)
	const app, secret = 190000001, "sim-captcha-secret-00000000001"
	other, err := s.Mint(upsim.NewCode{Kind: "CT", Subject: "alice", App: "190000002"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, ticket string
		change       func(map[string]any)
		want         int
	}{
		{"good", "SIM-CT-alice-1", nil, 1},
		{"replay", "SIM-CT-alice-1", nil, 9},
		{"other randstr", "SIM-CT-alice-2", func(in map[string]any) { in["Randstr"] = "@xyz" }, 7},
		{"no randstr", "SIM-CT-alice-2", func(in map[string]any) { in["Randstr"] = "" }, 100},
		{"expired", "SIM-CT-alice-2-EXP", nil, 8},
		{"malformed", "t03x", nil, 15},
		{"of another kind", "SIM-OT-alice-2", nil, 16},
		{"of another app", other, nil, 16},
		{"made by a client", "trerror_1001_190000001_1700000000", nil, 21},
		{"wrong secret", "SIM-CT-alice-2", func(in map[string]any) { in["AppSecretKey"] = flip(secret) }, 100},
		{"unknown app", "SIM-CT-alice-2", func(in map[string]any) { in["CaptchaAppId"] = 1 }, 100},
		{"still good after all that", "SIM-CT-alice-2", nil, 1},
	} {
		in := map[string]any{
			"CaptchaType": 9, "Ticket": c.ticket, "Randstr": upsim.Randstr(c.ticket), "UserIp": "198.51.100.1", "CaptchaAppId": app, "AppSecretKey": secret,
		}
		if c.change != nil {
			c.change(in)
		}
		if a := tencentSigned(t, s, in).do(t); a.number("Response", "CaptchaCode") != c.want {
			t.Errorf("%s: %s", c.name, a.body)
		}
	}
	in := map[string]any{"CaptchaType": 9, "Ticket": "SIM-CT-alice-3-EVIL", "Randstr": upsim.Randstr("SIM-CT-alice-3-EVIL"), "UserIp": "::1", "CaptchaAppId": app, "AppSecretKey": secret}
	if a := tencentSigned(t, s, in).do(t); a.number("Response", "EvilLevel") != 100 {
		t.Error(a.body)
	}
	c := tencentSigned(t, s, in)
	c.body = strings.Replace(c.body, "::1", "::2", 1)
	if a := c.do(t); tencentCode(a) != "AuthFailure.SignatureFailure" {
		t.Error(a.body)
	}
}

func TestAliyunCaptchaTellsWhatIsWrongWithATicket(t *testing.T) {
	s := start(t, vectorTime)
	serial := 0
	verify := func(scene, param string) answer {
		serial++
		form := url.Values{
			"AccessKeyId": {"LTAIsim0000000000000001"}, "Action": {"VerifyIntelligentCaptcha"}, "Version": {"2023-03-05"}, "Format": {"JSON"},
			"SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "SignatureNonce": {strconv.Itoa(serial)}, "Timestamp": {"2023-11-14T22:13:20Z"},
			"SceneId": {scene}, "CaptchaVerifyParam": {param},
		}
		pe := func(v string) string {
			return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(v))
		}
		sorted := strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(form.Encode())
		form.Set("Signature", hmacSHA1("sim-secret-key-0000000000000001&", "POST&%2F&"+pe(sorted)))
		return postForm(s.Bases().Aliyun, "/", form).do(t)
	}
	good := upsim.CaptchaParam("simscene", "SIM-CT-alice-1")
	for _, c := range []struct{ name, scene, param, want string }{
		{"good", "simscene", good, "T001"},
		{"replay", "simscene", good, "F008"},
		{"empty", "simscene", "", "F002"},
		{"not JSON", "simscene", "x", "F003"},
		{"written again", "simscene", strings.Replace(upsim.CaptchaParam("simscene", "SIM-CT-alice-2"), `,"`, `, "`, 1), "F003"},
		{"unknown scene", "other", upsim.CaptchaParam("other", "SIM-CT-alice-2"), "F005"},
		{"of another scene", "simscene", upsim.CaptchaParam("simpass", "SIM-CT-alice-2"), "F012"},
		{"expired", "simscene", upsim.CaptchaParam("simscene", "SIM-CT-alice-2-EXP"), "F014"},
		{"of another kind", "simscene", upsim.CaptchaParam("simscene", "SIM-OT-alice-2"), "F003"},
		{"test mode", "simpass", upsim.CaptchaParam("simpass", "SIM-CT-alice-2"), "T005"},
		{"test mode that fails", "simfail", upsim.CaptchaParam("simfail", "SIM-CT-alice-2"), "F004"},
		{"a robot", "simscene", upsim.CaptchaParam("simscene", "SIM-CT-alice-2-RISK"), "F001"},
	} {
		a := verify(c.scene, c.param)
		if a.text("Result", "VerifyCode") != c.want || a.at("Result", "VerifyResult") != (c.want[0] == 'T') || a.text("Code") != "Success" {
			t.Errorf("%s: %s", c.name, a.body)
		}
	}
}

// S4: another run knows everybody by the same ids, and signs with the same keys.
func TestOutsideIdentitiesAreTheSameInEveryRun(t *testing.T) {
	var all [2]map[string]string
	for i := range all {
		s := start(t, vectorTime)
		all[i] = map[string]string{"keys": get(s.Bases().OIDC, "/corp/jwks").do(t).body}
		for vendor, app := range map[string]string{
			"github": githubApp, "qq": qqApp, "weibo": weiboApp, "dingtalk": dingTalkApp, "feishu": feishuApp, "alipay": alipayApp, "apple": appleApp, "oidc": "corp",
		} {
			all[i][vendor] = outsideID(t, s, vendor, app, "alice")
			if all[i][vendor] == outsideID(t, s, vendor, app, "bob") {
				t.Errorf("%s cannot tell people apart", vendor)
			}
		}
	}
	if diff := cmp.Diff(all[0], all[1]); diff != "" {
		t.Error(diff)
	}
}

// S5: of many clients at once with one code, one gets in.
func TestSocialCodesAreGoodForOneOfManyClients(t *testing.T) {
	s := start(t, vectorTime)
	for _, c := range []call{
		codeExchange(s, "corp", oidcSecret, "SIM-OI-alice-1"), githubToken(s, "SIM-GH-alice-1"), weiboToken(s, "SIM-WB-alice-1"),
		feishuToken(t, s, feishuV3, "SIM-FS-alice-1", ""), appleToken(s, appleSecret(t, s, nil, nil), "SIM-AP-alice-1"),
	} {
		var in atomic.Int64
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				if a, err := c.try(t); err == nil && a.text("access_token") != "" {
					in.Add(1)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("%s: %d clients got in", c.path, in.Load())
		}
	}
}

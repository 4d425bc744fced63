package upsim_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/puzzle"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/sms"
	"github.com/tigertally/tigertally/internal/upsim"
)

func smsDriver(t *testing.T, s *upsim.Server, name string) sms.Driver {
	t.Helper()
	b := s.Bases()
	d, err := sms.New(name, map[string]map[string]string{
		"tencent": {
			"secret_id": "AKIDsim00000000000000000000000001", "secret_key": "sim-secret-key-0000000000000001",
			"app_id": "1400006666", "sign_name": "模拟签名", "base": b.Tencent,
			"templates": "default=1234(code,minutes) abroad/default=2234(code,minutes)",
		},
		"aliyun": {
			"access_key_id": "LTAIsim0000000000000001", "access_key_secret": "sim-secret-key-0000000000000001",
			"sign_name": "模拟签名", "base": b.Aliyun,
			"templates": "default=SMS_000000001(code) abroad/default=SMS_000000003(code)",
		},
		"twilio": {
			"account_sid": "ACsim00000000000000000000000000001", "auth_token": "simtwilioauthtoken00000000000001",
			"from": "+15005550006", "base": b.Twilio,
		},
		"webhook": {"url": b.Webhook, "secret": "sim-webhook-secret-0000000000001"},
	}[name], s.Now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func smsMessage(to string) sms.Message {
	return sms.Message{
		ID: "m1", To: to, Template: "sign_in", Lang: "en",
		Params: map[string]string{"code": "246810", "minutes": "10"}, Text: "Your code is 246810",
	}
}

// M1: every driver's messages arrive, at home and abroad.
func TestM1TheServersSMSDriversAreAccepted(t *testing.T) {
	for _, name := range []string{"tencent", "aliyun", "twilio", "webhook"} {
		s := start(t, vectorTime)
		for _, to := range []string{"+8613800000001", "+85251234567"} {
			receipt, err := smsDriver(t, s, name).Send(t.Context(), smsMessage(to))
			if inbox := s.SMS(to); err != nil || receipt.VendorID == "" || len(inbox) != 1 || inbox[0].Code != "246810" {
				t.Errorf("%s to %s: %+v, %v, inbox %+v", name, to, receipt, err, inbox)
			}
		}
	}
}

// M2, M3, M4: whatever goes wrong, no driver says "not sent" of a message that was, and only
// a vendor's own word says it of one that was not.
func TestM4NoFaultPassesForUnsent(t *testing.T) {
	for _, name := range []string{"tencent", "aliyun", "twilio", "webhook"} {
		for _, fault := range []string{
			"HANG", "RST", "H500", "H502", "HTML", "REDIR", "BIG", "GZIP", "RATE", "BUSY", "TRUNC", "CHARSET", "DRIP", "SLOW100",
		} {
			s := start(t, vectorTime)
			if _, err := s.Arm(upsim.Fault{Match: upsim.Match{Upstream: name}, Fault: fault}); err != nil {
				t.Fatal(name, fault, err)
			}
			_, err := smsDriver(t, s, name).Send(t.Context(), smsMessage("+8613800000001"))
			sent := len(s.SMS("+8613800000001")) > 0
			maybe := err != nil && driver.FailureOf(err).Maybe
			if (err == nil && !sent) || (err != nil && sent && !maybe) || (!maybe && err != nil && fault != "RATE" && fault != "BUSY") {
				t.Errorf("%s, %s: sent %v, %v", name, fault, sent, err)
			}
		}
	}
}

// C1, C2: every captcha driver is understood, and a solution works once.
func TestC2TheServersCaptchaDriversAreAccepted(t *testing.T) {
	s := start(t, vectorTime)
	b := s.Bases()
	for name, set := range map[string]map[string]string{
		"turnstile": {"secret": turnstileSecret, "base": b.Turnstile},
		"hcaptcha":  {"secret": hcaptchaSecret, "sitekey": hcaptchaKey, "base": b.HCaptcha},
		"tencent": {
			"secret_id": "AKIDsim00000000000000000000000001", "secret_key": "sim-secret-key-0000000000000001",
			"app_id": "190000001", "app_secret": "sim-captcha-secret-00000000001", "base": b.Tencent,
		},
		"aliyun": {
			"access_key_id": "LTAIsim0000000000000001", "access_key_secret": "sim-secret-key-0000000000000001",
			"scene_id": "simscene", "base": b.Aliyun,
		},
	} {
		v, err := puzzle.New(name, set, s.Now)
		if err != nil {
			t.Fatal(err)
		}
		app := map[string]string{"turnstile": turnstileKey, "hcaptcha": hcaptchaKey, "tencent": "190000001", "aliyun": "simscene"}[name]
		ticket, err := s.Mint(upsim.NewCode{Kind: "CT", Subject: "alice", App: app})
		if err != nil {
			t.Fatal(err)
		}
		solution := puzzle.Solution{Response: ticket, IP: "198.51.100.1"}
		switch name {
		case "tencent":
			solution.Random = upsim.Randstr(ticket)
		case "aliyun":
			solution.Response = upsim.CaptchaParam("simscene", ticket)
		}
		if err := v.Verify(t.Context(), solution); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := v.Verify(t.Context(), solution); err == nil {
			t.Errorf("%s: a solution worked twice", name)
		}
	}
}

// E1, E4: mail goes by STARTTLS, and its signature verifies.
func TestE4TheServersMailIsSigned(t *testing.T) {
	s := start(t, vectorTime)
	public, key, err := ed25519.GenerateKey(secret.Reader())
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.Edit(func(a *upsim.Accounts) {
		a.DKIM = map[string]string{"s1.example.test": "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public)}
	})
	host, port, _ := strings.Cut(s.Bases().SMTP, ":")
	d, err := mail.New("smtp", map[string]string{
		"host": host, "port": port, "tls": "starttls", "ca": string(s.CA()),
		"username": "sim-mailer@example.test", "password": "sim-mail-password-0001", "from": "您的 <no-reply@example.test>",
		"dkim_domain": "example.test", "dkim_selector": "s1",
		"dkim_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	}, s.Now)
	if err != nil {
		t.Fatal(err)
	}
	m := mail.Message{ID: "m1", To: "alice@example.test", Subject: strings.Repeat("您的登录验证码", 8), Text: "您的验证码是 246810。", HTML: "<p>246810</p>"}
	if _, err := d.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	all := s.Mail("alice@example.test")
	if len(all) != 1 || len(all[0].Problems) > 0 || all[0].DKIM != "pass" || all[0].TLS == "" {
		t.Errorf("%+v", all)
	}
	for to, want := range map[string]driver.Class{
		"bounce@example.test": driver.BadAddress, "later@example.test": driver.Unavailable,
		"full@example.test": driver.BadAddress, "spam@example.test": driver.Misconfigured,
	} {
		m.To = to
		_, err := d.Send(t.Context(), m)
		if f := driver.FailureOf(err); err == nil || f.Class != want || f.Maybe {
			t.Errorf("%s: %v", to, err)
		}
	}
}

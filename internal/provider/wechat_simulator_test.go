package provider_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
	"github.com/tigertally/tigertally/internal/upsim"
)

const simPage = "http://localhost/cb?app=1"

// simulated starts the simulator, which checks what the vendors check with code of its
// own, and opens the drivers that its fixtures have apps for, with patience for a vendor
// that does not answer.
func simulated(t *testing.T, patience time.Duration) (*upsim.Server, func(kind string) provider.Driver) {
	t.Helper()
	s, err := upsim.Start(t.Context(), upsim.Options{Now: today})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	keys, err := s.ClientKeys()
	if err != nil {
		t.Fatal(err)
	}
	at := s.Bases()
	wechat := func(n string) map[string]string {
		return map[string]string{"appid": "wx000000000000000" + n, "secret": "simwechatsecret0000000000000000" + n, "base": at.WeChatAPI}
	}
	web, account := wechat("1"), wechat("3")
	web["open_base"], account["open_base"] = at.WeChatOpen, at.WeChatOpen
	settings := map[string]map[string]string{
		"wechat_open": web, "wechat_mini": wechat("2"), "wechat_mp": account,
		"wecom": {
			"corpid": "wwsim0000000000001", "agentid": "1000001", "secret": "simwecomsecret000000000000000001",
			"base": at.WeComAPI, "login_base": at.WeComLogin, "open_base": at.WeChatOpen,
		},
		"apple": {"client_id": "test.example.signin", "team_id": "SIMTEAM001", "key_id": "SIMKEY0001", "private_key": keys.Apple, "base": at.Apple},
	}
	return s, func(kind string) provider.Driver { return openHasty(t, patience, &tokenCache{}, kind, settings[kind]) }
}

// walk goes to the vendor's page as alice, who agrees, and returns what comes back.
func walk(t *testing.T, s *upsim.Server, d provider.Driver, scope string, flags ...string) provider.Credential {
	t.Helper()
	page, err := d.Authorize(t.Context(), provider.AuthorizeRequest{RedirectURI: simPage, State: "st-1", Nonce: sentNonce, Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	landing, err := s.Approve(t.Context(), page, "alice", flags...)
	if err != nil {
		t.Fatal(err)
	}
	if landing.Get("state") != "st-1" || landing.Get("code") == "" {
		t.Fatalf("landed at %+v", landing)
	}
	return provider.Credential{
		Code: landing.Get("code"), RedirectURI: simPage, Nonce: sentNonce, Params: map[string]string{"user": landing.Get("user")},
	}
}

// S1: the way over the vendor's page and back, with the ids of the vector sim.wechat.ids.
func TestSimulatedVendorsSayWhoTheirPersonIs(t *testing.T) {
	for _, tt := range []struct {
		name, kind, scope string
		want              provider.Profile
	}{
		{"WeChat on a website", "wechat_open", "", provider.Profile{
			Subject: aliceID, UnionID: unionID, AppID: "wx0000000000000001", Name: "Alice", Picture: "https://thirdwx.qlogo.example/mmopen/alice/132",
		}},
		{"an official account", "wechat_mp", "", provider.Profile{
			Subject: upsim.OpenID("wx0000000000000003", "alice"), UnionID: unionID, AppID: "wx0000000000000003", Name: "Alice",
			Picture: "https://thirdwx.qlogo.example/mmopen/alice/132",
		}},
		{"an official account, silently", "wechat_mp", "snsapi_base", provider.Profile{
			Subject: upsim.OpenID("wx0000000000000003", "alice"), AppID: "wx0000000000000003",
		}},
		{"a company", "wecom", "", provider.Profile{
			Subject: "alice", AppID: "wwsim0000000000001", Picture: "https://thirdwx.qlogo.example/mmopen/alice/132",
			Email: "alice@example.test", Extra: map[string]string{"userid": "alice"},
		}},
		{"a company, inside the app and silently", "wecom", "snsapi_base", provider.Profile{
			Subject: "alice", AppID: "wwsim0000000000001", Extra: map[string]string{"userid": "alice"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, open := simulated(t, 0)
			d := open(tt.kind)
			c := walk(t, s, d, tt.scope)
			got, err := d.Exchange(t.Context(), c)
			outcome{profile: tt.want}.check(t, got, err)
			_, err = d.Exchange(t.Context(), c)
			wantRefusal(t, err, errs.ProviderRefused, "")
		})
	}
}

func TestSimulatedApple(t *testing.T) {
	s, open := simulated(t, 0)
	d := open("apple")
	first, err := d.Exchange(t.Context(), walk(t, s, d, ""))
	if err != nil || first.Name != "Alice Appleseed" || first.Email != "alice@example.test" || !first.EmailVerified || first.Revocable == "" {
		t.Fatalf("got %+v, %v", first, err)
	}
	again, err := d.Exchange(t.Context(), walk(t, s, d, "", "RELAY", "BOOLEANS"))
	if err != nil || again.Subject != first.Subject || again.Name != "" || again.Extra["is_private_email"] != "true" {
		t.Fatalf("the second time got %+v, %v", again, err)
	}
	other := walk(t, s, d, "")
	other.Nonce = "other"
	_, err = d.Exchange(t.Context(), other)
	wantRefusal(t, err, errs.ProviderRefused, "bad_nonce")
	if err := d.(provider.Revoker).Revoke(t.Context(), first.Revocable); err != nil {
		t.Error(err)
	}
}

func TestSimulatedMiniProgram(t *testing.T) {
	phone := func(subject, e164 string) outcome {
		return outcome{profile: provider.Profile{
			Subject: upsim.OpenID("wx0000000000000002", subject), UnionID: upsim.UnionID("g1", subject), AppID: "wx0000000000000002", Phone: e164,
		}}
	}
	_, open := simulated(t, 0)
	d := open("wechat_mini")
	for _, tt := range []struct {
		name string
		c    provider.Credential
		want outcome
	}{
		{"by openid", provider.Credential{Code: "SIM-WX-alice-1", CodeType: "open_id"}, phone("alice", "")},
		{"with a phone", provider.Credential{Code: "SIM-WX-alice-2", CodeType: "phone", PhoneCode: "SIM-WP-alice-2"}, phone("alice", "+8613800000001")},
		{"CCNUM", provider.Credential{Code: "SIM-WX-alice-3", PhoneCode: "SIM-WP-alice-3-CCNUM"}, phone("alice", "+8613800000001")},
		{"CCSTR", provider.Credential{Code: "SIM-WX-alice-4", PhoneCode: "SIM-WP-alice-4-CCSTR"}, phone("alice", "+8613800000001")},
		{"a phone of Hong Kong", provider.Credential{Code: "SIM-WX-carol-1", PhoneCode: "SIM-WP-carol-1"}, phone("carol", "+85251234567")},
		{"INTL", provider.Credential{Code: "SIM-WX-bob-1", PhoneCode: "SIM-WP-bob-1-INTL"}, phone("bob", "+85251234567")},
		{"NOUNION", provider.Credential{Code: "SIM-WX-bob-2-NOUNION", CodeType: "union_id"}, refusal(errs.ProviderMisconfigured, "no_unionid")},
		{"BADMARK", provider.Credential{Code: "SIM-WX-bob-3", PhoneCode: "SIM-WP-bob-3-BADMARK"}, refusal(errs.ProviderRefused, "bad_watermark")},
		{"OLDMARK", provider.Credential{Code: "SIM-WX-bob-4", PhoneCode: "SIM-WP-bob-4-OLDMARK"}, refusal(errs.ProviderRefused, "bad_watermark")},
		{"EXP", provider.Credential{Code: "SIM-WX-bob-5-EXP"}, refusal(errs.ProviderRefused, "bad_code")},
		{"USED", provider.Credential{Code: "SIM-WX-bob-6-USED"}, refusal(errs.ProviderRefused, "code_used")},
		{"RATE", provider.Credential{Code: "SIM-WX-bob-7-RATE"}, refusal(errs.TooManyRequests, "vendor_quota")},
		{"RISK", provider.Credential{Code: "SIM-WX-bob-8-RISK"}, refusal(errs.ProviderDenied, "vendor_risk")},
		{"BUSY", provider.Credential{Code: "SIM-WX-bob-9-BUSY"}, refusal(errs.Unavailable, "vendor_busy")},
		{"the phone code of somebody else", provider.Credential{Code: "SIM-WX-bob-10", PhoneCode: "SIM-WP-alice-10"}, refusal(errs.ProviderRefused, "bad_openid")},
		{"the login code in place of the phone code", provider.Credential{Code: "SIM-WX-bob-11", PhoneCode: "SIM-WX-bob-12"}, refusal(errs.ProviderRefused, "bad_code")},
		{"and that code is still good", provider.Credential{Code: "SIM-WX-bob-12"}, phone("bob", "")},
		{"no phone", provider.Credential{Code: "SIM-WX-nophone-1", PhoneCode: "SIM-WP-nophone-1"}, refusal(errs.ProviderRefused, "bad_code")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := d.Exchange(t.Context(), tt.c)
			tt.want.check(t, got, err)
		})
	}
}

// Every fault the simulator knows, at each call of each driver.
func TestSimulatedFaults(t *testing.T) {
	calls := []struct{ kind, upstream, path string }{
		{"wechat_open", "wechat", "/sns/oauth2/access_token"},
		{"wechat_mp", "wechat", "/sns/userinfo"},
		{"wechat_mini", "wechat", "/sns/jscode2session"},
		{"wechat_mini", "wechat", "/cgi-bin/stable_token"},
		{"wechat_mini", "wechat", "/wxa/business/getuserphonenumber"},
		{"wecom", "wecom", "/cgi-bin/gettoken"},
		{"wecom", "wecom", "/cgi-bin/auth/getuserinfo"},
		{"wecom", "wecom", "/cgi-bin/auth/getuserdetail"},
		{"apple", "apple", "/auth/token"},
		{"apple", "apple", "/auth/keys"},
	}
	s, open := simulated(t, hasty)
	for n, fault := range []string{"HANG", "RST", "H500", "H502", "HTML", "REDIR", "BIG", "GZIP", "TRUNC"} {
		for i, tt := range calls {
			t.Run(fault+" at "+tt.path, func(t *testing.T) {
				d := open(tt.kind)
				fresh := fmt.Sprintf("-alice-%d%d", n, i)
				c := provider.Credential{Code: "SIM-WX" + fresh, PhoneCode: "SIM-WP" + fresh}
				if tt.kind != "wechat_mini" {
					c = walk(t, s, d, "")
				}
				armed, err := s.Arm(upsim.Fault{Match: upsim.Match{Upstream: tt.upstream, Path: tt.path}, Fault: fault})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Disarm(armed)
				got, err := d.Exchange(t.Context(), c)
				wantRefusal(t, err, errs.Unavailable, "")
				wantNoSecret(t, err, c.Code, c.PhoneCode, "simwechatsecret", "simwecomsecret", "SIMAT", "SIMUT")
				if got.Subject != "" {
					t.Errorf("named %+v", got)
				}
			})
		}
	}
}

// A token that was replaced elsewhere, and one that has expired.
func TestSimulatedAppTokensAreReplaced(t *testing.T) {
	for _, code := range []string{"40001", "40014", "42001"} {
		s, open := simulated(t, 0)
		d := open("wechat_mini")
		once := upsim.Fault{Match: upsim.Match{Upstream: "wechat", Path: "/getuserphonenumber"}, Fault: "ERR:" + code, Times: 1}
		if _, err := s.Arm(once); err != nil {
			t.Fatal(err)
		}
		got, err := d.Exchange(t.Context(), provider.Credential{Code: "SIM-WX-alice-1", PhoneCode: "SIM-WP-alice-1"})
		if err != nil || got.Phone != "+8613800000001" {
			t.Errorf("%s: got %+v, %v", code, got, err)
		}
	}
}

// Codes of errors may be text.
func TestSimulatedErrorCodesMayBeText(t *testing.T) {
	_, open := simulated(t, 0)
	_, err := open("wechat_mini").Exchange(t.Context(), provider.Credential{Code: "SIM-WX-alice-1-USED-ERRSTR"})
	wantRefusal(t, err, errs.ProviderRefused, "code_used")
}

// Somebody on a preview page is made up.
func TestSimulatedSnapshotIsMarked(t *testing.T) {
	s, open := simulated(t, 0)
	d := open("wechat_mp")
	got, err := d.Exchange(t.Context(), walk(t, s, d, "", "SNAP"))
	if err != nil || !got.Snapshot {
		t.Errorf("got %+v, %v", got, err)
	}
}

package provider_test

import (
	"maps"
	"net/url"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
	"github.com/tigertally/tigertally/internal/upsim"
)

// The simulator's verifiers were written apart from the drivers, from the vendors' pages.
// It leads people back to this machine only.
const simCallback = "http://localhost/callback"

func simulator(t *testing.T) *upsim.Server {
	t.Helper()
	s, err := upsim.Start(t.Context(), upsim.Options{Now: today})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openSim(t *testing.T, s *upsim.Server, kind string, set map[string]string) provider.Driver {
	t.Helper()
	d, err := provider.Open(kind, set, provider.Env{
		Now: s.Now, HTTP: driver.NewClient(driver.ClientOptions{Now: s.Now, Allow: driver.LoopbackRanges()}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// agree walks the vendor's page as alice.
func agree(t *testing.T, s *upsim.Server, d provider.Driver, faults ...string) provider.Credential {
	t.Helper()
	page, err := d.Authorize(t.Context(), provider.AuthorizeRequest{
		RedirectURI: simCallback, State: "state-1", Nonce: sentNonce, Challenge: rfcChallenge, Lang: "zh-CN",
	})
	if err != nil {
		t.Fatal(err)
	}
	landing, err := s.Approve(t.Context(), page, "alice", faults...)
	if err != nil {
		t.Fatal(err)
	}
	c := provider.Credential{RedirectURI: simCallback, Verifier: rfcVerifier, Nonce: sentNonce, Params: map[string]string{}}
	values := landing.Form
	if values == nil {
		u, err := url.Parse(landing.URL)
		if err != nil {
			t.Fatal(err)
		}
		values = u.Query()
	}
	for name := range values {
		c.Params[name] = values.Get(name)
	}
	if c.Params["state"] != "state-1" {
		t.Errorf("sent back to %s", landing.URL)
	}
	c.Code = c.Params["code"]
	return c
}

// simVendor is a vendor as the simulator's fixtures have it.
type simVendor struct {
	name, kind, vendor, app string // vendor and app as OutsideID takes them
	set                     map[string]string
	union                   bool // what OutsideID gives is the union id
}

func simVendors(t *testing.T, s *upsim.Server) []simVendor {
	t.Helper()
	b := s.Bases()
	keys, err := s.ClientKeys()
	if err != nil {
		t.Fatal(err)
	}
	app := func(id, secret, base string, more ...string) map[string]string {
		set := map[string]string{"client_id": id, "client_secret": secret, "base": base}
		for i := 0; i+1 < len(more); i += 2 {
			set[more[i]] = more[i+1]
		}
		return set
	}
	issuer := func(name, id, secret string, more ...string) map[string]string {
		set := app(id, secret, "", append(more, "issuer", b.OIDC+"/"+name)...)
		delete(set, "base")
		return set
	}
	alipay := func(id string, more ...string) map[string]string {
		set := app("", "", b.Alipay, append(more, "app_id", id, "private_key", keys.AlipayApp, "alipay_public_key", keys.AlipayPublic, "login_base", b.Alipay)...)
		delete(set, "client_id")
		delete(set, "client_secret")
		return set
	}
	return []simVendor{
		{name: "OIDC with a secret", kind: "oidc", vendor: "oidc", app: "corp", set: issuer("corp", "sim-client", "sim-client-secret-000000000001")},
		{name: "OIDC with a posted secret", kind: "oidc", vendor: "oidc", app: "corp", set: issuer("corp", "sim-client", "sim-client-secret-000000000001", "auth", "client_secret_post")},
		{name: "OIDC with a key", kind: "oidc", vendor: "oidc", app: "corp", set: issuer("corp", "sim-client-jwt", "", "private_key", keys.OIDC)},
		{name: "OIDC without a secret", kind: "oidc", vendor: "oidc", app: "corp", set: issuer("corp", "sim-client-public", "", "auth", "none")},
		{name: "OIDC by ES256", kind: "oidc", vendor: "oidc", app: "school", set: issuer("school", "sim-client", "sim-client-secret-000000000002")},
		{name: "Google", kind: "google", vendor: "oidc", app: "google", set: app("sim-google.apps.example", "sim-google-secret-000000000001", b.OIDC+"/google", "hosted_domain", "example.test")},
		{name: "GitHub", kind: "github", vendor: "github", set: app("Iv1.sim0000000000001", "sim-github-secret-000000000001", b.GitHub, "api_base", b.GitHub)},
		{name: "QQ", kind: "qq", vendor: "qq", app: "100000001", set: app("100000001", "sim-qq-secret-0000000000000001", b.QQ)},
		{name: "Weibo", kind: "weibo", vendor: "weibo", set: app("1000000001", "sim-weibo-secret-0000000000001", b.Weibo)},
		{name: "DingTalk", kind: "dingtalk", vendor: "dingtalk", app: "dingsim00000000001", union: true, set: app("dingsim00000000001", "sim-dingtalk-secret-0000000001", b.DingTalk, "login_base", b.DingTalk)},
		{name: "Feishu", kind: "feishu", vendor: "feishu", app: "cli_sim0000000001", union: true, set: app("cli_sim0000000001", "sim-feishu-secret-000000000001", b.Feishu, "login_base", b.Feishu)},
		{name: "Alipay", kind: "alipay", vendor: "alipay", app: "2021000000000001", set: alipay("2021000000000001")},
		{name: "Alipay of an older app", kind: "alipay", vendor: "alipay", app: "2021000000000002", set: alipay("2021000000000002", "identity", "user_id")},
		{name: "OAuth 2.0", kind: "oauth2", vendor: "github", set: map[string]string{
			"client_id": "Iv1.sim0000000000001", "client_secret": "sim-github-secret-000000000001", "auth": "client_secret_post",
			"authorize_url": b.GitHub + "/login/oauth/authorize", "token_url": b.GitHub + "/login/oauth/access_token", "userinfo_url": b.GitHub + "/user",
		}},
	}
}

// Every driver says what its vendor wants to hear, knows the person by the right name,
// gets nothing for a used code, and tells a refusal.
func TestDriversSatisfyTheSimulatedVendors(t *testing.T) {
	s := simulator(t)
	for _, v := range simVendors(t, s) {
		t.Run(v.name, func(t *testing.T) {
			d := openSim(t, s, v.kind, v.set)
			c := agree(t, s, d)
			got, err := d.Exchange(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			want, err := s.OutsideID(v.vendor, v.app, "alice")
			if err != nil {
				t.Fatal(err)
			}
			if subject := got.Subject; (v.union && got.UnionID != want) || (!v.union && subject != want) {
				t.Errorf("it is %+v, want %s", got, want)
			}
			_, err = d.Exchange(t.Context(), c)
			wantRefusal(t, err, errs.ProviderRefused, "")

			page, err := d.Authorize(t.Context(), provider.AuthorizeRequest{RedirectURI: simCallback, State: "state-2", Nonce: sentNonce, Challenge: rfcChallenge})
			if err != nil {
				t.Fatal(err)
			}
			landing, err := s.Refuse(t.Context(), page)
			if err != nil {
				t.Fatal(err)
			}
			params := map[string]string{}
			u, err := url.Parse(landing.URL)
			if err != nil {
				t.Fatal(err)
			}
			for name := range u.Query() {
				params[name] = u.Query().Get(name)
			}
			_, err = d.Exchange(t.Context(), provider.Credential{Code: params["code"], Params: params, Nonce: sentNonce})
			wantRefusal(t, err, errs.ProviderDenied, "")
		})
	}
}

// I1: each fault of the simulated provider has a reason of its own.
func TestTheSimulatedProvidersFaultsAreToldApart(t *testing.T) {
	s := simulator(t)
	set := map[string]string{"issuer": s.Bases().OIDC + "/corp", "client_id": "sim-client", "client_secret": "sim-client-secret-000000000001"}
	for fault, want := range map[string]outcome{
		"IAT_FUTURE":            refusal(errs.ProviderRefused, "iat_future"),
		"EXPIRED":               refusal(errs.ProviderRefused, "expired"),
		"BAD_ISS":               refusal(errs.ProviderRefused, "bad_iss"),
		"BAD_AUD":               refusal(errs.ProviderRefused, "bad_aud"),
		"MULTI_AUD_NO_AZP":      refusal(errs.ProviderRefused, "no_azp"),
		"BAD_NONCE":             refusal(errs.ProviderRefused, "bad_nonce"),
		"NO_NONCE":              refusal(errs.ProviderRefused, "no_nonce"),
		"ALG_NONE":              refusal(errs.ProviderRefused, "alg_none"),
		"ALG_HS256_WITH_JWK":    refusal(errs.ProviderRefused, "alg_refused"),
		"UNKNOWN_KID":           refusal(errs.ProviderRefused, "unknown_kid"),
		"KID_REUSED_OTHER_KEY":  refusal(errs.ProviderRefused, "bad_signature"),
		"BAD_SIG":               refusal(errs.ProviderRefused, "bad_signature"),
		"BAD_AT_HASH":           refusal(errs.ProviderRefused, "bad_at_hash"),
		"USERINFO_SUB_MISMATCH": refusal(errs.ProviderRefused, "userinfo_sub"),
		"MIXUP_ISS":             refusal(errs.ProviderRefused, "mixup_iss"),
	} {
		t.Run(fault, func(t *testing.T) {
			d := openSim(t, s, "oidc", set)
			_, err := d.Exchange(t.Context(), agree(t, s, d, fault))
			wantRefusal(t, err, want.code, want.reason)
		})
	}
	for _, tt := range []struct {
		fault, path, reason string
		code                errs.Code
	}{
		{"JWKS_500", "/jwks", "jwks_unavailable", errs.Unavailable},
		{"JWKS_HUGE", "/jwks", "jwks_too_large", errs.Unavailable},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			d := openSim(t, s, "oidc", set)
			if _, err := s.Arm(upsim.Fault{Match: upsim.Match{Upstream: "oidc", Path: tt.path}, Fault: tt.fault, Times: 1}); err != nil {
				t.Fatal(err)
			}
			_, err := d.Exchange(t.Context(), agree(t, s, d))
			wantRefusal(t, err, tt.code, tt.reason)
		})
	}
	for fault, doubt := range map[string]string{"EMAIL_UNVERIFIED": "email_unverified", "EMAIL_VERIFIED_STRING": "email_verified_not_boolean"} {
		t.Run(fault, func(t *testing.T) {
			d := openSim(t, s, "oidc", set)
			got, err := d.Exchange(t.Context(), agree(t, s, d, fault))
			if err != nil || got.EmailVerified || got.Extra["email_doubt"] != doubt {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	t.Run("SUB_CHANGED", func(t *testing.T) {
		d := openSim(t, s, "oidc", set)
		c := agree(t, s, d, "SUB_CHANGED")
		var err error
		if c.Subject, err = s.OutsideID("oidc", "corp", "alice"); err != nil {
			t.Fatal(err)
		}
		_, err = d.Exchange(t.Context(), c)
		wantRefusal(t, err, errs.ProviderRefused, "sub_changed")
	})
}

// I2, at a provider that turns its keys while somebody is on its page.
func TestTheSimulatedProviderTurnsItsKeys(t *testing.T) {
	s := simulator(t)
	d := openSim(t, s, "oidc", map[string]string{"issuer": s.Bases().OIDC + "/corp", "client_id": "sim-client", "client_secret": "sim-client-secret-000000000001"})
	if _, err := d.Exchange(t.Context(), agree(t, s, d)); err != nil {
		t.Fatal(err)
	}
	c := agree(t, s, d)
	s.RotateKeys("corp")
	s.Advance(time.Minute)
	if _, err := d.Exchange(t.Context(), c); err != nil {
		t.Error(err)
	}
}

// What vendors' own faults come to: I5, I6 and those between.
func TestTheSimulatedVendorsFaults(t *testing.T) {
	s := simulator(t)
	sets := map[string]map[string]string{}
	for _, v := range simVendors(t, s) {
		if sets[v.kind] == nil {
			sets[v.kind] = v.set
		}
	}
	for _, tt := range []struct {
		kind, fault string
		want        outcome
	}{
		{"alipay", "BADSIGN", refusal(errs.ProviderMisconfigured, "response_signature")},
		{"alipay", "NOSIGN", refusal(errs.ProviderMisconfigured, "response_signature")},
		{"alipay", "BUSY", refusal(errs.Unavailable, "")},
		{"alipay", "RATE", refusal(errs.TooManyRequests, "")},
		{"qq", "OTHERCLIENT", refusal(errs.ProviderRefused, "foreign_token")},
		{"feishu", "NOTALLOWED", refusal(errs.ProviderDenied, "")},
		{"dingtalk", "RATE", refusal(errs.TooManyRequests, "")},
		{"dingtalk", "BUSY", refusal(errs.Unavailable, "")},
		{"weibo", "RATE", refusal(errs.TooManyRequests, "")},
		{"weibo", "BUSY", refusal(errs.Unavailable, "")},
		{"github", "RATE", refusal(errs.TooManyRequests, "")},
	} {
		t.Run(tt.kind+" "+tt.fault, func(t *testing.T) {
			d := openSim(t, s, tt.kind, sets[tt.kind])
			_, err := d.Exchange(t.Context(), agree(t, s, d, tt.fault))
			wantRefusal(t, err, tt.want.code, tt.want.reason)
		})
	}
	for _, kind := range []string{"qq", "weibo"} {
		t.Run(kind+" with a token of another app", func(t *testing.T) {
			set := maps.Clone(sets[kind])
			set["client_tokens"] = "on"
			d := openSim(t, s, kind, set)
			for client, want := range map[string]bool{set["client_id"]: true, "199999999": false} {
				token, err := s.MintToken(upsim.NewToken{Upstream: kind, Client: client, Subject: "alice"})
				if err != nil {
					t.Fatal(err)
				}
				_, err = d.Exchange(t.Context(), provider.Credential{AccessToken: token})
				if want && err != nil {
					t.Error(err)
				}
				if !want {
					wantRefusal(t, err, errs.ProviderRefused, "foreign_token")
				}
			}
		})
	}
}

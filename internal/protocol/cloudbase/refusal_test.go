package cloudbase_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/testkit"
	"github.com/tigertally/tigertally/internal/upsim"
)

// What a vendor or somebody between us may get wrong, each against the simulated vendors
// and over the whole way. Beside every refusal stands the same without the fault.

// guest is a visitor of a server whose providers the simulator plays.
type guest struct {
	*visitor
	sim *upsim.Server
}

func eachGuest(t *testing.T, fn func(t *testing.T, g guest)) {
	t.Helper()
	testkit.EachWithUpstreams(t, func(t *testing.T, s *testkit.Server) {
		fn(t, guest{newVisitor(t, s, 1), s.App.Upstreams()})
	})
}

// agreed is alice at the vendor's page, and where the app's page is told of it: of a code,
// or of what went wrong.
func (g guest) agreed(provider string, faults ...string) url.Values {
	g.t.Helper()
	to := g.begin(provider, "state")
	landing, err := g.sim.Approve(g.t.Context(), to.String(), "alice", faults...)
	if err != nil {
		g.t.Fatal(err)
	}
	back, err := url.Parse(landing.URL)
	if err != nil {
		g.t.Fatal(err)
	}
	if at, ours := strings.CutPrefix(landing.URL, g.s.URL); ours {
		answer := g.s.Do(http.MethodGet, at, nil)
		if landing.Form != nil {
			answer = g.form(at, landing.Form, "Origin", "https://appleid.apple.com")
		}
		back = g.location(answer, http.StatusSeeOther)
	}
	if !strings.HasPrefix(back.String(), page+"?") || back.Query().Get("state") != "state" {
		g.t.Fatalf("back at %s", back)
	}
	return back.Query()
}

// code is one that the app's page is told.
func (g guest) code(provider string, faults ...string) string {
	g.t.Helper()
	q := g.agreed(provider, faults...)
	if q.Get("code") == "" {
		g.t.Fatalf("%s: no code in %v", provider, q)
	}
	return q.Get("code")
}

// in signs alice in and returns her session.
func (g guest) in(provider string, faults ...string) testkit.Answer {
	g.t.Helper()
	got := g.grant(provider, g.code(provider, faults...))
	if got.Status != http.StatusOK {
		g.t.Fatalf("%s: %d %s", provider, got.Status, got.Raw)
	}
	return g.entered(got.String("provider_token"))
}

// member is somebody with an account and a session.
func (g guest) member(email string) testkit.Answer {
	g.t.Helper()
	g.s.Post("/emulator/v1/users", map[string]any{"username": "member", "email": email, "password": "a good password"})
	return g.post("/auth/v1/signin", map[string]any{"username": "member", "password": "a good password"})
}

// SO-03: nobody is who a statement with a wrong signature says they are.
func TestWrongSignatureIsRefused(t *testing.T) {
	eachGuest(t, func(t *testing.T, g guest) {
		for provider, faults := range map[string][]string{
			"oidc":   {"BAD_SIG", "ALG_NONE", "ALG_HS256_WITH_JWK", "KID_REUSED_OTHER_KEY"},
			"google": {"BAD_SIG"},
			"apple":  {"BAD_SIG", "ALG_NONE"},
			"alipay": {"BADSIGN", "NOSIGN"},
		} {
			for _, fault := range faults {
				if q := g.agreed(provider, fault); q.Get("error") == "" || q.Get("code") != "" {
					t.Errorf("%s with %s came back with %v", provider, fault, q)
				}
			}
			if got := g.grant(provider, g.code(provider)); got.Status != http.StatusOK {
				t.Errorf("%s without a fault: %d %s", provider, got.Status, got.Raw)
			}
		}
	})
}

// SO-04: a code counts once, here and at the vendor's, on any device and later too.
func TestReplayedCodeIsRefused(t *testing.T) {
	eachGuest(t, func(t *testing.T, g guest) {
		for _, provider := range []string{"wx_open", "wx_mp", "wecom", "oidc", "github"} {
			code := g.code(provider)
			g.entered(g.grant(provider, code).String("provider_token"))
			other := newVisitor(t, g.s, 2)
			refused(t, provider+" on another device", other.grant(provider, code), "failed_precondition")
			g.s.Advance(2 * time.Minute)
			refused(t, provider+" again", g.grant(provider, code), "failed_precondition")
		}
		for _, code := range []string{"SIM-WX-alice-1", "SIM-WX-alice-1"} {
			got := g.post("/auth/v1/provider/token", map[string]any{"provider_id": "wx0000000000000002", "provider_code": code})
			if g.s.Advance(2 * time.Minute); got.Status == http.StatusOK {
				g.entered(got.String("provider_token"))
				continue
			}
			refused(t, "a mini-program's code again", got, "failed_precondition")
		}
	})
}

// SO-02, SO-04: what was made for another app signs nobody in.
func TestWrongAppIDIsRefused(t *testing.T) {
	eachGuest(t, func(t *testing.T, g guest) {
		refused(t, "a code of the website at the official account", g.grant("wx_mp", g.code("wx_open")), "failed_precondition")
		for provider, fault := range map[string]string{"oidc": "BAD_AUD", "apple": "BAD_AUD", "google": "MULTI_AUD_NO_AZP", "qq": "OTHERCLIENT"} {
			if q := g.agreed(provider, fault); q.Get("error") == "" || q.Get("code") != "" {
				t.Errorf("%s with %s came back with %v", provider, fault, q)
			}
			if got := g.grant(provider, g.code(provider)); got.Status != http.StatusOK {
				t.Errorf("%s without a fault: %d %s", provider, got.Status, got.Raw)
			}
		}
		phone := func(login, code string) testkit.Answer {
			return g.post("/auth/v1/provider/token", map[string]any{
				"provider_id": "wx0000000000000002", "provider_code": login,
				"provider_params": map[string]any{"provider_code_type": "phone", "code": code, "appid": "wx0000000000000002"},
			})
		}
		refused(t, "a number with another app's mark", phone("SIM-WX-alice-1", "SIM-WP-alice-1-BADMARK"), "failed_precondition")
		g.entered(phone("SIM-WX-alice-2", "SIM-WP-alice-2").String("provider_token"))
	})
}

// SO-01: a code goes to the page it was asked for, and only pages of the app are.
func TestChangedRedirectIsRefused(t *testing.T) {
	eachGuest(t, func(t *testing.T, g guest) {
		for provider, word := range map[string]string{"oidc": "failed_precondition", "wx_open": "invalid_argument"} {
			code := g.code(provider)
			changed := g.post("/auth/v1/provider/token", map[string]any{
				"provider_id": provider, "provider_redirect_uri": page + "/other", "provider_code": code,
			})
			refused(t, provider+" from another page", changed, word)
			g.in(provider)
			refused(t, provider+" to a page of nobody", g.uri("provider_id", provider, "redirect_uri", "https://evil.example/app", "state", "s"), "invalid_argument")
		}
	})
}

// LK-05: an address that a vendor does not say is verified, or that is not trusted with
// saying so, leads into nobody's account and becomes nobody's.
func TestUnverifiedEmailIsRefused(t *testing.T) {
	eachGuest(t, func(t *testing.T, g guest) {
		victim := g.member("alice@example.test")
		for provider, fault := range map[string]string{"github": "EMAILUNVERIFIED", "google": "EMAIL_VERIFIED_STRING", "apple": "EMAIL_UNVERIFIED"} {
			stranger := g.in(provider, fault)
			me := g.bearer(stranger, http.MethodGet, "/auth/v1/user/me", nil)
			if stranger.String("sub") == victim.String("sub") || me.String("email") != "" {
				t.Errorf("%s: signed in as %s", provider, me.Raw)
			}
		}
		got := g.grant("oidc", g.code("oidc"))
		refused(t, "a provider nobody trusts", g.enter(got.String("provider_token")), "failed_precondition")
		g.s.Post("/emulator/v1/reset", nil)
		victim = g.member("alice@example.test")
		if got := g.in("github"); got.String("sub") != victim.String("sub") {
			t.Error("a verified address of a trusted provider leads elsewhere")
		}
	})
}

// LK-07: nobody is made to link what is not theirs, and nobody's identity is taken.
func TestTakeoverByLinkingIsRefused(t *testing.T) {
	eachGuest(t, func(t *testing.T, g guest) {
		victim := g.member("victim@example.com")
		bind := func(token string) testkit.Answer {
			return g.bearer(victim, http.MethodPost, "/auth/v1/user/provider/bind", map[string]any{"provider_token": token})
		}
		attacker := newVisitor(t, g.s, 2)
		planted := attacker.grant("wx_open", "SIM-WO-bob-1").String("provider_token")
		if planted == "" {
			t.Fatal("the attacker has no token")
		}
		refused(t, "a token of the attacker's device", bind(planted), "permission_denied")
		g.in("github")
		refused(t, "an identity somebody has", bind(g.grant("github", g.code("github")).String("provider_token")), "failed_precondition")
		mine := g.grant("wx_open", g.code("wx_open")).String("provider_token")
		g.s.Advance(6 * time.Minute)
		refused(t, "a session that is not fresh", bind(mine), "permission_denied")
		if list := bound(t, g.bearer(victim, http.MethodGet, "/auth/v1/user/provider", nil)); list["wx_open"] || list["github"] {
			t.Errorf("linked: %v", list)
		}
		victim = g.post("/auth/v1/signin", map[string]any{"username": "member", "password": "a good password"})
		if got := bind(g.grant("wx_open", g.code("wx_open")).String("provider_token")); got.Status != http.StatusOK {
			t.Errorf("one's own: %d %s", got.Status, got.Raw)
		}
	})
}

// A page opened without consent has a virtual person, the same for everybody.
func TestSnapshotUserIsRefused(t *testing.T) {
	eachGuest(t, func(t *testing.T, g guest) {
		refused(t, "a snapshot", g.grant("wx_mp", g.code("wx_mp", "SNAP")), "permission_denied")
		g.in("wx_mp")
	})
}

// DL-04: who has one way in keeps it.
func TestLastMethodIsKept(t *testing.T) {
	eachGuest(t, func(t *testing.T, g guest) {
		session := g.in("wx_open")
		refused(t, "the only identity", g.bearer(session, http.MethodDelete, "/auth/v1/user/provider/wx_open", nil), "failed_precondition")
		if again := g.in("wx_open"); again.String("sub") != session.String("sub") {
			t.Error("it leads elsewhere")
		}
	})
}

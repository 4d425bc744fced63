package cloudbase_test

import (
	"net/http"
	"testing"

	"github.com/tigertally/tigertally/internal/testkit"
)

func TestTheMiniProgramSignsIn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b := newVisitor(t, s, 1)
		sub := b.entered(b.mini("open_id", "alice").String("provider_token")).String("sub")
		union := b.mini("union_id", "alice").String("provider_token")
		got := b.post("/auth/v2/signin/with/provider", map[string]any{"provider_token": union, "provider_id": miniApp})
		if got.String("sub") != sub {
			t.Errorf("by union id: %d %s", got.Status, got.Raw)
		}
		other := b.mini("open_id", "alice").String("provider_token")
		refused(t, "a token of another provider", b.post("/auth/v1/signin/with/provider", map[string]any{
			"provider_token": other, "provider_id": "wx_open",
		}), "permission_denied")
		refused(t, "another app's code", b.post("/auth/v1/provider/token", map[string]any{
			"provider_id": miniApp, "provider_code": b.code("alice"),
			"provider_params": map[string]any{"provider_code_type": "open_id", "appid": "wx0000000000000009"},
		}), "failed_precondition")
		refused(t, "a code that is none", b.post("/auth/v1/provider/token", map[string]any{
			"provider_id": miniApp, "provider_code": "nonsense",
		}), "failed_precondition")
	})
}

func TestTheMiniProgramBringsAPhoneNumber(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b := newVisitor(t, s, 1)
		got := b.mini("phone", "bob", "code", "bob-13811112222-1")
		profile, _ := got.Body["provider_profile"].(map[string]any)
		if profile["phone_number"] != "+86 13811112222" {
			t.Fatalf("granted %d %s", got.Status, got.Raw)
		}
		me := b.bearer(b.entered(got.String("provider_token")), "GET", "/auth/v1/user/me", nil)
		if me.String("phone_number") != "+86 13811112222" {
			t.Errorf("signed in as %s", me.Raw)
		}

		// Older clients bring the number afterwards, with a method their host cannot send.
		w := newWorld(t, s, 7)
		token := b.mini("phone", "carol").String("provider_token")
		amend := func(token, code string) testkit.Answer {
			return b.do(http.MethodPost, "/auth/v1/provider/token?client_id=dev", map[string]any{
				"provider_token": token, "provider_id": miniApp,
				"provider_params": map[string]any{"code": code, "provider_code_type": "phone"},
			}, "X-Http-Method-Override", "PATCH")
		}
		refused(t, "somebody else's phone code", amend(token, "dave-13800000007-1"), "failed_precondition")
		got = amend(token, "carol-13800000007-2")
		if got.String("provider_token") != token {
			t.Fatalf("amended: %d %s", got.Status, got.Raw)
		}
		if sub := b.entered(token).String("sub"); sub != w.id {
			t.Errorf("the owner of the number is %s, signed in as %s", w.id, sub)
		}
		refused(t, "a token that was used", amend(token, "carol-13800000007-3"), "permission_denied")
	})
}

func TestAnonymousPeopleOfAMiniProgramComeBack(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		enter := func(b *visitor, who string) testkit.Answer {
			return b.post("/auth/v1/signin/anonymously", map[string]any{"provider_token": b.mini("open_id", who).String("provider_token")})
		}
		first := newVisitor(t, s, 1)
		alice := enter(first, "alice")
		if alice.String("scope") != "anonymous" || alice.String("sub") == "" {
			t.Fatalf("answered %d %s", alice.Status, alice.Raw)
		}
		if again := enter(newVisitor(t, s, 2), "alice"); again.String("sub") != alice.String("sub") {
			t.Error("alice's other phone is somebody else")
		}
		if bob := enter(first, "bob"); bob.String("sub") == alice.String("sub") {
			t.Error("bob on alice's phone is alice")
		}
		token := first.mini("open_id", "alice").String("provider_token")
		first.post("/auth/v1/signin/anonymously", map[string]any{"provider_token": token})
		refused(t, "a token that was used", first.post("/auth/v1/signin/anonymously", map[string]any{"provider_token": token}), "permission_denied")
	})
}

// SO-05: what WeChat's own cloud says of a person counts only there.
func TestHeadersSignNobodyIn(t *testing.T) {
	s := testkit.Start(t, "sqlite")
	withVendors(t, s)
	b := newVisitor(t, s, 1)
	claims := []string{"X-Wx-Openid", "mini-alice", "X-Wx-Unionid", "union-alice", "X-Wx-Appid", miniApp, "X-Wx-Source", "wx_client"}
	for path, word := range map[string]string{
		"/auth/v1/signin/wechat/noauth": "unimplemented",
		"/auth/v1/signin/with/provider": "invalid_argument",
		"/auth/v1/provider/token":       "invalid_argument",
	} {
		refused(t, path, b.do(http.MethodPost, path+"?client_id=dev", map[string]any{"provider_id": miniApp}, claims...), word)
	}
}

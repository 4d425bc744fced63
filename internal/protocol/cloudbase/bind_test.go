package cloudbase_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/testkit"
)

// bound says which providers of a list are linked.
func bound(t *testing.T, got testkit.Answer) map[string]bool {
	t.Helper()
	list, ok := got.Body["data"].([]any)
	if total, _ := got.Body["total"].(float64); !ok || int(total) != len(list) {
		t.Fatalf("the list is %d %s", got.Status, got.Raw)
	}
	found := map[string]bool{}
	for _, entry := range list {
		item, _ := entry.(map[string]any)
		id, _ := item["id"].(string)
		found[id], _ = item["bind"].(bool)
	}
	return found
}

// G7: link, list, unlink.
func TestLinkingAProvider(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b := newVisitor(t, s, 1)
		w := newWorld(t, s, 1)
		session := b.post("/auth/v1/signin", map[string]any{"username": w.username, "password": w.password})
		list := func() map[string]bool { return bound(t, b.bearer(session, "GET", "/auth/v1/user/provider", nil)) }
		bind := func(token string) testkit.Answer {
			return b.bearer(session, "POST", "/auth/v1/user/provider/bind", map[string]any{"provider_token": token})
		}
		if got := list(); len(got) != 3 || got["wx_open"] || got["corp"] || got[miniApp] {
			t.Errorf("at first: %v", got)
		}
		if got := bind(b.granted("alice")); got.Status != http.StatusOK || len(got.Body) != 0 {
			t.Fatalf("bind: %d %s", got.Status, got.Raw)
		}
		if got := list(); len(got) != 3 || !got["wx_open"] || got["corp"] {
			t.Errorf("linked: %v", got)
		}
		if got := b.entered(b.granted("alice")); got.String("sub") != w.id {
			t.Error("the linked identity leads to another account")
		}
		if got := b.bearer(session, "DELETE", "/auth/v1/user/provider/wx_open", nil); got.Status != http.StatusOK {
			t.Errorf("unbind: %d %s", got.Status, got.Raw)
		}
		if list()["wx_open"] {
			t.Error("still linked")
		}
		refused(t, "unbind twice", b.bearer(session, "DELETE", "/auth/v1/user/provider/wx_open", nil), "not_found")

		stranger := b.entered(b.granted("bob"))
		refused(t, "the last method", b.bearer(stranger, "DELETE", "/auth/v1/user/provider/wx_open", nil), "failed_precondition")
		refused(t, "somebody else's", bind(b.granted("bob")), "failed_precondition")
		refused(t, "no token", bind(""), "invalid_argument")
		used := b.granted("carol")
		b.entered(used)
		refused(t, "a used token", bind(used), "permission_denied")
	})
}

func TestSigningUpLinksAProvider(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b := newVisitor(t, s, 1)
		w := newWorld(t, s, 1)
		signUp := func(token, email string) testkit.Answer {
			return b.post("/auth/v1/signup", map[string]any{
				"email": email, "verification_token": w.verified(false, "email", email), "provider_token": token,
			})
		}
		token := b.granted("alice")
		made := signUp(token, "new1@example.com")
		if got := b.entered(b.granted("alice")); made.String("sub") == "" || got.String("sub") != made.String("sub") {
			t.Errorf("signed up: %d %s", made.Status, made.Raw)
		}
		refused(t, "the token again", signUp(token, "new2@example.com"), "permission_denied")
		refused(t, "somebody else's identity", signUp(b.granted("alice"), "new3@example.com"), "failed_precondition")
		if got := signUp("wx_open", "new4@example.com"); got.Status != http.StatusOK {
			t.Errorf("a provider's id: %d %s", got.Status, got.Raw)
		}
	})
}

// LK-07: a token from elsewhere, and a session that began long ago.
func TestLinkingWantsSomebodyWhoIsThere(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b, attacker := newVisitor(t, s, 1), newVisitor(t, s, 2)
		w := newWorld(t, s, 1)
		session := b.post("/auth/v1/signin", map[string]any{"username": w.username, "password": w.password})
		bind := func(body map[string]any) testkit.Answer {
			return b.bearer(session, "POST", "/auth/v1/user/provider/bind", body)
		}
		refused(t, "a token of another device", bind(map[string]any{"provider_token": attacker.granted("mallory")}), "permission_denied")
		none := &visitor{t: t, s: s}
		refused(t, "a token of no device", bind(map[string]any{"provider_token": none.granted("mallory")}), "permission_denied")

		s.Advance(6 * time.Minute)
		refused(t, "a sign-in of long ago", bind(map[string]any{"provider_token": b.granted("alice")}), "permission_denied")
		sudo := b.bearer(session, "POST", "/auth/v1/user/sudo", map[string]any{"password": w.password}).String("sudo_token")
		if got := bind(map[string]any{"provider_token": b.granted("alice"), "sudo_token": sudo}); got.Status != http.StatusOK {
			t.Errorf("with sudo: %d %s", got.Status, got.Raw)
		}
		guest := b.post("/auth/v1/signin/anonymously", map[string]any{})
		refused(t, "an anonymous person", b.bearer(guest, "POST", "/auth/v1/user/provider/bind", map[string]any{
			"provider_token": b.granted("dave"),
		}), "permission_denied")
	})
}

func TestChangingAndEnteringByProvider(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		b := newVisitor(t, s, 1)
		w := newWorld(t, s, 1)
		session := b.post("/auth/v1/signin", map[string]any{"username": w.username, "password": w.password})
		change := func(provider, token string) testkit.Answer {
			return b.bearer(session, "POST", "/auth/v1/user/provider/"+provider+"/trans", map[string]any{"provider_trans_token": token})
		}
		refused(t, "another provider's token", change("corp", b.granted("alice")), "permission_denied")
		if got := change("wx_open", b.granted("alice")); got.String("client_id") != "dev" {
			t.Errorf("change: %d %s", got.Status, got.Raw)
		}
		guest := b.post("/auth/v1/signin/anonymously", map[string]any{})
		got := b.bearer(guest, "PATCH", "/auth/v1/user/trans/by/provider", map[string]any{"provider_token": b.granted("alice")})
		if got.String("sub") != w.id || got.String("refresh_token") == "" {
			t.Errorf("enter: %d %s", got.Status, got.Raw)
		}
		kind := b.post("/auth/v1/mgr/provider/providerSubType", map[string]any{"provider_id": "wx_open"})
		if kind.String("provider_sub_type") != "wechat_open" || kind.String("id") != "wx_open" {
			t.Errorf("kind: %s", kind.Raw)
		}
		refused(t, "no such provider", b.post("/auth/v1/mgr/provider/providerSubType", map[string]any{"provider_id": "weda"}), "not_found")
	})
}

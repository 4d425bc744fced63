package manage_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/testkit"
)

// ways says of each way to sign in whether it is on, or why not.
func ways(t *testing.T, s *testkit.Server, p operator.Principal, pool string) map[string]string {
	t.Helper()
	list, err := s.App.Manage().SignInWays(t.Context(), p, api.PoolRef{Pool: pool})
	wantCode(t, err, "")
	all := map[string]string{}
	for _, w := range list.Items {
		if all[w.Name+w.Provider] = w.Why; w.On {
			all[w.Name+w.Provider] = "on"
		}
	}
	return all
}

func TestTheWaysToSignInFollowTheSettings(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, ctx := s.App.Manage(), t.Context()
		me, other := tenants(t, s)
		mine := api.PoolRef{Pool: "mine"}
		before := map[string]string{
			"password": "on", "code_sms": "on", "code_email": "on", "onetap": "on", "anonymous": "on", "ticket": "no_key",
		}
		if diff := cmp.Diff(before, ways(t, s, me, "mine")); diff != "" {
			t.Errorf("a new pool: %s", diff)
		}
		_, err := m.SetPoolSettings(ctx, me, api.PoolSettingsChange{PoolRef: mine, Settings: map[string]json.RawMessage{"anonymous": json.RawMessage("false")}})
		wantCode(t, err, "")
		_, err = m.CreateTicketKey(ctx, me, mine)
		wantCode(t, err, "")
		_, err = m.PutProvider(ctx, me, github("mine", "gh"))
		wantCode(t, err, "")
		_, err = m.PutProvider(ctx, me, github("mine", "old"))
		wantCode(t, err, "")
		_, err = m.DisableProvider(ctx, me, ref("mine", "old"))
		wantCode(t, err, "")
		after := map[string]string{
			"password": "on", "code_sms": "on", "code_email": "on", "onetap": "on", "anonymous": "switched_off", "ticket": "on",
			"providergh": "on", "providerold": "switched_off",
		}
		if diff := cmp.Diff(after, ways(t, s, me, "mine")); diff != "" {
			t.Errorf("after changes: %s", diff)
		}
		if diff := cmp.Diff(before, ways(t, s, other, "theirs")); diff != "" {
			t.Errorf("the other tenant: %s", diff)
		}
	})
}

func TestTheSignInPageOfAnApplicationCanBeTried(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, ctx := s.App.Manage(), t.Context()
		me, other := tenants(t, s)
		app := api.AppRef{PoolRef: api.PoolRef{Pool: "mine"}, App: "mine"}
		_, err := m.TryApp(ctx, me, api.TryLink{AppRef: app})
		wantCode(t, err, errs.RedirectRefused) // there is nowhere to come back to
		page := "https://app.example.com/callback"
		_, err = m.UpdateApp(ctx, me, api.AppChange{AppRef: app, RedirectURIs: &[]string{page}})
		wantCode(t, err, "")
		_, err = m.TryApp(ctx, me, api.TryLink{AppRef: app, RedirectURI: "https://evil.test/"})
		wantCode(t, err, errs.RedirectRefused)
		at, err := m.TryApp(ctx, me, api.TryLink{AppRef: app})
		wantCode(t, err, "")
		u, err := url.Parse(at.URL)
		if err != nil || at.RedirectURI != page || u.Query().Get("code_challenge_method") != "S256" || len(at.Verifier) < 43 {
			t.Fatalf("%+v, %v", at, err)
		}
		if a := s.Do(http.MethodGet, u.RequestURI(), nil); a.Status != http.StatusSeeOther || a.Header.Get("Location") == "" {
			t.Errorf("the address answers %d %s", a.Status, a.Raw)
		}
		_, err = m.TryApp(ctx, other, api.TryLink{AppRef: app})
		wantCode(t, err, errs.PoolNotFound)
		_, err = m.TryApp(ctx, other, api.TryLink{AppRef: api.AppRef{PoolRef: api.PoolRef{Pool: "theirs"}, App: "mine"}})
		wantCode(t, err, errs.AppNotFound)
	})
}

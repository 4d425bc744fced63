package federation_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
)

// last is the newest record of an action, by result and detail.
func (k *kit) last(t *testing.T, userID, action string) map[string]string {
	t.Helper()
	k.Advance(2 * time.Millisecond) // what comes next has a later time: of one moment, any record may be the last
	records, _, err := k.Audit.History(t.Context(), "p", userID, audit.Filter{Action: action}, 1, "")
	wantCode(t, err, "")
	if len(records) == 0 {
		return nil
	}
	got := map[string]string{"result": records[0].Event.Result, "client": records[0].Event.ClientID}
	maps.Copy(got, records[0].Event.Detail)
	return got
}

// Support can tell why somebody did not get through a provider.
func TestRefusalsOfProvidersAreRecorded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		grant := func(provider, code string) error {
			_, err := k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: provider, Code: code, RedirectURI: page})
			return err
		}
		v := k.vendors["wx_open"]
		v.fail(errs.New(errs.ProviderRefused, "reason", "vendor_40029"))
		wantCode(t, grant("wx_open", "one"), errs.ProviderRefused)
		want := map[string]string{"result": "provider_refused", "client": "p", "provider": "wx_open", "reason": "vendor_40029"}
		if diff := cmp.Diff(want, k.last(t, "", audit.ProviderRefuse)); diff != "" {
			t.Errorf("what the vendor said (-want +got):\n%s", diff)
		}
		v.fail(nil)
		v.knows("two", federation.Profile{Subject: "zhang"})
		wantCode(t, grant("wx_open", "two"), "")
		if diff := cmp.Diff(want, k.last(t, "", audit.ProviderRefuse)); diff != "" {
			t.Errorf("a good code is recorded as refused (-want +got):\n%s", diff)
		}
		_, err := k.Federation.Grant(elsewhere(t), k.Client, federation.GrantInput{ProviderID: "wx_open", Code: "two", RedirectURI: page})
		wantCode(t, err, errs.ProviderRefused)
		want["reason"] = "code_replayed"
		if diff := cmp.Diff(want, k.last(t, "", audit.ProviderRefuse)); diff != "" {
			t.Errorf("a replay (-want +got):\n%s", diff)
		}
		wantCode(t, grant("oidc", "three"), errs.ProviderRefused)
		want["provider"], want["reason"] = "oidc", "not_relayed"
		if diff := cmp.Diff(want, k.last(t, "", audit.ProviderRefuse)); diff != "" {
			t.Errorf("a code that did not come by our callback (-want +got):\n%s", diff)
		}
		wantCode(t, grant("nobody", "four"), errs.ProviderUnknown)
		if diff := cmp.Diff(want, k.last(t, "", audit.ProviderRefuse)); diff != "" {
			t.Errorf("a provider that is none (-want +got):\n%s", diff)
		}
	})
}

// It also tells why an address a provider named was not believed, whoever got in.
func TestDoubtsAboutAnAddressAreRecorded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.alice(t)
		k.vendor(t, connection.Connection{ID: "trusted", TrustEmail: true}, false)
		for _, tt := range []struct {
			name, provider, doubt string
			profile               federation.Profile
		}{
			{"unverified", "trusted", "email_unverified", federation.Profile{Subject: "1", Email: "one@example.com"}},
			{"unverified, and the driver says how", "trusted", "email_verified_not_boolean", federation.Profile{
				Subject: "2", Email: "two@example.com", Extra: map[string]string{"email_doubt": "email_verified_not_boolean"},
			}},
			{"not trusted", "oidc", "connection_not_trusted", federation.Profile{Subject: "3", Email: "three@example.com", EmailVerified: true}},
			{"trusted", "trusted", "", federation.Profile{Subject: "4", Email: "four@example.com", EmailVerified: true}},
			{"none", "oidc", "", federation.Profile{Subject: "5"}},
		} {
			u := k.mustEnter(t, tt.provider, tt.profile)
			if got := k.last(t, u.ID, audit.SignUp); got["email_doubt"] != tt.doubt || got["provider"] != tt.provider {
				t.Errorf("%s: recorded %v", tt.name, got)
			}
		}
		_, err := k.enter(t, "oidc", federation.Profile{Subject: "6", Email: email, EmailVerified: true})
		wantCode(t, err, errs.LinkRequired)
		want := map[string]string{
			"result": "link_required", "client": "p", "method": "provider", "provider": "oidc", "email_doubt": "connection_not_trusted",
			"steps": `[{"step":"proof","is":"refused: link_required"}]`,
		}
		if diff := cmp.Diff(want, k.last(t, "", audit.SignIn)); diff != "" {
			t.Errorf("somebody who must link first (-want +got):\n%s", diff)
		}
	})
}

package manage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/testkit"
)

// tenants makes two pools and returns the owners of each, who reach no other.
func tenants(t *testing.T, s *testkit.Server) (mine, theirs operator.Principal) {
	t.Helper()
	owner := func(id string) operator.Principal {
		if _, err := s.App.Pools.Create(t.Context(), id, id, pool.Settings{}); err != nil {
			t.Fatal(err)
		}
		return operator.Principal{
			Kind: operator.KindOperator, ID: id, Name: id, Role: operator.Owner, MFA: true,
			SudoUntil: time.Now().Add(time.Hour), Pools: []string{id},
		}
	}
	return owner("mine"), owner("theirs")
}

func wantCode(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != want {
		t.Fatalf("error = %v, want %q", err, want)
	}
}

func ref(pool, id string) api.ProviderRef {
	return api.ProviderRef{PoolRef: api.PoolRef{Pool: pool}, Provider: id}
}

func github(pool, id string) api.ProviderPut {
	return api.ProviderPut{
		ProviderRef: ref(pool, id), Kind: new("github"),
		Settings: map[string]string{"client_id": "abc", "client_secret": "hush-hush", "scope": "read:user"},
	}
}

func TestAProviderIsMadeChangedAndShownWithoutItsSecrets(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, ctx := s.App.Manage(), t.Context()
		me, other := tenants(t, s)
		made, err := m.PutProvider(ctx, me, github("mine", "gh"))
		wantCode(t, err, "")
		want := api.Provider{
			ID: "gh", Kind: "github", Enabled: true, SignUp: true, Callback: s.URL + "/auth/v1/provider/callback/gh",
			Settings: map[string]string{"client_id": "abc", "client_secret": api.SettingKept, "scope": "read:user"},
		}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("made: %s", diff)
		}

		// What is not given stays, an empty setting goes, and the secret is the old one.
		changed, err := m.PutProvider(ctx, me, api.ProviderPut{
			ProviderRef: ref("mine", "gh"), Guarded: api.Guarded{IfMatch: api.ETag(made)},
			Name: new("Code"), SignUp: new(false), Settings: map[string]string{"scope": ""},
		})
		wantCode(t, err, "")
		want.Name, want.SignUp, want.Settings = "Code", false, map[string]string{"client_id": "abc", "client_secret": api.SettingKept}
		if diff := cmp.Diff(want, changed); diff != "" {
			t.Errorf("changed: %s", diff)
		}
		c, err := s.App.Connections.Get(ctx, "mine", "gh")
		wantCode(t, err, "")
		set, err := s.App.Connections.Settings(c)
		if err != nil || set["client_secret"] != "hush-hush" {
			t.Errorf("the secret is %q, %v", set["client_secret"], err)
		}

		_, err = m.PutProvider(ctx, me, api.ProviderPut{ProviderRef: ref("mine", "gh"), Guarded: api.Guarded{IfMatch: api.ETag(made)}, Name: new("late")})
		wantCode(t, err, errs.EditConflict)
		_, err = m.PutProvider(ctx, me, api.ProviderPut{ProviderRef: ref("mine", "gh"), Kind: new("gitee")})
		wantCode(t, err, errs.BadRequest)

		off, err := m.DisableProvider(ctx, me, ref("mine", "gh"))
		wantCode(t, err, "")
		on, err := m.EnableProvider(ctx, me, ref("mine", "gh"))
		wantCode(t, err, "")
		if off.Enabled || !on.Enabled {
			t.Errorf("switched off: %t, switched on: %t", off.Enabled, on.Enabled)
		}
		_, err = m.EnableProvider(ctx, me, ref("mine", "none"))
		wantCode(t, err, errs.ProviderUnknown)

		// Another tenant sees none of it, under its own pool or this one.
		_, err = m.Provider(ctx, other, ref("mine", "gh"))
		wantCode(t, err, errs.PoolNotFound)
		_, err = m.Provider(ctx, other, ref("theirs", "gh"))
		wantCode(t, err, errs.ProviderUnknown)
		list, err := m.Providers(ctx, other, api.PoolRef{Pool: "theirs"})
		if err != nil || len(list.Items) != 0 {
			t.Errorf("the other tenant has %+v, %v", list.Items, err)
		}

		_, err = m.RemoveProvider(ctx, me, ref("mine", "gh"))
		wantCode(t, err, "")
		_, err = m.RemoveProvider(ctx, me, ref("mine", "gh"))
		wantCode(t, err, errs.ProviderUnknown)
		recorded(t, s, "mine", map[string]int{audit.ProviderPut: 4, audit.ProviderRemove: 1})
	})
}

// recorded checks how often each action stands in a pool's record, by its owner.
func recorded(t *testing.T, s *testkit.Server, poolID string, want map[string]int) {
	t.Helper()
	for action, n := range want {
		list, _, err := s.App.Audit().Search(t.Context(), poolID, audit.Query{Action: action}, 100, "")
		if err != nil || len(list) != n {
			t.Errorf("%s is recorded %d times, %v; want %d", action, len(list), err, n)
		}
		for _, e := range list {
			if e.Event.Actor != "operator:"+poolID {
				t.Errorf("%s is recorded as done by %q", action, e.Event.Actor)
			}
		}
	}
}

func TestAProviderSaysWhatIsWrongWithItsSettings(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		me, _ := tenants(t, s)
		tests := []struct {
			name   string
			change func(*api.ProviderPut)
			code   errs.Code
			reason string
		}{
			{"a setting is missing", func(in *api.ProviderPut) { in.Settings["client_secret"] = "" }, errs.ProviderSettings, `"client_secret" is missing`},
			{"a setting is unknown", func(in *api.ProviderPut) { in.Settings["nonsense"] = "1" }, errs.ProviderSettings, `no option "nonsense"`},
			{"a vendor nobody knows", func(in *api.ProviderPut) { in.Kind = new("nothing") }, errs.BadRequest, ""},
			{"no vendor", func(in *api.ProviderPut) { in.Kind = nil }, errs.BadRequest, ""},
			{"a provider of the core's own", func(in *api.ProviderPut) { in.Provider = "anonymous" }, errs.BadRequest, ""},
			{"a credential of the simulator", func(in *api.ProviderPut) { in.Settings["client_secret"] = "sim-github-secret-000000000001" }, errs.ProviderSettings, "simulator"},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				in := github("mine", strings.ReplaceAll(test.name, " ", "-"))
				in.Provider = in.Provider[:min(len(in.Provider), 20)]
				test.change(&in)
				_, err := s.App.Manage().PutProvider(t.Context(), me, in)
				wantCode(t, err, test.code)
				if test.reason != "" && !strings.Contains(errs.From(err).Params["reason"], test.reason) {
					t.Errorf("reason = %q, want %q in it", errs.From(err).Params["reason"], test.reason)
				}
				if err != nil && strings.Contains(err.Error(), "hush-hush") {
					t.Errorf("the error shows a secret: %v", err)
				}
			})
		}
	})
}

func TestAVendorIsAskedWhetherItAnswers(t *testing.T) {
	testkit.EachWithUpstreams(t, func(t *testing.T, s *testkit.Server) {
		root, m := operator.Local("test"), s.App.Manage()
		list, err := m.Providers(t.Context(), root, api.PoolRef{Pool: "dev"})
		if err != nil || len(list.Items) < 10 {
			t.Fatalf("%d providers, %v", len(list.Items), err)
		}
		for _, v := range list.Items {
			t.Run(v.ID, func(t *testing.T) {
				want := api.TestAnswers
				if v.Kind == "wechat_mini" || v.Kind == "wecom" {
					want = api.TestGood // they give the app a token
				}
				got, err := m.TestProvider(t.Context(), root, ref("dev", v.ID))
				if err != nil || got.Result != want {
					t.Errorf("%+v, %v; want %s", got, err, want)
				}
			})
		}
		wrong := func(id, setting, value, result, reason string) {
			t.Helper()
			_, err := m.PutProvider(t.Context(), root, api.ProviderPut{ProviderRef: ref("dev", id), Settings: map[string]string{setting: value}})
			wantCode(t, err, "")
			got, err := m.TestProvider(t.Context(), root, ref("dev", id))
			if err != nil || got.Result != result || got.Reason != reason {
				t.Errorf("%s with a wrong %s: %+v, %v; want %s %s", id, setting, got, err, result, reason)
			}
			if strings.Contains(got.Detail, value) && setting == "secret" {
				t.Errorf("%s shows the secret: %+v", id, got)
			}
		}
		wrong("wx0000000000000002", "secret", "not-the-secret-of-this-app-00001", api.TestRefused, "bad_secret")
		wrong("oidc", "issuer", "http://127.0.0.1:1/nobody", api.TestUnavailable, "discovery_unavailable")
	})
}

func TestPeopleAreCountedByProvider(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, ctx := s.App.Manage(), t.Context()
		me, other := tenants(t, s)
		for _, v := range []struct {
			pool string
			who  operator.Principal
		}{{"mine", me}, {"theirs", other}} {
			_, err := m.PutProvider(ctx, v.who, github(v.pool, "gh"))
			wantCode(t, err, "")
		}
		for _, subject := range []string{"1", "2"} {
			u, err := m.CreateUser(ctx, me, api.NewUser{PoolRef: api.PoolRef{Pool: "mine"}, Username: "user" + subject, Status: "active"})
			wantCode(t, err, "")
			_, err = m.LinkIdentity(ctx, me, api.NewIdentity{
				UserRef: api.UserRef{PoolRef: api.PoolRef{Pool: "mine"}, User: u.ID}, Provider: "gh", Subject: subject,
			})
			wantCode(t, err, "")
		}
		for _, v := range []struct {
			pool string
			who  operator.Principal
			want int
		}{{"mine", me, 2}, {"theirs", other, 0}} {
			list, err := m.Providers(ctx, v.who, api.PoolRef{Pool: v.pool})
			if err != nil || len(list.Items) != 1 || list.Items[0].People != v.want {
				t.Errorf("%s: %+v, %v; want %d people", v.pool, list.Items, err, v.want)
			}
		}
	})
}

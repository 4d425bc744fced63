package manage_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/user"
)

// bench is an installation with two pools and a clock the test moves.
type bench struct {
	*manage.Service
	now       time.Time
	operators *operator.Service
	limits    *limit.Service
	users     *user.Service
	audit     *audit.Service
}

func newBench(t *testing.T, d *db.DB) *bench {
	t.Helper()
	b := &bench{now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return b.now }
	ring, err := secret.NewKeyring(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	hasher := secret.NewHasher(secret.HasherOptions{Workers: 1})
	t.Cleanup(hasher.Close)
	pools := pool.New(d, clock)
	b.audit, b.limits, b.users = audit.New(d, clock), limit.New(d, ring, clock), user.New(d, clock)
	b.operators = operator.New(operator.Deps{
		DB: d, Ring: ring, Hasher: hasher, Limits: b.limits, Audit: b.audit, Now: clock, Issuer: "Tigertally",
	})
	groups, err := caller.ParseNetworks(strings.NewReader("198.51.100.0/24 hosting\n"))
	if err != nil {
		t.Fatal(err)
	}
	b.Service = manage.New(manage.Deps{
		DB: d, Ring: ring, Pools: pools, Audit: b.audit, Users: b.users, Operators: b.operators, Limits: b.limits,
		Networks: groups, Now: clock,
	})
	for _, id := range []string{"mine", "theirs"} {
		if _, err := pools.Create(t.Context(), id, id, pool.Settings{DayBudget: 100, CountryBudget: 10}); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// administrator is somebody who has just shown a second factor.
func (b *bench) administrator(role operator.Role, pools ...string) operator.Principal {
	return operator.Principal{
		Kind: operator.KindOperator, ID: "p-" + string(role), Name: string(role), Role: role, Pools: pools,
		MFA: true, SudoUntil: b.now.Add(time.Minute),
	}
}

func code(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != want {
		t.Errorf("%v: code %q, want %q", err, got, want)
	}
}

func TestAdministratorsComeAndGo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b, ctx := newBench(t, d), t.Context()
		owner := operator.Local("cli")
		first, err := b.AddAdministrator(ctx, owner, api.NewAdministrator{Name: "mei", Role: "owner"})
		if err != nil || len(first.Password) < 40 {
			t.Fatalf("first: %+v, %v", first, err)
		}
		lin, err := b.AddAdministrator(ctx, owner, api.NewAdministrator{
			Name: "lin", Role: "support", Pools: []string{"mine"}, Password: "seven blue teapots sing",
		})
		if err != nil || lin.Password != "" {
			t.Fatalf("second: %+v, %v", lin, err)
		}
		ref := api.AdministratorRef{Operator: lin.ID}
		for name, in := range map[string]api.NewAdministrator{
			"no such pool": {Name: "x", Role: "support", Pools: []string{"none"}},
			"no pool":      {Name: "x", Role: "support", Pools: []string{}},
			"no such role": {Name: "x", Role: "king"},
			"tied owner":   {Name: "x", Role: "owner", Pools: []string{"mine"}},
		} {
			if _, err := b.AddAdministrator(ctx, owner, in); errs.CodeOf(err) != errs.BadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err = b.AddAdministrator(ctx, owner, api.NewAdministrator{Name: "LIN", Role: "support"})
		code(t, err, errs.OperatorTaken)

		if _, err := b.operators.SignIn(ctx, "lin", "seven blue teapots sing"); err != nil {
			t.Fatal(err)
		}
		sessions, err := b.AdministratorSessions(ctx, owner, ref)
		if err != nil || len(sessions.Items) != 1 || sessions.Items[0].Factor {
			t.Fatalf("sessions: %+v, %v", sessions, err)
		}
		if _, err := b.EndAdministratorSession(ctx, owner, api.AdministratorSessionRef{AdministratorRef: ref, Session: "all"}); err != nil {
			t.Fatal(err)
		}
		if sessions, err = b.AdministratorSessions(ctx, owner, ref); err != nil || len(sessions.Items) != 0 {
			t.Errorf("sessions afterwards: %+v, %v", sessions, err)
		}

		got, err := b.SetAdministratorRole(ctx, owner, api.AdministratorRole{AdministratorRef: ref, Role: "read_only"})
		if err != nil || got.Role != "read_only" || got.Pools != nil {
			t.Errorf("role: %+v, %v", got, err)
		}
		if got, err = b.DisableAdministrator(ctx, owner, ref); err != nil || !got.Disabled {
			t.Errorf("disabled: %+v, %v", got, err)
		}
		_, err = b.operators.SignIn(ctx, "lin", "seven blue teapots sing")
		code(t, err, errs.SignInWrong)
		if got, err = b.EnableAdministrator(ctx, owner, ref); err != nil || got.Disabled {
			t.Errorf("enabled: %+v, %v", got, err)
		}
		_, err = b.RemoveAdministrator(ctx, owner, api.AdministratorRef{Operator: first.ID})
		code(t, err, errs.LastOwner)
		if _, err := b.RemoveAdministrator(ctx, owner, ref); err != nil {
			t.Fatal(err)
		}
		_, err = b.Administrator(ctx, owner, ref)
		code(t, err, errs.OperatorNotFound)
		list, err := b.Administrators(ctx, owner, api.None{})
		if err != nil || len(list.Items) != 1 || list.Items[0].Name != "mei" {
			t.Errorf("left: %+v, %v", list, err)
		}
	})
}

// TestOneRuleAboutAdministrators asks the flow and the service below it as everybody: they
// never answer differently.
func TestOneRuleAboutAdministrators(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b, ctx := newBench(t, d), t.Context()
		stale := b.administrator(operator.Owner)
		stale.SudoUntil = b.now
		half := b.administrator(operator.Owner)
		half.MFA = false
		who := []operator.Principal{{}, stale, half, operator.Local("cli"), b.administrator(operator.Owner), b.administrator(operator.Owner, "mine")}
		for _, role := range operator.Roles() {
			who = append(who, b.administrator(role), operator.Principal{Kind: operator.KindKey, Role: role, Scopes: role.Scopes()})
		}
		for _, p := range who {
			_, above := b.Administrators(ctx, p, api.None{})
			_, below := b.operators.List(ctx, p)
			if errs.CodeOf(above) != errs.CodeOf(below) {
				t.Errorf("%+v: list: %v above, %v below", p, above, below)
			}
			_, above = b.RemoveAdministrator(ctx, p, api.AdministratorRef{Operator: "none"})
			below = b.operators.Remove(ctx, p, "none")
			if errs.CodeOf(above) != errs.CodeOf(below) {
				t.Errorf("%+v: remove: %v above, %v below", p, above, below)
			}
			_, above = b.RevokeAPIKey(ctx, p, api.APIKeyRef{Key: "none"})
			below = b.operators.RevokeKey(ctx, p, "none")
			if errs.CodeOf(above) != errs.CodeOf(below) {
				t.Errorf("%+v: revoke: %v above, %v below", p, above, below)
			}
		}
	})
}

func TestAPIKeysDoWhatTheyWereMadeFor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b, ctx := newBench(t, d), t.Context()
		owner := b.administrator(operator.Owner)
		made, err := b.CreateAPIKey(ctx, owner, api.NewAPIKey{
			Name: "nightly", Role: "support", Scopes: []string{"users:read", "limits:read"}, Pools: []string{"mine"},
			Addresses: []string{"203.0.113.0/24", "2001:db8::1"}, Days: 30,
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"203.0.113.0/24", "2001:db8::1/128"}; !slices.Equal(made.Addresses, want) {
			t.Errorf("addresses: %q", made.Addresses)
		}
		if life := made.ExpiresAt.Sub(b.now); life != 30*24*time.Hour {
			t.Errorf("lives %v", life)
		}
		p, err := b.operators.Authenticate(ctx, made.Key, netip.MustParseAddr("203.0.113.9"))
		if err != nil {
			t.Fatal(err)
		}
		if !b.Allowed(p, manage.LimitCheck, "mine") || b.Allowed(p, manage.LimitCheck, "theirs") || b.Allowed(p, manage.LimitRelease, "mine") || b.Allowed(p, manage.OperatorList, "") {
			t.Error("the key may do something else than it was made for")
		}
		_, err = b.operators.Authenticate(ctx, made.Key, netip.MustParseAddr("192.0.2.1"))
		code(t, err, errs.APIKeyInvalid)
		for name, in := range map[string]api.NewAPIKey{
			"above its role": {Name: "x", Role: "support", Scopes: []string{"users:write"}},
			"administrators": {Name: "x", Role: "owner", Scopes: []string{"admins:write"}},
			"no such scope":  {Name: "x", Role: "owner", Scopes: []string{"everything"}},
			"no such pool":   {Name: "x", Role: "owner", Pools: []string{"none"}},
			"no address":     {Name: "x", Role: "owner", Addresses: []string{"here"}},
			"for ever":       {Name: "x", Role: "owner", Days: 367},
			"the past":       {Name: "x", Role: "owner", Days: -1},
			"no name":        {Name: " ", Role: "owner"},
		} {
			if _, err := b.CreateAPIKey(ctx, owner, in); errs.CodeOf(err) != errs.BadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := b.RevokeAPIKey(ctx, owner, api.APIKeyRef{Key: made.ID}); err != nil {
			t.Fatal(err)
		}
		_, err = b.operators.Authenticate(ctx, made.Key, netip.MustParseAddr("203.0.113.9"))
		code(t, err, errs.APIKeyInvalid)
		_, err = b.RevokeAPIKey(ctx, owner, api.APIKeyRef{Key: made.ID})
		code(t, err, errs.APIKeyNotFound)
		list, err := b.APIKeys(ctx, owner, api.None{})
		if err != nil || len(list.Items) != 1 || list.Items[0].RevokedAt == nil || list.Items[0].LastIP != "203.0.113.9" {
			t.Errorf("listed: %+v, %v", list, err)
		}
		if diff := cmp.Diff([]string{"users:read", "limits:read"}, list.Items[0].Scopes); diff != "" {
			t.Error(diff)
		}
	})
}

package operator_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

func TestAD06APIKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k, cli := newKit(t, d), operator.Local("cli")
		text, made, err := k.NewKey(k.ctx, cli, operator.NewKey{
			Name: "ci", Role: operator.Operator, Scopes: []operator.Scope{operator.UsersRead, operator.AppsWrite},
			Pools: []string{"p1"}, Addresses: []netip.Prefix{netip.MustParsePrefix("203.0.113.9/24")}, Life: time.Hour,
		})
		if err != nil || !strings.HasPrefix(text, "ttk_") || len(text) != 47 {
			t.Fatal(text, err)
		}
		inside, outside := netip.MustParseAddr("::ffff:203.0.113.200"), netip.MustParseAddr("203.0.114.1")
		p, err := k.Authenticate(k.ctx, text, inside)
		if err != nil {
			t.Fatal(err)
		}
		want1 := operator.Principal{
			Kind: operator.KindKey, ID: made.ID, Name: "ci", Role: operator.Operator,
			Scopes: []operator.Scope{operator.UsersRead, operator.AppsWrite}, Pools: []string{"p1"},
		}
		if diff := cmp.Diff(want1, p); diff != "" {
			t.Error(diff)
		}
		if !p.Can(operator.UsersRead, "p1") || p.Can(operator.UsersRead, "p2") || p.Can(operator.UsersRead, "") ||
			p.Can(operator.UsersWrite, "p1") || p.Can(operator.SettingsRead, "") {
			t.Error("a key does more or less than it says")
		}
		_, err = k.Authenticate(k.ctx, text, outside)
		want(t, err, errs.APIKeyInvalid)
		for _, bad := range []string{"", "ttk_", text[:46], text + "A", strings.ToLower(text), strings.Repeat("x", 300)} {
			if _, err := k.Authenticate(k.ctx, bad, inside); errs.CodeOf(err) != errs.APIKeyInvalid {
				t.Errorf("%q: got %v", bad, err)
			}
		}
		listed, err := k.Keys(k.ctx, cli)
		if err != nil || len(listed) != 1 || !listed[0].LastUsed.Equal(k.now) || listed[0].LastIP != "203.0.113.200" {
			t.Fatal(listed, err)
		}
		var hash []byte
		if err := d.QueryRow(k.ctx, `SELECT hash FROM operator_keys`).Scan(&hash); err != nil || strings.Contains(string(hash), text[4:]) {
			t.Error("the key is stored as it is", err)
		}
		used := k.now
		k.now = k.now.Add(4 * time.Minute)
		if _, err := k.Authenticate(k.ctx, text, inside); err != nil {
			t.Fatal(err)
		}
		if listed, _ = k.Keys(k.ctx, cli); !listed[0].LastUsed.Equal(used) {
			t.Error("every use is a write")
		}
		k.now = used.Add(time.Hour)
		_, err = k.Authenticate(k.ctx, text, inside)
		want(t, err, errs.APIKeyInvalid)

		text, made, err = k.NewKey(k.ctx, cli, operator.NewKey{Name: "all", Role: operator.Owner})
		if err != nil {
			t.Fatal(err)
		}
		if p, err = k.Authenticate(k.ctx, text, outside); err != nil || p.Can(operator.AdminsWrite, "") || !p.Can(operator.BackupsWrite, "") {
			t.Error(p, err)
		}
		_, _, err = k.NewKey(k.ctx, p, operator.NewKey{Name: "child", Role: operator.ReadOnly})
		want(t, err, errs.PermissionDenied)
		if err := k.RevokeKey(k.ctx, cli, made.ID); err != nil {
			t.Fatal(err)
		}
		_, err = k.Authenticate(k.ctx, text, outside)
		want(t, err, errs.APIKeyInvalid)
		want(t, k.RevokeKey(k.ctx, cli, made.ID), errs.APIKeyNotFound)
	})
}

func TestKeysThatMakeNoSense(t *testing.T) {
	k := newKit(t, dbtest.Open(t, dbtest.SQLite))
	for name, bad := range map[string]operator.NewKey{
		"no name":              {Role: operator.Support},
		"a line in the name":   {Name: "a\nb", Role: operator.Support},
		"no role":              {Name: "a"},
		"above its role":       {Name: "a", Role: operator.Support, Scopes: []operator.Scope{operator.AppsWrite}},
		"makes operators":      {Name: "a", Role: operator.Owner, Scopes: []operator.Scope{operator.AdminsWrite}},
		"an unknown scope":     {Name: "a", Role: operator.Owner, Scopes: []operator.Scope{"all"}},
		"for ever":             {Name: "a", Role: operator.Support, Life: operator.MaxKeyLife + 1},
		"over at once":         {Name: "a", Role: operator.Support, Life: -time.Hour},
		"a pool without name":  {Name: "a", Role: operator.Support, Pools: []string{""}},
		"an address that is 0": {Name: "a", Role: operator.Support, Addresses: make([]netip.Prefix, 1)},
	} {
		if _, _, err := k.NewKey(k.ctx, operator.Local("cli"), bad); errs.CodeOf(err) != errs.BadRequest {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, text := range map[string]string{"short": "ttk_short", "a session": "tts_" + strings.Repeat("A", 43)} {
		if err := k.AddKey(k.ctx, operator.Local("cli"), text, operator.NewKey{Name: "a", Role: operator.Support}); errs.CodeOf(err) != errs.BadRequest {
			t.Errorf("%s: got %v", name, err)
		}
	}
	text := "mk_" + strings.Repeat("A", 43)
	for range 2 {
		if err := k.AddKey(k.ctx, operator.Local("cli"), text, operator.NewKey{Name: "a", Role: operator.Support}); err != nil {
			t.Fatal(err)
		}
	}
	if keys, err := k.Keys(k.ctx, operator.Local("cli")); err != nil || len(keys) != 1 {
		t.Error(keys, err)
	}
}

// AD-05: the matrix, spelled out once more: a change of it is a change here.
func TestAD05RolesAndScopes(t *testing.T) {
	o, s, r := operator.Operator, operator.Support, operator.ReadOnly
	matrix := map[operator.Scope][]operator.Role{
		operator.PoolsRead: {o, s, r}, operator.PoolsWrite: {o}, operator.PoolsCreate: {},
		operator.AppsRead: {o, s, r}, operator.AppsWrite: {o},
		operator.ProvidersRead: {o, s, r}, operator.ProvidersWrite: {o},
		operator.MessagesRead: {o, s, r}, operator.MessagesWrite: {o},
		operator.PipelinesRead: {o, r}, operator.PipelinesWrite: {o},
		operator.WebhooksRead: {o, r}, operator.WebhooksWrite: {o},
		operator.UsersRead: {o, s, r}, operator.UsersHelp: {o, s}, operator.UsersWrite: {o},
		operator.UsersDelete: {o}, operator.UsersImport: {o}, operator.UsersExport: {},
		operator.LimitsRead: {o, s, r}, operator.LimitsRelease: {o, s},
		operator.KeysRead: {o, r}, operator.KeysWrite: {},
		operator.AuditRead: {o, s, r}, operator.AuditExport: {o}, operator.MetricsRead: {o, s, r},
		operator.BackupsRead: {}, operator.BackupsWrite: {}, operator.AdminsRead: {}, operator.AdminsWrite: {},
		operator.SettingsRead: {o, r}, operator.SettingsWrite: {},
	}
	for _, scope := range operator.Scopes() {
		if _, ok := matrix[scope]; !ok {
			t.Errorf("%s is not in the matrix of this test", scope)
		}
		for _, role := range operator.Roles() {
			want := role == operator.Owner || slices.Contains(matrix[scope], role)
			p := operator.Principal{Kind: operator.KindOperator, Role: role, MFA: true}
			if p.Can(scope, "p1") != want || p.Can(scope, "") != want {
				t.Errorf("%s and %s: want %t", role, scope, want)
			}
			p.MFA = false
			confined := operator.Principal{Kind: operator.KindOperator, Role: role, MFA: true, Pools: []string{"p1"}}
			if p.Can(scope, "p1") || confined.Can(scope, "") || confined.Can(scope, "p2") {
				t.Errorf("%s may %s where it may not", role, scope)
			}
			if confined.Can(scope, "p1") != (want && !scope.Whole()) {
				t.Errorf("confined %s and %s", role, scope)
			}
		}
	}
	for name, p := range map[string]operator.Principal{
		"nobody": {}, "an unknown kind": {Kind: "x", Role: operator.Owner, MFA: true},
		"an unknown role": {Kind: operator.KindOperator, Role: "god", MFA: true},
		"no scopes":       {Kind: operator.KindKey, Role: operator.Owner, MFA: true},
	} {
		if p.Can(operator.UsersRead, "p1") {
			t.Errorf("%s may look", name)
		}
	}
	if !operator.Local("cli").Can(operator.BackupsWrite, "") || operator.Local("cli").Can("no:such", "") {
		t.Error("the command line")
	}
	if operator.Scope("no:such").Sudo() != true {
		t.Error("an unknown scope is the most guarded one")
	}
}

package operator_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

func TestAD01TheFirstOwnerIsMadeOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		if empty, err := k.Empty(k.ctx); err != nil || !empty {
			t.Fatal(empty, err)
		}
		stale, _, err := k.NewBootstrap(k.ctx)
		if err != nil {
			t.Fatal(err)
		}
		token, until, err := k.NewBootstrap(k.ctx)
		if err != nil || until.Sub(k.now) != time.Hour {
			t.Fatal(until, err)
		}
		p := operator.NewPerson{Name: "root", Password: good}
		for name, bad := range map[string]string{"made up": "ttb_x", "empty": "", "replaced": stale} {
			if _, err := k.Bootstrap(k.ctx, bad, p); errs.CodeOf(err) != errs.BootstrapInvalid {
				t.Errorf("%s: got %v", name, err)
			}
		}
		k.now = until
		_, err = k.Bootstrap(k.ctx, token, p)
		want(t, err, errs.BootstrapInvalid)

		k.now = until.Add(-time.Second)
		var wins atomic.Int32
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := k.Bootstrap(k.ctx, token, p); err == nil {
					wins.Add(1)
				} else if errs.CodeOf(err) != errs.BootstrapInvalid {
					t.Error(err)
				}
			})
		}
		group.Wait()
		all, err := k.List(k.ctx, operator.Local("cli"))
		if err != nil || wins.Load() != 1 || len(all) != 1 || all[0].Role != operator.Owner {
			t.Errorf("%d wins, %+v, %v", wins.Load(), all, err)
		}
		_, _, err = k.NewBootstrap(k.ctx)
		want(t, err, errs.OperatorExists)
	})
}

func TestAD02NothingIsAllowedWithoutASecondFactor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		root := k.first()
		if !k.who(root.opened.Token).Can(operator.AdminsWrite, "") {
			t.Error("an owner with both factors may do everything")
		}
		opened, err := k.SignIn(k.ctx, "ROOT", good)
		if err != nil || opened.Step != operator.Factor {
			t.Fatal(opened.Step, err)
		}
		half := k.who(opened.Token)
		for _, scope := range operator.Scopes() {
			if half.Can(scope, "") || half.Can(scope, "p1") {
				t.Errorf("a password alone may %s", scope)
			}
		}
		_, err = k.BeginTOTP(k.ctx, opened.Token)
		want(t, err, errs.FactorRequired)
		_, _, err = k.ConfirmTOTP(k.ctx, opened.Token, k.code(root.app))
		want(t, err, errs.FactorRequired)
		_, err = k.RenewRecovery(k.ctx, opened.Token)
		want(t, err, errs.FactorRequired)
		_, err = k.Sudo(k.ctx, opened.Token, k.code(root.app))
		want(t, err, errs.FactorRequired)
		want(t, k.ChangePassword(k.ctx, opened.Token, good, good+"!"), errs.FactorRequired)
		_, err = k.Sessions(k.ctx, half, root.id)
		want(t, err, errs.PermissionDenied)
		want(t, k.EndSession(k.ctx, half, root.id, ""), errs.PermissionDenied)
		_, err = k.Create(k.ctx, half, operator.NewPerson{Name: "x", Password: good, Role: operator.Owner})
		want(t, err, errs.PermissionDenied)
		_, _, err = k.NewKey(k.ctx, half, operator.NewKey{Name: "x", Role: operator.Owner})
		want(t, err, errs.PermissionDenied)

		full, err := k.SecondFactor(k.ctx, opened.Token, k.code(root.app))
		if err != nil || full.Step != operator.Done || full.Token == opened.Token {
			t.Fatal(full.Step, err)
		}
		_, _, err = k.Session(k.ctx, opened.Token)
		want(t, err, errs.SessionInvalid)
	})
}

// MF: a code of the authenticator is good once, a recovery code too, and guesses end.
func TestSecondFactorsAreSpent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		root := k.first()
		open := func() string {
			t.Helper()
			opened, err := k.SignIn(k.ctx, "root", good)
			if err != nil {
				t.Fatal(err)
			}
			return opened.Token
		}
		replayed := k.code(root.app)
		if _, err := k.SecondFactor(k.ctx, open(), replayed); err != nil {
			t.Fatal(err)
		}
		_, err := k.SecondFactor(k.ctx, open(), replayed)
		want(t, err, errs.SecondFactorWrong)
		// The step before is within the skew, but older than what was shown.
		_, err = k.SecondFactor(k.ctx, open(), codeAt(t, root.app.Secret, k.now.Unix()/30-1))
		want(t, err, errs.SecondFactorWrong)
		_, err = k.SecondFactor(k.ctx, open(), codeAt(t, root.app.Secret, k.now.Unix()/30+2))
		want(t, err, errs.SecondFactorWrong)

		if len(root.recovery) != operator.RecoveryCodes {
			t.Fatal(root.recovery)
		}
		spent := strings.ToUpper(root.recovery[3])
		var wins atomic.Int32
		var group sync.WaitGroup
		for range 4 {
			token := open()
			group.Go(func() {
				if _, err := k.SecondFactor(k.ctx, token, spent); err == nil {
					wins.Add(1)
				}
			})
		}
		group.Wait()
		all, err := k.List(k.ctx, operator.Local("cli"))
		if err != nil || wins.Load() != 1 || all[0].Recovery != operator.RecoveryCodes-1 {
			t.Errorf("%d uses of one recovery code, %+v, %v", wins.Load(), all, err)
		}
		k.now = k.now.Add(time.Hour)
		token := open()
		for range 10 {
			_, err = k.SecondFactor(k.ctx, token, "000000")
			want(t, err, errs.SecondFactorWrong)
		}
		_, err = k.SecondFactor(k.ctx, token, k.code(root.app))
		want(t, err, errs.TooManyRequests)
		k.now = k.now.Add(15 * time.Minute)
		if _, err = k.SecondFactor(k.ctx, open(), k.code(root.app)); err != nil {
			t.Error(err)
		}
	})
}

func TestAD04SessionsEnd(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		root := k.first()
		start := k.now
		alive := func() bool {
			_, _, err := k.Session(k.ctx, root.opened.Token)
			return err == nil
		}
		for k.now.Add(29 * time.Minute).Before(start.Add(operator.SessionLife - time.Minute)) {
			k.now = k.now.Add(29 * time.Minute)
			if !alive() {
				t.Fatalf("ended after %s in use", k.now.Sub(start))
			}
		}
		k.now = start.Add(12 * time.Hour)
		if alive() {
			t.Error("lives longer than 12 hours")
		}
		opened, err := k.SignIn(k.ctx, "root", good)
		if err != nil {
			t.Fatal(err)
		}
		k.now = k.now.Add(10 * time.Minute)
		_, err = k.SecondFactor(k.ctx, opened.Token, k.code(root.app))
		want(t, err, errs.SessionInvalid)

		if opened, err = k.SignIn(k.ctx, "root", good); err != nil {
			t.Fatal(err)
		}
		if opened, err = k.SecondFactor(k.ctx, opened.Token, k.code(root.app)); err != nil {
			t.Fatal(err)
		}
		k.now = k.now.Add(30 * time.Minute)
		_, _, err = k.Session(k.ctx, opened.Token)
		want(t, err, errs.SessionInvalid)
		if err := k.Sweep(k.ctx); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := d.QueryRow(k.ctx, `SELECT COUNT(*) FROM operator_sessions`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d sessions stay, %v", n, err)
		}
	})
}

func TestAD04SensitiveThingsWantAFreshFactor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		root := k.first()
		p := k.who(root.opened.Token)
		for _, scope := range []operator.Scope{
			operator.UsersExport, operator.KeysWrite, operator.PoolsCreate, operator.PipelinesWrite,
			operator.ProvidersWrite, operator.AdminsWrite,
		} {
			if !p.Fresh(scope, k.now) || p.Fresh(scope, k.now.Add(operator.SudoLife)) {
				t.Errorf("%s: sudo lasts wrongly", scope)
			}
		}
		if !p.Fresh(operator.UsersRead, k.now.Add(time.Hour)) {
			t.Error("reading wants no fresh factor")
		}
		k.now = k.now.Add(operator.SudoLife)
		p = k.who(root.opened.Token)
		_, err := k.Create(k.ctx, p, operator.NewPerson{Name: "b", Password: good, Role: operator.Support})
		want(t, err, errs.SudoRequired)
		_, err = k.RenewRecovery(k.ctx, root.opened.Token)
		want(t, err, errs.SudoRequired)
		_, err = k.BeginTOTP(k.ctx, root.opened.Token)
		want(t, err, errs.SudoRequired)
		_, err = k.Sudo(k.ctx, root.opened.Token, "123456")
		want(t, err, errs.SecondFactorWrong)
		until, err := k.Sudo(k.ctx, root.opened.Token, k.code(root.app))
		if err != nil || until.Sub(k.now) > 10*time.Minute {
			t.Fatal(until, err)
		}
		if _, err = k.Create(k.ctx, k.who(root.opened.Token), operator.NewPerson{Name: "b", Password: good, Role: operator.Support}); err != nil {
			t.Error(err)
		}
		codes, err := k.RenewRecovery(k.ctx, root.opened.Token)
		if err != nil || cmp.Equal(codes, root.recovery) {
			t.Error(codes, err)
		}
		opened, err := k.SignIn(k.ctx, "root", good)
		if err != nil {
			t.Fatal(err)
		}
		_, err = k.SecondFactor(k.ctx, opened.Token, root.recovery[0])
		want(t, err, errs.SecondFactorWrong)
		if _, err = k.SecondFactor(k.ctx, opened.Token, codes[0]); err != nil {
			t.Error(err)
		}
	})
}

func TestWrongOperatorPasswordsAreCountedAndTellNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.first()
		for _, name := range []string{"root", "nobody", "no body", ""} {
			_, err := k.SignIn(k.ctx, name, "wrong")
			want(t, err, errs.SignInWrong)
		}
		for range 9 {
			_, err := k.SignIn(k.ctx, "root", "wrong")
			want(t, err, errs.SignInWrong)
		}
		_, err := k.SignIn(k.ctx, "root", good)
		want(t, err, errs.TooManyRequests)
		if _, err = k.SignIn(from(t.Context(), "198.51.100.9"), "root", good); err != nil {
			t.Errorf("a stranger locked the owner out: %v", err)
		}
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		root, cli := k.first(), operator.Local("cli")
		want(t, k.SetRole(k.ctx, cli, root.id, operator.Support, nil), errs.LastOwner)
		want(t, k.Disable(k.ctx, cli, root.id), errs.LastOwner)
		want(t, k.Remove(k.ctx, cli, root.id), errs.LastOwner)
		other := k.another("other", operator.Owner)
		var group sync.WaitGroup
		var wins atomic.Int32
		for _, id := range []string{root.id, other.id} {
			for _, do := range []func() error{
				func() error { return k.SetRole(k.ctx, cli, id, operator.Support, nil) },
				func() error { return k.Disable(k.ctx, cli, id) },
				func() error { return k.Remove(k.ctx, cli, id) },
			} {
				group.Go(func() {
					if do() == nil {
						wins.Add(1)
					}
				})
			}
		}
		group.Wait()
		all, err := k.List(k.ctx, cli)
		owners := 0
		for _, p := range all {
			if p.Role == operator.Owner && !p.Disabled {
				owners++
			}
		}
		if err != nil || owners != 1 || wins.Load() == 0 {
			t.Errorf("%d owners left, %d changes, %v", owners, wins.Load(), err)
		}
	})
}

func TestOperatorsAreMadeChangedAndRemoved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		root := k.first()
		by := k.who(root.opened.Token)
		bad := []struct {
			name string
			p    operator.NewPerson
			code errs.Code
		}{
			{"a name in use", operator.NewPerson{Name: "rOOt", Password: good, Role: operator.Support}, errs.OperatorTaken},
			{"a name with a space", operator.NewPerson{Name: "a b", Password: good, Role: operator.Support}, errs.OperatorName},
			{"a control character", operator.NewPerson{Name: "a\nb", Password: good, Role: operator.Support}, errs.OperatorName},
			{"an unknown role", operator.NewPerson{Name: "b", Password: good, Role: "god"}, errs.BadRequest},
			{"a confined owner", operator.NewPerson{Name: "b", Password: good, Role: operator.Owner, Pools: []string{"p1"}}, errs.BadRequest},
			{"a short password", operator.NewPerson{Name: "b", Password: "eleven chrs", Role: operator.Support}, errs.PasswordTooShort},
		}
		for _, test := range bad {
			if _, err := k.Create(k.ctx, by, test.p); errs.CodeOf(err) != test.code {
				t.Errorf("%s: got %v", test.name, err)
			}
		}
		help := k.another("助手@example.com", operator.Support)
		for name, p := range map[string]operator.Principal{"support": k.who(help.opened.Token), "nobody": {}} {
			_, err := k.Create(k.ctx, p, operator.NewPerson{Name: "c", Password: good, Role: operator.Owner})
			if errs.CodeOf(err) != errs.PermissionDenied {
				t.Errorf("%s made an operator: %v", name, err)
			}
			want(t, k.SetRole(k.ctx, p, help.id, operator.Owner, nil), errs.PermissionDenied)
			_, err = k.List(k.ctx, p)
			want(t, err, errs.PermissionDenied)
			want(t, k.ResetFactor(k.ctx, p, help.id), errs.PermissionDenied)
		}
		if me, err := k.Get(k.ctx, k.who(help.opened.Token), help.id); err != nil || me.Name != help.name {
			t.Error(me, err)
		}
		if err := k.SetRole(k.ctx, by, help.id, operator.Operator, []string{"p2"}); err != nil {
			t.Fatal(err)
		}
		p := k.who(help.opened.Token)
		if !p.Can(operator.AppsWrite, "p2") || p.Can(operator.AppsWrite, "p1") || p.Can(operator.SettingsRead, "") {
			t.Errorf("a change of role is not at once: %+v", p)
		}
		if err := k.Disable(k.ctx, by, help.id); err != nil {
			t.Fatal(err)
		}
		_, _, err := k.Session(k.ctx, help.opened.Token)
		want(t, err, errs.SessionInvalid)
		_, err = k.SignIn(k.ctx, help.name, good)
		want(t, err, errs.SignInWrong)
		if err := k.Enable(k.ctx, by, help.id); err != nil {
			t.Fatal(err)
		}
		if _, err = k.SignIn(k.ctx, help.name, good); err != nil {
			t.Fatal(err)
		}
		if err := k.Remove(k.ctx, by, help.id); err != nil {
			t.Fatal(err)
		}
		want(t, k.Remove(k.ctx, by, help.id), errs.OperatorNotFound)
		_, err = k.SignIn(k.ctx, help.name, good)
		want(t, err, errs.SignInWrong)
	})
}

func TestOnlyTheHostHelpsWhoLostAFactor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		root := k.first()
		want(t, k.ResetFactor(k.ctx, k.who(root.opened.Token), root.id), errs.PermissionDenied)
		want(t, k.SetPassword(k.ctx, k.who(root.opened.Token), root.id, good+"2"), errs.PermissionDenied)
		cli := operator.Local("cli")
		if err := k.ResetFactor(k.ctx, cli, root.id); err != nil {
			t.Fatal(err)
		}
		if err := k.SetPassword(k.ctx, cli, root.id, good+"2"); err != nil {
			t.Fatal(err)
		}
		_, _, err := k.Session(k.ctx, root.opened.Token)
		want(t, err, errs.SessionInvalid)
		opened, err := k.SignIn(k.ctx, "root", good+"2")
		if err != nil || opened.Step != operator.Enrol {
			t.Fatal(opened.Step, err)
		}
		_, err = k.SecondFactor(k.ctx, opened.Token, root.recovery[0])
		want(t, err, errs.FactorUnset)
		k.enrol("root", opened)
	})
}

func TestChangingAPasswordEndsTheOtherSessions(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		root := k.first()
		other, err := k.SignIn(k.ctx, "root", good)
		if err != nil {
			t.Fatal(err)
		}
		list, err := k.Sessions(k.ctx, k.who(root.opened.Token), root.id)
		if err != nil || len(list) != 2 || list[0].IP != "203.0.113.7" {
			t.Fatal(list, err)
		}
		want(t, k.ChangePassword(k.ctx, root.opened.Token, "wrong", good+"2"), errs.SignInWrong)
		want(t, k.ChangePassword(k.ctx, root.opened.Token, good, "short"), errs.PasswordTooShort)
		if err := k.ChangePassword(k.ctx, root.opened.Token, good, good+"2"); err != nil {
			t.Fatal(err)
		}
		_, _, err = k.Session(k.ctx, other.Token)
		want(t, err, errs.SessionInvalid)
		if _, err := k.SignIn(k.ctx, "root", good+"2"); err != nil {
			t.Fatal(err)
		}
		if err := k.SignOut(k.ctx, root.opened.Token); err != nil {
			t.Fatal(err)
		}
		_, _, err = k.Session(k.ctx, root.opened.Token)
		want(t, err, errs.SessionInvalid)
		if err := k.SignOut(k.ctx, root.opened.Token); err != nil {
			t.Error(err)
		}
	})
}

package signin_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

func TestRegister(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Username: "taken", Phone: "+8613700000000"})
		out, err := k.Signin.Register(t.Context(), signin.RegisterInput{
			Client: k.Client, Phone: "138 0000 0000", Token: k.Verified(t, phone, "", ""), Password: password,
			Profile: user.Profile{Name: new("Alice"), Username: new("alice"), Gender: new("MALE")},
		})
		wantCode(t, err, "")
		u, err := k.Users.ByID(t.Context(), "p", out.User.ID)
		wantCode(t, err, "")
		if u.Name != "Alice" || u.Username != "alice" || u.Phone != phone || !u.PhoneVerified || u.Gender != user.GenderMale {
			t.Errorf("stored %+v", u)
		}
		if p := k.Principal(t, *out.Session); p.UserID != u.ID || p.Scope != signin.DefaultScope {
			t.Errorf("principal = %+v", p)
		}
		wantCode(t, byPassword(t, k, "alice", password), "")

		for _, tt := range []struct {
			name string
			in   signin.RegisterInput
			want errs.Code
		}{
			{"the phone is taken", signin.RegisterInput{Phone: phone, Token: k.Verified(t, phone, "", "")}, errs.IdentifierTaken},
			{"the name is taken", signin.RegisterInput{
				Email: email, Token: k.Verified(t, email, "", ""), Profile: user.Profile{Username: new("Taken")},
			}, errs.UsernameTaken},
			{"the name is a phone LK-09", signin.RegisterInput{
				Email: email, Token: k.Verified(t, email, "", ""), Profile: user.Profile{Username: new("13700000000")},
			}, errs.UsernameInvalid},
			{"another address", signin.RegisterInput{Phone: "13900000000", Token: k.Verified(t, email, "", "")}, errs.IdentifierMismatch},
			{"no proof", signin.RegisterInput{Phone: "13900000000"}, errs.FieldMissing},
			{"a short password PW-01", signin.RegisterInput{Email: email, Token: k.Verified(t, email, "", ""), Password: "short"}, errs.PasswordTooShort},
			{"a token for sudo VC-05", signin.RegisterInput{Email: email, Token: k.Verified(t, email, "", signin.UsageSudo)}, errs.VerificationInvalid},
		} {
			t.Run(tt.name, func(t *testing.T) {
				tt.in.Client = k.Client
				_, err := k.Signin.Register(t.Context(), tt.in)
				wantCode(t, err, tt.want)
			})
		}
		_, digits := k.Code(t, email, "", "")
		_, err = k.Signin.Register(t.Context(), signin.RegisterInput{ // the code survives what can be corrected
			Client: k.Client, Email: email, Code: digits, Password: "short",
		})
		wantCode(t, err, errs.PasswordTooShort)
		out, err = k.Signin.Register(t.Context(), signin.RegisterInput{Client: k.Client, Email: email, Code: digits})
		wantCode(t, err, "")
		if out.User.Email != email || !out.User.EmailVerified {
			t.Errorf("registered %+v", out.User)
		}
	})
}

// TK-02: fifty registrations with one token, one account.
func TestOneOfFiftyRegisters(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		token := k.Verified(t, phone, "", "")
		won, lost := accounttest.Race(50, func(int) error {
			_, err := k.Signin.Register(t.Context(), signin.RegisterInput{Client: k.Client, Phone: phone, Token: token, Password: password})
			return err
		})
		if won != 1 {
			t.Errorf("%d registered: %v", won, lost)
		}
		for _, err := range lost {
			if c := errs.CodeOf(err); c != errs.VerificationInvalid && c != errs.IdentifierTaken {
				t.Errorf("lost with %v", err)
			}
		}
	})
}

func anonymous(t *testing.T, k *accounttest.Kit, device string) (signin.Outcome, error) {
	t.Helper()
	return k.Signin.SignIn(t.Context(), signin.Input{Client: k.Client, Method: signin.MethodAnonymous, DeviceID: device})
}

// TK-04: an anonymous person becomes exactly one account and keeps their id.
func TestAnonymousUpgrade(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		ctx := t.Context()
		before, err := anonymous(t, k, "device")
		wantCode(t, err, "")
		k.User(t, admin.NewUser{Username: "bob", Password: password})
		bob, _ := k.SignIn(t, "bob")

		upgrade := func(c signin.RegisterInput) error {
			if c.Client.ID == "" {
				c.Client = k.Client
			}
			_, err := k.Signin.Register(ctx, c)
			return err
		}
		wantCode(t, upgrade(signin.RegisterInput{Token: k.Verified(t, email, "", ""), AnonymousAccess: bob.Access}), errs.AnonymousInvalid)
		wantCode(t, upgrade(signin.RegisterInput{Token: k.Verified(t, email, "", ""), AnonymousAccess: "nonsense"}), errs.AnonymousInvalid)
		own := k.Client
		k.Client.ID = "other"
		wantCode(t, upgrade(signin.RegisterInput{
			Client: k.Client, Token: k.Verified(t, email, "", ""), AnonymousAccess: before.Session.Access,
		}), errs.AnonymousInvalid)
		k.Client = own
		k.User(t, admin.NewUser{Phone: phone})
		wantCode(t, upgrade(signin.RegisterInput{Token: k.Verified(t, phone, "", ""), AnonymousAccess: before.Session.Access}), errs.IdentifierTaken)

		out, err := k.Signin.Register(ctx, signin.RegisterInput{
			Client: k.Client, Email: email, Token: k.Verified(t, email, "", ""), AnonymousAccess: before.Session.Access,
		})
		wantCode(t, err, "")
		if out.User.ID != before.User.ID || out.User.Anonymous() || out.Session.Scope == signin.ScopeAnonymous {
			t.Errorf("upgraded to %+v", out.User)
		}
		_, err = k.Sessions.Verify(ctx, before.Session.Access)
		wantCode(t, err, errs.SessionInvalid)
		_, err = k.Sessions.Rotate(ctx, k.Client.Pool, k.Client.ID, before.Session.Refresh)
		wantCode(t, err, errs.RefreshInvalid)
		wantCode(t, upgrade(signin.RegisterInput{
			Token: k.Verified(t, "two@example.com", "", ""), AnonymousAccess: before.Session.Access,
		}), errs.AnonymousInvalid)
		wantCode(t, upgrade(signin.RegisterInput{
			Token: k.Verified(t, "two@example.com", "", ""), AnonymousAccess: out.Session.Access,
		}), errs.AnonymousInvalid)

		again, err := anonymous(t, k, "device")
		wantCode(t, err, "")
		if again.User.ID == out.User.ID {
			t.Error("the device still leads to the account")
		}
	})
}

// TK-04: of many different upgrades of one anonymous person, one wins.
func TestOneUpgradeOfMany(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		before, err := anonymous(t, k, "device")
		wantCode(t, err, "")
		tokens := make([]string, 20)
		for i := range tokens {
			tokens[i] = k.Verified(t, string(rune('a'+i))+"@example.com", "", "")
		}
		won, lost := accounttest.Race(len(tokens), func(i int) error {
			_, err := k.Signin.Register(t.Context(), signin.RegisterInput{
				Client: k.Client, Token: tokens[i], AnonymousAccess: before.Session.Access,
			})
			return err
		})
		if won != 1 {
			t.Errorf("%d upgrades: %v", won, lost)
		}
		for _, err := range lost {
			wantCode(t, err, errs.AnonymousInvalid)
		}
		accounts := 0
		for i := range tokens {
			if _, err := k.Users.ByTarget(t.Context(), "p", string(rune('a'+i))+"@example.com"); err == nil {
				accounts++
			}
		}
		if accounts != 1 {
			t.Errorf("%d accounts", accounts)
		}
	})
}

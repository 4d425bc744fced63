package signin_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

func unproved(k *accounttest.Kit, edit func(*signin.RegisterInput)) signin.RegisterInput {
	in := signin.RegisterInput{Client: k.Client, Unproved: true, Password: password}
	edit(&in)
	return in
}

func TestPeopleRegisterWithoutProof(t *testing.T) {
	type want struct{ Username, Phone, Email, RegisteredBy string }
	for name, test := range map[string]struct {
		edit   func(*signin.RegisterInput)
		want   want
		signIn string
	}{
		"by email": {
			func(in *signin.RegisterInput) { in.Email = "Alice@Example.com" },
			want{Email: "alice@example.com", RegisteredBy: "email"},
			"ALICE@example.com",
		},
		"by user name": {
			func(in *signin.RegisterInput) { in.Profile.Username = new("Alice") },
			want{Username: "Alice", RegisteredBy: "username"},
			"alice",
		},
		"by phone": {
			func(in *signin.RegisterInput) { in.Phone = phone },
			want{Phone: phone, RegisteredBy: "phone"},
			"13800000000",
		},
		"by email, and a user name on top": {
			func(in *signin.RegisterInput) { in.Email, in.Profile.Username = email, new("alice") },
			want{Username: "alice", Email: email, RegisteredBy: "email"},
			"alice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d)
				out, err := k.Signin.Register(accounttest.From(t, "192.0.2.7", ""), unproved(k, test.edit))
				wantCode(t, err, "")
				u, err := k.Users.ByID(t.Context(), "p", out.User.ID)
				wantCode(t, err, "")
				if diff := cmp.Diff(test.want, want{u.Username, u.Phone, u.Email, u.RegisteredBy}); diff != "" {
					t.Error(diff)
				}
				if u.PhoneVerified || u.EmailVerified {
					t.Error("a claim counts as verified")
				}
				if out.Session == nil || out.User.SignIns != 1 || u.SignIns != 1 || u.LastIP != "192.0.2.7" {
					t.Errorf("outcome %+v, stored %d sign-ins from %q", out, u.SignIns, u.LastIP)
				}
				wantCode(t, byPassword(t, k, test.signIn, password), "")
				_, err = k.Signin.Register(t.Context(), unproved(k, test.edit))
				if !taken(err) {
					t.Errorf("the same once more: %v", err)
				}
			})
		})
	}
}

func taken(err error) bool {
	c := errs.CodeOf(err)
	return c == errs.IdentifierTaken || c == errs.UsernameTaken
}

// PW-01: the policy of the pool holds for every way to register.
func TestPW01UnprovedRegistrationKeepsThePolicy(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*signin.RegisterInput)
		want errs.Code
	}{
		"too short":     {func(in *signin.RegisterInput) { in.Email, in.Password = email, "short7x" }, errs.PasswordTooShort},
		"well known":    {func(in *signin.RegisterInput) { in.Email, in.Password = email, "password1" }, errs.PasswordCommon},
		"none":          {func(in *signin.RegisterInput) { in.Email, in.Password = email, "" }, errs.FieldMissing},
		"no identifier": {func(*signin.RegisterInput) {}, errs.FieldMissing},
		"bad email":     {func(in *signin.RegisterInput) { in.Email = "nope" }, errs.EmailInvalid},
		"bad phone":     {func(in *signin.RegisterInput) { in.Phone = "123" }, errs.PhoneInvalid},
		"bad user name": {func(in *signin.RegisterInput) { in.Profile.Username = new("13800000000") }, errs.UsernameInvalid},
		"not allowed":   {func(in *signin.RegisterInput) { in.Email, in.Unproved = email, false }, errs.FieldMissing},
	} {
		t.Run(name, func(t *testing.T) {
			k := accounttest.New(t, dbtest.Open(t, dbtest.SQLite))
			_, err := k.Signin.Register(t.Context(), unproved(k, test.edit))
			wantCode(t, err, test.want)
			_, err = k.Users.ByIdentifier(t.Context(), "p", contact.KindEmail, email)
			wantCode(t, err, errs.UserNotFound)
		})
	}
}

func TestRegistrationWithoutSession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		out, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) {
			in.Email, in.NoSession = email, true
		}))
		wantCode(t, err, "")
		if out.Session != nil || out.Next != nil || out.User.ID == "" || out.User.SignIns != 0 {
			t.Errorf("outcome %+v", out)
		}
		if list, err := k.Sessions.List(t.Context(), out.User.ID); err != nil || len(list) != 0 {
			t.Errorf("sessions %v, %v", list, err)
		}
	})
}

func TestCustomDataIsKeptAtRegistration(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		for _, f := range []field.Field{{Key: "school", DataType: field.String}, {Key: "age", DataType: field.Number}} {
			_, err := k.Fields.Define(t.Context(), "p", f)
			wantCode(t, err, "")
		}
		custom := map[string]any{"school": "hust", "age": float64(20), "unknown": "x"}
		out, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) {
			in.Email, in.Custom = email, custom
		}))
		wantCode(t, err, "")
		u, err := k.Users.ByID(t.Context(), "p", out.User.ID)
		wantCode(t, err, "")
		want := map[string]any{"school": "hust", "age": float64(20)}
		if diff := cmp.Diff(want, u.Custom); diff != "" {
			t.Error(diff)
		}
		out, err = k.Signin.SignIn(t.Context(), signin.Input{
			Client: k.Client, Method: signin.MethodPassword, Identifier: "bob", Password: password,
			AutoRegister: true, Custom: custom,
		})
		wantCode(t, err, "")
		if diff := cmp.Diff(want, out.User.Custom); diff != "" {
			t.Error(diff)
		}
	})
}

// EN-03: registrations that cost nothing are bounded by address, for what they tell too.
func TestEN03UnprovedRegistrationsAreLimited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits = true })
		ctx := accounttest.From(t, "192.0.2.1", "")
		in := unproved(k, func(in *signin.RegisterInput) { in.Email, in.NoSession = email, true })
		_, err := k.Signin.Register(ctx, in)
		wantCode(t, err, "")
		for range 9 {
			_, err = k.Signin.Register(ctx, in)
			wantCode(t, err, errs.IdentifierTaken)
		}
		_, err = k.Signin.Register(ctx, in)
		wantCode(t, err, errs.TooManyRequests)
		_, err = k.Signin.SignIn(ctx, signin.Input{
			Client: k.Client, Method: signin.MethodPassword, Identifier: "bob", Password: password, AutoRegister: true,
		})
		wantCode(t, err, errs.TooManyRequests)
		_, err = k.Signin.Register(accounttest.From(t, "192.0.2.2", ""), in)
		wantCode(t, err, errs.IdentifierTaken)
	})
}

// EN-03: a password that is no good for a new account tells who has none as well.
func TestEN03WeakPasswordsDoNotTellWhoIsUnknown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits = true })
		ctx := accounttest.From(t, "192.0.2.1", "")
		guess := func(i int) error {
			_, err := k.Signin.SignIn(ctx, signin.Input{
				Client: k.Client, Method: signin.MethodPassword, AutoRegister: true, Password: "x",
				Identifier: fmt.Sprintf("somebody%d", i),
			})
			return err
		}
		for i := range 10 {
			wantCode(t, guess(i), errs.PasswordTooShort)
		}
		wantCode(t, guess(10), errs.TooManyRequests)
	})
}

// PW-12: that a password could not be read is told so often and no more; past that,
// nothing is even opened.
func TestPW12UnreadablePasswordsAreCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits = true })
		ctx, opened := accounttest.From(t, "192.0.2.1", ""), 0
		sealed := func(ctx context.Context, plain string) error {
			got, err := k.Signin.Proofs().Sealed(ctx, k.Client.Pool, func() ([]byte, error) {
				opened++
				return []byte(plain), nil
			})
			if err == nil && got != plain {
				t.Errorf("%q became %q", plain, got)
			}
			return err
		}
		for range 50 {
			wantCode(t, sealed(ctx, "\xff\xfe"), errs.PasswordInvalid)
			wantCode(t, sealed(ctx, password), "")
			wantCode(t, sealed(ctx, ""), errs.PasswordInvalid)
		}
		before := opened
		wantCode(t, sealed(ctx, "\xff\xfe"), errs.TooManyRequests)
		wantCode(t, sealed(ctx, password), errs.TooManyRequests)
		if opened != before {
			t.Error("still opened")
		}
		wantCode(t, sealed(accounttest.From(t, "192.0.2.2", ""), password), "")
	})
}

func TestSomebodyUnknownIsRegisteredByTheirPassword(t *testing.T) {
	for identifier, check := range map[string]func(user.User) bool{
		"neo":               func(u user.User) bool { return u.Username == "neo" && u.RegisteredBy == "username" },
		"neo@example.com":   func(u user.User) bool { return u.Email == "neo@example.com" && !u.EmailVerified },
		"+8613800000000":    func(u user.User) bool { return u.Phone == phone && !u.PhoneVerified && u.RegisteredBy == "phone" },
		" Neo@Example.COM ": func(u user.User) bool { return u.Email == "neo@example.com" && u.RegisteredBy == "email" },
	} {
		t.Run(identifier, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d)
				in := signin.Input{
					Client: k.Client, Method: signin.MethodPassword, Identifier: identifier, Password: password,
				}
				_, err := k.Signin.SignIn(t.Context(), in)
				wantCode(t, err, errs.UserNotFound)
				in.AutoRegister = true
				out, err := k.Signin.SignIn(t.Context(), in)
				wantCode(t, err, "")
				if !check(out.User) || out.Session == nil {
					t.Errorf("outcome %+v", out)
				}
				again, err := k.Signin.SignIn(t.Context(), in)
				wantCode(t, err, "")
				if again.User.ID != out.User.ID || again.User.SignIns != 2 {
					t.Errorf("again %+v", again.User)
				}
				in.Password = "another-horse-battery"
				_, err = k.Signin.SignIn(t.Context(), in)
				wantCode(t, err, errs.PasswordWrong)
				in.Identifier, in.Password = "trinity", "short"
				_, err = k.Signin.SignIn(t.Context(), in)
				wantCode(t, err, errs.PasswordTooShort)
			})
		})
	}
}

// Two who register one name at once make one account, and who knows its password gets in.
func TestAutoRegisterAtOnceMakesOneAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, identifier := range []string{"neo", email, phone} {
			k := accounttest.New(t, d)
			won, lost := accounttest.Race(20, func(int) error {
				_, err := k.Signin.SignIn(t.Context(), signin.Input{
					Client: k.Client, Method: signin.MethodPassword, Identifier: identifier,
					Password: password, AutoRegister: true,
				})
				return err
			})
			if won != 20 {
				t.Errorf("%s: %d got in, others %v", identifier, won, lost)
			}
		}
		var n int
		if err := d.QueryRow(t.Context(), `SELECT COUNT(*) FROM users`).Scan(&n); err != nil || n != 3 {
			t.Errorf("%d accounts, %v", n, err)
		}
	})
}

// EN-05: that somebody is blocked is told after the right password only.
func TestEN05BlockedIsToldAfterTheSecret(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Username: "alice", Phone: phone, Password: password, Status: user.StatusBlocked})
		for _, auto := range []bool{false, true} {
			in := signin.Input{
				Client: k.Client, Method: signin.MethodPassword, Identifier: "alice",
				Password: "another-horse-battery", AutoRegister: auto,
			}
			_, err := k.Signin.SignIn(t.Context(), in)
			wantCode(t, err, errs.PasswordWrong)
			in.Password = password
			_, err = k.Signin.SignIn(t.Context(), in)
			wantCode(t, err, errs.UserBlocked)
			_, digits := k.Code(t, phone, "", signin.UsageSignIn)
			_, err = byToken(t, k, phone, digits)
			wantCode(t, err, errs.UserBlocked)
		}
	})
}

func TestTheStyleOfATokenIsTheCallers(t *testing.T) {
	k := accounttest.New(t, dbtest.Open(t, dbtest.SQLite))
	style := func(u user.User) session.Style {
		return session.Style{Alg: "RS256", Typ: session.TypLogin, Claims: map[string]any{"data": map[string]any{"id": u.ID}}}
	}
	out, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) {
		in.Email, in.Style = email, style
	}))
	wantCode(t, err, "")
	if _, err := k.Sessions.Verify(t.Context(), out.Session.Access); errs.CodeOf(err) != errs.SessionInvalid {
		t.Errorf("a login token is an access token: %v", err)
	}
	p, err := k.Sessions.VerifyAny(t.Context(), out.Session.Access)
	wantCode(t, err, "")
	if p.UserID != out.User.ID {
		t.Errorf("principal %+v", p)
	}
}

package signin_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

const thiefsPhone = "+8613900000000"

// trap is an account somebody made with an address that is not theirs, and every way in
// they could think of.
type trap struct {
	user     user.User
	tokens   session.Tokens
	sudo     string
	device   string
	pending  string // a verification token for an address of theirs
	identity user.Identity
}

func setTrap(t *testing.T, k *accounttest.Kit, edit func(*signin.RegisterInput)) trap {
	t.Helper()
	out, err := k.Signin.Register(t.Context(), unproved(k, edit))
	wantCode(t, err, "")
	p := k.Principal(t, *out.Session)
	_, digits := k.Code(t, thiefsPhone, "", signin.UsageContact)
	wantCode(t, k.Account.BindContact(t.Context(), p, account.BindInput{
		Phone: thiefsPhone, Token: digits, Assurance: account.BySession,
	}), "")
	grant, err := k.Account.Sudo(t.Context(), p, password, "")
	wantCode(t, err, "")
	code, err := k.Account.StartDevice(t.Context(), k.Client, "")
	wantCode(t, err, "")
	wantCode(t, k.Account.AuthorizeDevice(t.Context(), p, code.UserCode), "")
	id := user.Identity{Provider: "wechat", Subject: "thief"}
	wantCode(t, k.Users.Link(t.Context(), "p", out.User.ID, id), "")
	return trap{
		user: out.User, tokens: *out.Session, sudo: grant.Token, device: code.DeviceCode, identity: id,
		pending: k.Verified(t, "thief@example.com", out.User.ID, signin.UsageContact),
	}
}

// sprung expects that nothing of the trap works for the thief.
func (tr trap) sprung(t *testing.T, k *accounttest.Kit, target string) {
	t.Helper()
	if _, err := k.Sessions.Verify(t.Context(), tr.tokens.Access); errs.CodeOf(err) != errs.SessionInvalid {
		t.Errorf("the thief's session: %v", err)
	}
	_, err := k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, tr.tokens.Refresh)
	wantCode(t, err, errs.RefreshInvalid)
	if err := byPassword(t, k, target, password); err == nil {
		t.Error("the thief's password works")
	}
	_, err = k.Account.PollDevice(t.Context(), k.Client, tr.device)
	wantCode(t, err, errs.DeviceCodeInvalid)
	_, err = k.Users.ByIdentity(t.Context(), "p", tr.identity.Provider, tr.identity.Subject)
	wantCode(t, err, errs.UserNotFound)
	_, digits := k.Code(t, thiefsPhone, "", signin.UsageSignIn)
	_, err = byCode(t, k, thiefsPhone, digits, false)
	wantCode(t, err, errs.UserNotFound)
}

// LK-01, LK-03, LK-06: somebody makes an account with the address of another and prepares
// to keep it. Whoever then proves the address gets it alone.
func TestLK01TheProverTakesTheAccount(t *testing.T) {
	for name, prove := range map[string]func(t *testing.T, k *accounttest.Kit, bearer string) error{
		"sign-in by code": func(t *testing.T, k *accounttest.Kit, bearer string) error {
			t.Helper()
			_, digits := k.Code(t, email, "", signin.UsageEnter)
			_, err := k.Signin.SignIn(t.Context(), signin.Input{
				Client: k.Client, Method: signin.MethodVerification, Identifier: email, Token: digits, Bearer: bearer,
			})
			return err
		},
		"sign-in by token": func(t *testing.T, k *accounttest.Kit, _ string) error {
			t.Helper()
			_, err := byToken(t, k, "", k.Verified(t, email, "", ""))
			return err
		},
		"sign-in by code that may register": func(t *testing.T, k *accounttest.Kit, _ string) error {
			t.Helper()
			_, digits := k.Code(t, email, "", signin.UsageEnter)
			_, err := byCode(t, k, email, digits, true)
			return err
		},
		"reset by code": func(t *testing.T, k *accounttest.Kit, bearer string) error {
			t.Helper()
			_, digits := k.Code(t, email, "", signin.UsageReset)
			return k.Account.ResetPassword(t.Context(), account.ResetInput{
				Client: k.Client, Email: email, Code: digits, Password: "the-owners-own-words", Bearer: bearer,
			})
		},
		"reset by token": func(t *testing.T, k *accounttest.Kit, _ string) error {
			t.Helper()
			return k.Account.ResetPassword(t.Context(), account.ResetInput{
				Client: k.Client, Email: email, Token: k.Verified(t, email, "", signin.UsageReset), Password: "the-owners-own-words",
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d)
				tr := setTrap(t, k, func(in *signin.RegisterInput) {
					in.Email, in.Profile.Username = email, new("alice")
				})
				stranger := k.User(t, admin.NewUser{Username: "stranger", Password: password})
				foreign, _ := k.SignIn(t, "stranger") // a session, but of another account
				wantCode(t, prove(t, k, foreign.Access), "")
				tr.sprung(t, k, email)
				u, err := k.Users.ByID(t.Context(), "p", tr.user.ID)
				wantCode(t, err, "")
				if !u.EmailVerified || u.Phone != "" || len(u.Identities) != 0 {
					t.Errorf("the account is %+v", u)
				}
				if _, err := k.Users.ByID(t.Context(), "p", stranger.ID); err != nil {
					t.Error(err)
				}
				_, digits := k.Code(t, email, "", signin.UsageSignIn)
				out, err := byCode(t, k, email, digits, false)
				wantCode(t, err, "")
				if out.User.ID != tr.user.ID {
					t.Error("another account")
				}
				wantCode(t, k.Account.SetPassword(t.Context(), k.Principal(t, *out.Session), tr.sudo, password), errs.SudoInvalid)
			})
		})
	}
}

// LK-01: the carrier's word is a proof as well.
func TestLK01OneTapTakesTheAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		out, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) { in.Phone = phone }))
		wantCode(t, err, "")
		k.OneTap["mine"] = phone
		mine, err := byOneTap(t, k, "mine")
		wantCode(t, err, "")
		if mine.User.ID != out.User.ID || !mine.User.PhoneVerified || mine.User.HasPassword() {
			t.Errorf("the account is %+v", mine.User)
		}
		wantCode(t, byPassword(t, k, phone, password), errs.PasswordNotSet)
		if _, err := k.Sessions.Verify(t.Context(), out.Session.Access); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("the thief's session: %v", err)
		}
	})
}

// LK-01: whoever proves an address of the account they are signed in to loses nothing.
func TestLK01ContinuityLosesNothing(t *testing.T) {
	for name, prove := range map[string]func(t *testing.T, k *accounttest.Kit, bearer string) error{
		"sign-in": func(t *testing.T, k *accounttest.Kit, bearer string) error {
			t.Helper()
			_, digits := k.Code(t, email, "", signin.UsageEnter)
			_, err := k.Signin.SignIn(t.Context(), signin.Input{
				Client: k.Client, Method: signin.MethodVerification, Identifier: email, Token: digits, Bearer: bearer,
			})
			return err
		},
		"bind": func(t *testing.T, k *accounttest.Kit, bearer string) error {
			t.Helper()
			p, err := k.Sessions.Verify(t.Context(), bearer)
			wantCode(t, err, "")
			_, digits := k.Code(t, email, "", signin.UsageContact)
			return k.Account.BindContact(t.Context(), p, account.BindInput{Email: email, Token: digits, Assurance: account.BySession})
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d)
				tr := setTrap(t, k, func(in *signin.RegisterInput) { in.Email = email })
				before, err := k.Users.ByID(t.Context(), "p", tr.user.ID)
				wantCode(t, err, "")
				wantCode(t, prove(t, k, tr.tokens.Access), "")
				after, err := k.Users.ByID(t.Context(), "p", tr.user.ID)
				wantCode(t, err, "")
				if !after.EmailVerified {
					t.Error("not verified")
				}
				kept := func(u user.User) []any {
					return []any{u.Email, u.Phone, u.PhoneVerified, u.PasswordHash, len(u.Identities)}
				}
				if diff := cmp.Diff(kept(before), kept(after)); diff != "" {
					t.Error(diff)
				}
				if _, err := k.Sessions.Verify(t.Context(), tr.tokens.Access); err != nil {
					t.Errorf("the session: %v", err)
				}
				wantCode(t, byPassword(t, k, email, password), "")
			})
		})
	}
}

// LK-01: registration with a right code does not take an account over, nor burn the code.
func TestLK01RegistrationSaysTaken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		_, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) { in.Email = email }))
		wantCode(t, err, "")
		_, digits := k.Code(t, email, "", signin.UsageEnter)
		wantCode(t, registerBy(t, k, email, digits), errs.IdentifierTaken)
		wantCode(t, byPassword(t, k, email, password), "")
		_, err = byCode(t, k, email, digits, false)
		wantCode(t, err, "")
	})
}

// LK-01: while the owner proves the address, the thief signs in, refreshes and binds. In
// the end only the owner is left.
func TestLK01RacesLeaveNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for range 5 {
			k := accounttest.New(t, d)
			out, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) { in.Email = email }))
			wantCode(t, err, "")
			_, digits := k.Code(t, email, "", signin.UsageSignIn)
			var owner signin.Outcome
			sessions := make([]session.Tokens, 12)
			_, lost := accounttest.Race(len(sessions), func(i int) error {
				if i == 0 {
					var err error
					owner, err = byCode(t, k, email, digits, false)
					return err
				}
				in, err := k.Signin.SignIn(t.Context(), signin.Input{
					Client: k.Client, Method: signin.MethodPassword, Identifier: email, Password: password,
				})
				if err == nil {
					sessions[i] = *in.Session
				}
				return nil
			})
			if len(lost) != 0 {
				t.Fatal(lost)
			}
			for _, tokens := range sessions {
				if tokens.Access == "" {
					continue
				}
				if _, err := k.Sessions.Verify(t.Context(), tokens.Access); err == nil {
					t.Error("a session of the thief is left")
				}
			}
			k.Principal(t, *owner.Session)
			wantCode(t, byPassword(t, k, email, password), errs.PasswordNotSet)
			wantCode(t, k.Users.Delete(t.Context(), "p", out.User.ID), "")
		}
	})
}

package signin_test

import (
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/signin"
)

func TestVerificationFindsTheOwner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := k.User(t, admin.NewUser{Username: "alice", Phone: phone, Email: email})
		k.User(t, admin.NewUser{Username: "bob"})
		for _, name := range []string{"", "13800000000", email, "alice"} {
			out, err := byToken(t, k, name, k.Verified(t, phone, "", ""))
			wantCode(t, err, "")
			if out.User.ID != u.ID {
				t.Errorf("%q signed in %s", name, out.User.ID)
			}
		}
		for _, tt := range []struct {
			name, identifier, target string
			usage                    signin.Usage
			want                     errs.Code
		}{
			{"another person's name", "bob", phone, "", errs.IdentifierMismatch},
			{"a name nobody has", "nobody", phone, "", errs.IdentifierMismatch},
			{"an address nobody has", "", "+8613900000000", "", errs.UserNotFound},
			{"asked for a reset VC-05", "", phone, signin.UsageReset, errs.VerificationInvalid},
			{"asked for registration VC-05", "", phone, signin.UsageRegister, errs.VerificationInvalid},
			{"asked for recovery", "", phone, signin.UsageRecover, ""},
		} {
			t.Run(tt.name, func(t *testing.T) {
				_, err := byToken(t, k, tt.identifier, k.Verified(t, tt.target, "", tt.usage))
				wantCode(t, err, tt.want)
			})
		}
		_, err := byToken(t, k, phone, "")
		wantCode(t, err, errs.FieldMissing)
	})
}

// TK-01, TK-02, TK-03: once, whole, in time, by the client that asked.
func TestVerificationTokenIsBound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Phone: phone})
		token := k.Verified(t, phone, "", "")
		for name, bad := range map[string]string{
			"cut": token[:len(token)-1], "longer": token + "A", "class": "st" + token[2:], "nothing": "vt_",
		} {
			_, err := byToken(t, k, "", bad)
			if errs.CodeOf(err) != errs.VerificationInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		other := k.Client
		other.ID = "other"
		_, err := k.Signin.SignIn(t.Context(), signin.Input{Client: other, Method: signin.MethodVerification, Token: token})
		wantCode(t, err, errs.VerificationInvalid)
		_, err = byToken(t, k, "", token)
		wantCode(t, err, "")
		_, err = byToken(t, k, "", token)
		wantCode(t, err, errs.VerificationInvalid)
		late := k.Verified(t, phone, "", "")
		k.Advance(k.Client.Pool.Settings.VerificationLife + time.Second)
		_, err = byToken(t, k, "", late)
		wantCode(t, err, errs.VerificationInvalid)
	})
}

// TK-02: fifty at once, one session.
func TestOneOfFiftySignsIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := k.User(t, admin.NewUser{Phone: phone})
		token := k.Verified(t, phone, "", "")
		won, lost := accounttest.Race(50, func(int) error { _, err := byToken(t, k, phone, token); return err })
		sessions, err := k.Sessions.List(t.Context(), u.ID)
		if won != 1 || err != nil || len(sessions) != 1 {
			t.Errorf("%d signed in, %d sessions, %v", won, len(sessions), err)
		}
		for _, err := range lost {
			wantCode(t, err, errs.VerificationInvalid)
		}
	})
}

// Older clients show the digits themselves.
func TestPendingCodeIsAProof(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Phone: phone})
		_, digits := k.Code(t, phone, "", "")
		_, err := byToken(t, k, "13800000000", digits)
		wantCode(t, err, "")
		_, err = byToken(t, k, "13800000000", digits)
		wantCode(t, err, errs.CodeWrong)
		_, err = byToken(t, k, "", digits) // no address, no way to know whose
		wantCode(t, err, errs.VerificationInvalid)
	})
}

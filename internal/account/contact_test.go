package account_test

import (
	"testing"
	"time"

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

func TestBindContact(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := k.User(t, admin.NewUser{Username: "alice", Phone: phone, Password: password})
		bob := k.User(t, admin.NewUser{Username: "bob", Email: "bob@example.com", Password: password})
		_, p := k.SignIn(t, "alice")
		bind := func(target, askedBy, grant string) error {
			return k.Account.BindContact(t.Context(), p, account.BindInput{
				Email: target, SudoToken: grant, Token: k.Verified(t, target, askedBy, ""),
			})
		}
		wantCode(t, bind(email, u.ID, ""), errs.SudoRequired)
		wantCode(t, bind(email, u.ID, "st_wrong"), errs.SudoInvalid)
		wantCode(t, bind(email, bob.ID, sudo(t, k, p)), errs.VerificationInvalid) // TK-06
		wantCode(t, bind("bob@example.com", u.ID, sudo(t, k, p)), errs.IdentifierTaken)
		wantCode(t, k.Account.BindContact(t.Context(), p, account.BindInput{
			Email: email, SudoToken: sudo(t, k, p), Token: k.Verified(t, phone, u.ID, ""),
		}), errs.IdentifierMismatch)
		wantCode(t, bind(email, u.ID, sudo(t, k, p)), "")
		after, err := k.Users.ByID(t.Context(), "p", u.ID)
		wantCode(t, err, "")
		if after.Email != email || !after.EmailVerified {
			t.Errorf("stored %+v", after)
		}
		if m := k.Message(t, phone); m.Code != "" { // the other contact is told
			t.Errorf("notice = %+v", m)
		}
		wantCode(t, byPassword(t, k, email, password), "")
	})
}

// One number, twenty people, each with a proof of their own: one has it.
func TestOneOfTwentyBinds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		type hand struct {
			p            session.Principal
			grant, token string
		}
		hands := make([]hand, 20)
		for i := range hands {
			name := "user-" + string(rune('a'+i)) + "x"
			k.User(t, admin.NewUser{Username: name, Password: password})
			_, p := k.SignIn(t, name)
			hands[i] = hand{p, sudo(t, k, p), k.Verified(t, phone, p.UserID, "")}
		}
		won, lost := accounttest.Race(len(hands), func(i int) error {
			h := hands[i]
			return k.Account.BindContact(t.Context(), h.p, account.BindInput{Phone: phone, SudoToken: h.grant, Token: h.token})
		})
		if won != 1 {
			t.Errorf("%d have the number", won)
		}
		for _, err := range lost {
			wantCode(t, err, errs.IdentifierTaken)
		}
	})
}

// The protocol's gotcha 10.6: an address without a token is taken only from who verified
// it, just now, once.
func TestEditBasicNeedsAVerificationByThisUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := k.User(t, admin.NewUser{Username: "alice", Password: password})
		_, p := k.SignIn(t, "alice")
		edit := func(target string) error {
			return k.Account.EditBasic(t.Context(), p, account.EditInput{Email: target})
		}
		wantCode(t, edit(email), errs.VerificationInvalid)
		k.Verified(t, email, "", "") // verified, but asked for by nobody
		wantCode(t, edit(email), errs.VerificationInvalid)
		k.Verified(t, email, "somebody-else", "")
		wantCode(t, edit(email), errs.VerificationInvalid)
		k.Code(t, email, u.ID, "") // asked for, not verified
		wantCode(t, edit(email), errs.VerificationInvalid)
		k.Verified(t, email, u.ID, "")
		wantCode(t, edit("other@example.com"), errs.VerificationInvalid)
		k.Advance(5*time.Minute + time.Second)
		wantCode(t, edit(email), errs.VerificationInvalid)
		k.Verified(t, email, u.ID, "")
		wantCode(t, edit(email), "")
		wantCode(t, edit(email), "") // unchanged
		k.Verified(t, "next@example.com", u.ID, "")
		wantCode(t, edit("next@example.com"), "")
		wantCode(t, edit(email), errs.VerificationInvalid) // the proof is used up

		wantCode(t, k.Account.EditBasic(t.Context(), p, account.EditInput{New: "another-password-1"}), errs.SudoRequired)
		wantCode(t, k.Account.EditBasic(t.Context(), p, account.EditInput{
			Old: password, New: "another-password-1", Profile: user.Profile{Name: new("A")},
		}), "")
		me, err := k.Account.Me(t.Context(), p)
		wantCode(t, err, "")
		if me.Name != "A" || me.Email != "next@example.com" {
			t.Errorf("me = %+v", me)
		}
	})
}

// LK-08: a profile call changes what is listed and nothing else.
func TestUpdateProfile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		k.User(t, admin.NewUser{Username: "bob"})
		_, p := k.SignIn(t, "alice")
		long := make([]byte, 100)
		for i := range long {
			long[i] = 'x'
		}
		for _, tt := range []struct {
			name string
			in   user.Profile
			want errs.Code
		}{
			{"a name", user.Profile{Name: new("A"), Gender: new("FEMALE")}, ""},
			{"an unknown gender", user.Profile{Gender: new("x")}, errs.BadRequest},
			{"a long name", user.Profile{Name: new(string(long))}, errs.FieldTooLong},
			{"a control character", user.Profile{Name: new("a\x00b")}, errs.BadRequest},
			{"a taken user name", user.Profile{Username: new("BOB")}, errs.UsernameTaken},
			{"a phone as user name LK-09", user.Profile{Username: new("13700000000")}, errs.UsernameInvalid},
			{"a new user name", user.Profile{Username: new("alice2")}, ""},
		} {
			t.Run(tt.name, func(t *testing.T) {
				_, err := k.Account.UpdateProfile(t.Context(), p, tt.in)
				wantCode(t, err, tt.want)
			})
		}
		me, err := k.Account.Me(t.Context(), p)
		wantCode(t, err, "")
		if me.Name != "A" || me.Gender != user.GenderFemale || me.Username != "alice2" || me.Phone != phone {
			t.Errorf("me = %+v", me)
		}
	})
}

// EN-04
func TestQuery(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := alice(t, k)
		_, p := k.SignIn(t, "alice")
		bare := account.Found{ID: u.ID, Name: "Alice"}
		withPhone, withEmail, withName := bare, bare, bare
		withPhone.Phone, withEmail.Email, withName.Username = phone, email, "alice"
		for _, tt := range []struct {
			name string
			q    account.Question
			want []account.Found
			code errs.Code
		}{
			{"ids", account.Question{IDs: []string{u.ID, "nobody"}}, []account.Found{bare}, ""},
			{"phone", account.Question{Phone: "+86 13800000000"}, []account.Found{withPhone}, ""},
			{"email", account.Question{Email: email}, []account.Found{withEmail}, ""},
			{"user name", account.Question{Username: "ALICE"}, []account.Found{withName}, ""},
			{"nobody", account.Question{Username: "nobody"}, nil, ""},
			{"a wildcard", account.Question{Email: "%"}, nil, ""},
			{"a prefix", account.Question{Phone: "1380000"}, nil, ""},
			{"nothing", account.Question{}, nil, errs.FieldMissing},
			{"too many", account.Question{IDs: make([]string, 51)}, nil, errs.BadRequest},
		} {
			t.Run(tt.name, func(t *testing.T) {
				got, err := k.Account.Query(t.Context(), p, tt.q)
				wantCode(t, err, tt.code)
				if len(got) != len(tt.want) || (len(got) == 1 && got[0] != tt.want[0]) {
					t.Errorf("found %+v, want %+v", got, tt.want)
				}
			})
		}
		out, err := k.Signin.SignIn(t.Context(), signin.Input{Client: k.Client, Method: signin.MethodAnonymous, DeviceID: "d"})
		wantCode(t, err, "")
		_, err = k.Account.Query(t.Context(), k.Principal(t, *out.Session), account.Question{IDs: []string{u.ID}})
		wantCode(t, err, errs.AnonymousDenied)
	})
}

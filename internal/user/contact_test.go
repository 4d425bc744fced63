package user_test

import (
	"strconv"
	"testing"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

func TestAContactIsVerifiedAsItIs(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		u := create(t, s, regular(func(u *user.User) { u.Phone, u.Email = "+8613800000000", "e@example.com" }))
		if u.Owns(u.Phone) || u.Owns(u.Email) {
			t.Error("a claim counts as proved")
		}
		wantCode(t, s.MarkVerified(t.Context(), u, user.ChannelPhone), "")
		other := u
		other.Email = "old@example.com"
		wantCode(t, s.MarkVerified(t.Context(), other, user.ChannelEmail), errs.IdentifierMismatch)
		got, err := s.ByID(t.Context(), "p", u.ID)
		if err != nil || !got.PhoneVerified || got.EmailVerified {
			t.Errorf("got %+v, %v", got, err)
		}
		wantCode(t, s.MarkVerified(t.Context(), u, user.ChannelEmail), "")
	})
}

// LK-01, LK-03: whoever proves an address that was only claimed gets the account without
// what the claimant had prepared.
func TestProvingAClaimDropsWhatWasPrepared(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		for i, dropPassword := range []bool{true, false} {
			u := create(t, s, regular(func(u *user.User) {
				u.Username, u.Email, u.Phone = "u"+strconv.Itoa(i)+"name", "victim"+strconv.Itoa(i)+"@example.com", "+861380000000"+strconv.Itoa(i)
				u.PhoneVerified, u.PasswordHash, u.MustReset = true, "$thief", true
				u.Identities = []user.Identity{{Provider: "x", Subject: "thief" + strconv.Itoa(i)}}
			}))
			stale := u
			stale.Email = "other@example.com"
			stale.Phone = ""
			_, err := s.DropUnproved(t.Context(), stale, user.ChannelEmail, true)
			wantCode(t, err, errs.IdentifierMismatch)
			after, err := s.DropUnproved(t.Context(), u, user.ChannelEmail, dropPassword)
			wantCode(t, err, "")
			got, err := s.ByID(t.Context(), "p", u.ID)
			wantCode(t, err, "")
			if got.Phone != "" || got.PhoneVerified || got.Email != u.Email || !got.EmailVerified ||
				len(got.Identities) != 0 || got.HasPassword() == dropPassword || got.Username != u.Username {
				t.Errorf("got %+v", got)
			}
			wantCode(t, s.TouchSignIn(t.Context(), after, "192.0.2.1"), "")
			if err := s.TouchSignIn(t.Context(), u, "192.0.2.1"); (err != nil) != dropPassword {
				t.Errorf("a sign-in by the old password: %v", err)
			}
		}
	})
}

// DL-04 and the two ways to have nothing to remove.
func TestTheLastContactStays(t *testing.T) {
	identity := []user.Identity{{Provider: "x", Subject: "1"}}
	tests := map[string]struct {
		u            user.User
		phone, email errs.Code
	}{
		"both":                {user.User{Phone: "+8613800000000", Email: "e@example.com"}, "", errs.LastMethod},
		"a phone":             {user.User{Phone: "+8613800000000"}, errs.LastMethod, errs.ContactUnset},
		"an email address":    {user.User{Email: "e@example.com"}, errs.ContactUnset, errs.LastMethod},
		"a phone and a login": {user.User{Phone: "+8613800000000", Identities: identity}, "", errs.ContactUnset},
		"a name and password": {user.User{Username: "alice", PasswordHash: "$", Phone: "+8613800000000"}, errs.LastMethod, errs.ContactUnset},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		for name, tt := range tests {
			u := tt.u
			u.PoolID, u.Kind, u.Status = "p", user.KindRegular, user.StatusActive
			create(t, s, &u)
			if err := s.ClearPhone(t.Context(), "p", u.ID); errs.CodeOf(err) != tt.phone {
				t.Errorf("%s: phone: %v, want %q", name, err, tt.phone)
			}
			if err := s.ClearEmail(t.Context(), "p", u.ID); errs.CodeOf(err) != tt.email {
				t.Errorf("%s: email: %v, want %q", name, err, tt.email)
			}
			wantCode(t, s.ClearPhone(t.Context(), "q", u.ID), errs.UserNotFound) // MT-01
			wantCode(t, s.Delete(t.Context(), "p", u.ID), "")
		}
	})
}

func TestOfTwoHandsOnTheLastContactsOneIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		for range 10 {
			u := create(t, s, regular(func(u *user.User) {
				u.Phone, u.Email = "+8613800000000", "e@example.com"
			}))
			v := create(t, s, regular(func(u *user.User) {
				u.Phone, u.Identities = "+8613800000001", []user.Identity{{Provider: "x", Subject: "1"}}
			}))
			hands := []func() error{
				func() error { return s.ClearPhone(t.Context(), "p", u.ID) },
				func() error { return s.ClearEmail(t.Context(), "p", u.ID) },
				func() error { return s.ClearPhone(t.Context(), "p", v.ID) },
				func() error { return s.Unlink(t.Context(), "p", v.ID, "x") },
			}
			results := parallel(len(hands), func(i int) error { return hands[i]() })
			for _, pair := range [][]error{results[:2], results[2:]} {
				if (pair[0] == nil) == (pair[1] == nil) || errs.CodeOf(pair[0])+errs.CodeOf(pair[1]) != errs.LastMethod {
					t.Fatalf("results %v", pair)
				}
			}
			for _, id := range []string{u.ID, v.ID} {
				wantCode(t, s.Delete(t.Context(), "p", id), "")
			}
		}
	})
}

func TestSignInsAreCounted(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		u := create(t, s, regular(nil))
		for _, err := range parallel(20, func(int) error { return s.TouchSignIn(t.Context(), u, "192.0.2.7") }) {
			wantCode(t, err, "")
		}
		got, err := s.ByID(t.Context(), "p", u.ID)
		if err != nil || got.SignIns != 20 || got.LastIP != "192.0.2.7" || got.LastSignInAt.IsZero() {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

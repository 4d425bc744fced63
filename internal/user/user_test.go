package user_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

func setup(t *testing.T, d *db.DB) *user.Service {
	t.Helper()
	pools := pool.New(d, time.Now)
	for _, id := range []string{"p", "q"} {
		if _, err := pools.Create(t.Context(), id, id, pool.Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	return user.New(d, time.Now)
}

func regular(edit func(*user.User)) *user.User {
	u := &user.User{PoolID: "p", Kind: user.KindRegular, Status: user.StatusActive}
	if edit != nil {
		edit(u)
	}
	return u
}

func create(t *testing.T, s *user.Service, u *user.User) user.User {
	t.Helper()
	if err := s.Create(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	return *u
}

func wantCode(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != want {
		t.Fatalf("error = %v, want %q", err, want)
	}
}

func TestAPersonComesBackAsStored(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		u := create(t, s, regular(func(u *user.User) {
			u.Username, u.Phone, u.Email = "Alice", "+8613800000000", "alice@example.com"
			u.PhoneVerified, u.PasswordHash, u.MustReset = true, "$hash", true
			u.Name, u.Gender, u.Custom = "A", user.GenderFemale, map[string]any{"a": "b"}
			u.Identities = []user.Identity{
				{Provider: "x", Subject: "1", Name: "n", Profile: map[string]string{"k": "v"}},
				{Provider: "y", Subject: "2"},
			}
		}))
		near := cmp.Options{cmpopts.EquateApproxTime(time.Minute), cmpopts.EquateEmpty()}
		lookups := map[string]func() (user.User, error){
			"id":       func() (user.User, error) { return s.ByID(t.Context(), "p", u.ID) },
			"phone":    func() (user.User, error) { return s.ByIdentifier(t.Context(), "p", contact.KindPhone, u.Phone) },
			"email":    func() (user.User, error) { return s.ByTarget(t.Context(), "p", u.Email) },
			"username": func() (user.User, error) { return s.ByIdentifier(t.Context(), "p", contact.KindUsername, "alice") },
			"identity": func() (user.User, error) { return s.ByIdentity(t.Context(), "p", "y", "2") },
		}
		for name, look := range lookups {
			got, err := look()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want := u
			if diff := cmp.Diff(want, got, near, cmpopts.IgnoreFields(user.Identity{}, "CreatedAt")); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", name, diff)
			}
		}
		_, err := s.ByID(t.Context(), "q", u.ID) // MT-01
		wantCode(t, err, errs.UserNotFound)
		users, err := s.ByIDs(t.Context(), "p", []string{"nobody", u.ID, u.ID})
		if err != nil || len(users) != 1 {
			t.Errorf("ByIDs = %v, %v", users, err)
		}
	})
}

func TestIdentifiersBelongToOnePersonOfAPool(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		a := create(t, s, regular(func(u *user.User) { u.Username, u.Phone = "alice", "+8613800000000" }))
		b := create(t, s, regular(func(u *user.User) { u.Email = "b@example.com" }))
		wantCode(t, s.Create(t.Context(), regular(func(u *user.User) { u.Username = "ALICE" })), errs.UsernameTaken)
		wantCode(t, s.Create(t.Context(), regular(func(u *user.User) { u.Phone = a.Phone })), errs.IdentifierTaken)
		wantCode(t, s.SetPhone(t.Context(), "p", b.ID, a.Phone), errs.IdentifierTaken)
		wantCode(t, s.SetEmail(t.Context(), "p", a.ID, b.Email), errs.IdentifierTaken)
		wantCode(t, s.SetEmail(t.Context(), "p", "nobody", "n@example.com"), errs.UserNotFound)
		name := "Alice"
		_, err := s.UpdateProfile(t.Context(), "p", b.ID, user.Profile{Username: &name})
		wantCode(t, err, errs.UsernameTaken)
		if err := s.Create(t.Context(), &user.User{PoolID: "q", Kind: user.KindRegular, Status: user.StatusActive, Phone: a.Phone}); err != nil {
			t.Errorf("the same phone in another pool: %v", err) // MT-03
		}
	})
}

func TestOneOfManyTakesAnIdentifier(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		ids := make([]string, 20)
		for i := range ids {
			ids[i] = create(t, s, regular(func(u *user.User) { u.Email = fmt.Sprintf("%d@example.com", i) })).ID
		}
		tests := map[string]func(i int) error{
			"create": func(int) error {
				return s.Create(t.Context(), regular(func(u *user.User) { u.Phone = "+8613800000001" }))
			},
			"bind": func(i int) error { return s.SetPhone(t.Context(), "p", ids[i], "+8613800000002") },
			"username": func(i int) error {
				name := "champion"
				_, err := s.UpdateProfile(t.Context(), "p", ids[i], user.Profile{Username: &name})
				return err
			},
		}
		for name, try := range tests {
			won := 0
			for _, err := range parallel(len(ids), try) {
				switch errs.CodeOf(err) {
				case "":
					won++
				case errs.IdentifierTaken, errs.UsernameTaken:
				default:
					t.Errorf("%s: %v", name, err)
				}
			}
			if won != 1 {
				t.Errorf("%s: %d succeeded, want 1", name, won)
			}
		}
	})
}

// DL-04: of two people's hands on the last two methods, one is refused.
func TestProfileChangesAtOnceAllCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		u := create(t, s, regular(nil))
		for round := range 10 {
			want := user.Profile{Name: new("n" + strconv.Itoa(round)), Locale: new("l" + strconv.Itoa(round)), Zoneinfo: new("z" + strconv.Itoa(round))}
			var wg sync.WaitGroup
			for _, p := range []user.Profile{{Name: want.Name}, {Locale: want.Locale}, {Zoneinfo: want.Zoneinfo}} {
				wg.Go(func() {
					if _, err := s.UpdateProfile(t.Context(), "p", u.ID, p); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			got, err := s.ByID(t.Context(), "p", u.ID)
			if err != nil || got.Name != *want.Name || got.Locale != *want.Locale || got.Zoneinfo != *want.Zoneinfo {
				t.Fatalf("round %d: %+v, %v", round, got, err)
			}
		}
	})
}

func TestTheLastMethodStays(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		for range 10 {
			u := create(t, s, regular(func(u *user.User) {
				u.Identities = []user.Identity{{Provider: "x", Subject: "1"}, {Provider: "y", Subject: "1"}}
			}))
			providers := []string{"x", "y"}
			refused := 0
			for _, err := range parallel(2, func(i int) error { return s.Unlink(t.Context(), "p", u.ID, providers[i]) }) {
				if errs.CodeOf(err) == errs.LastMethod {
					refused++
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if refused != 1 {
				t.Fatalf("%d refused, want 1", refused)
			}
			if err := s.Delete(t.Context(), "p", u.ID); err != nil {
				t.Fatal(err)
			}
		}
		u := create(t, s, regular(func(u *user.User) {
			u.Email, u.Identities = "e@example.com", []user.Identity{{Provider: "x", Subject: "9"}}
		}))
		wantCode(t, s.Unlink(t.Context(), "p", u.ID, "undefined"), errs.ProviderNotFound)
		wantCode(t, s.Unlink(t.Context(), "p", u.ID, "x"), "")
	})
}

func TestPromotionHappensOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		taken := create(t, s, regular(func(u *user.User) { u.Email = "taken@example.com" }))
		u := create(t, s, &user.User{
			PoolID: "p", Kind: user.KindAnonymous, Status: user.StatusActive,
			Identities: []user.Identity{{Provider: user.ProviderAnonymous, Subject: "device"}},
		})
		u.Email = taken.Email
		wantCode(t, s.Promote(t.Context(), &u), errs.IdentifierTaken)
		u.Email = "new@example.com"
		won := 0
		for _, err := range parallel(20, func(int) error { c := u; return s.Promote(t.Context(), &c) }) {
			if err == nil {
				won++
			} else {
				wantCode(t, err, errs.AnonymousInvalid)
			}
		}
		if won != 1 {
			t.Errorf("%d promotions, want 1", won)
		}
		_, err := s.ByIdentity(t.Context(), "p", user.ProviderAnonymous, "device")
		wantCode(t, err, errs.UserNotFound)
	})
}

// SE-05: the last look at the account before a session.
func TestTouchRefusesWhatHasChanged(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		u := create(t, s, regular(func(u *user.User) { u.Email, u.PasswordHash = "e@example.com", "a" }))
		wantCode(t, s.TouchSignIn(t.Context(), u, "192.0.2.1"), "")
		if err := s.Rehash(t.Context(), "p", u.ID, "a", "b"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, s.TouchSignIn(t.Context(), u, "192.0.2.1"), "") // PW-07: the same password
		if err := s.SetPasswordHash(t.Context(), "p", u.ID, "c"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, s.TouchSignIn(t.Context(), u, "192.0.2.1"), errs.PasswordWrong)
		u, err := s.ByID(t.Context(), "p", u.ID)
		wantCode(t, err, "")
		wantCode(t, s.SetStatus(t.Context(), "p", u.ID, user.StatusBlocked), "")
		wantCode(t, s.TouchSignIn(t.Context(), u, "192.0.2.1"), errs.UserBlocked)
		wantCode(t, s.Delete(t.Context(), "p", u.ID), "")
		wantCode(t, s.TouchSignIn(t.Context(), u, "192.0.2.1"), errs.UserNotFound)
	})
}

func parallel(n int, fn func(i int) error) []error {
	results := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { results[i] = fn(i) })
	}
	wg.Wait()
	return results
}

// ID-02: a pool may tell names by their case, and whoever was there before keeps theirs.
func TestCasedNames(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		before := create(t, s, regular(func(u *user.User) { u.Username = "Carl" }))
		cased := true
		s.CasedNames = func(_ context.Context, poolID string) (bool, error) { return cased && poolID == "p", nil }
		bob := create(t, s, regular(func(u *user.User) { u.Username = "bob" }))
		other := create(t, s, regular(func(u *user.User) { u.Username = "Bob" }))
		wantCode(t, s.Create(t.Context(), regular(func(u *user.User) { u.Username = "bob" })), errs.UsernameTaken)
		for name, want := range map[string]string{"bob": bob.ID, "Bob": other.ID, "BOB": "", "Carl": before.ID, "CARL": ""} {
			u, err := s.ByIdentifier(t.Context(), "p", contact.KindUsername, name)
			if u.ID != want || (err == nil) != (want != "") {
				t.Errorf("%s is %q, %v", name, u.ID, err)
			}
		}
		found, err := s.ByValues(t.Context(), "p", user.FieldUsername, []string{"Bob", "bob"})
		wantCode(t, err, "")
		if len(found) != 2 || found[0].ID != other.ID {
			t.Errorf("found %v", found)
		}
		q := regular(func(u *user.User) { u.PoolID, u.Username = "q", "dora" })
		create(t, s, q)
		wantCode(t, s.Create(t.Context(), regular(func(u *user.User) { u.PoolID, u.Username = "q", "Dora" })), errs.UsernameTaken)
	})
}

package user_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// people makes a pool with some people, one a second, and another pool with their doubles.
func people(t *testing.T, d *db.DB) (*user.Service, []user.User) {
	t.Helper()
	ctx := context.Background()
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	s := user.New(d, func() time.Time { at = at.Add(time.Second); return at })
	var made []user.User
	for _, pool := range []string{"other", "shop"} {
		if _, err := d.Exec(ctx, `INSERT INTO pools (id, name, settings, created_at, updated_at) VALUES ($1, $1, '{}', 0, 0)`, pool); err != nil {
			t.Fatal(err)
		}
		made = nil
		for _, u := range []user.User{
			{Username: "Ann_1", Name: "Ann"},
			{Phone: "+8613800000001", PhoneVerified: true, Name: "张三"},
			{Email: "bob@example.com", EmailVerified: true, Name: "Bob", ExternalID: "ext-7"},
			{Username: "annette", Status: user.StatusBlocked, Identities: []user.Identity{{Provider: "wx", Subject: "openid-1"}}},
		} {
			u.PoolID, u.Kind = pool, user.KindRegular
			if u.Status == "" {
				u.Status = user.StatusActive
			}
			if err := s.Create(ctx, &u); err != nil {
				t.Fatal(err)
			}
			made = append(made, u)
		}
	}
	return s, made
}

func TestBrowsePagesThroughThePool(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, made := people(t, d)
		var got []string
		var place user.Place
		for range 5 {
			page, err := s.Browse(t.Context(), "shop", "", place, 3)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, u := range page {
				got = append(got, u.ID)
			}
			end := page[len(page)-1]
			place = user.Place{At: end.CreatedAt, ID: end.ID}
		}
		want := []string{made[3].ID, made[2].ID, made[1].ID, made[0].ID}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		blocked, err := s.Browse(t.Context(), "shop", user.StatusBlocked, user.Place{}, 10)
		if err != nil || len(blocked) != 1 || blocked[0].ID != made[3].ID {
			t.Errorf("blocked: %v, %v", blocked, err)
		}
	})
}

func TestLookupFindsPeopleByWhateverNamesThem(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, made := people(t, d)
		for text, want := range map[string][]int{
			"ANN": {3, 0}, "ann_": {0}, "Ann_1": {0}, "138 0000": {1}, "+86 138-0000-0001": {1}, "张": {1}, "bob@": {2},
			"ext-7": {2}, "ext": nil, "openid-1": {3}, made[2].ID: {2}, "zoe": nil, "%": nil, "Bob": {2},
		} {
			found, err := s.Lookup(t.Context(), "shop", text, 10)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			var got []int
			for _, u := range found {
				got = append(got, slices.IndexFunc(made, func(m user.User) bool { return m.ID == u.ID }))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q: %s", text, diff)
			}
		}
		if _, err := s.Lookup(t.Context(), "shop", strings.Repeat("x", 300), 10); errs.CodeOf(err) != errs.BadRequest {
			t.Errorf("a long text: %v", err)
		}
	})
}

func TestMergeTakesWhatTheOtherHasNot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, made := people(t, d)
		ctx := t.Context()
		m, err := s.Merge(ctx, "shop", made[1].ID, made[3].ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"username", "identity:wx"}, m.Moved); diff != "" {
			t.Error(diff)
		}
		got, err := s.ByIdentity(ctx, "shop", "wx", "openid-1")
		if err != nil || got.ID != made[1].ID || got.Username != "annette" || got.Phone != made[1].Phone {
			t.Errorf("after: %+v, %v", got, err)
		}
		if _, err := s.ByID(ctx, "shop", made[3].ID); errs.CodeOf(err) != errs.UserNotFound {
			t.Errorf("the merged account is still there: %v", err)
		}
		at, to, err := s.Deleted(ctx, "shop", made[3].ID)
		if err != nil || at.IsZero() || to != made[1].ID {
			t.Errorf("tombstone: %v %q %v", at, to, err)
		}
		if _, err := s.Merge(ctx, "shop", made[1].ID, made[1].ID); errs.CodeOf(err) != errs.BadRequest {
			t.Errorf("an account into itself: %v", err)
		}
		if _, err := s.Merge(ctx, "other", made[1].ID, made[0].ID); errs.CodeOf(err) != errs.UserNotFound {
			t.Errorf("people of another pool: %v", err)
		}
		two, err := s.Merge(ctx, "shop", made[0].ID, made[1].ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"username"}, two.Dropped); diff != "" {
			t.Error(diff)
		}
	})
}

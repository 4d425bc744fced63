package user_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

// names lists user names, which the tests below give in the order of creation.
func names(users []user.User) []string {
	list := []string{}
	for _, u := range users {
		list = append(list, u.Username)
	}
	return list
}

// ticking is a clock that never shows the same millisecond twice.
func ticking() func() time.Time {
	at := time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	return func() time.Time {
		at = at.Add(time.Millisecond)
		return at
	}
}

func TestPagesShowEverybodyOnceNewestFirst(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		setup(t, d)
		s := user.New(d, ticking())
		var want []string
		for i := range 25 {
			name := "person" + strconv.Itoa(i)
			create(t, s, regular(func(u *user.User) {
				u.Username = name
				for j := range i % 3 {
					u.Identities = append(u.Identities, user.Identity{Provider: "x" + strconv.Itoa(j), Subject: name})
				}
			}))
			want = append([]string{name}, want...)
		}
		create(t, s, &user.User{PoolID: "q", Kind: user.KindRegular, Status: user.StatusActive, Username: "stranger"})
		var got []string
		for offset := 0; offset < 40; offset += 10 {
			users, total, err := s.List(t.Context(), "p", offset, 10)
			if err != nil || total != 25 {
				t.Fatalf("total %d, %v", total, err)
			}
			for _, u := range users {
				var i int
				if _, err := fmt.Sscanf(u.Username, "person%d", &i); err != nil || len(u.Identities) != i%3 {
					t.Errorf("%s has %d identities", u.Username, len(u.Identities))
				}
			}
			got = append(got, names(users)...)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		for _, page := range [][2]int{{-1, 10}, {0, 0}, {0, 101}} {
			_, _, err := s.List(t.Context(), "p", page[0], page[1])
			wantCode(t, err, errs.BadRequest)
		}
	})
}

func TestSearchFindsWhatIsMeant(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		setup(t, d)
		s := user.New(d, ticking())
		people := []user.User{
			{Username: "alice", Email: "Alice_W@example.com", Phone: "+8613800000000", ExternalID: "hr-1"},
			{Username: "bob", Name: "Bob 100%", Attributes: map[string]string{"nickname": "Alicia", "city": "Bobtown"}},
			{Username: "carol", Name: "王小明", Attributes: map[string]string{"nickname": `say "hi" <b>`}},
			{Username: "dave", Email: "davexw@example.com", ExternalID: "hr-10"},
		}
		byName := map[string]user.User{}
		for _, u := range people {
			byName[u.Username] = create(t, s, regular(func(v *user.User) {
				u.PoolID, u.Kind, u.Status = v.PoolID, v.Kind, v.Status
				*v = u
			}))
		}
		create(t, s, &user.User{PoolID: "q", Kind: user.KindRegular, Status: user.StatusActive, Username: "alicenot"})
		tests := map[string]struct {
			query  string
			fields []string
			want   string
		}{
			"part of names of all kinds": {"ALIC", nil, "bob alice"},
			"one field only":             {"alic", []string{user.FieldUsername}, "alice"},
			"a nickname":                 {"ICIA", []string{user.FieldNickname}, "bob"},
			"another attribute":          {"Bobtown", nil, ""},
			"the name of an attribute":   {"nickname", nil, ""},
			"a national number":          {"13800000000", []string{user.FieldPhone}, "alice"},
			"signs of JSON":              {`"HI" <B>`, nil, "carol"},
			"Chinese":                    {"小明", nil, "carol"},
			"a percent sign":             {"100%", nil, "bob"},
			"a wildcard alone":           {"%", nil, "bob"},
			"an underscore":              {"e_w", nil, "alice"},
			"the escape sign":            {"!", nil, ""},
			"a quote":                    {"' OR 1=1 --", nil, ""},
			"an external id":             {"hr-1", nil, "alice"},
			"part of an external id":     {"hr", nil, ""},
			"an id":                      {byName["dave"].ID, nil, "dave"},
			"an id by itself":            {byName["dave"].ID, []string{user.FieldID, user.FieldID}, "dave"},
			"part of an id":              {byName["dave"].ID[:20], nil, ""},
			"nothing, that is everybody": {"", []string{user.FieldName}, "dave carol bob alice"},
		}
		for name, tt := range tests {
			users, total, err := s.Search(t.Context(), "p", tt.query, tt.fields, 0, 10)
			if got := strings.Join(names(users), " "); err != nil || got != tt.want || int(total) != len(users) {
				t.Errorf("%s: %q of %d, %v, want %q", name, got, total, err, tt.want)
			}
		}
		users, total, err := s.Search(t.Context(), "p", "alic", nil, 1, 1)
		if err != nil || total != 2 || !slices.Equal(names(users), []string{"alice"}) {
			t.Errorf("second page: %v of %d, %v", names(users), total, err)
		}
		for _, field := range []string{"password_hash", "1=1", ""} {
			_, _, err := s.Search(t.Context(), "p", "x", []string{field}, 0, 10)
			wantCode(t, err, errs.BadRequest)
		}
		_, _, err = s.Search(t.Context(), "p", strings.Repeat("x", 257), nil, 0, 10)
		wantCode(t, err, errs.BadRequest)
	})
}

func TestPeopleAreReadByTheirValues(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		a := create(t, s, regular(func(u *user.User) { u.ExternalID, u.Email = "a", "a@example.com" }))
		b := create(t, s, regular(func(u *user.User) { u.ExternalID, u.Email = "b", "b@example.com" }))
		for field, values := range map[string][]string{
			user.FieldExternalID: {"b", "none", "a"}, user.FieldEmail: {b.Email, a.Email}, user.FieldID: {b.ID, a.ID},
		} {
			users, err := s.ByValues(t.Context(), "p", field, values)
			if err != nil || len(users) != 2 || users[0].ID != b.ID || users[1].ID != a.ID {
				t.Errorf("%s: %v, %v", field, users, err)
			}
		}
		got, err := s.ByExternalID(t.Context(), "p", "a")
		if err != nil || got.ID != a.ID {
			t.Errorf("got %v, %v", got.ID, err)
		}
		_, err = s.ByExternalID(t.Context(), "q", "a")
		wantCode(t, err, errs.UserNotFound)
		_, err = s.ByExternalID(t.Context(), "p", "")
		wantCode(t, err, errs.UserNotFound)
		wantCode(t, s.Create(t.Context(), regular(func(u *user.User) { u.ExternalID = "a" })), errs.ExternalIDTaken)
	})
}

// BenchmarkPages measures what an operator waits for among many people.
func BenchmarkPages(b *testing.B) {
	const people = 100_000
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		b.Run(engine, func(b *testing.B) {
			d := dbtest.Open(b, engine)
			if _, err := pool.New(d, time.Now).Create(b.Context(), "p", "p", pool.Settings{}); err != nil {
				b.Fatal(err)
			}
			s := user.New(d, ticking())
			fill(b, d, s, people)
			for name, read := range map[string]func() (int64, error){
				"first": func() (int64, error) { return count(s.List(b.Context(), "p", 0, 100)) },
				"last":  func() (int64, error) { return count(s.List(b.Context(), "p", people-100, 100)) },
				"username": func() (int64, error) {
					return count(s.Search(b.Context(), "p", "77777", []string{user.FieldUsername}, 0, 100))
				},
				"id": func() (int64, error) {
					return count(s.Search(b.Context(), "p", "p77777", []string{user.FieldExternalID}, 0, 100))
				},
				"everything": func() (int64, error) { return count(s.Search(b.Context(), "p", "77777", nil, 0, 100)) },
			} {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if n, err := read(); err != nil || n == 0 {
							b.Fatal(n, err)
						}
					}
				})
			}
		})
	}
}

func count(_ []user.User, n int64, err error) (int64, error) { return n, err }

func fill(b *testing.B, d *db.DB, s *user.Service, people int) {
	b.Helper()
	const batch = 5000
	for from := 0; from < people; from += batch {
		err := d.InTx(b.Context(), func(ctx context.Context) error {
			for i := from; i < from+batch; i++ {
				u := regular(func(u *user.User) {
					u.Username, u.Email, u.ExternalID = fmt.Sprintf("user-%d", i), fmt.Sprintf("mail%d@example.com", i), fmt.Sprintf("p%d", i)
					u.Phone, u.PasswordHash, u.Name = fmt.Sprintf("+86138%08d", i), strings.Repeat("h", 96), "Somebody"
					u.Attributes = map[string]string{"nickname": "Nick", "city": "Wuhan"}
				})
				if err := s.Create(ctx, u); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

package user_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

func TestAttributesAreKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		u := create(t, s, regular(func(u *user.User) {
			u.Attributes = map[string]string{user.AttributeNickname: "Al", "city": "Wuhan"}
		}))
		set := map[string]*string{user.AttributeNickname: new("Bo"), "company": new("ACME"), "city": new(""), "region": nil}
		if _, err := s.UpdateProfile(t.Context(), "p", u.ID, user.Profile{Attributes: set}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.UpdateProfile(t.Context(), "p", u.ID, user.Profile{Name: new("A")}); err != nil {
			t.Fatal(err)
		}
		got, err := s.ByID(t.Context(), "p", u.ID)
		wantCode(t, err, "")
		want := map[string]string{user.AttributeNickname: "Bo", "company": "ACME"}
		if diff := cmp.Diff(want, got.Attributes); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if u.Attributes["city"] != "Wuhan" {
			t.Error("the caller's map was written to")
		}
	})
}

func TestAttributesAreChecked(t *testing.T) {
	tests := map[string]struct {
		key, text string
		want      errs.Code
	}{
		"a nickname":          {"nickname", "Al", ""},
		"an address":          {"formatted", "1 Road\nTown", ""},
		"nothing":             {"oauth", "", ""},
		"as long as may be":   {"oauth", strings.Repeat("x", 1<<10), ""},
		"too long":            {"oauth", strings.Repeat("x", 1<<10+1), errs.FieldTooLong},
		"no text":             {"company", "a\xff", errs.BadRequest},
		"control characters":  {"company", "a\x00", errs.BadRequest},
		"no such attribute":   {"is_admin", "1", errs.BadRequest},
		"another case of one": {"Nickname", "Al", errs.BadRequest},
	}
	for name, tt := range tests {
		err := user.Profile{Attributes: map[string]*string{tt.key: &tt.text}}.CheckAttributes()
		if errs.CodeOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// LK-08: no column is reached by its name, whatever a protocol passes on.
func TestNoColumnIsAnAttribute(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		u := create(t, s, regular(func(u *user.User) {
			u.Username, u.Email, u.PasswordHash, u.ExternalID = "alice", "alice@example.com", "$hash", "x"
			u.Custom = map[string]any{"school": "hust"}
		}))
		rows, err := d.Query(t.Context(), `SELECT * FROM users WHERE id = ''`)
		wantCode(t, err, "")
		columns, err := rows.Columns()
		wantCode(t, err, "")
		wantCode(t, rows.Err(), "")
		wantCode(t, rows.Close(), "")
		if len(columns) < 25 {
			t.Fatalf("columns = %v", columns)
		}
		before, err := s.ByID(t.Context(), "p", u.ID)
		wantCode(t, err, "")
		for _, column := range append(columns, "sub", "roles", "emailVerified", "phoneVerified", "blocked", "userPoolId", "customData", "__proto__") {
			p := user.Profile{Attributes: map[string]*string{column: new("1")}}
			if err := p.CheckAttributes(); errs.CodeOf(err) != errs.BadRequest {
				t.Errorf("%s: %v", column, err)
			}
			if _, err := s.UpdateProfile(t.Context(), "p", u.ID, p); err != nil { // by a caller who does not check
				t.Errorf("%s: %v", column, err)
			}
		}
		after, err := s.ByID(t.Context(), "p", u.ID)
		wantCode(t, err, "")
		if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(user.User{}, "UpdatedAt"), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("-before +after\n%s", diff)
		}
	})
}

func TestAnEmptyChangeIsKnown(t *testing.T) {
	if !(user.Profile{}).Empty() || !(user.Profile{Attributes: map[string]*string{"city": nil}}).Empty() {
		t.Error("nothing is something")
	}
	if (user.Profile{Name: new("")}).Empty() || (user.Profile{Attributes: map[string]*string{"city": new("")}}).Empty() {
		t.Error("a removal is nothing")
	}
}

func TestCustomFieldsAreBounded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := setup(t, d)
		u := create(t, s, regular(nil))
		_, err := s.SetCustom(t.Context(), "p", u.ID, map[string]any{"a": 1.5, "b": true, "c": map[string]any{"d": []any{"e"}}})
		wantCode(t, err, "")
		after, err := s.SetCustom(t.Context(), "p", u.ID, map[string]any{"a": 2.0, "b": nil}, "z")
		wantCode(t, err, "")
		want := map[string]any{"a": 2.0, "c": map[string]any{"d": []any{"e"}}}
		got, err := s.ByID(t.Context(), "p", u.ID)
		wantCode(t, err, "")
		if diff := cmp.Diff([]any{want, want}, []any{after.Custom, got.Custom}); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		many := map[string]any{}
		for i := range 65 {
			many[strings.Repeat("k", i+1)] = 1
		}
		_, err = s.SetCustom(t.Context(), "p", u.ID, many)
		wantCode(t, err, errs.FieldTooLong)
		_, err = s.SetCustom(t.Context(), "p", u.ID, map[string]any{"big": strings.Repeat("x", 16<<10)})
		wantCode(t, err, errs.FieldTooLong)
		_, err = s.SetCustom(t.Context(), "q", u.ID, map[string]any{"a": 3.0}) // MT-01
		wantCode(t, err, errs.UserNotFound)
		for _, err := range parallel(20, func(i int) error {
			_, err := s.SetCustom(t.Context(), "p", u.ID, map[string]any{strings.Repeat("p", i+1): 1.0})
			return err
		}) {
			wantCode(t, err, "")
		}
		if got, err = s.ByID(t.Context(), "p", u.ID); err != nil || len(got.Custom) != 22 {
			t.Errorf("%d fields, %v", len(got.Custom), err)
		}
	})
}

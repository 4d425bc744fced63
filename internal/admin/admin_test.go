package admin_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

const (
	phone    = "+8613800138000"
	email    = "alice@example.com"
	password = accounttest.Password
)

// bench is a kit with a manager of its pool, and of another one.
type bench struct {
	*accounttest.Kit
	mine, other admin.Manager
}

func each(t *testing.T, run func(t *testing.T, b bench)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		if _, err := k.Pools.Create(t.Context(), "q", "Other", pool.Settings{}); err != nil {
			t.Fatal(err)
		}
		run(t, bench{k, admin.Operator("p", "manage:p"), admin.Operator("q", "manage:q")})
	})
}

func wantCode(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != want {
		t.Fatalf("error = %v, want %q", err, want)
	}
}

func (b bench) create(t *testing.T, in admin.NewUser) user.User {
	t.Helper()
	u, err := b.Admin.CreateUser(t.Context(), b.mine, in)
	wantCode(t, err, "")
	return u
}

// actions lists what the record says was done to a person, oldest first.
func (b bench) actions(t *testing.T, userID, actor string) []string {
	t.Helper()
	records, _, err := b.Audit.History(t.Context(), "p", userID, audit.Filter{}, 100, "")
	wantCode(t, err, "")
	var list []string
	for _, r := range slices.Backward(records) {
		if r.Event.Actor == actor {
			list = append(list, r.Event.Action)
		}
	}
	return list
}

func TestAPersonIsMadeAsGiven(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		if _, err := b.Fields.Define(t.Context(), "p", field.Field{Key: "age", DataType: field.Number}); err != nil {
			t.Fatal(err)
		}
		made := b.create(t, admin.NewUser{
			Username: "alice", Phone: "138 0013 8000", Email: "Alice@Example.com", EmailVerified: true,
			ExternalID: "hr-7", Password: password, RegisteredBy: "import",
			Profile: user.Profile{Name: new("Alice"), Attributes: map[string]*string{user.AttributeNickname: new("Al")}},
			Custom:  map[string]any{"age": 20.0, "nobody defined": true},
		})
		u, err := b.Admin.User(t.Context(), b.mine, made.ID)
		wantCode(t, err, "")
		if u.Phone != phone || u.PhoneVerified || !u.EmailVerified || u.Email == "" || u.ExternalID != "hr-7" ||
			u.RegisteredBy != "import" || u.CreatedFrom != "manage" || u.Name != "Alice" ||
			u.Attributes[user.AttributeNickname] != "Al" || u.Custom["age"] != 20.0 || len(u.Custom) != 1 {
			t.Errorf("stored %+v", u)
		}
		b.SignIn(t, "alice")
		if got := b.actions(t, u.ID, "manage:p"); !slices.Equal(got, []string{audit.SignUp}) { // AU-01
			t.Errorf("recorded %v", got)
		}
		tests := map[string]struct {
			in   admin.NewUser
			want errs.Code
		}{
			"the same name":         {admin.NewUser{Username: "ALICE"}, errs.UsernameTaken},
			"the same phone":        {admin.NewUser{Phone: phone}, errs.IdentifierTaken},
			"the same email":        {admin.NewUser{Email: email}, errs.IdentifierTaken},
			"the same external id":  {admin.NewUser{Username: "bob", ExternalID: "hr-7"}, errs.ExternalIDTaken},
			"nothing":               {admin.NewUser{Password: password}, errs.FieldMissing},
			"a phone for a name":    {admin.NewUser{Username: "13800138000"}, errs.UsernameInvalid}, // LK-09
			"a weak password":       {admin.NewUser{Username: "bob", Password: "12345678"}, errs.PasswordCommon},
			"a short old password":  {admin.NewUser{Username: "bob", Password: "123", KeepPassword: true}, errs.PasswordTooShort},
			"a status of its own":   {admin.NewUser{Username: "bob", Status: "king"}, errs.BadRequest},
			"a custom value unlike": {admin.NewUser{Username: "bob", Custom: map[string]any{"age": "old"}}, errs.BadRequest},
			"an unknown attribute":  {admin.NewUser{Username: "bob", Profile: user.Profile{Attributes: map[string]*string{"sub": new("x")}}}, errs.BadRequest},
		}
		for name, tt := range tests {
			if _, err := b.Admin.CreateUser(t.Context(), b.mine, tt.in); errs.CodeOf(err) != tt.want {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
		}
		b.create(t, admin.NewUser{Username: "old", Password: "12345678", KeepPassword: true})
	})
}

// PW-13: a person whose password was chosen by an operator chooses a new one.
func TestAFirstPasswordHasToBeReplaced(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		b.create(t, admin.NewUser{Username: "fresh", Password: password, MustReset: true})
		out, err := b.Signin.SignIn(t.Context(), signin.Input{
			Client: b.Client, Method: signin.MethodPassword, Identifier: "fresh", Password: password,
		})
		if err != nil || out.Session != nil || out.Next == nil || out.Next.Kind != signin.StepResetPassword {
			t.Errorf("outcome = %+v, %v", out, err)
		}
	})
}

// SE-05, LK-04: what an operator changes ends what the person, or a thief, has open.
func TestSomeChangesEndSessionsAndTokens(t *testing.T) {
	tests := map[string]struct {
		in   admin.UserChange
		ends bool
	}{
		"blocking":         {admin.UserChange{Status: new(user.StatusBlocked)}, true},
		"a new password":   {admin.UserChange{Password: new("another-long-passphrase")}, true},
		"a duty to choose": {admin.UserChange{MustReset: new(true)}, true},
		"a new name":       {admin.UserChange{Profile: user.Profile{Name: new("A")}}, false},
		"a new phone":      {admin.UserChange{Phone: new("+8613900139000"), PhoneVerified: new(true)}, false},
	}
	each(t, func(t *testing.T, b bench) {
		for name, tt := range tests {
			u := b.create(t, admin.NewUser{Username: "u" + strings.ReplaceAll(name, " ", ""), Password: password})
			tokens, _ := b.SignIn(t, u.Username)
			sudo, err := b.Tickets.Issue(t.Context(), ticket.Ticket{
				Class: ticket.Sudo, PoolID: "p", UserID: u.ID, UsesLeft: 1, ExpiresAt: b.Now().Add(time.Hour),
			})
			wantCode(t, err, "")
			_, err = b.Admin.UpdateUser(t.Context(), b.mine, u.ID, tt.in)
			wantCode(t, err, "")
			_, session := b.Sessions.Verify(t.Context(), tokens.Access)
			_, token := b.Tickets.Peek(t.Context(), ticket.Sudo, "p", sudo)
			if (session != nil) != tt.ends || (token != nil) != tt.ends {
				t.Errorf("%s: session %v, token %v", name, session, token)
			}
			if got := b.actions(t, u.ID, "manage:p"); !slices.Equal(got, []string{audit.SignUp, audit.UserUpdate}) {
				t.Errorf("%s: recorded %v", name, got)
			}
		}
	})
}

func TestAnOperatorChangesIdentifiers(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		b.create(t, admin.NewUser{Username: "bob", Phone: "+8613900139000", ExternalID: "b"})
		u := b.create(t, admin.NewUser{Username: "alice", Phone: phone, PhoneVerified: true, Email: email, EmailVerified: true})
		update := func(in admin.UserChange) (user.User, error) {
			return b.Admin.UpdateUser(t.Context(), b.mine, u.ID, in)
		}
		for _, tt := range []struct {
			in   admin.UserChange
			want errs.Code
		}{
			{admin.UserChange{Profile: user.Profile{Username: new("Bob")}}, errs.UsernameTaken},
			{admin.UserChange{Phone: new("13900139000")}, errs.IdentifierTaken},
			{admin.UserChange{ExternalID: new("b")}, errs.ExternalIDTaken},
			{admin.UserChange{Phone: new("12")}, errs.PhoneInvalid},
		} {
			_, err := update(tt.in)
			wantCode(t, err, tt.want)
		}
		after, err := update(admin.UserChange{Email: new("new@example.com"), Phone: new(""), ExternalID: new("a")})
		wantCode(t, err, "")
		if after.Email != "new@example.com" || after.EmailVerified || after.Phone != "" || after.PhoneVerified || after.ExternalID != "a" {
			t.Errorf("after = %+v", after)
		}
		if after, err = update(admin.UserChange{EmailVerified: new(true), PhoneVerified: new(true)}); err != nil ||
			!after.EmailVerified || after.PhoneVerified { // nothing to verify
			t.Errorf("after = %+v, %v", after, err)
		}
		_, err = b.Admin.UpdateUser(t.Context(), b.mine, "nobody", admin.UserChange{})
		wantCode(t, err, errs.UserNotFound)
	})
}

// DL-01: a deletion by the operator leaves as little as one by the person.
func TestDeletedPeopleAreGone(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		u := b.create(t, admin.NewUser{Username: "alice", Email: email, EmailVerified: true, Password: password})
		tokens, _ := b.SignIn(t, "alice")
		n, err := b.Admin.DeleteUsers(t.Context(), b.mine, []string{u.ID, u.ID, "nobody"})
		if err != nil || n != 1 {
			t.Fatalf("deleted %d, %v", n, err)
		}
		_, err = b.Sessions.Verify(t.Context(), tokens.Access)
		wantCode(t, err, errs.SessionInvalid)
		_, err = b.Admin.User(t.Context(), b.mine, u.ID)
		wantCode(t, err, errs.UserNotFound)
		if again := b.create(t, admin.NewUser{Username: "alice", Email: email}); again.ID == u.ID {
			t.Error("the id came back")
		}
		if got := b.actions(t, u.ID, "manage:p"); !slices.Equal(got, []string{audit.SignUp, audit.Delete}) {
			t.Errorf("recorded %v", got)
		}
	})
}

// MT-01: a manager reaches nobody of another pool, as if they did not exist.
func TestAManagerStaysInTheirPool(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		u := b.create(t, admin.NewUser{Username: "alice", Email: email, ExternalID: "x", Password: password})
		tokens, _ := b.SignIn(t, "alice")
		_, err := b.Admin.User(ctx, b.other, u.ID)
		wantCode(t, err, errs.UserNotFound)
		_, err = b.Admin.UpdateUser(ctx, b.other, u.ID, admin.UserChange{Status: new(user.StatusBlocked)})
		wantCode(t, err, errs.UserNotFound)
		_, err = b.Admin.UpdateUser(ctx, b.other, u.ID, admin.UserChange{Password: new(password)})
		wantCode(t, err, errs.UserNotFound)
		_, err = b.Admin.SetCustom(ctx, b.other, u.ID, nil)
		wantCode(t, err, errs.UserNotFound)
		_, err = b.Admin.LoginStatus(ctx, b.other, u.ID, "")
		wantCode(t, err, errs.UserNotFound)
		wantCode(t, b.Admin.Kick(ctx, b.other, []string{u.ID}, ""), "")
		if n, err := b.Admin.DeleteUsers(ctx, b.other, []string{u.ID}); n != 0 || err != nil {
			t.Errorf("deleted %d, %v", n, err)
		}
		for _, ref := range []admin.Ref{{ID: u.ID}, {ExternalID: "x"}, {Email: email}, {Username: "alice"}} {
			if found, err := b.Admin.Exists(ctx, b.other, ref); found || err != nil {
				t.Errorf("%+v: %v, %v", ref, found, err)
			}
			if found, err := b.Admin.Exists(ctx, b.mine, ref); !found || err != nil {
				t.Errorf("%+v: %v, %v", ref, found, err)
			}
		}
		if users, total, err := b.Admin.List(ctx, b.other, 1, 100); len(users) != 0 || total != 0 || err != nil {
			t.Errorf("list: %v, %d, %v", users, total, err)
		}
		if users, total, err := b.Admin.Search(ctx, b.other, "alice", nil, 1, 100); len(users) != 0 || total != 0 || err != nil {
			t.Errorf("search: %v, %d, %v", users, total, err)
		}
		if users, err := b.Admin.Batch(ctx, b.other, []string{"alice"}, user.FieldUsername); len(users) != 0 || err != nil {
			t.Errorf("batch: %v, %v", users, err)
		}
		_, err = b.Sessions.Verify(ctx, tokens.Access)
		wantCode(t, err, "")
	})
}

func TestPeopleAreFoundInBatches(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		a := b.create(t, admin.NewUser{Username: "Alice", Email: email})
		z := b.create(t, admin.NewUser{Username: "Zoe", Phone: phone})
		for by, values := range map[string][]string{
			"":                 {z.ID, "nobody", a.ID, z.ID},
			user.FieldUsername: {"ZOE", "alice", "no such name"},
		} {
			users, err := b.Admin.Batch(t.Context(), b.mine, values, by)
			if err != nil || len(users) != 2 || users[0].ID != z.ID || users[1].ID != a.ID {
				t.Errorf("by %q: %v, %v", by, users, err)
			}
		}
		users, err := b.Admin.Batch(t.Context(), b.mine, []string{"13800138000"}, user.FieldPhone)
		if err != nil || len(users) != 1 || users[0].ID != z.ID {
			t.Errorf("by phone: %v, %v", users, err)
		}
		_, err = b.Admin.Batch(t.Context(), b.mine, []string{"x"}, "password_hash")
		wantCode(t, err, errs.BadRequest)
		_, err = b.Admin.Batch(t.Context(), b.mine, make([]string, 101), "")
		wantCode(t, err, errs.FieldTooLong)
		_, _, err = b.Admin.List(t.Context(), b.mine, 0, 10)
		wantCode(t, err, errs.BadRequest)
		_, _, err = b.Admin.List(t.Context(), b.mine, 1, 101)
		wantCode(t, err, errs.BadRequest)
	})
}

func TestKickedPeopleAreSignedOut(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		u := b.create(t, admin.NewUser{Username: "alice", Password: password})
		live := func(clientID string) bool {
			t.Helper()
			is, err := b.Admin.LoginStatus(t.Context(), b.mine, u.ID, clientID)
			wantCode(t, err, "")
			return is
		}
		for _, clientID := range []string{b.Client.ID, ""} {
			b.SignIn(t, "alice")
			if !live("") || !live(b.Client.ID) || live("elsewhere") {
				t.Error("a live session is not seen")
			}
			wantCode(t, b.Admin.Kick(t.Context(), b.mine, []string{u.ID, "nobody"}, "elsewhere"), "")
			if !live("") {
				t.Error("signed out of the wrong application")
			}
			wantCode(t, b.Admin.Kick(t.Context(), b.mine, []string{u.ID}, clientID), "")
			if live("") {
				t.Errorf("still signed in after a kick from %q", clientID)
			}
		}
	})
}

func TestCustomValuesAreChecked(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		u := b.create(t, admin.NewUser{Username: "alice"})
		for _, f := range []field.Field{{Key: "school", DataType: field.String}, {Key: "age", DataType: field.Number}} {
			_, err := b.Admin.DefineField(ctx, b.mine, f)
			wantCode(t, err, "")
		}
		after, err := b.Admin.SetCustom(ctx, b.mine, u.ID, map[string]any{"school": "hust", "age": "20"})
		if err != nil || after.Custom["school"] != "hust" || after.Custom["age"] != 20.0 {
			t.Errorf("after = %v, %v", after.Custom, err)
		}
		_, err = b.Admin.SetCustom(ctx, b.mine, u.ID, map[string]any{"email_verified": true})
		wantCode(t, err, errs.FieldUndefined)
		_, err = b.Admin.SetCustom(ctx, b.mine, u.ID, nil, "undefined")
		wantCode(t, err, errs.FieldUndefined)
		after, err = b.Admin.SetCustom(ctx, b.mine, u.ID, map[string]any{"age": nil}, "school")
		if err != nil || len(after.Custom) != 0 {
			t.Errorf("after = %v, %v", after.Custom, err)
		}
		wantCode(t, b.Admin.RemoveField(ctx, b.mine, "age"), "")
		wantCode(t, b.Admin.RemoveField(ctx, b.mine, "age"), errs.FieldUndefined)
		if list, err := b.Admin.Fields(ctx, b.other); err != nil || len(list) != 0 {
			t.Errorf("another pool: %v, %v", list, err)
		}
	})
}

func from(ctx context.Context, addr string) context.Context {
	return caller.With(ctx, caller.Info{Addr: netip.MustParseAddr(addr)})
}

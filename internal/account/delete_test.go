package account_test

import (
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// DL-01, DL-02: nothing of the person is left but the record, and the identifiers are free.
func TestDeleteMe(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := alice(t, k)
		tokens, p := k.SignIn(t, "alice")
		vt := k.Verified(t, phone, "", "")
		_, digits := k.Code(t, email, u.ID, "")
		_, err := k.Account.DeleteMe(t.Context(), p, "")
		wantCode(t, err, errs.SudoRequired)
		grant := sudo(t, k, p)
		gone, err := k.Account.DeleteMe(t.Context(), p, grant)
		wantCode(t, err, "")
		if gone.ID != u.ID || gone.Email != email {
			t.Errorf("returned %+v", gone)
		}
		wantCode(t, byPassword(t, k, "alice", password), errs.UserNotFound)
		_, err = k.Sessions.Verify(t.Context(), tokens.Access)
		wantCode(t, err, errs.SessionInvalid)
		_, err = k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, tokens.Refresh)
		wantCode(t, err, errs.RefreshInvalid)
		_, err = k.Account.DeleteMe(t.Context(), p, grant)
		wantCode(t, err, errs.SessionInvalid)
		for _, token := range []string{vt, digits} {
			_, err = k.Signin.Register(t.Context(), signin.RegisterInput{Client: k.Client, Phone: phone, Token: token})
			if err == nil {
				t.Error("an old proof still works")
			}
		}
		out, err := k.Signin.Register(t.Context(), signin.RegisterInput{
			Client: k.Client, Phone: phone, Token: k.Verified(t, phone, "", ""),
		})
		wantCode(t, err, "")
		if out.User.ID == u.ID || out.User.Name != "" || out.User.Email != "" {
			t.Errorf("the next owner is %+v", out.User)
		}
		records, _, err := k.Audit.History(t.Context(), "p", u.ID, audit.Filter{Action: audit.Delete, NotAction: ""}, 10, "")
		if err != nil || len(records) == 0 || records[len(records)-1].Event.Result == audit.OK {
			// the first try was refused; the success is the newer record
			t.Errorf("records = %+v, %v", records, err)
		}
		if _, err := k.Users.ByTarget(t.Context(), "p", email); errs.CodeOf(err) != errs.UserNotFound {
			t.Errorf("the email still leads to somebody: %v", err)
		}
	})
}

func TestSignOut(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		tokens, _ := k.SignIn(t, "alice")
		for range 2 { // the second time there is nothing left to end
			wantCode(t, k.Account.SignOut(t.Context(), tokens.Access), "")
		}
		for _, nonsense := range []string{"", "x", "a.b.c", tokens.Access + "x"} {
			wantCode(t, k.Account.SignOut(t.Context(), nonsense), "")
		}
		_, err := k.Sessions.Verify(t.Context(), tokens.Access)
		wantCode(t, err, errs.SessionInvalid)
		_, err = k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, tokens.Refresh) // SE-07
		wantCode(t, err, errs.RefreshInvalid)

		tokens, p := k.SignIn(t, "alice")
		wantCode(t, k.Account.RevokeDevice(t.Context(), p, "unknown"), "")
		_, err = k.Sessions.Verify(t.Context(), tokens.Access)
		wantCode(t, err, "")
		wantCode(t, k.Account.RevokeAll(t.Context(), p), "")
		_, err = k.Sessions.Verify(t.Context(), tokens.Access)
		wantCode(t, err, errs.SessionInvalid)
		k.Advance(3 * time.Hour)
		wantCode(t, k.Account.SignOut(t.Context(), tokens.Access), "") // expired
	})
}

func TestHistoryAndIdentities(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := alice(t, k)
		_, p := k.SignIn(t, "alice")
		k.SignIn(t, "alice")
		sudo(t, k, p)
		signIns, _, err := k.Account.History(t.Context(), p, account.HistoryInput{SignIns: true})
		wantCode(t, err, "")
		others, _, err := k.Account.History(t.Context(), p, account.HistoryInput{Others: true})
		wantCode(t, err, "")
		if len(signIns) != 2 || len(others) != 2 { // made, sudo
			t.Errorf("%d sign-ins, %d others", len(signIns), len(others))
		}
		page, next, err := k.Account.History(t.Context(), p, account.HistoryInput{Limit: 3})
		if err != nil || len(page) != 3 || next == "" {
			t.Errorf("page of %d, next %q, %v", len(page), next, err)
		}
		wantCode(t, k.Users.Link(t.Context(), "p", u.ID, user.Identity{Provider: "x", Subject: "1"}), "")
		linked, err := k.Account.Identities(t.Context(), p)
		if err != nil || len(linked) != 1 {
			t.Errorf("identities = %v, %v", linked, err)
		}
		wantCode(t, k.Account.Unlink(t.Context(), p, "undefined"), errs.ProviderNotFound)
		wantCode(t, k.Account.Unlink(t.Context(), p, "x"), "")
	})
}

// OA-07: RFC 8628.
func TestDeviceGrant(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		alice(t, k)
		_, p := k.SignIn(t, "alice")
		poll := func(code string) (session.Tokens, error) { return k.Account.PollDevice(t.Context(), k.Client, code) }
		g, err := k.Account.StartDevice(t.Context(), k.Client, "")
		wantCode(t, err, "")
		_, err = poll(g.DeviceCode)
		wantCode(t, err, errs.AuthorizationPending)
		_, err = poll(g.DeviceCode)
		wantCode(t, err, errs.SlowDown)
		k.Advance(g.Interval + time.Second)
		_, err = poll(g.DeviceCode)
		wantCode(t, err, errs.AuthorizationPending)
		_, err = poll("dc_nonsense")
		wantCode(t, err, errs.DeviceCodeInvalid)
		wantCode(t, k.Account.AuthorizeDevice(t.Context(), p, "BBBB-BBBB"), errs.DeviceCodeInvalid)
		typed := g.UserCode[:4] + " " + g.UserCode[5:]
		wantCode(t, k.Account.AuthorizeDevice(t.Context(), p, typed), "")
		wantCode(t, k.Account.AuthorizeDevice(t.Context(), p, typed), errs.DeviceCodeInvalid)
		other := k.Client
		other.ID = "other"
		_, err = k.Account.PollDevice(t.Context(), other, g.DeviceCode)
		wantCode(t, err, errs.DeviceCodeInvalid)
		won, lost := accounttest.Race(20, func(int) error { _, err := poll(g.DeviceCode); return err })
		if won != 1 {
			t.Errorf("%d sessions: %v", won, lost)
		}
		old, err := k.Account.StartDevice(t.Context(), k.Client, "")
		wantCode(t, err, "")
		k.Advance(old.ExpiresIn + time.Second)
		_, err = poll(old.DeviceCode)
		wantCode(t, err, errs.DeviceCodeInvalid)
		for range 10 {
			wantCode(t, k.Account.AuthorizeDevice(t.Context(), p, "CCCC-CCCC"), errs.DeviceCodeInvalid)
		}
		wantCode(t, k.Account.AuthorizeDevice(t.Context(), p, "CCCC-CCCC"), errs.TooManyRequests)
	})
}

package account_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
)

// ending is a call that ends a session, repeatable while it fails.
type ending struct {
	name string
	call func() error
}

// endings prepares every way to end the session of tokens and p.
func endings(t *testing.T, k *accounttest.Kit, tokens session.Tokens, p session.Principal) []ending {
	t.Helper()
	_, other := k.SignIn(t, "alice")
	own, others, reset := sudo(t, k, p), sudo(t, k, other), k.Verified(t, phone, "", "")
	return []ending{
		{"sign-out", func() error { return k.Account.SignOut(t.Context(), tokens.Access) }},
		{"end of session", func() error { return k.Account.EndSession(t.Context(), p) }},
		{"device", func() error { return k.Account.RevokeDevice(t.Context(), p, "d1") }},
		{"sign-out of all", func() error { return k.Account.RevokeAll(t.Context(), p) }},
		{"new password", func() error { return k.Account.SetPassword(t.Context(), other, others, password) }},
		{"reset", func() error {
			in := account.ResetInput{Client: k.Client, Phone: phone, Token: reset, Password: password}
			return k.Account.ResetPassword(t.Context(), in)
		}},
		{"deletion", func() error { _, err := k.Account.DeleteMe(t.Context(), p, own); return err }},
	}
}

// faults make a write of a revocation fail, and mend it again.
var faults = []struct{ what, broken, mended string }{
	{
		"sessions", `ALTER TABLE sessions RENAME COLUMN revoked_why TO broken`,
		`ALTER TABLE sessions RENAME COLUMN broken TO revoked_why`,
	},
	// The record is the last write, when the others have succeeded.
	{"audit", `ALTER TABLE audit RENAME TO broken`, `ALTER TABLE broken RENAME TO audit`},
}

// SE-08: a revocation that cannot be written is an error and has no effect, whichever of
// its writes fails; the same call works later.
func TestAFailedRevocationLeavesTheSession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec := func(statement string) {
			t.Helper()
			if _, err := d.Exec(t.Context(), statement); err != nil {
				t.Fatal(err)
			}
		}
		k := accounttest.New(t, d)
		alice(t, k)
		for i := range 7 {
			tokens := onDevice(t, k)
			end := endings(t, k, tokens, k.Principal(t, tokens))[i]
			for _, f := range faults {
				if end.name == "deletion" && f.what == "sessions" {
					continue // it removes the row, whatever its columns
				}
				exec(f.broken)
				err := end.call()
				exec(f.mended)
				if c := errs.CodeOf(err); c != errs.Unexpected && c != errs.Unavailable {
					t.Errorf("%s without %s: %v", end.name, f.what, err)
				}
				tokens = alive(t, k, tokens)
			}
			wantCode(t, end.call(), "")
			dead(t, k, tokens)
		}
	})
}

func onDevice(t *testing.T, k *accounttest.Kit) session.Tokens {
	t.Helper()
	out, err := k.Signin.SignIn(accounttest.From(t, "192.0.2.1", "d1"), signin.Input{
		Client: k.Client, Method: signin.MethodPassword, Identifier: "alice", Password: password,
	})
	wantCode(t, err, "")
	return *out.Session
}

// alive expects that both tokens work, and the password, and returns the next tokens.
func alive(t *testing.T, k *accounttest.Kit, tokens session.Tokens) session.Tokens {
	t.Helper()
	_, err := k.Sessions.Verify(t.Context(), tokens.Access)
	wantCode(t, err, "")
	tokens, err = k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, tokens.Refresh)
	wantCode(t, err, "")
	wantCode(t, byPassword(t, k, "alice", password), "")
	return tokens
}

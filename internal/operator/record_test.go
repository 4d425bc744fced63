package operator_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

// AU-01: every change of who may administer has its line, and no line has a secret.
func TestOperatorsChangesAreRecorded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		root := k.first()
		help := k.another("help", operator.Support)
		by := k.who(root.opened.Token)
		text, key, err := k.NewKey(k.ctx, by, operator.NewKey{Name: "ci", Role: operator.ReadOnly})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			k.RevokeKey(k.ctx, by, key.ID), k.SetRole(k.ctx, by, help.id, operator.ReadOnly, nil),
			k.Disable(k.ctx, by, help.id), k.ResetFactor(k.ctx, operator.Local("cli"), help.id),
			k.Remove(k.ctx, by, help.id), k.ChangePassword(k.ctx, root.opened.Token, good, good+"2"),
			k.EndSession(k.ctx, by, root.id, "no such"),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		_, err = k.Sudo(k.ctx, root.opened.Token, k.code(root.app))
		if err != nil {
			t.Fatal(err)
		}
		_, err = k.SignIn(k.ctx, "root", "wrong")
		want(t, err, errs.SignInWrong)
		rows := records(t, k.ctx, d)
		for _, action := range []string{
			audit.OperatorBootstrap, audit.OperatorEnrol, audit.OperatorSignIn, audit.OperatorCreate,
			audit.OperatorChange, audit.OperatorRemove, audit.OperatorReset, audit.APIKeyCreate, audit.APIKeyRevoke,
			audit.OperatorPassword, audit.OperatorSession, audit.OperatorSudo, audit.OperatorSignIn + " sign_in_wrong",
		} {
			if !strings.Contains(rows, action) {
				t.Errorf("no record of %s", action)
			}
		}
		for _, hidden := range []string{good, root.app.Secret, root.opened.Token, text, help.recovery[0]} {
			if strings.Contains(rows, hidden) {
				t.Errorf("the record shows %q", hidden)
			}
		}
	})
}

func records(t *testing.T, ctx context.Context, d *db.DB) string {
	t.Helper()
	rows, err := d.Query(ctx, `SELECT action, result, actor, detail FROM audit WHERE pool_id = $1`, audit.Installation)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var action, result, actor, detail string
		if err := rows.Scan(&action, &result, &actor, &detail); err != nil {
			t.Fatal(err)
		}
		all.WriteString(action + " " + result + " " + actor + " " + detail + "\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// The vectors of RFC 6238, appendix B, for SHA-1, of which apps show six digits; and the
// address that apps read.
func TestAuthenticatorsSpeakRFC6238(t *testing.T) {
	const seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // "12345678901234567890"
	for at, code := range map[int64]string{59: "287082", 1111111109: "081804", 20000000000: "353130"} {
		if got := codeAt(t, seed, at/30); got != code {
			t.Errorf("%d: the test itself says %s", at, got)
		}
	}
	k := newKit(t, dbtest.Open(t, dbtest.SQLite))
	root := k.first()
	u, err := url.Parse(root.app.URI)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Tigertally:Root" {
		t.Fatal(root.app.URI, err)
	}
	if q := u.Query(); q.Get("secret") != root.app.Secret || q.Get("issuer") != "Tigertally" || len(root.app.Secret) != 32 {
		t.Error(root.app.URI)
	}
}

package federation_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
)

// link links by the session alone, as CloudBase's clients do.
func (k *kit) link(t *testing.T, p session.Principal, token string) error {
	t.Helper()
	return k.Account.LinkProvider(here(t), p, account.LinkInput{Token: token, Assurance: account.BySession})
}

// G7: linked, listed, unlinked, but not the last way in.
func TestLinkListUnlink(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		alice := k.alice(t)
		_, p := k.SignIn(t, phone)
		wantCode(t, k.link(t, p, k.token(t, "oidc", zhang)), "")
		list, err := k.Account.Providers(t.Context(), p)
		wantCode(t, err, "")
		slices.SortFunc(list, func(a, b account.ProviderState) int { return strings.Compare(a.ID, b.ID) })
		want := []account.ProviderState{
			{ID: "oidc", Name: "oidc", Kind: "double", Bound: true, Subject: "zhang", SubjectName: "Zhang"},
			{ID: "wx_mini", Name: "wx_mini", Kind: "double"},
			{ID: "wx_open", Name: "wx_open", Kind: "double"},
		}
		if diff := cmp.Diff(want, list); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if m := k.Message(t, email); m.Template != "identity_linked" { // LK-07: verified contacts hear of it
			t.Errorf("the owner got %q", m.Template)
		}
		if u := k.mustEnter(t, "oidc", zhang); u.ID != alice.ID {
			t.Error("not linked")
		}
		wantCode(t, k.Account.Unlink(t.Context(), p, "oidc"), "")
		wantCode(t, k.Account.Unlink(t.Context(), p, "oidc"), errs.ProviderNotFound)
		if u := k.mustEnter(t, "oidc", zhang); u.ID == alice.ID {
			t.Error("still linked")
		}
		out, err := k.enter(t, "wx_open", federation.Profile{Subject: "only", UnionID: "U"})
		wantCode(t, err, "")
		only := k.principal(t, out)
		wantCode(t, k.Account.Unlink(t.Context(), only, "wx_open"), errs.LastMethod)
		wantCode(t, k.link(t, only, k.token(t, "oidc", federation.Profile{Subject: "more"})), "")
		wantCode(t, k.Account.Unlink(t.Context(), only, "wx_open"), "")
		// The union id went with the last identity of its group.
		if u := k.mustEnter(t, "wx_mini", federation.Profile{Subject: "mini", UnionID: "U"}); u.ID == only.UserID {
			t.Error("an unlinked person is known by the union id")
		}
	})
}

// LK-07: nobody is made to link what somebody else brought.
func TestForeignTokenIsNotLinked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.alice(t)
		k.User(t, admin.NewUser{Phone: "+8613900000000", Password: accounttest.Password})
		tokens, alice := k.SignIn(t, phone)
		evilTokens, _ := k.SignIn(t, "+8613900000000")
		grant := func(device bool, bearer string) string {
			t.Helper()
			ctx := elsewhere(t)
			if !device {
				ctx = t.Context()
			}
			code := "c" + time.Now().String()
			k.vendors["oidc"].knows(code, federation.Profile{Subject: "evil"})
			g, err := k.Federation.Grant(ctx, k.Client, federation.GrantInput{ProviderID: "oidc", Code: code, Native: true, Bearer: bearer})
			wantCode(t, err, "")
			return g.Token
		}
		for name, token := range map[string]string{
			"granted on the attacker's device":     grant(true, ""),
			"granted in the attacker's session":    grant(false, evilTokens.Access),
			"granted by who says nothing of both":  grant(false, ""),
			"granted with somebody's stale bearer": grant(false, "nonsense"),
		} {
			if err := k.link(t, alice, token); errs.CodeOf(err) != errs.TokenInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := k.count(t, `SELECT COUNT(*) FROM identities`); n != 0 {
			t.Errorf("%d identities", n)
		}
		wantCode(t, k.link(t, alice, grant(false, tokens.Access)), "")
	})
}

// LK-07: with the assurance of sudo, an old session has to prove itself again.
func TestLinkingBySudo(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.alice(t)
		_, p := k.SignIn(t, phone)
		in := account.LinkInput{Token: k.token(t, "oidc", zhang)}
		k.Advance(6 * time.Minute)
		wantCode(t, k.Account.LinkProvider(here(t), p, in), errs.SudoRequired)
		g, err := k.Account.Sudo(here(t), p, accounttest.Password, "")
		wantCode(t, err, "")
		in.SudoToken = g.Token
		wantCode(t, k.Account.LinkProvider(here(t), p, in), "")
		_, fresh := k.SignIn(t, phone)
		wantCode(t, k.Account.LinkProvider(here(t), fresh, account.LinkInput{Token: k.token(t, "wx_open", zhang)}), "")
	})
}

// Takeover by linking: an identity, or a union id, belongs to one account; fifty links of
// one token are one.
func TestIdentityBelongsToOneAccount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		owner := k.mustEnter(t, "wx_open", federation.Profile{Subject: "s", UnionID: "U"})
		k.alice(t)
		_, p := k.SignIn(t, phone)
		wantCode(t, k.link(t, p, k.token(t, "wx_open", federation.Profile{Subject: "s"})), errs.IdentityTaken)
		wantCode(t, k.link(t, p, k.token(t, "wx_mini", federation.Profile{Subject: "s-mini", UnionID: "U"})), errs.IdentityTaken)
		if u := k.mustEnter(t, "wx_mini", federation.Profile{Subject: "s-mini", UnionID: "U"}); u.ID != owner.ID {
			t.Error("the person of the union id has changed")
		}
		token := k.token(t, "oidc", zhang)
		won, _ := accounttest.Race(50, func(int) error { return k.link(t, p, token) })
		if won != 1 {
			t.Errorf("%d links", won)
		}
		// Nor by signing in with a link.
		_, err := k.Signin.SignIn(here(t), signin.Input{
			Client: k.Client, Method: signin.MethodPassword, Identifier: phone, Password: accounttest.Password,
			Link: k.token(t, "wx_open", federation.Profile{Subject: "s"}),
		})
		wantCode(t, err, errs.IdentityTaken)
	})
}

func TestAnonymousPeopleDoNotLink(t *testing.T) {
	k := newKit(t, dbtest.Open(t, "sqlite"))
	out, err := k.Signin.SignIn(here(t), signin.Input{Client: k.Client, Method: signin.MethodAnonymous, DeviceID: device})
	wantCode(t, err, "")
	wantCode(t, k.link(t, k.principal(t, out), k.token(t, "oidc", zhang)), errs.AnonymousDenied)
	wantCode(t, k.link(t, k.principal(t, out), ""), errs.FieldMissing)
}

package federation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// alice has an account with a verified phone number, email address and a password.
func (k *kit) alice(t *testing.T) user.User {
	t.Helper()
	return k.User(t, admin.NewUser{Phone: phone, Email: email, Password: accounttest.Password})
}

// squatter has claimed alice's addresses without proving them.
func (k *kit) squatter(t *testing.T, in signin.RegisterInput) user.User {
	t.Helper()
	in.Client, in.Unproved, in.Password = k.Client, true, accounttest.Password
	out, err := k.Signin.Register(elsewhere(t), in)
	wantCode(t, err, "")
	return out.User
}

// TK-02: of fifty who show one provider token, one gets in, and one account is made.
func TestOneOfFiftyUsesOfAProviderTokenWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		token := k.token(t, "oidc", zhang)
		won, lost := accounttest.Race(50, func(int) error {
			_, err := k.Signin.SignIn(here(t), k.in(token))
			return err
		})
		if won != 1 {
			t.Fatalf("%d got in", won)
		}
		for _, err := range lost {
			wantCode(t, err, errs.TokenInvalid)
		}
		if n := k.count(t, `SELECT COUNT(*) FROM users`); n != 1 {
			t.Errorf("%d users", n)
		}
		if n := k.count(t, `SELECT COUNT(*) FROM sessions`); n != 1 {
			t.Errorf("%d sessions", n)
		}
	})
}

// W5: parallel first logins of one person make one user, by one app or by two of a group.
func TestParallelFirstLoginsMakeOneUser(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		for _, apps := range [][2]string{{"oidc", "oidc"}, {"wx_open", "wx_mini"}} {
			for round := range 5 {
				who := federation.Profile{Subject: fmt.Sprintf("%s-%d", apps[1], round), UnionID: fmt.Sprintf("union-%s-%d", apps[1], round)}
				tokens := []string{k.token(t, apps[0], who), k.token(t, apps[1], who), k.token(t, apps[0], who), k.token(t, apps[1], who)}
				ids := make([]string, len(tokens))
				won, lost := accounttest.Race(len(tokens), func(i int) error {
					out, err := k.Signin.SignIn(here(t), k.in(tokens[i]))
					ids[i] = out.User.ID
					return err
				})
				if won != len(tokens) {
					t.Fatalf("%v: %d got in: %v", apps, won, lost)
				}
				for _, id := range ids {
					if id != ids[0] {
						t.Fatalf("%v: several users: %v", apps, ids)
					}
				}
			}
		}
	})
}

// TK-03: a provider token is for one application, device and provider.
func TestProviderTokenIsBound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		token := k.token(t, "oidc", zhang)
		in := k.in(token)
		in.Client = k.other(t)
		_, err := k.Signin.SignIn(here(t), in)
		wantCode(t, err, errs.TokenInvalid)
		_, err = k.Signin.SignIn(elsewhere(t), k.in(token))
		wantCode(t, err, errs.TokenInvalid)
		in = k.in(token)
		in.ProviderID = "wx_open"
		_, err = k.Signin.SignIn(here(t), in)
		wantCode(t, err, errs.TokenInvalid)
		in.ProviderID = "oidc"
		_, err = k.Signin.SignIn(here(t), in)
		wantCode(t, err, "")
		late := k.token(t, "oidc", zhang)
		k.Advance(signin.VoucherLife)
		_, err = k.Signin.SignIn(here(t), k.in(late))
		wantCode(t, err, errs.TokenInvalid)
		_, err = k.Signin.SignIn(here(t), k.in(""))
		wantCode(t, err, errs.FieldMissing)
	})
}

// W1, W2: one person by unionid over the apps of a group, and nobody else by it.
func TestUnionJoinsAppsOfOneGroup(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.vendor(t, connection.Connection{ID: "elsewhere", UnionGroup: "rival"}, true)
		k.vendor(t, connection.Connection{ID: "alone"}, true)
		web := k.mustEnter(t, "wx_open", federation.Profile{Subject: "o-web", UnionID: "U1", AppID: "wx1"})
		mini := k.mustEnter(t, "wx_mini", federation.Profile{Subject: "o-mini", UnionID: "U1", AppID: "wx2"})
		if mini.ID != web.ID || len(mini.Identities) != 2 {
			t.Errorf("web %s, mini %s with %d identities", web.ID, mini.ID, len(mini.Identities))
		}
		for _, other := range []string{"elsewhere", "alone"} {
			if u := k.mustEnter(t, other, federation.Profile{Subject: "o-web", UnionID: "U1"}); u.ID == web.ID {
				t.Errorf("%s joined by the unionid of another group", other)
			}
		}
		if u := k.mustEnter(t, "wx_open", federation.Profile{Subject: "o-web", UnionID: "U1", AppID: "wx1"}); u.ID != web.ID {
			t.Error("back, and somebody else")
		}
	})
}

// W3, W4: a unionid that comes late is stored; one that is somebody else's merges nobody.
func TestLateUnion(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		a := k.mustEnter(t, "wx_open", federation.Profile{Subject: "a"})
		if again := k.mustEnter(t, "wx_open", federation.Profile{Subject: "a", UnionID: "UA"}); again.ID != a.ID {
			t.Fatal("the union id made another user")
		}
		if mini := k.mustEnter(t, "wx_mini", federation.Profile{Subject: "a-mini", UnionID: "UA"}); mini.ID != a.ID {
			t.Error("the late union id is not known")
		}
		b := k.mustEnter(t, "wx_mini", federation.Profile{Subject: "b-mini"})
		if again := k.mustEnter(t, "wx_mini", federation.Profile{Subject: "b-mini", UnionID: "UA"}); again.ID != b.ID {
			t.Error("the conflict moved somebody")
		}
		if n := k.count(t, `SELECT COUNT(*) FROM audit WHERE action = 'identity.conflict'`); n != 1 {
			t.Errorf("%d conflicts recorded", n)
		}
		if n := k.count(t, `SELECT COUNT(*) FROM unions`); n != 1 {
			t.Errorf("%d unions", n)
		}
	})
}

// LK-05: an address that a provider only asserts leads to nobody, and is nobody's.
func TestAssertedEmailMatchesNobody(t *testing.T) {
	tests := []struct {
		name    string
		trusted bool
		who     federation.Profile
		want    errs.Code // "" is an account of its own
	}{
		{"unverified, untrusted", false, federation.Profile{Subject: "s", Email: email}, ""},
		{"unverified, trusted", true, federation.Profile{Subject: "s", Email: email}, ""},
		{"verified, untrusted", false, federation.Profile{Subject: "s", Email: email, EmailVerified: true}, errs.LinkRequired},
		{"no address", true, federation.Profile{Subject: "s", EmailVerified: true}, ""},
		{"another spelling", true, federation.Profile{Subject: "s", Email: strings.ToUpper(email)}, ""},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		alice := k.alice(t)
		for i, test := range tests {
			k.vendor(t, connection.Connection{ID: "oidc", TrustEmail: test.trusted}, false)
			test.who.Subject = fmt.Sprintf("s%d", i)
			out, err := k.enter(t, "oidc", test.who)
			if errs.CodeOf(err) != test.want {
				t.Errorf("%s: %v, want %q", test.name, err, test.want)
				continue
			}
			if err != nil {
				continue
			}
			if u := k.user(t, out.User.ID); u.ID == alice.ID || u.Email != "" {
				t.Errorf("%s: %+v", test.name, u)
			}
		}
		if diff := cmp.Diff(0, len(k.user(t, alice.ID).Identities)); diff != "" {
			t.Error("alice has got an identity")
		}
	})
}

// LK-05: the same subject of another provider, or of another issuer behind the same
// connection, is another person.
func TestSubjectsBelongToTheirIssuer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.vendor(t, connection.Connection{ID: "second"}, false)
		first := k.mustEnter(t, "oidc", federation.Profile{Subject: "same", AppID: "https://one.test"})
		second := k.mustEnter(t, "second", federation.Profile{Subject: "same", AppID: "https://two.test"})
		if first.ID == second.ID {
			t.Error("one user by the subjects of two providers")
		}
		_, err := k.enter(t, "oidc", federation.Profile{Subject: "same", AppID: "https://evil.test"})
		wantCode(t, err, errs.ProviderMisconfigured)
	})
}

// Linking needs both sides verified and a connection that is trusted with it.
func TestVerifiedAddressesLink(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		alice := k.alice(t)
		byPhone := federation.Profile{Subject: "s-phone", Phone: phone}
		if u := k.mustEnter(t, "oidc", federation.Profile{Subject: "says", Phone: phone}); u.ID == alice.ID || u.Phone != "" {
			t.Errorf("a number that the provider merely says made %+v", u)
		}
		v := k.vendors["wx_mini"]
		v.knows("js", federation.Profile{Subject: "s-phone"})
		v.phones["pc"] = byPhone
		g, err := k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: "wx_mini", Code: "js", PhoneCode: "pc", CodeType: "phone"})
		wantCode(t, err, "")
		byEmail := federation.Profile{Subject: "s-email", Email: "Alice@Example.com", EmailVerified: true}
		_, err = k.Signin.SignIn(here(t), k.in(g.Token))
		wantCode(t, err, errs.LinkRequired)
		k.vendor(t, connection.Connection{ID: "wx_mini", LinkPhone: true}, true)
		k.vendor(t, connection.Connection{ID: "oidc", TrustEmail: true}, false)
		if u := k.mustEnter(t, "wx_mini", byPhone); u.ID != alice.ID || !u.HasPassword() {
			t.Error("not linked by phone")
		}
		if u := k.mustEnter(t, "oidc", byEmail); u.ID != alice.ID || len(u.Identities) != 2 {
			t.Error("not linked by email")
		}
		// A stranger gets what the provider verified.
		u := k.mustEnter(t, "oidc", federation.Profile{Subject: "new", Email: "new@example.com", EmailVerified: true})
		if u.Email != "new@example.com" || !u.EmailVerified {
			t.Errorf("stored %q, %t", u.Email, u.EmailVerified)
		}
		wantCode(t, k.Users.SetStatus(t.Context(), "p", alice.ID, user.StatusBlocked), "")
		_, err = k.enter(t, "wx_mini", federation.Profile{Subject: "s-third", Phone: phone})
		wantCode(t, err, errs.UserBlocked)
	})
}

// LK-01, LK-03, LK-06: whoever claimed the address before its owner came by a provider
// keeps nothing: no password, session, other address or identity, nor its union id.
func TestOwnerByProviderReclaimsAClaimedAddress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.vendor(t, connection.Connection{ID: "oidc", TrustEmail: true}, false)
		k.squatter(t, signin.RegisterInput{Email: email})
		out, err := k.Signin.SignIn(here(t), signin.Input{Client: k.Client, Method: signin.MethodPassword, Identifier: email, Password: accounttest.Password})
		wantCode(t, err, "")
		evil := k.principal(t, out)
		trojan := federation.Profile{Subject: "evil", UnionID: "UE"}
		wantCode(t, k.link(t, evil, k.token(t, "wx_open", trojan)), "")
		k.vendors["wx_mini"].knows("pending", federation.Profile{Subject: "evil2"})
		pending, err := k.Federation.Grant(here(t), k.Client, federation.GrantInput{
			ProviderID: "wx_mini", Code: "pending", Bearer: out.Session.Access,
		})
		wantCode(t, err, "")

		owner := k.mustEnter(t, "oidc", federation.Profile{Subject: "alice", Email: email, EmailVerified: true})
		if owner.ID != evil.UserID || owner.HasPassword() || !owner.EmailVerified || len(owner.Identities) != 1 {
			t.Errorf("the account is %+v", owner)
		}
		_, err = k.Sessions.Verify(t.Context(), out.Session.Access)
		wantCode(t, err, errs.SessionInvalid)
		for _, provider := range []string{"wx_open", "wx_mini"} {
			if u := k.mustEnter(t, provider, trojan); u.ID == owner.ID {
				t.Errorf("the squatter comes back by %s", provider)
			}
		}
		wantCode(t, k.link(t, evil, pending.Token), errs.TokenInvalid)
	})
}

// No sign-up means nobody is made; a wish to be asked gets steps instead of refusals.
func TestStepsInsteadOfRefusals(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		alice := k.alice(t)
		c := connection.Connection{ID: "closed", Enabled: true, LinkPhone: true}
		k.vendor(t, c, true)
		k.put(t, c)
		_, err := k.enter(t, "closed", zhang)
		wantCode(t, err, errs.UserNotFound)

		ask := k.in(k.token(t, "closed", zhang))
		ask.Ask = true
		out, err := k.Signin.SignIn(here(t), ask)
		wantCode(t, err, "")
		if out.Session != nil || out.Next == nil || out.Next.Kind != signin.StepBindIdentity || out.Next.MayCreate {
			t.Fatalf("outcome %+v", out)
		}
		create := ask
		create.Create = true
		create.Ask = false
		_, err = k.Signin.SignIn(here(t), create)
		wantCode(t, err, errs.UserNotFound)

		// Alice proves her account and the identity is hers.
		bind := signin.Input{Client: k.Client, Method: signin.MethodPassword, Identifier: phone, Password: "wrong-" + accounttest.Password, Link: out.Next.Token}
		_, err = k.Signin.SignIn(here(t), bind)
		wantCode(t, err, errs.PasswordWrong)
		bind.Password = accounttest.Password
		_, err = k.Signin.SignIn(elsewhere(t), bind) // with a key from another browser
		wantCode(t, err, errs.TokenInvalid)
		_, err = k.Signin.SignIn(here(t), bind)
		wantCode(t, err, "")
		_, err = k.Signin.SignIn(here(t), bind)
		wantCode(t, err, errs.TokenInvalid)
		if u := k.mustEnter(t, "closed", zhang); u.ID != alice.ID {
			t.Error("not bound")
		}
	})
}

func TestChooseBetweenTwoAccounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.vendor(t, connection.Connection{ID: "wx_mini", LinkPhone: true, TrustEmail: true}, true)
		one := k.User(t, admin.NewUser{Phone: phone})
		two := k.User(t, admin.NewUser{Email: email})
		stranger := k.User(t, admin.NewUser{Email: "other@example.com"})
		who := federation.Profile{Subject: "s", Phone: phone, Email: email, EmailVerified: true}
		_, err := k.enter(t, "wx_mini", who)
		wantCode(t, err, errs.LinkRequired)
		in := k.in(k.token(t, "wx_mini", who))
		in.Ask = true
		out, err := k.Signin.SignIn(here(t), in)
		wantCode(t, err, "")
		if out.Next == nil || out.Next.Kind != signin.StepChooseAccount || len(out.Next.Accounts) != 2 {
			t.Fatalf("outcome %+v", out)
		}
		in.AccountID = stranger.ID
		_, err = k.Signin.SignIn(here(t), in)
		wantCode(t, err, errs.LinkRequired)
		in.AccountID = two.ID
		out, err = k.Signin.SignIn(here(t), in)
		wantCode(t, err, "")
		if out.User.ID != two.ID || out.User.ID == one.ID {
			t.Errorf("signed in as %s", out.User.ID)
		}
		// Or somebody new, who has neither address.
		who.Subject = "s2"
		in = k.in(k.token(t, "wx_mini", who))
		in.Create = true
		out, err = k.Signin.SignIn(here(t), in)
		wantCode(t, err, "")
		if u := k.user(t, out.User.ID); u.Phone != "" || u.Email != "" {
			t.Errorf("took %q and %q", u.Phone, u.Email)
		}
	})
}

// What a provider calls somebody never spoils the account.
func TestNamesFromElsewhereAreTamed(t *testing.T) {
	k := newKit(t, dbtest.Open(t, "sqlite"))
	u := k.mustEnter(t, "oidc", federation.Profile{
		Subject: "s", Name: strings.Repeat("n", 70) + "\x00\n", Picture: "javascript:alert(1)", Email: "no address", EmailVerified: true, Phone: "12",
	})
	if len(u.Name) != 64 || u.Picture != "" || u.Email != "" || u.Phone != "" {
		t.Errorf("stored %+v", u)
	}
}

// A mini-program's person continues as the same anonymous one, whom no device can name.
func TestAnonymousByProvider(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		enter := func(in signin.Input) (signin.Outcome, error) {
			in.Client, in.Method = k.Client, signin.MethodAnonymous
			return k.Signin.SignIn(here(t), in)
		}
		first, err := enter(signin.Input{Token: k.token(t, "wx_mini", zhang)})
		wantCode(t, err, "")
		second, err := enter(signin.Input{Token: k.token(t, "wx_mini", zhang)})
		wantCode(t, err, "")
		if first.User.ID != second.User.ID || !first.User.Anonymous() {
			t.Errorf("%+v, then %+v", first.User, second.User)
		}
		_, err = enter(signin.Input{DeviceID: "provider:wx_mini:zhang"})
		wantCode(t, err, errs.BadRequest)
		if u := k.mustEnter(t, "wx_mini", zhang); u.Anonymous() {
			t.Error("a sign-in by provider led to the anonymous person")
		}
	})
}

// G: the phone number may come later, with a code of the same person, once.
func TestAmendAddsThePhone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		v := k.vendors["wx_mini"]
		token := k.token(t, "wx_mini", zhang)
		v.phones["pc"] = federation.Profile{Subject: "zhang", Phone: phone}
		v.phones["stolen"] = federation.Profile{Subject: "li", Phone: "+8613900000000"}
		amend := func(ctx context.Context, code string) (federation.Granted, error) {
			return k.Federation.Amend(ctx, k.Client, token, federation.GrantInput{PhoneCode: code, CodeType: "phone"})
		}
		_, err := amend(here(t), "stolen")
		wantCode(t, err, errs.ProviderRefused)
		_, err = amend(elsewhere(t), "pc")
		wantCode(t, err, errs.TokenInvalid)
		_, err = amend(here(t), "")
		wantCode(t, err, errs.FieldMissing)
		g, err := amend(here(t), "pc")
		wantCode(t, err, "")
		if g.Token != token || g.Profile.Phone != phone {
			t.Errorf("amended %+v", g)
		}
		out, err := k.Signin.SignIn(here(t), k.in(token))
		wantCode(t, err, "")
		if u := k.user(t, out.User.ID); u.Phone != phone || !u.PhoneVerified {
			t.Errorf("stored %+v", u)
		}
		_, err = amend(here(t), "pc")
		wantCode(t, err, errs.TokenInvalid)
		// The phone code is spent too, whatever comes with it (SO-04).
		v.knows("js", federation.Profile{Subject: "zhang"})
		_, err = k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: "wx_mini", Code: "js", PhoneCode: "pc"})
		wantCode(t, err, errs.ProviderRefused)
	})
}

// What a provider shows of somebody reaches their account when the app asks for it, and
// what it leaves out stays.
func TestAProfileIsBroughtUpToDateOnRequest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		u := k.mustEnter(t, "oidc", zhang)
		now := federation.Profile{Subject: zhang.Subject, Name: "Zhang San", Picture: "javascript:alert(1)"}
		if got := k.mustEnter(t, "oidc", now); got.Name != "Zhang" {
			t.Errorf("not asked for: %q", got.Name)
		}
		in := k.in(k.token(t, "oidc", now))
		in.SyncProfile = true
		out, err := k.Signin.SignIn(here(t), in)
		wantCode(t, err, "")
		if got := k.user(t, u.ID); out.User.ID != u.ID || got.Name != "Zhang San" || got.Picture != zhang.Picture {
			t.Errorf("stored %+v", got)
		}
	})
}

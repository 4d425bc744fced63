package account_test

import (
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/ticket"
)

// TK-02, DL-02: fifty deletions at once are one, and whoever signs in or refreshes at the
// same moment is left with nothing that works.
func TestOneDeletionOfFifty(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := alice(t, k)
		own, p := k.SignIn(t, "alice")
		grants := make([]string, 50)
		for i := range grants {
			grants[i] = sudo(t, k, p)
		}
		got := make(chan session.Tokens, 10_000)
		got <- own
		var others sync.WaitGroup
		for range 3 {
			tokens, _ := k.SignIn(t, "alice")
			others.Go(func() { refreshUntilRefused(t, k, tokens, got) })
			others.Go(func() { signInUntilRefused(t, k, got) })
		}
		var once [6]func()
		for i := range once {
			once[i] = lateEntrance(t, k, i%2 == 0, got)
		}
		for len(got) < 10 {
			time.Sleep(time.Millisecond) // the others are under way
		}
		for _, fn := range once {
			others.Go(fn)
		}
		won, lost := accounttest.Race(50, func(i int) error {
			_, err := k.Account.DeleteMe(t.Context(), p, grants[i])
			return err
		})
		others.Wait()
		if won != 1 {
			t.Errorf("%d deletions", won)
		}
		for _, err := range lost {
			wantCode(t, err, errs.SessionInvalid)
		}
		close(got)
		for tokens := range got {
			dead(t, k, tokens)
		}
		nothingOf(t, d, u.ID)
	})
}

func refreshUntilRefused(t *testing.T, k *accounttest.Kit, tokens session.Tokens, got chan<- session.Tokens) {
	t.Helper()
	for {
		var err error
		if tokens, err = k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, tokens.Refresh); err != nil {
			return
		}
		got <- tokens
	}
}

func signInUntilRefused(t *testing.T, k *accounttest.Kit, got chan<- session.Tokens) {
	t.Helper()
	in := signin.Input{Client: k.Client, Method: signin.MethodPassword, Identifier: "alice", Password: password}
	for {
		out, err := k.Signin.SignIn(t.Context(), in)
		if err != nil {
			return
		}
		got <- *out.Session
	}
}

// lateEntrance prepares a way in that works once: a verified code, or a device.
func lateEntrance(t *testing.T, k *accounttest.Kit, byCode bool, got chan<- session.Tokens) func() {
	t.Helper()
	if byCode {
		in := signin.Input{Client: k.Client, Method: signin.MethodVerification, Token: k.Verified(t, phone, "", "")}
		return func() {
			if out, err := k.Signin.SignIn(t.Context(), in); err == nil {
				got <- *out.Session
			}
		}
	}
	device := approved(t, k)
	return func() {
		if tokens, err := k.Account.PollDevice(t.Context(), k.Client, device); err == nil {
			got <- tokens
		}
	}
}

// TK-02: what is spent on one node is spent on the other.
func TestTwoNodesSpendOnce(t *testing.T) {
	url := dbtest.URL(t, dbtest.Postgres)
	var nodes [2]*accounttest.Kit
	for i := range nodes {
		d, err := db.Open(t.Context(), db.Options{URL: url})
		wantCode(t, err, "")
		t.Cleanup(func() { _ = d.Close() })
		nodes[i] = accounttest.New(t, d)
	}
	k := nodes[0]
	alice(t, k)
	_, p := k.SignIn(t, "alice")
	var grants [20]string
	for i := range grants {
		grants[i] = sudo(t, k, p)
	}
	const newcomer = "+8613700000000"
	for _, tt := range []struct {
		name, target string
		use          func(k *accounttest.Kit, i int, token string) error
	}{
		{"sign-in", phone, func(k *accounttest.Kit, _ int, token string) error {
			in := signin.Input{Client: k.Client, Method: signin.MethodVerification, Token: token}
			_, err := k.Signin.SignIn(t.Context(), in)
			return err
		}},
		{"registration", newcomer, func(k *accounttest.Kit, _ int, token string) error {
			in := signin.RegisterInput{Client: k.Client, Phone: newcomer, Token: token}
			_, err := k.Signin.Register(t.Context(), in)
			return err
		}},
		{"sudo", phone, func(k *accounttest.Kit, _ int, token string) error {
			_, err := k.Account.Sudo(t.Context(), p, "", token)
			return err
		}},
		{"contact", phone, func(k *accounttest.Kit, i int, token string) error {
			in := account.BindInput{Phone: phone, SudoToken: grants[i], Token: token}
			return k.Account.BindContact(t.Context(), p, in)
		}},
		{"deletion", phone, func(k *accounttest.Kit, i int, _ string) error {
			_, err := k.Account.DeleteMe(t.Context(), p, grants[i])
			return err
		}},
		{"reset", newcomer, func(k *accounttest.Kit, _ int, token string) error {
			in := account.ResetInput{Client: k.Client, Phone: newcomer, Token: token, Password: password}
			return k.Account.ResetPassword(t.Context(), in)
		}},
	} {
		token := k.Verified(t, tt.target, "", "")
		won, lost := accounttest.Race(len(grants), func(i int) error { return tt.use(nodes[i%2], i, token) })
		if won != 1 {
			t.Errorf("%s: %d effects; lost: %v", tt.name, won, lost)
		}
	}
}

// approved returns the code of a device that alice has let in and that has not come yet.
func approved(t *testing.T, k *accounttest.Kit) string {
	t.Helper()
	_, p := k.SignIn(t, "alice")
	g, err := k.Account.StartDevice(t.Context(), k.Client, "")
	wantCode(t, err, "")
	wantCode(t, k.Account.AuthorizeDevice(t.Context(), p, g.UserCode), "")
	return g.DeviceCode
}

// dead expects that neither token works.
func dead(t *testing.T, k *accounttest.Kit, tokens session.Tokens) {
	t.Helper()
	if _, err := k.Sessions.Verify(t.Context(), tokens.Access); errs.CodeOf(err) != errs.SessionInvalid {
		t.Errorf("access token: %v", err)
	}
	if _, err := k.Sessions.Rotate(t.Context(), k.Client.Pool, k.Client.ID, tokens.Refresh); errs.CodeOf(err) != errs.RefreshInvalid {
		t.Errorf("refresh token: %v", err)
	}
}

// nothingOf expects no row of a person but the record.
func nothingOf(t *testing.T, d *db.DB, id string) {
	t.Helper()
	for table, column := range map[string]string{
		"users": "id", "identities": "user_id", "sessions": "user_id", "codes": "user_id", "tickets": "user_id",
		"device_grants": "user_id",
	} {
		var n int
		err := d.QueryRow(t.Context(), "SELECT COUNT(*) FROM "+table+" WHERE "+column+" = $1", id).Scan(&n)
		if err != nil || n != 0 {
			t.Errorf("%d rows of %s are left, %v", n, table, err)
		}
	}
}

// LK-02, LK-04: what somebody began before everybody else was signed out, nobody finishes.
func TestSignOutOfAllVoidsWhatIsPending(t *testing.T) {
	for _, tt := range []struct {
		name  string
		keeps bool // the session that asks for it
		end   func(k *accounttest.Kit, p session.Principal, sudoToken, resetToken string) error
	}{
		{"sign-out of all", false, func(k *accounttest.Kit, p session.Principal, _, _ string) error {
			return k.Account.RevokeAll(t.Context(), p)
		}},
		{"reset", false, func(k *accounttest.Kit, _ session.Principal, _, resetToken string) error {
			in := account.ResetInput{Client: k.Client, Phone: phone, Token: resetToken, Password: password}
			return k.Account.ResetPassword(t.Context(), in)
		}},
		{"new password", true, func(k *accounttest.Kit, p session.Principal, sudoToken, _ string) error {
			return k.Account.SetPassword(t.Context(), p, sudoToken, password)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d)
				u := alice(t, k)
				_, thief := k.SignIn(t, "alice")
				_, p := k.SignIn(t, "alice")
				grant, device := sudo(t, k, thief), approved(t, k)
				pending := k.Verified(t, "thief@example.com", u.ID, "")
				linking, err := k.Tickets.Issue(t.Context(), ticket.Ticket{
					Class: ticket.Provider, PoolID: "p", ClientID: "p", UserID: u.ID, SessionID: thief.SessionID,
					UsesLeft: 1, ExpiresAt: k.Now().Add(time.Hour),
				})
				wantCode(t, err, "")

				wantCode(t, tt.end(k, p, sudo(t, k, p), k.Verified(t, phone, "", "")), "")

				_, err = k.Account.PollDevice(t.Context(), k.Client, device)
				wantCode(t, err, errs.DeviceCodeInvalid)
				_, p = k.SignIn(t, "alice")
				wantCode(t, k.Account.SetPassword(t.Context(), p, grant, password), errs.SudoInvalid)
				wantCode(t, k.Account.BindContact(t.Context(), p, account.BindInput{
					Email: "thief@example.com", SudoToken: sudo(t, k, p), Token: pending,
				}), errs.VerificationInvalid)
				if tt.keeps {
					return
				}
				_, err = k.Tickets.Peek(t.Context(), ticket.Sudo, "p", grant)
				wantCode(t, err, errs.TokenInvalid)
				_, err = k.Tickets.Peek(t.Context(), ticket.Provider, "p", linking)
				wantCode(t, err, errs.TokenInvalid)
			})
		})
	}
}

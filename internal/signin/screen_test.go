package signin_test

import (
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// screen opens a screen that who confirms, and returns its ticket.
func screen(t *testing.T, k *accounttest.Kit, who session.Principal, about any) string {
	t.Helper()
	shown, err := k.Signin.OpenScreen(t.Context(), k.Client, about)
	wantCode(t, err, "")
	wantCode(t, k.Account.ConfirmScreen(t.Context(), who, shown.Code), "")
	_, ticket, err := k.Screens.Check(t.Context(), "p", k.Client.ID, shown.Token)
	wantCode(t, err, "")
	return ticket
}

func byScreen(t *testing.T, k *accounttest.Kit, ticket string) (signin.Outcome, error) {
	t.Helper()
	return k.Signin.SignIn(t.Context(), signin.Input{Client: k.Client, Method: signin.MethodScreen, Token: ticket})
}

// Functions see the sign-in of a screen with what the application told them when it began,
// and can refuse it.
func TestFunctionsSeeScreens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		define(t, k, "seen")
		k.User(t, admin.NewUser{Email: email, Password: password})
		_, who := k.SignIn(t, email)
		put(t, k, pipeline.PostAuthentication, `async function pipe(user, context, callback) {
			if (context.room === "closed") return callback(new Error("Access denied"))
			user.addCustomData("seen", context.room + " " + JSON.stringify(context.request.body))
			return callback(null, user, context)
		}`)
		out, err := byScreen(t, k, screen(t, k, who, map[string]any{"room": "four"}))
		wantCode(t, err, "")
		if seen, _ := out.User.Custom["seen"].(string); !strings.HasPrefix(seen, "four ") || strings.Contains(seen, "qt_") {
			t.Errorf("seen %q", seen)
		}
		_, err = byScreen(t, k, screen(t, k, who, map[string]any{"room": "closed"}))
		wantCode(t, err, errs.PipelineDenied)
		if list, err := k.Sessions.List(t.Context(), who.UserID); err != nil || len(list) != 2 {
			t.Errorf("%d sessions, %v", len(list), err)
		}
	})
}

// Who may not sign in may not by a screen, nor let one in.
func TestScreensAskWhoMaySignIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := k.User(t, admin.NewUser{Email: email, Password: password})
		_, who := k.SignIn(t, email)
		ticket := screen(t, k, who, nil)
		wantCode(t, k.Users.SetStatus(t.Context(), "p", u.ID, user.StatusBlocked), "")
		_, err := byScreen(t, k, ticket)
		wantCode(t, err, errs.UserBlocked)
		shown, err := k.Signin.OpenScreen(t.Context(), k.Client, nil)
		wantCode(t, err, "")
		wantCode(t, k.Account.ConfirmScreen(t.Context(), who, shown.Code), errs.UserBlocked)

		out, err := k.Signin.SignIn(t.Context(), signin.Input{Client: k.Client, Method: signin.MethodAnonymous})
		wantCode(t, err, "")
		nobody := k.Principal(t, *out.Session)
		wantCode(t, k.Account.ConfirmScreen(t.Context(), nobody, shown.Code), errs.AnonymousDenied)
		_, err = k.Account.ScanScreen(t.Context(), nobody, shown.Code)
		wantCode(t, err, errs.AnonymousDenied)
		_, err = byScreen(t, k, "")
		wantCode(t, err, errs.FieldMissing)
	})
}

func TestScreensAreLimited(t *testing.T) {
	k := accounttest.New(t, dbtest.Open(t, dbtest.SQLite), func(s *pool.Settings) { s.Limits = true })
	k.User(t, admin.NewUser{Email: email, Password: password})
	_, who := k.SignIn(t, email)
	var err error
	for range 61 {
		wantCode(t, err, "")
		_, err = k.Signin.OpenScreen(t.Context(), k.Client, nil)
	}
	wantCode(t, err, errs.TooManyRequests)
	err = nil
	for range 31 {
		if err != nil {
			wantCode(t, err, errs.TokenInvalid)
		}
		err = k.Account.CancelScreen(t.Context(), who, "qc_guess")
	}
	wantCode(t, err, errs.TooManyRequests)
}

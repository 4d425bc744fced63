package authing_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/sdk/authing"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

// method is a method of the vendor's documentation page, and how to run its Go form.
type method struct {
	page string // its name on the page
	name string // its name in Go
	// works runs it and checks what it did.
	works func(w *world)
	// refuses runs it so that the server answers a code.
	refuses map[authing.Code]func(w *world) error
}

type refusals = map[authing.Code]func(w *world) error

// Every method does what the page says and refuses with each code there is for it, and
// docs/go-sdk.md says which Go method it is.
func TestEveryMethodOfThePage(t *testing.T) {
	w := newWorld(t)
	all := slices.Concat(registrations(), logins(), sessions(), messages(), passwords(), bindings())
	rows := compatRows(t)
	named := make(map[string]bool)
	for _, m := range all {
		named[m.page] = true
		row, ok := rows[m.page]
		if !ok {
			t.Errorf("%s is not on the page", m.page)
			continue
		}
		if _, ok := reflect.TypeFor[*authing.AuthClient]().MethodByName(m.name); !ok {
			t.Errorf("there is no %s", m.name)
		}
		if diff := cmp.Diff(row.codes, slices.Sorted(maps.Keys(m.refuses))); diff != "" {
			t.Errorf("codes of %s (-documented +tested):\n%s", m.page, diff)
		}
		w.run(m.page, func(w *world) {
			w.run("works", func(w *world) {
				w.wire.forget(nil)
				m.works(w)
				if w.wire.times(row.endpoint) == 0 {
					w.Errorf("nothing asked %s", row.endpoint)
				}
			})
			for code, run := range m.refuses {
				w.run("refuses with "+strconv.Itoa(int(code)), func(w *world) { w.checkRefusal(run(w), code, row.endpoint) })
			}
		})
	}
	for name := range rows {
		if !named[name] {
			t.Errorf("%s has no test", name)
		}
	}
	checkGuide(t, all)
}

func (w *world) checkRefusal(err error, code authing.Code, endpoint string) {
	w.Helper()
	w.refused(err, code)
	if e, ok := errors.AsType[*authing.Error](err); ok && e.Endpoint != endpoint {
		w.Errorf("%s refused, not %s", e.Endpoint, endpoint)
	}
}

type compatRow struct {
	endpoint string
	codes    []authing.Code
}

var cell = regexp.MustCompile("^`(.*)`$")

// compatRows are the methods of the page, with what the server's own documentation says
// of each.
func compatRows(t *testing.T) map[string]compatRow {
	t.Helper()
	rows := make(map[string]compatRow)
	for _, cells := range section(t, "../../docs/compat/authing.md", "## Methods of the sign-in page") {
		row := compatRow{endpoint: unquoted(cells[1])}
		for _, text := range strings.Split(cells[3], ", ") {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("code %q of %s", text, cells[0])
			}
			row.codes = append(row.codes, authing.Code(n))
		}
		slices.Sort(row.codes)
		rows[unquoted(cells[0])] = row
	}
	if len(rows) != 20 {
		t.Fatalf("%d methods, the page has 20", len(rows))
	}
	return rows
}

// checkGuide compares the table of the guide with the methods.
func checkGuide(t *testing.T, all []method) {
	t.Helper()
	want, got := make(map[string]string), make(map[string]string)
	for _, m := range all {
		want[m.page] = m.name
	}
	for _, cells := range section(t, "../../docs/go-sdk.md", "## Authing methods") {
		got[unquoted(cells[0])], _, _ = strings.Cut(unquoted(cells[1]), "(")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/go-sdk.md (-methods +guide):\n%s", diff)
	}
}

// section returns the cells of the table rows below a heading.
func section(t *testing.T, file, heading string) (rows [][]string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(raw), heading)
	if !found {
		t.Fatalf("%s has no %q", file, heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "| `") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

func unquoted(text string) string {
	if m := cell.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return text
}

func registrations() []method {
	return []method{
		{page: "registerByEmail", name: "RegisterByEmail", works: func(w *world) {
			email := w.email()
			u := w.user(w.client().RegisterByEmail(w.Context(), strings.ToUpper(email), password, &authing.RegisterOptions{
				Context: `{"from":"go"}`, Profile: &authing.Profile{Nickname: "Ann"},
			}))
			if u.Email != email || u.EmailVerified || u.LoginsCount != 1 || u.Nickname != "Ann" {
				w.Errorf("got %+v", u)
			}
		}, refuses: refusals{
			authing.ErrEmailInvalid: func(w *world) error {
				_, err := w.client().RegisterByEmail(w.Context(), "nope", password, nil)
				return err
			},
			authing.ErrAlreadyRegistered: func(w *world) error {
				_, known := w.byEmail()
				_, err := w.client().RegisterByEmail(w.Context(), known.Email, password, nil)
				return err
			},
		}},
		{page: "registerByEmailCode", name: "RegisterByEmailCode", works: func(w *world) {
			if _, u := w.byEmail(); !u.EmailVerified || u.Email == "" {
				w.Errorf("got %+v", u)
			}
		}, refuses: refusals{
			authing.ErrEmailInvalid: func(w *world) error {
				_, err := w.client().RegisterByEmailCode(w.Context(), "nope", "123456", nil)
				return err
			},
			authing.ErrAlreadyRegistered: func(w *world) error {
				_, known := w.byEmail()
				_, err := w.client().RegisterByEmailCode(w.Context(), known.Email, w.mailCode(known.Email, authing.SceneVerifyCode), nil)
				return err
			},
			authing.ErrCodeWrong: func(w *world) error {
				email := w.email()
				_, err := w.client().RegisterByEmailCode(w.Context(), email, wrong(w.mailCode(email, authing.SceneVerifyCode)), nil)
				return err
			},
		}},
		{page: "registerByUserName", name: "RegisterByUserName", works: func(w *world) {
			if _, u := w.byName(); u.Username == "" || u.Email != "" || u.Phone != "" {
				w.Errorf("got %+v", u)
			}
		}, refuses: refusals{authing.ErrAlreadyRegistered: func(w *world) error {
			_, known := w.byName()
			_, err := w.client().RegisterByUserName(w.Context(), known.Username, password, nil)
			return err
		}}},
		{page: "registerByPhoneCode", name: "RegisterByPhoneCode", works: func(w *world) {
			phone, c := w.phone(), w.client()
			u := w.user(c.RegisterByPhoneCode(w.Context(), phone, w.smsCode(phone), password, &authing.RegisterOptions{CountryCode: "+86"}))
			if u.Phone != phone || u.PhoneCountryCode != "+86" || !u.PhoneVerified {
				w.Errorf("got %+v", u)
			}
			w.user(w.client().LoginByAccount(w.Context(), phone, password, nil))
		}, refuses: refusals{
			authing.ErrCodeWrong: func(w *world) error {
				phone := w.phone()
				_, err := w.client().RegisterByPhoneCode(w.Context(), phone, wrong(w.smsCode(phone)), password, nil)
				return err
			},
			authing.ErrAlreadyRegistered: func(w *world) error {
				_, known := w.byPhone()
				_, err := w.client().RegisterByPhoneCode(w.Context(), known.Phone, w.smsCode(known.Phone), password, nil)
				return err
			},
		}},
	}
}

func logins() []method {
	return []method{
		{page: "loginByEmail", name: "LoginByEmail", works: func(w *world) {
			_, known := w.byEmail()
			u := w.user(w.client().LoginByEmail(w.Context(), known.Email, w.mailCode(known.Email, authing.SceneVerifyCode), nil))
			if u.ID != known.ID || u.LoginsCount != 2 {
				w.Errorf("got %+v", u)
			}
			email := w.email()
			u = w.user(w.client().LoginByEmail(w.Context(), email, w.mailCode(email, authing.SceneLoginVerifyCode), newToo()))
			if u.Email != email || !u.EmailVerified {
				w.Errorf("somebody new: %+v", u)
			}
		}, refuses: refusals{
			authing.ErrCodeWrong: func(w *world) error {
				_, known := w.byEmail()
				_, err := w.client().LoginByEmail(w.Context(), known.Email, wrong(w.mailCode(known.Email, authing.SceneVerifyCode)), nil)
				return err
			},
			authing.ErrUserNotFound: func(w *world) error {
				email := w.email()
				_, err := w.client().LoginByEmail(w.Context(), email, w.mailCode(email, authing.SceneVerifyCode), nil)
				return err
			},
		}},
		{page: "loginByAccount", name: "LoginByAccount", works: func(w *world) {
			_, known := w.byName()
			if u := w.user(w.client().LoginByAccount(w.Context(), known.Username, password, nil)); u.ID != known.ID {
				w.Errorf("got %+v", u)
			}
			name := w.name()
			if u := w.user(w.client().LoginByAccount(w.Context(), name, password, newToo())); u.Username != name {
				w.Errorf("somebody new: %+v", u)
			}
		}, refuses: refusals{
			authing.ErrPasswordWrong: func(w *world) error {
				_, known := w.byName()
				_, err := w.client().LoginByAccount(w.Context(), known.Username, "not it", nil)
				return err
			},
			authing.ErrUserLocked: func(w *world) error {
				name := w.name()
				w.srv.CreateUser(w, tigertallytest.User{Username: name, Password: password, Status: "blocked"})
				_, err := w.client().LoginByAccount(w.Context(), name, password, nil)
				return err
			},
			authing.ErrFirstLogin: func(w *world) error {
				_, err := w.client().LoginByAccount(w.Context(), w.newcomer(), password, nil)
				return err
			},
			authing.ErrCaptchaRequired: func(w *world) error {
				w = suspicious(w.T)
				_, err := w.client().LoginByAccount(w.Context(), "ann", password, nil)
				return err
			},
		}},
		{page: "loginByPhoneCode", name: "LoginByPhoneCode", works: func(w *world) {
			_, known := w.byPhone()
			if u := w.user(w.client().LoginByPhoneCode(w.Context(), known.Phone, w.smsCode(known.Phone), nil)); u.ID != known.ID {
				w.Errorf("got %+v", u)
			}
			c := w.client()
			w.ok(c.SendSms(w.Context(), "7880000637", &authing.SmsOptions{CountryCode: "+44", Scene: authing.SmsSceneLogin}))
			u := w.user(c.LoginByPhoneCode(w.Context(), "7880000637", w.srv.Code(w, "+447880000637"), &authing.LoginOptions{
				AutoRegister: true, CountryCode: "+44",
			}))
			if u.PhoneCountryCode != "+44" || u.Phone != "7880000637" {
				w.Errorf("somebody new: %+v", u)
			}
		}, refuses: refusals{
			authing.ErrCodeWrong: func(w *world) error {
				_, known := w.byPhone()
				_, err := w.client().LoginByPhoneCode(w.Context(), known.Phone, wrong(w.smsCode(known.Phone)), nil)
				return err
			},
			authing.ErrUserNotFound: func(w *world) error {
				phone := w.phone()
				_, err := w.client().LoginByPhoneCode(w.Context(), phone, w.smsCode(phone), nil)
				return err
			},
		}},
		{page: "loginByOneAuth", name: "LoginByOneAuth", works: func(w *world) {
			u := w.user(w.client().LoginByOneAuth(w.Context(), "good-token", "access", &authing.OneAuthOptions{Network: 1}))
			if u.Phone == "" || !u.PhoneVerified {
				w.Errorf("got %+v", u)
			}
		}, refuses: refusals{authing.ErrPasswordWrong: func(w *world) error {
			_, err := w.client().LoginByOneAuth(w.Context(), "bad", "access", nil)
			return err
		}}},
	}
}

// newToo are options that make an account for somebody new.
func newToo() *authing.LoginOptions { return &authing.LoginOptions{AutoRegister: true} }

// newcomer is the name of somebody who has to choose a password at the first sign-in.
func (w *world) newcomer() string {
	w.Helper()
	name := w.name()
	w.srv.CreateUser(w, tigertallytest.User{Username: name, Password: password, ResetPasswordOnFirstLogin: true})
	return name
}

func sessions() []method {
	return []method{
		{page: "getCurrentUser", name: "GetCurrentUser", works: func(w *world) {
			c, known := w.byName()
			if u := w.user(c.GetCurrentUser(w.Context())); u.ID != known.ID || u.Token != known.Token {
				w.Errorf("got %+v", u)
			}
		}, refuses: nobody(func(c *authing.AuthClient, ctx context.Context) error {
			_, err := c.GetCurrentUser(ctx)
			return err
		})},
		{page: "logout", name: "Logout", works: func(w *world) {
			c, known := w.byName()
			other := w.client()
			w.user(other.LoginByAccount(w.Context(), known.Username, password, nil))
			w.ok(c.Logout(w.Context(), &authing.LogoutOptions{OnlySelf: true}))
			if _, err := c.Token(w.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
				w.Errorf("still has a token: %v", err)
			}
			w.user(other.GetCurrentUser(w.Context()))
			w.ok(other.Logout(w.Context(), nil))
			w.ok(other.SetToken(w.Context(), known.Token))
			_, err := other.GetCurrentUser(w.Context())
			w.refused(err, authing.ErrNotLoggedIn)
			w.ok(w.client().Logout(w.Context(), nil)) // nobody is signed in
		}, refuses: refusals{authing.ErrTokenInvalid: func(w *world) error {
			c := w.client()
			w.ok(c.SetToken(w.Context(), "a.bad.token"))
			err := c.Logout(w.Context(), nil)
			if _, err := c.Token(w.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
				w.Errorf("the bad token is still there: %v", err)
			}
			return err
		}}},
	}
}

func messages() []method {
	limited := func(w *world) func() {
		w.srv.Settings(w, tigertallytest.Settings{Limits: new(true)})
		return func() { w.srv.Settings(w, tigertallytest.Settings{Limits: new(false)}) }
	}
	return []method{
		{page: "sendSms", name: "SendSms", works: func(w *world) {
			phone := w.phone()
			w.ok(w.client().SendSms(w.Context(), phone, nil))
			if got := w.srv.Messages(w, "+86"+phone); len(got) != 1 {
				w.Errorf("%d messages", len(got))
			}
		}, refuses: refusals{
			authing.ErrPhoneInvalid: func(w *world) error { return w.client().SendSms(w.Context(), "123", nil) },
			authing.ErrTooFrequent: func(w *world) error {
				defer limited(w)()
				phone := w.phone()
				w.ok(w.client().SendSms(w.Context(), phone, nil))
				return w.client().SendSms(w.Context(), phone, nil)
			},
		}},
		{page: "sendEmail", name: "SendEmail", works: func(w *world) {
			scenes := []authing.EmailScene{
				authing.SceneResetPassword, authing.SceneChangeEmail, authing.SceneMFAVerify, authing.SceneVerifyCode,
				authing.SceneVerifyEmail, authing.SceneRegisterVerifyCode, authing.SceneLoginVerifyCode,
				authing.SceneResetPasswordVerifyCode, authing.SceneEmailBindVerifyCode, authing.SceneEmailUnbindVerifyCode,
				authing.SceneMFAVerifyCode,
			}
			for _, scene := range scenes {
				email := w.email()
				if code := w.mailCode(email, scene); code == "" {
					w.Errorf("%s sends no code", scene)
				}
			}
		}, refuses: refusals{
			authing.ErrRecipientInvalid: func(w *world) error {
				return w.client().SendEmail(w.Context(), "nope", authing.SceneVerifyCode)
			},
			authing.ErrTooFrequent: func(w *world) error {
				defer limited(w)()
				email := w.email()
				w.ok(w.client().SendEmail(w.Context(), email, authing.SceneVerifyCode))
				return w.client().SendEmail(w.Context(), email, authing.SceneVerifyCode)
			},
		}},
	}
}

func passwords() []method {
	const chosen = "an0ther-password"
	return []method{
		{page: "resetPasswordByPhone", name: "ResetPasswordByPhone", works: func(w *world) {
			_, known := w.byPhone()
			w.ok(w.client().ResetPasswordByPhone(w.Context(), known.Phone, w.smsCode(known.Phone), chosen, &authing.PhoneOptions{CountryCode: "+86"}))
			w.user(w.client().LoginByAccount(w.Context(), known.Phone, chosen, nil))
		}, refuses: refusals{
			authing.ErrUserNotFound: func(w *world) error {
				return w.client().ResetPasswordByPhone(w.Context(), w.phone(), "123456", chosen, nil)
			},
			authing.ErrCodeWrong: func(w *world) error {
				_, known := w.byPhone()
				return w.client().ResetPasswordByPhone(w.Context(), known.Phone, wrong(w.smsCode(known.Phone)), chosen, nil)
			},
		}},
		{page: "resetPasswordByFirstTimeLoginToken", name: "ResetPasswordByFirstTimeLoginToken", works: func(w *world) {
			c, name := w.client(), w.newcomer()
			_, err := c.LoginByAccount(w.Context(), name, password, nil)
			token := authing.FirstTimeLoginToken(err)
			w.ok(c.ResetPasswordByFirstTimeLoginToken(w.Context(), token, chosen))
			w.user(c.LoginByAccount(w.Context(), name, chosen, nil))
			w.refused(c.ResetPasswordByFirstTimeLoginToken(w.Context(), token, chosen), authing.ErrLoginTokenInvalid)
		}, refuses: refusals{authing.ErrLoginTokenInvalid: func(w *world) error {
			return w.client().ResetPasswordByFirstTimeLoginToken(w.Context(), "none", chosen)
		}}},
		{page: "resetPasswordByEmail", name: "ResetPasswordByEmail", works: func(w *world) {
			_, known := w.byEmail()
			w.ok(w.client().ResetPasswordByEmail(w.Context(), known.Email, w.mailCode(known.Email, authing.SceneResetPassword), chosen))
			w.user(w.client().LoginByAccount(w.Context(), known.Email, chosen, nil))
		}, refuses: refusals{
			authing.ErrUserNotFound: func(w *world) error {
				return w.client().ResetPasswordByEmail(w.Context(), w.email(), "123456", chosen)
			},
			authing.ErrCodeWrong: func(w *world) error {
				_, known := w.byEmail()
				return w.client().ResetPasswordByEmail(w.Context(), known.Email, wrong(w.mailCode(known.Email, authing.SceneResetPassword)), chosen)
			},
		}},
		{page: "updatePassword", name: "UpdatePassword", works: func(w *world) {
			c, known := w.byName()
			w.user(c.UpdatePassword(w.Context(), chosen, password))
			w.user(c.GetCurrentUser(w.Context())) // this session goes on
			w.user(w.client().LoginByAccount(w.Context(), known.Username, chosen, nil))
			c, known = w.byPhone() // has no password yet
			w.user(c.UpdatePassword(w.Context(), chosen, ""))
			w.user(w.client().LoginByAccount(w.Context(), known.Phone, chosen, nil))
		}, refuses: and(nobody(func(c *authing.AuthClient, ctx context.Context) error {
			_, err := c.UpdatePassword(ctx, chosen, password)
			return err
		}), authing.ErrOldPasswordWrong, func(w *world) error {
			c, _ := w.byName()
			_, err := c.UpdatePassword(w.Context(), chosen, "not it")
			return err
		})},
	}
}

func bindings() []method {
	bindPhone := nobody(func(c *authing.AuthClient, ctx context.Context) error {
		_, err := c.BindPhone(ctx, "18800009999", "123456", nil)
		return err
	})
	bindEmail := nobody(func(c *authing.AuthClient, ctx context.Context) error {
		_, err := c.BindEmail(ctx, "nobody@example.com", "123456")
		return err
	})
	return []method{
		{page: "bindPhone", name: "BindPhone", works: func(w *world) {
			c, _ := w.byName()
			phone := w.phone()
			if u := w.user(c.BindPhone(w.Context(), phone, w.smsCode(phone), &authing.PhoneOptions{CountryCode: "+86"})); u.Phone != phone || !u.PhoneVerified {
				w.Errorf("got %+v", u)
			}
		}, refuses: and(and(bindPhone, authing.ErrCodeWrong, func(w *world) error {
			c, _ := w.byName()
			phone := w.phone()
			_, err := c.BindPhone(w.Context(), phone, wrong(w.smsCode(phone)), nil)
			return err
		}), authing.ErrPhoneTaken, func(w *world) error {
			c, _ := w.byName()
			_, known := w.byPhone()
			_, err := c.BindPhone(w.Context(), known.Phone, w.smsCode(known.Phone), nil)
			return err
		})},
		{page: "unbindPhone", name: "UnbindPhone", works: func(w *world) {
			c, _ := w.byEmail()
			phone := w.phone()
			w.user(c.BindPhone(w.Context(), phone, w.smsCode(phone), nil))
			if u := w.user(c.UnbindPhone(w.Context())); u.Phone != "" || u.PhoneVerified {
				w.Errorf("got %+v", u)
			}
		}, refuses: and(nobody(func(c *authing.AuthClient, ctx context.Context) error {
			_, err := c.UnbindPhone(ctx)
			return err
		}), authing.ErrLastLoginMethod, func(w *world) error {
			c, _ := w.byPhone()
			_, err := c.UnbindPhone(w.Context())
			return err
		})},
		{page: "bindEmail", name: "BindEmail", works: func(w *world) {
			c, _ := w.byName()
			for _, scene := range []authing.EmailScene{authing.SceneChangeEmail, authing.SceneVerifyCode} {
				email := w.email()
				if u := w.user(c.BindEmail(w.Context(), email, w.mailCode(email, scene))); u.Email != email || !u.EmailVerified {
					w.Errorf("got %+v", u)
				}
			}
		}, refuses: and(and(bindEmail, authing.ErrCodeWrong, func(w *world) error {
			c, _ := w.byName()
			email := w.email()
			_, err := c.BindEmail(w.Context(), email, wrong(w.mailCode(email, authing.SceneChangeEmail)))
			return err
		}), authing.ErrEmailTaken, func(w *world) error {
			c, _ := w.byName()
			_, known := w.byEmail()
			_, err := c.BindEmail(w.Context(), known.Email, w.mailCode(known.Email, authing.SceneChangeEmail))
			return err
		})},
		{page: "unbindEmail", name: "UnbindEmail", works: func(w *world) {
			c, _ := w.byPhone()
			email := w.email()
			w.user(c.BindEmail(w.Context(), email, w.mailCode(email, authing.SceneChangeEmail)))
			if u := w.user(c.UnbindEmail(w.Context())); u.Email != "" || u.EmailVerified {
				w.Errorf("got %+v", u)
			}
		}, refuses: and(nobody(func(c *authing.AuthClient, ctx context.Context) error {
			_, err := c.UnbindEmail(ctx)
			return err
		}), authing.ErrLastLoginMethod, func(w *world) error {
			c, _ := w.byEmail()
			_, err := c.UnbindEmail(w.Context())
			return err
		})},
	}
}

// nobody is the refusal of a call that needs a session, when there is none.
func nobody(call func(c *authing.AuthClient, ctx context.Context) error) refusals {
	return refusals{authing.ErrNotLoggedIn: func(w *world) error { return call(w.client(), w.Context()) }}
}

// and adds one refusal.
func and(all refusals, code authing.Code, run func(w *world) error) refusals {
	all = maps.Clone(all)
	all[code] = run
	return all
}

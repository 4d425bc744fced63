package signin_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/signin"
)

func TestMain(m *testing.M) {
	accounttest.Worker()
	os.Exit(m.Run())
}

// put makes a function run at a point.
func put(t *testing.T, k *accounttest.Kit, p pipeline.Point, source string) {
	t.Helper()
	_, err := k.Pipelines.Put(t.Context(), "p", pipeline.Function{
		Point: p, Name: string(p), Source: source, Enabled: true, Author: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
}

func define(t *testing.T, k *accounttest.Kit, keys ...string) {
	t.Helper()
	for _, key := range keys {
		_, err := k.Fields.Define(t.Context(), "p", field.Field{Key: key, DataType: field.String})
		wantCode(t, err, "")
	}
}

const refuse = `async function pipe(user, context, callback) { return callback(new Error("Access denied"), user, context) }`

// PRE_REGISTER refuses before anything is stored: no user, no code spent, and whoever
// signs in is not asked.
func TestRefusedRegistrationLeavesNothing(t *testing.T) {
	for name, register := range map[string]func(t *testing.T, k *accounttest.Kit) error{
		"unproved": func(t *testing.T, k *accounttest.Kit) error {
			t.Helper()
			_, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) { in.Email = "x@evil.com" }))
			return err
		},
		"by password that may register": func(t *testing.T, k *accounttest.Kit) error {
			t.Helper()
			_, err := k.Signin.SignIn(t.Context(), signin.Input{
				Client: k.Client, Method: signin.MethodPassword, Identifier: "X@evil.com", Password: password, AutoRegister: true,
			})
			return err
		},
		"by token": func(t *testing.T, k *accounttest.Kit) error {
			t.Helper()
			_, err := k.Signin.Register(t.Context(), signin.RegisterInput{Client: k.Client, Token: k.Verified(t, "x@evil.com", "", "")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d)
				k.User(t, admin.NewUser{Email: "old@evil.com", Password: password})
				put(t, k, pipeline.PreRegister, `async function pipe(user, context, callback) {
					if (context.request.body.email.endsWith("@evil.com") && user.email.endsWith("@evil.com") && !user.id)
						return callback(new Error("Access denied"))
					return callback(null, user, context)
				}`)
				err := register(t, k)
				wantCode(t, err, errs.PipelineDenied)
				if m := errs.From(err).Params["message"]; m != "Access denied" {
					t.Errorf("message %q", m)
				}
				_, err = k.Users.ByIdentifier(t.Context(), "p", contact.KindEmail, "x@evil.com")
				wantCode(t, err, errs.UserNotFound)
				wantCode(t, byPassword(t, k, "old@evil.com", password), "")
				_, err = k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) { in.Email = email }))
				wantCode(t, err, "")
			})
		})
	}
}

func TestRefusedRegistrationBurnsNoCode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		put(t, k, pipeline.PreRegister, refuse)
		_, digits := k.Code(t, email, "", signin.UsageEnter)
		wantCode(t, registerBy(t, k, email, digits), errs.PipelineDenied)
		_, err := byCode(t, k, email, digits, true)
		wantCode(t, err, errs.PipelineDenied)
		wantCode(t, k.Pipelines.SetEnabled(t.Context(), "p", string(pipeline.PreRegister), false, "test"), "")
		_, err = byCode(t, k, email, digits, true)
		wantCode(t, err, "")
	})
}

// POST points come after the event: the account stays, and no session does.
func TestAbortsAfterTheEventTakeTheSessionBack(t *testing.T) {
	for _, point := range []pipeline.Point{pipeline.PostRegister, pipeline.PreAuthentication, pipeline.PostAuthentication} {
		t.Run(string(point), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d)
				put(t, k, point, refuse)
				out, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) { in.Email = email }))
				wantCode(t, err, errs.PipelineDenied)
				if out.Session != nil {
					t.Error("a session is handed out")
				}
				u, err := k.Users.ByIdentifier(t.Context(), "p", contact.KindEmail, email)
				wantCode(t, err, "")
				noSession(t, k, u.ID)
				wantLast(t, k, u.ID, string(errs.PipelineDenied), string(point))
				want := errs.PipelineDenied
				if point == pipeline.PostRegister {
					want = ""
				}
				wantCode(t, byPassword(t, k, email, password), want)
				if want != "" {
					noSession(t, k, u.ID)
				}
				wantCode(t, byPassword(t, k, email, "another-horse-battery"), errs.PasswordWrong) // EN-05
			})
		})
	}
}

func noSession(t *testing.T, k *accounttest.Kit, userID string) {
	t.Helper()
	if list, err := k.Sessions.List(t.Context(), userID); err != nil || len(list) != 0 {
		t.Errorf("live sessions %+v, %v", list, err)
	}
}

// wantLast looks for a refusal at a point in the record of a person.
func wantLast(t *testing.T, k *accounttest.Kit, userID, result, point string) {
	t.Helper()
	records, _, err := k.Audit.History(t.Context(), "p", userID, audit.Filter{}, 50, "")
	wantCode(t, err, "")
	for _, r := range records {
		if r.Event.Result == result && r.Event.Detail["point"] == point {
			return
		}
	}
	t.Errorf("no record of %s at %s: %+v", result, point, records)
}

// What functions assign and add is stored, at every point, and shows in the outcome.
func TestFunctionsChangeThePerson(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		define(t, k, "a", "b", "c", "d")
		for i, key := range []string{"a", "b", "c", "d"} {
			put(t, k, pipeline.Points()[i], `async function pipe(user, context, callback) {
				user.addCustomData("`+key+`", context.k)
				user.addCustomData("undefined_field", "x")
				user.nickname = (user.nickname || "") + "`+key+`"
				user.username = "root"; user.email = "root@example.com"; user.emailVerified = true
				return callback(null, user, context)
			}`)
		}
		out, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) {
			in.Email, in.RequestContext = email, `{"k":"v1"}`
		}))
		wantCode(t, err, "")
		u, err := k.Users.ByID(t.Context(), "p", out.User.ID)
		wantCode(t, err, "")
		want := map[string]any{"a": "v1", "b": "v1", "c": "v1", "d": "v1"}
		if diff := cmp.Diff(want, u.Custom); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(u.Custom, out.User.Custom); diff != "" {
			t.Error(diff)
		}
		if u.Attributes["nickname"] != "abcd" || out.User.Attributes["nickname"] != "abcd" {
			t.Errorf("nickname %q, shown %q", u.Attributes["nickname"], out.User.Attributes["nickname"])
		}
		if u.Username != "" || u.Email != email || u.EmailVerified { // LK-08
			t.Errorf("functions changed who it is: %+v", u)
		}
		out, err = k.Signin.SignIn(t.Context(), signin.Input{
			Client: k.Client, Method: signin.MethodPassword, Identifier: email, Password: password,
			RequestContext: map[string]any{"k": "v2"},
		})
		wantCode(t, err, "")
		want["c"], want["d"] = "v2", "v2"
		if diff := cmp.Diff(want, out.User.Custom); diff != "" {
			t.Error(diff)
		}
		if out.User.Attributes["nickname"] != "abcdcd" {
			t.Errorf("nickname %q", out.User.Attributes["nickname"])
		}
	})
}

// Functions see what was claimed, in the words they know, and never what proved it.
func TestFunctionsSeeNoSecrets(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		define(t, k, "seen")
		k.OneTap["secret-token"] = "+8613700000000"
		put(t, k, pipeline.PostAuthentication, `async function pipe(user, context, callback) {
			const body = context.request.body
			user.addCustomData("seen", JSON.stringify([context.protocol, body, context.connection || null, context.request.ip]))
			return callback(null, user, context)
		}`)
		ctx := accounttest.From(t, "192.0.2.9", "")
		_, bySMS := k.Code(t, phone, "", signin.UsageAll)
		_, byMail := k.Code(t, email, "", signin.UsageAll)
		for name, test := range map[string]struct {
			in   signin.Input
			want string
		}{
			"user name": {
				signin.Input{Method: signin.MethodPassword, Identifier: "Neo", Password: password, AutoRegister: true},
				`["password",{"username":"Neo"},null,"192.0.2.9"]`,
			},
			"phone code": {
				signin.Input{Method: signin.MethodVerification, Identifier: phone, Token: bySMS, AutoRegister: true},
				`["sms",{"phone":"13800000000","phoneCountryCode":"+86"},null,"192.0.2.9"]`,
			},
			"mail code": {
				signin.Input{Method: signin.MethodVerification, Identifier: email, Token: byMail, AutoRegister: true},
				`["password",{"email":"alice@example.com"},null,"192.0.2.9"]`,
			},
			"one-tap": {
				signin.Input{Method: signin.MethodOneTap, OneTapToken: "secret-token", OneTapAccess: "secret-access", Connection: "yidun"},
				`["social",{"phone":"13700000000","phoneCountryCode":"+86"},"yidun","192.0.2.9"]`,
			},
		} {
			test.in.Client = k.Client
			out, err := k.Signin.SignIn(ctx, test.in)
			wantCode(t, err, "")
			if got := out.User.Custom["seen"]; got != test.want {
				t.Errorf("%s: functions saw %v, want %s", name, got, test.want)
			}
		}
		out, err := k.Signin.Register(ctx, unproved(k, func(in *signin.RegisterInput) {
			in.Email, in.Profile.Name, in.RequestContext = "reg@example.com", new("Reg"), "plain"
		}))
		wantCode(t, err, "")
		const want = `["password",{"email":"reg@example.com","forceLogin":true,"profile":{"name":"Reg"},"context":"plain"},null,"192.0.2.9"]`
		if got, _ := out.User.Custom["seen"].(string); !sameJSON(got, want) || strings.Contains(got, password) {
			t.Errorf("functions saw %s", got)
		}
	})
}

// sameJSON compares two texts whatever the order of their letters: members may come in any.
func sameJSON(a, b string) bool {
	count := func(s string) map[rune]int {
		n := map[rune]int{}
		for _, r := range s {
			n[r]++
		}
		return n
	}
	return cmp.Equal(count(a), count(b))
}

// JS-05: what breaks before the event refuses it; what breaks after it is passed over.
func TestJS05BrokenFunctions(t *testing.T) {
	const broken = `async function pipe(user, context, callback) { throw new TypeError("oops") }`
	for _, test := range []struct {
		point pipeline.Point
		want  errs.Code
	}{
		{pipeline.PreRegister, errs.PipelineFailed},
		{pipeline.PostRegister, ""},
		{pipeline.PreAuthentication, errs.PipelineFailed},
		{pipeline.PostAuthentication, ""},
	} {
		t.Run(string(test.point), func(t *testing.T) {
			k := accounttest.New(t, dbtest.Open(t, dbtest.SQLite))
			put(t, k, test.point, broken)
			out, err := k.Signin.Register(t.Context(), unproved(k, func(in *signin.RegisterInput) { in.Email = email }))
			wantCode(t, err, test.want)
			if (out.Session != nil) != (test.want == "") {
				t.Errorf("outcome %+v", out)
			}
		})
	}
}

// People without an account are nothing functions know about.
func TestFunctionsDoNotSeeAnonymousPeople(t *testing.T) {
	k := accounttest.New(t, dbtest.Open(t, dbtest.SQLite))
	for _, point := range []pipeline.Point{pipeline.PreRegister, pipeline.PreAuthentication} {
		put(t, k, point, refuse)
	}
	out, err := k.Signin.SignIn(t.Context(), signin.Input{Client: k.Client, Method: signin.MethodAnonymous, DeviceID: "d"})
	wantCode(t, err, "")
	_, err = k.Signin.Register(t.Context(), signin.RegisterInput{
		Client: k.Client, Token: k.Verified(t, email, "", ""), AnonymousAccess: out.Session.Access,
	})
	wantCode(t, err, errs.PipelineDenied)
}

// Functions that look in between make a registration two transactions: the code is spent
// once all the same, and an anonymous person keeps their id.
func TestRegistrationInTwoSteps(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		put(t, k, pipeline.PostRegister, `async function pipe(user, context, callback) { return callback(null, user, context) }`)
		who, err := k.Signin.SignIn(t.Context(), signin.Input{Client: k.Client, Method: signin.MethodAnonymous, DeviceID: "d"})
		wantCode(t, err, "")
		token := k.Verified(t, email, "", "")
		won, _ := accounttest.Race(5, func(int) error {
			out, err := k.Signin.Register(t.Context(), signin.RegisterInput{
				Client: k.Client, Token: token, AnonymousAccess: who.Session.Access, Password: password,
			})
			if err == nil && out.User.ID != who.User.ID {
				t.Errorf("registered as %s", out.User.ID)
			}
			return err
		})
		if won != 1 {
			t.Errorf("%d won", won)
		}
		if _, err := k.Sessions.Verify(t.Context(), who.Session.Access); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("the anonymous session: %v", err)
		}
		wantCode(t, byPassword(t, k, email, password), "")
	})
}

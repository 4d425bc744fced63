package signin_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
)

// requested is a context whose attempt can be asked for by its request id.
func requested(t *testing.T, addr, request string) context.Context {
	t.Helper()
	ctx := accounttest.From(t, addr, "d1")
	info := caller.From(ctx)
	info.RequestID = request
	return caller.With(ctx, info)
}

// told is one attempt as it can be explained: each record with what led to it.
func told(t *testing.T, k *accounttest.Kit, request string) []string {
	t.Helper()
	attempt, err := k.Audit.Attempt(t.Context(), "p", request)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range attempt {
		text := r.Event.Action + " = " + r.Event.Result
		for _, s := range r.Steps() {
			text += "\n  " + s.Name + ": " + regexp.MustCompile(`\d+ ms`).ReplaceAllString(s.Is, "n ms")
		}
		all = append(all, text)
		if strings.Contains(text, password) || strings.Contains(text, "13800138000") {
			t.Errorf("the story shows too much: %s", text)
		}
	}
	return all
}

func TestEveryAttemptCanBeExplained(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaAuto })
		k.User(t, admin.NewUser{Username: "alice", Phone: "+86 13800138000", Password: password})
		put(t, k, pipeline.PreAuthentication, `async function pipe(user, context, callback) { return callback(null, user, context) }`)
		put(t, k, pipeline.PostAuthentication, `async function pipe(user, context, callback) { return callback(null, user, context) }`)
		sign := func(addr, request, identifier, password string) error {
			_, err := k.Signin.SignIn(requested(t, addr, request), signin.Input{
				Client: k.Client, Method: signin.MethodPassword, Identifier: identifier, Password: password,
			})
			return err
		}
		wantCode(t, sign("192.0.2.1", "right", "alice", password), "")
		wantCode(t, sign("192.0.2.1", "wrong", "+86 13800138000", "wrong-password"), errs.PasswordWrong)
		wantCode(t, sign("192.0.2.1", "unknown", "nobody", "wrong-password"), errs.UserNotFound)
		put(t, k, pipeline.PreAuthentication, refuse)
		wantCode(t, sign("192.0.2.1", "denied", "alice", password), errs.PipelineDenied)
		before := []string{"limit: password_ip has room", "captcha: not needed"}
		gate := "\n  " + strings.Join(before, "\n  ")
		for request, want := range map[string][]string{
			"right": {
				"user.sign_in = ok\n  identifier: username a***" + gate + "\n  proof: accepted\n  account: active\n  functions: PRE_AUTHENTICATION: PRE_AUTHENTICATION v1: passed in n ms",
				"function.run = ok\n  identifier: username a***" + gate + "\n  proof: accepted\n  account: active\n  functions: PRE_AUTHENTICATION: PRE_AUTHENTICATION v1: passed in n ms\n  functions: POST_AUTHENTICATION: POST_AUTHENTICATION v1: passed in n ms",
			},
			"wrong":   {"user.sign_in = password_wrong\n  identifier: phone 138****8000" + gate + "\n  proof: refused: password_wrong"},
			"unknown": {"user.sign_in = user_not_found\n  identifier: username n***" + gate + "\n  proof: refused: user_not_found"},
			"denied": {
				"user.sign_in = pipeline_denied\n  identifier: username a***" + gate + "\n  proof: accepted\n  account: active\n  functions: PRE_AUTHENTICATION: PRE_AUTHENTICATION v2: PRE_AUTHENTICATION denied in n ms",
			},
		} {
			if diff := cmp.Diff(want, told(t, k, request)); diff != "" {
				t.Errorf("%s: %s", request, diff)
			}
		}
	})
}

// Who is turned away at the gate is written down too, and a flood of them is not (AT-04).
func TestRefusalsAtTheGateAreExplainedWithinBounds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaAuto })
		k.User(t, admin.NewUser{Username: "alice", Password: password})
		try := func(name string, request string) error {
			_, err := k.Signin.SignIn(requested(t, "192.0.2.1", request), signin.Input{
				Client: k.Client, Method: signin.MethodPassword, Identifier: name, Password: "wrong-password",
			})
			return err
		}
		for i := range limit.PasswordAccounts().Max {
			wantCode(t, try("nobody"+strings.Repeat("x", i), "stuffing"), errs.UserNotFound)
		}
		for range 40 {
			wantCode(t, try("alice", "turned"), errs.CaptchaRequired)
		}
		got := told(t, k, "turned")
		if len(got) != limit.RefusalNote().Max {
			t.Errorf("%d refusals are written down", len(got))
		}
		want := "user.sign_in = captcha_required\n  identifier: username a***\n  limit: password_ip has room\n  captcha: needed: captcha_required"
		if len(got) > 0 && got[0] != want {
			t.Error(cmp.Diff(want, got[0]))
		}
	})
}

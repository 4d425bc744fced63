package authing_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/testkit"
)

// SCENARIOS L: signing in.
func TestLogin(t *testing.T) {
	each(t, func(w *world) {
		ann := w.ann()
		w.run("L1 an email in any case", func(w *world) {
			a := w.login("ANN@example.com", "passw0rd").has(body{"loginsCount": 2})
			if a.user().id != ann.id {
				w.Error("somebody else")
			}
		})
		w.run("L2 a phone and a user name", func(w *world) {
			phone := w.post("/api/v2/register-phone", body{"account": "13800000020", "password": w.seal("passw0rd")}).user()
			bob := w.byName("bob")
			if got := w.login("13800000020", "passw0rd").user(); got.id != phone.id {
				w.Error("the phone is somebody else's")
			}
			if got := w.login("bob", "passw0rd").user(); got.id != bob.id {
				w.Error("the name is somebody else's")
			}
		})
		w.run("L3 three ways to fail look the same", func(w *world) {
			w.byPhone("13800000021")
			a := w.login("ann@example.com", "wrong password").want(2333)
			b := w.login("nobody@example.com", "passw0rd").want(2333)
			c := w.login("13800000021", "passw0rd").want(2333)
			if !bytes.Equal(a.Raw, b.Raw) || !bytes.Equal(a.Raw, c.Raw) {
				w.Errorf("bodies differ:\n%s\n%s\n%s", a.Raw, b.Raw, c.Raw)
			}
		})
		w.run("L4 autoRegister", func(w *world) {
			in := func(password string) body {
				return body{"account": "neo", "password": password, "autoRegister": true}
			}
			neo := w.post("/api/v2/login/account", in(w.seal("passw0rd"))).has(body{"username": "neo"}).user()
			w.post("/api/v2/login/account", in(w.seal("another one"))).want(2333)
			if got := w.post("/api/v2/login/account", in(w.seal("passw0rd"))).user(); got.id != neo.id {
				w.Error("a second user")
			}
			w.post("/api/v2/login/account", body{"account": "trinity", "password": "error", "autoRegister": true}).want(2333)
			w.login("trinity", "passw0rd").want(2333)
		})
		loginByCode(w)
		loginSteps(w)
	})
}

func loginByCode(w *world) {
	w.run("L5 a phone code", func(w *world) {
		p := w.byPhone("13800000022")
		got := w.post("/api/v2/login/phone-code", body{"phone": "13800000022", "code": w.smsCode("13800000022"), "autoRegister": false}).user()
		if got.id != p.id {
			w.Error("somebody else")
		}
	})
	w.run("L6 wrong codes", func(w *world) {
		w.byMailCode("carl@example.com")
		w.post("/api/v2/login/phone-code", body{"phone": "13800000022", "code": wrong(w.smsCode("13800000022"))}).want(2001)
		w.post("/api/v2/login/email-code", body{"email": "carl@example.com", "code": wrong(w.mailCode("carl@example.com", "VERIFY_CODE"))}).want(2001)
		w.post("/api/v2/login/email-code", body{"email": "carl@example.com"}).want(2001)
		w.post("/api/v2/login/email-code", body{"email": "carl@example.com", "code": "not digits"}).want(2001)
	})
	w.run("L7 an email code", func(w *world) {
		w.post("/api/v2/login/email-code", body{"email": "carl@example.com", "code": w.mailCode("carl@example.com", "LOGIN_VERIFY_CODE")}).user()
	})
	w.run("L8 a right code of nobody", func(w *world) {
		code := w.smsCode("13800000023")
		w.post("/api/v2/login/phone-code", body{"phone": "13800000023", "code": code, "autoRegister": false}).want(2004)
		w.post("/api/v2/login/phone-code", body{"phone": "13800000023", "code": code, "autoRegister": true}).
			has(body{"phone": "13800000023", "phoneVerified": true}).user()
		code = w.mailCode("dora@example.com", "VERIFY_CODE")
		w.post("/api/v2/login/email-code", body{"email": "dora@example.com", "code": code, "autoRegister": true}).
			has(body{"email": "dora@example.com", "emailVerified": true}).user()
	})
	w.run("L9 one tap", func(w *world) {
		in := func(token string) body { return body{"token": token, "accessToken": "access", "netWork": 1} }
		made := w.post("/api/v2/ecConn/oneAuth/login", in("phone:+8613800000024")).
			has(body{"phone": "13800000024", "phoneVerified": true}).user()
		if again := w.post("/api/v2/ecConn/oneAuth/login", in("phone:+8613800000024")).user(); again.id != made.id {
			w.Error("another user for the same number")
		}
		w.post("/api/v2/ecConn/oneAuth/login", body{"token": "good-token", "accessToken": "a", "netWork": "1"}).user()
		w.post("/api/v2/ecConn/oneAuth/login", in("bad")).want(2333)
	})
}

func loginSteps(w *world) {
	w.run("L10 the first sign-in", func(w *world) {
		w.create(body{"username": "newbie", "password": "initial", "resetPasswordOnFirstLogin": true})
		a := w.login("newbie", "initial").want(1639)
		data, _ := a.Body["data"].(map[string]any)
		if len(data) != 1 || a.text("token") == "" {
			w.Fatalf("data is %v", data)
		}
		w.me(a.text("token")).want(2020)
	})
	w.run("L11 a blocked user", func(w *world) {
		w.create(body{"username": "blocked", "password": "passw0rd", "status": "blocked"})
		w.login("blocked", "passw0rd").want(2005)
	})
	w.run("L12 the forms of context", func(w *world) {
		for _, c := range []any{`{"k":1}`, "plain", body{"k": 1}, "", nil} {
			w.post("/api/v2/login/account", body{"account": "ann@example.com", "password": w.seal("passw0rd"), "context": c}).user()
		}
		long := make([]byte, 9<<10)
		for i := range long {
			long[i] = 'x'
		}
		w.post("/api/v2/login/account", body{"account": "ann@example.com", "password": w.seal("passw0rd"), "context": string(long)}).want(422)
		w.post("/api/v2/login/account", body{"account": "ann@example.com", "password": w.seal("passw0rd"), "context": 7}).want(2231)
	})
}

// create makes a user as an operator does.
func (w *world) create(u body) {
	w.Helper()
	if a := w.s.Post("/emulator/v1/users", u); a.String("id") == "" {
		w.Fatalf("create %v: %s", u, a.Raw)
	}
}

// L13: too many wrong passwords of different accounts, and the picture that helps.
func TestCaptchaAfterFailures(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s)
		w.byName("ann")
		err := s.App.Pools.UpdateSettings(t.Context(), poolID, func(set *pool.Settings) {
			set.Captcha, set.Limits = pool.CaptchaAuto, true
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			w.login(fmt.Sprintf("nobody%d", i), "wrong one").want(2333)
		}
		w.login("ann", "passw0rd").want(2000)
		for _, query := range []string{"", "?r=abc&userpool_id=" + poolID} {
			picture := s.Do(http.MethodGet, "/api/v2/security/captcha"+query, nil)
			if picture.Status != http.StatusOK || picture.Header.Get("Content-Type") != "image/png" || !bytes.HasPrefix(picture.Raw, []byte("\x89PNG")) {
				t.Fatalf("captcha: %d %v", picture.Status, picture.Header)
			}
			cookie := (&http.Response{Header: picture.Header}).Cookies()[0]
			try := func(code string) answer {
				return w.post("/api/v2/login/account", body{"account": "ann", "password": w.seal("passw0rd"), "captchaCode": code},
					"Cookie", cookie.Name+"="+cookie.Value)
			}
			try("nope").want(2000)
			try(s.Code(cookie.Value)).user()
			try(s.Code(cookie.Value)).want(2000) // once
		}
	})
}

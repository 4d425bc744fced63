package authing_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/testkit"
)

// SCENARIOS P: passwords.
func TestPasswords(t *testing.T) {
	each(t, func(w *world) {
		w.run("P1 reset by text message", func(w *world) {
			p := w.post("/api/v2/register/phone-code", body{
				"phone": "13800000050", "code": w.smsCode("13800000050"), "password": w.seal("passw0rd"), "forceLogin": true,
			}).user()
			w.post("/api/v2/password/reset/sms", body{"phone": "13800000050", "code": w.smsCode("13800000050"), "newPassword": w.seal("new-passw0rd")}).want(200)
			w.login("13800000050", "passw0rd").want(2333)
			w.login("13800000050", "new-passw0rd").user()
			w.me(p.token).want(2020)
		})
		w.run("P2 reset by email", func(w *world) {
			w.byMailCode("ann@example.com")
			w.post("/api/v2/password/reset/email", body{"email": "ann@example.com", "code": w.mailCode("ann@example.com", "RESET_PASSWORD"), "newPassword": w.seal("new-passw0rd")}).want(200)
			w.login("ann@example.com", "new-passw0rd").user()
		})
		w.run("P3 nobody", func(w *world) {
			w.post("/api/v2/password/reset/sms", body{"phone": "13800000059", "code": "123456", "newPassword": w.seal("new-passw0rd")}).want(2004)
			w.post("/api/v2/password/reset/email", body{"email": "x@example.com", "code": "123456", "newPassword": w.seal("new-passw0rd")}).want(2004)
		})
		w.run("P4 a wrong code", func(w *world) {
			code := w.mailCode("ann@example.com", "RESET_PASSWORD")
			w.post("/api/v2/password/reset/email", body{"email": "ann@example.com", "code": wrong(code), "newPassword": w.seal("other-passw0rd")}).want(2001)
			w.post("/api/v2/password/reset/email", body{"email": "ann@example.com", "newPassword": w.seal("other-passw0rd")}).want(2001)
			w.post("/api/v2/password/reset/email", body{"email": "ann@example.com", "code": code, "newPassword": "error"}).want(2016)
			w.login("ann@example.com", "new-passw0rd").user()
		})
		w.run("P5 the first sign-in", func(w *world) {
			w.create(body{"username": "newbie", "password": "initial", "resetPasswordOnFirstLogin": true})
			token := w.login("newbie", "initial").want(1639).text("token")
			reset := func(token string) answer {
				return w.post("/api/v2/users/password/reset-by-first-login-token", body{"token": token, "password": w.seal("chosen-passw0rd")})
			}
			reset("fl_nonsense").want(2207)
			reset(token).want(200)
			w.login("newbie", "chosen-passw0rd").user()
			reset(token).want(2207)
		})
		changes(w)
	})
}

func changes(w *world) {
	bob := w.byName("bob")
	update := func(w *world, token string, in body) answer {
		w.Helper()
		return w.postAs(token, "/api/v2/password/update", in)
	}
	w.run("P6 change", func(w *world) {
		other := w.login("bob", "passw0rd").user()
		update(w, bob.token, body{"newPassword": w.seal("next-passw0rd"), "oldPassword": w.seal("passw0rd")}).user()
		w.me(bob.token).user() // clients go on with the token they have
		w.me(other.token).want(2020)
		w.login("bob", "next-passw0rd").user()
	})
	w.run("P7 a wrong or missing old password", func(w *world) {
		update(w, bob.token, body{"newPassword": w.seal("x-passw0rd"), "oldPassword": w.seal("wrong one")}).want(1320011)
		update(w, bob.token, body{"newPassword": w.seal("x-passw0rd"), "oldPassword": "error"}).want(1320011)
		update(w, bob.token, body{"newPassword": w.seal("x-passw0rd")}).want(1320011)
		update(w, bob.token, body{"newPassword": "error", "oldPassword": w.seal("next-passw0rd")}).want(2016)
		w.login("bob", "next-passw0rd").user()
	})
	w.run("P8 the first password", func(w *world) {
		p := w.byMailCode("first@example.com")
		update(w, p.token, body{"newPassword": w.seal("passw0rd")}).user()
		w.login("first@example.com", "passw0rd").user()
	})
	w.run("P8 PW-11 not with an old session", func(w *world) {
		p := w.byMailCode("stale@example.com")
		w.s.Advance(6 * time.Minute)
		update(w, p.token, body{"newPassword": w.seal("passw0rd")}).want(2019)
	})
	w.run("P9 not signed in", func(w *world) {
		update(w, "", body{"newPassword": w.seal("passw0rd")}).want(2020)
	})
	w.run("the check of a password", func(w *world) {
		check := func(sealed string) any {
			w.Helper()
			escaped := strings.NewReplacer("=", "%3D").Replace(sealed) // a plus sign stays, as a space
			return w.as(bob.token, http.MethodGet, "/api/v2/users/password/check?password="+escaped, nil).want(200).Body["data"]
		}
		for range 8 {
			if check(w.seal("next-passw0rd")) != true {
				w.Error("the right password is not")
			}
		}
		if check(w.seal("wrong one")) != false || check(url.QueryEscape("error")) != false {
			w.Error("a wrong password is right")
		}
		w.as("", http.MethodGet, "/api/v2/users/password/check?password=x", nil).want(2020)
	})
}

// PW-12: an answer says nothing about the padding of a blob.
func TestNoPaddingOracle(t *testing.T) {
	if testing.Short() {
		t.Skip("six hundred password hashes")
	}
	const hands, each = 4, 75
	s := testkit.Start(t, dbtest.SQLite)
	w := newWorld(t, s)
	w.byName("ann")
	first := w.guess("ann", blob()).want(2333).Raw
	var running sync.WaitGroup
	for hand := range hands {
		name := fmt.Sprintf("victim%d", hand)
		w.byName(name)
		running.Go(func() {
			for i := range each {
				if i%4 == 3 { // a right one in between keeps the account from locking
					if raw := w.login(name, "passw0rd").Raw; !bytes.Contains(raw, []byte(`"code":200`)) {
						t.Errorf("the right password: %s", raw)
					}
				}
				for _, password := range []string{blob(), w.seal("a wrong password")} {
					if raw := w.guess(name, password).Raw; !bytes.Equal(raw, first) {
						t.Errorf("%s %d: %s, not %s", name, i, raw, first)
					}
				}
			}
		})
	}
	running.Wait()
}

// PW-12: a blob that cannot be opened counts as a wrong password does.
func TestBlobsCountAsWrongPasswords(t *testing.T) {
	each(t, func(w *world) {
		for name, password := range map[string]func() string{
			"dora": blob, "eve": func() string { return w.seal("a wrong password") }, "fay": func() string { return "error" },
		} {
			w.byName(name)
			n := 0
			for ; n < 30; n++ {
				if code, _ := w.guess(name, password()).Body["code"].(float64); code != 2333 {
					break
				}
			}
			if n != 10 {
				w.Errorf("%s locks after %d", name, n)
			}
			w.login(name, "passw0rd").want(2057)
		}
	})
}

// guess shows a sealed password.
func (w *world) guess(account, sealed string) answer {
	w.Helper()
	return w.post("/api/v2/login/account", body{"account": account, "password": sealed})
}

// blob is what no key of ours has sealed.
func blob() string {
	return base64.StdEncoding.EncodeToString(secret.Bytes(256))
}

// PW-12: blobs that cannot be opened are counted wherever a password is stored, and then
// good ones are answered like them.
func TestUnreadablePasswordsAreCounted(t *testing.T) {
	w := newWorld(t, testkit.Start(t, dbtest.SQLite))
	ann := w.byName("ann")
	w.s.Do(http.MethodPut, "/emulator/v1/settings", body{"limits": true})
	for range 50 {
		w.post("/api/v2/register/username", body{"username": "bob", "password": "error"}).want(2016)
		w.postAs(ann.token, "/api/v2/password/update", body{"newPassword": "error", "oldPassword": w.seal("passw0rd")}).want(2016)
	}
	for _, blob := range []string{"error", w.seal("passw0rd")} {
		w.post("/api/v2/register/username", body{"username": "bob", "password": blob}).want(2100)
		w.post("/api/v2/password/reset/email", body{"email": "a@example.com", "code": "123456", "newPassword": blob}).want(2080)
	}
}

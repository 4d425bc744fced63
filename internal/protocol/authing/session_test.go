package authing_test

import (
	"net/http"
	"testing"
	"time"
)

// SCENARIOS S: sessions.
func TestSession(t *testing.T) {
	each(t, func(w *world) {
		ann := w.ann()
		w.run("S1 the current user", func(w *world) {
			for _, path := range []string{"/api/v2/users/me", "/api/v2/users/me/info", "/api/v3/get-user?withIdentities=true"} {
				got := w.as(ann.token, http.MethodGet, path, nil).has(body{"email": "ann@example.com"}).user()
				if got != ann {
					w.Errorf("%s: %v, want %v", path, got, ann)
				}
			}
		})
		w.run("S2 nobody", func(w *world) {
			gone := w.byName("gone")
			w.as(gone.token, http.MethodDelete, "/api/v2/users/delete", nil).want(200)
			for _, token := range []string{"", "garbage", "a.b.c", ann.token + "x", gone.token} {
				w.me(token).want(2020)
			}
			w.login("gone", "passw0rd").want(2333)
		})
		logouts(w)
		w.run("S7 refresh", func(w *world) {
			a := w.postAs(ann.token, "/api/v2/users/refresh-token", body{}).want(200)
			iat, exp := a.data("iat").(float64), a.data("exp").(float64)
			if left := time.Duration(exp-iat) * time.Second; left != 14*24*time.Hour {
				w.Errorf("good for %v", left)
			}
			if got := w.me(a.text("token")).user(); got.id != ann.id {
				w.Error("somebody else")
			}
			w.me(ann.token).user()
			w.postAs("", "/api/v2/users/refresh-token", body{}).want(2020)
		})
		w.run("S8 a session survives what answers a user", func(w *world) {
			p := ann
			p = w.me(p.token).user()
			p = w.postAs(p.token, "/api/v2/users/profile/update", body{"nickname": "Ann"}).user()
			p = w.postAs(p.token, "/api/v2/users/phone/bind", body{"phone": "13800000030", "phoneCode": w.smsCode("13800000030")}).user()
			p = w.postAs(p.token, "/api/v2/users/phone/unbind", body{}).user()
			w.me(p.token).user()
			w.me(ann.token).user()
		})
		w.run("S2 an expired token", func(w *world) {
			bob := w.byName("bobby")
			w.s.Advance(14*24*time.Hour + time.Hour)
			w.me(bob.token).want(2020)
			w.as(bob.token, http.MethodGet, "/api/v2/logout?app_id="+appID, nil).want(1010001)
		})
	})
}

func logouts(w *world) {
	out := func(w *world, token, query string) answer {
		w.Helper()
		return w.as(token, http.MethodGet, "/api/v2/logout?app_id="+appID+query, nil)
	}
	for name, query := range map[string]string{"S3 logout": "&only_self=", "S6 the Android form": ""} {
		w.run(name, func(w *world) {
			user := "out-" + name[:2]
			p := w.byName(user)
			other := w.login(user, "passw0rd").user()
			out(w, p.token, query).want(200)
			w.me(p.token).want(2020)
			w.me(other.token).want(2020)
		})
	}
	w.run("S3 only this session", func(w *world) {
		p := w.byName("single")
		other := w.login("single", "passw0rd").user()
		out(w, p.token, "&only_self=true").want(200)
		w.me(p.token).want(2020)
		w.me(other.token).user()
		w.as(other.token, http.MethodGet, "/logout?appId="+appID+"&deviceId=current", nil).want(200)
		w.me(other.token).want(2020)
	})
	w.run("S4 a bad token", func(w *world) {
		out(w, "garbage", "").want(1010001)
		p := w.byName("twice")
		out(w, p.token, "").want(200)
		out(w, p.token, "").want(1010001)
	})
	w.run("S5 not signed in", func(w *world) {
		out(w, "", "").want(200)
	})
}

// The claims client libraries decode themselves, and the question whether a token is good.
func TestValidateToken(t *testing.T) {
	each(t, func(w *world) {
		ann := w.ann()
		for _, name := range []string{"access_token", "id_token"} {
			a := w.s.Do(http.MethodGet, "/api/v2/oidc/validate_token?"+name+"="+ann.token, nil)
			data, _ := a.Body["data"].(map[string]any)
			if a.Status != 200 || a.String("sub") != ann.id || a.String("aud") != appID || a.String("iss") != w.s.URL+"/oidc" ||
				a.String("jti") == "" || data["id"] != ann.id || data["email"] != "ann@example.com" {
				w.Errorf("%s: %d %s", name, a.Status, a.Raw)
			}
		}
		w.do(http.MethodGet, "/api/v2/oidc/validate_token?access_token=garbage", nil).want(400)
		w.do(http.MethodGet, "/api/v2/oidc/validate_token", nil).want(400)
	})
}

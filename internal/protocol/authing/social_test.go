package authing_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/connection"
)

func TestSignInByWeChatInAnApp(t *testing.T) {
	each(t, func(w *world) {
		w.wechat()
		const path = "/api/v2/ecConn/wechatMobile/authByCode"
		first := w.post(path, body{"connId": "wx_app", "code": "ann-1"})
		ann := first.user()
		first.has(body{"nickname": nil, "name": "ann", "email": nil, "phone": nil})
		if again := w.post(path, body{"connId": "wx_app", "code": "ann-2"}).user(); again.id != ann.id {
			w.Errorf("one person is two: %v, %v", ann, again)
		}
		if bob := w.post(path, body{"connId": "wx_app", "code": "bob-1"}).user(); bob.id == ann.id {
			w.Error("two persons are one")
		}
		w.post(path, body{"connId": "wx_app", "code": "ann-1"}).want(2333)
		w.post(path, body{"connId": "wx_app"}).want(2231)
		w.post(path, body{"connId": "nobody", "code": "ann-3"}).want(404)
		w.post("/api/v2/ecConn/github/authByCode", body{"connId": "wx_app", "code": "ann-3"}).want(404)
		w.post("/api/v2/ecConn/wechatMobile/authByAccessToken", body{"connId": "wx_app", "access_token": "at-ann"}).want(2333)
		w.post("/api/v2/ecConn/twitter/authByRequestToken", body{"connId": "wx_app", "requestToken": "t"}).want(404)
		w.post(path, body{"code": "ann-4"}).has(body{"id": ann.id})
	})
}

// A mini-program of the same Open Platform account knows the same people, and their phone.
func TestSignInByMiniProgram(t *testing.T) {
	each(t, func(w *world) {
		v := w.wechat()
		v.phones["phone-ann"] = "13800000001"
		ann := w.post("/api/v2/ecConn/wechatMobile/authByCode", body{"connId": "wx_app", "code": "ann-1"}).user()
		const path = "/api/v2/ecConn/wechatminiprogramapplaunch/authByCode"
		if got := w.post(path, body{"connId": "wxmini", "code": "ann-2", "iv": "", "encryptedData": ""}).user(); got.id != ann.id {
			w.Errorf("the union id leads to %v, not %v", got, ann)
		}
		v.phones["phone-bob"] = "13800000002"
		w.post(path, body{"connId": "wxmini", "code": "bob-1", "iv": "", "encryptedData": "", "phoneInfoCode": "phone-bob"}).
			has(body{"phone": "13800000002", "phoneVerified": true}).user()
		w.post(path, body{"connId": "wxmini", "code": "bob-2", "iv": "AAAA", "encryptedData": "AAAA"}).want(2333)
	})
}

func TestTheConfigurationNamesConnections(t *testing.T) {
	each(t, func(w *world) {
		config := func() any {
			return w.do(http.MethodGet, "/api/v2/applications/"+appID+"/public-config", nil).want(200).data("ecConnections")
		}
		before := len(config().([]any))
		w.provider(connection.Connection{PoolID: poolID, ID: "off", Kind: "github", Name: "Off"}, map[string]string{"client_id": "i", "client_secret": "s"})
		w.provider(connection.Connection{PoolID: poolID, ID: "gh", Kind: "github", Name: "N", Enabled: true}, map[string]string{"client_id": "i", "client_secret": "s"})
		w.server("gitee", func(c *connection.Connection) { c.Name = "N" })
		list, ok := config().([]any)
		if !ok || len(list) != before+2 {
			w.Fatalf("%v", list)
		}
		got := map[string]any{}
		for _, c := range list {
			c := c.(map[string]any)
			got[c["id"].(string)] = []any{c["type"], c["fields"]}
		}
		want := map[string]any{
			"gh":    []any{"github:mobile", map[string]any{"displayName": "N"}},
			"gitee": []any{"gitee:mobile", map[string]any{"displayName": "N"}},
		}
		for id := range want {
			if diff := cmp.Diff(want[id], got[id]); diff != "" {
				w.Error(diff)
			}
		}
	})
}

// step checks an answer that asks people what to do, and returns its key.
func (a answer) step(code int) (key string, accounts []any) {
	a.w.Helper()
	if a.Body["code"] != float64(code) || a.String("message") == "" {
		a.w.Fatalf("%s: %s, want code %d", a.what, a.Raw, code)
	}
	methods, _ := a.data("methods").([]any)
	accounts, ok := a.data("accounts").([]any)
	if len(methods) == 0 || !ok || a.text("key") == "" {
		a.w.Fatalf("%s: %s", a.what, a.Raw)
	}
	return a.text("key"), accounts
}

func (w *world) identify(code string) answer {
	w.Helper()
	return w.post("/api/v2/ecConn/wechatMobile/authByCodeIdentity", body{
		"connId": "wx_app", "code": code, "appId": appID, "options": body{"scope": "openid"},
	})
}

// onlyKnown configures connections that make no accounts.
func onlyKnown(c *connection.Connection) { c.SignUp = false }

func TestBindWeChatToAnAccount(t *testing.T) {
	const bind = "/api/v2/ecConn/wechatMobile/"
	each(t, func(w *world) {
		w.wechat(onlyKnown)
		named, phoned, mailed := w.byName("zoe"), w.byPhone("13800000003"), w.byMailCode("mia@example.com")
		w.s.Advance(61e9) // between two codes to one number
		for _, c := range []struct {
			name, path string
			who        person
			in         func() body
			bad        body
			badCode    int
		}{
			{
				"zoe", "byAccount", named,
				func() body {
					return body{"action": "bind-identity-by-password", "account": "zoe", "password": w.seal("passw0rd")}
				},
				body{"account": "zoe", "password": w.seal("wrong-password")},
				2333,
			},
			{
				"leo", "byPhoneCode", phoned,
				func() body {
					return body{"action": "bind-identity-by-phone-code", "phone": "13800000003", "code": w.smsCode("13800000003")}
				},
				body{"phone": "13800000003", "code": "000000"},
				2001,
			},
			{
				"mia", "byEmailCode", mailed,
				func() body {
					return body{"action": "bind-identity-by-email-code", "email": "mia@example.com", "code": w.mailCode("mia@example.com", "VERIFY_CODE")}
				},
				body{"email": "mia@example.com", "code": "000000"},
				2001,
			},
		} {
			key, _ := w.identify(c.name + "-1").step(1640)
			w.post(bind+"register", body{"action": "create-federation-account", "key": key}).want(2004)
			c.bad["key"] = key
			w.post(bind+c.path, c.bad).want(c.badCode)
			good := c.in()
			w.post(bind+c.path, good).want(2231)
			good["key"] = key
			if got := w.post(bind+c.path, good).user(); got.id != c.who.id {
				w.Errorf("%s: bound to %v, not %v", c.path, got, c.who)
			}
			if got := w.identify(c.name + "-2").user(); got.id != c.who.id {
				w.Errorf("%s: WeChat leads to %v, not %v", c.path, got, c.who)
			}
			w.post(bind+"byAccount", body{"account": "zoe", "password": w.seal("passw0rd"), "key": key}).want(2207)
		}
	})
}

// Somebody who has the addresses of two accounts chooses one, or makes another.
func TestChooseTheAccountAVendorMeans(t *testing.T) {
	const ask = "/api/v2/ecConn/gitee/authByCodeIdentity"
	const bind = "/api/v2/ecConn/wechatMobile/"
	each(t, func(w *world) {
		w.server("gitee", func(c *connection.Connection) { c.SignUp, c.LinkPhone, c.TrustEmail = true, true, true })
		ann, bob, eve := w.byPhone("13800000001"), w.byMailCode("bob@example.com"), w.byName("eve")
		codes := 0
		both := func(name string) answer {
			codes++
			return w.post(ask, body{"connId": "gitee", "code": fmt.Sprint(name, " +8613800000001 bob@example.com ", codes)})
		}
		key, accounts := both("zoe").step(2921)
		offered := map[any]any{}
		for _, a := range accounts {
			a := a.(map[string]any)
			offered[a["id"]] = true
			if a["phone"] == "13800000001" || a["phone"] == "+8613800000001" || a["email"] == "bob@example.com" {
				w.Errorf("shown in full: %v", a)
			}
		}
		if len(offered) != 2 || offered[ann.id] == nil || offered[bob.id] == nil {
			w.Errorf("offered %v", accounts)
		}
		w.post(bind+"select", body{"key": key}).want(2231)
		w.post(bind+"select", body{"key": key, "accountId": eve.id}).want(2026)
		if got := w.post(bind+"select", body{"action": "bind-identity-by-selection", "key": key, "account": bob.id}).user(); got.id != bob.id {
			w.Errorf("chose %v", got)
		}
		if got := both("zoe").user(); got.id != bob.id {
			w.Errorf("then %v", got)
		}
		w.post(bind+"select", body{"key": key, "accountId": bob.id}).want(2207)

		key, _ = both("leo").step(2921)
		if got := w.post(bind+"byAccountId", body{"action": "bind-identity-by-account-id", "key": key, "accountId": ann.id}).user(); got.id != ann.id {
			w.Errorf("by account id: %v", got)
		}

		key, _ = both("mia").step(2921)
		made := w.post(bind+"register", body{"action": "create-federation-account", "key": key})
		if mia := made.user(); mia.id == ann.id || mia.id == bob.id {
			w.Error("a new account is an old one")
		}
		made.has(body{"phone": nil, "email": nil})

		// Where an account has the address and the vendor may not link, people are asked too.
		w.server("gitee", func(c *connection.Connection) { c.SignUp = true })
		w.post(ask, body{"connId": "gitee", "code": "ned +8613800000009 bob@example.com"}).step(1641)
		w.post("/api/v2/ecConn/gitee/authByCode", body{"connId": "gitee", "code": "ned2 +8613800000009 bob@example.com"}).want(2026)
	})
}

func TestLinkAndUnlinkWeChat(t *testing.T) {
	each(t, func(w *world) {
		w.wechat(onlyKnown)
		ann, bob := w.byName("ann"), w.byName("bob")
		// Granted in ann's session, the key is for hers alone.
		asked := w.as(ann.token, http.MethodPost, "/api/v2/ecConn/wechatMobile/authByCodeIdentity", body{"connId": "wx_app", "code": "ann-1"})
		key, _ := asked.step(1640)
		const link, unlink = "/api/v2/users/link", "/api/v2/users/unlink"
		w.post(link, body{"primaryUserToken": "nobody", "secondaryUserToken": key}).want(2020)
		w.post(link, body{"primaryUserToken": ann.token}).want(2231)
		w.post(link, body{"primaryUserToken": ann.token, "secondaryUserToken": bob.token}).want(1001)
		w.post(link, body{"primaryUserToken": bob.token, "secondaryUserToken": key}).want(2207)
		w.post(link, body{"primaryUserToken": ann.token, "secondaryUserToken": key}).want(200)
		if got := w.identify("ann-2").user(); got.id != ann.id {
			w.Errorf("WeChat leads to %v", got)
		}
		w.post(unlink, body{"primaryUserToken": ann.token, "provider": "github"}).want(404)
		w.post(unlink, body{"primaryUserToken": ann.token, "provider": "wechat"}).want(200)
		w.identify("ann-3").step(1640)
		w.post(unlink, body{"primaryUserToken": ann.token, "provider": "wechat"}).want(404)
	})
}

func TestSignInByAppleNeedsItsPoolAndProvider(t *testing.T) {
	each(t, func(w *world) {
		const in = "/connection/social/"
		w.post(in+"apple/other/callback", body{"code": "c"}).want(2224)
		w.post(in+"apple/"+poolID+"/callback", body{}).want(2231)
		w.post(in+"google/"+poolID+"/callback", body{"code": "c"}).want(404)
	})
}

package authing_test

import (
	"net/http"
	"strings"
	"testing"
)

// SCENARIOS C: configuration and transport.
func TestConfiguration(t *testing.T) {
	each(t, func(w *world) {
		host := strings.TrimPrefix(w.s.URL, "http://")
		w.run("C1 public config", func(w *world) {
			a := w.s.Do(http.MethodGet, "/api/v2/applications/"+appID+"/public-config", nil)
			answer{a, w, "public-config"}.want(200).has(body{"requestHostname": host, "id": appID, "userPoolId": poolID})
			if a.Header.Get("Cache-Control") != "no-store" {
				w.Error("the answer may be cached")
			}
			data, _ := a.Body["data"].(map[string]any)
			for name, v := range data {
				if v == nil {
					w.Errorf("%s is null", name)
				}
			}
			key, _ := data["publicKey"].(string)
			if strings.ContainsAny(key, "-\n") || parsedKey(w.T, key).Size() != 256 {
				w.Errorf("key %q", key)
			}
			for name, want := range map[string]string{
				"verifyCodeLength": "number", "passwordStrength": "number", "ecConnections": "list", "agreements": "list",
				"redirectUris": "list", "extendsFields": "list", "complateFiledsPlace": "list", "tabMethodsFields": "list",
				"corsWhitelist": "list", "extendsFieldsI18n": "object", "internationalSmsConfig": "object",
				"ssoPageComponentDisplay": "object", "loginTabs": "object", "registerTabs": "object",
				"passwordTabConfig": "object", "verifyCodeTabConfig": "object", "deviceFuncEnabled": "boolean",
				"registerDisabled": "boolean", "appRobotVerify": "string", "identifier": "string",
			} {
				if got := kindOf(data[name]); got != want {
					w.Errorf("%s is a %s, not a %s", name, got, want)
				}
			}
		})
		w.run("C2 an unknown app", func(w *world) {
			w.do(http.MethodGet, "/api/v2/applications/nope/public-config", nil).want(2011)
			w.do(http.MethodPost, "/api/v2/login/account", body{"account": "a", "password": "b"}, "X-Authing-App-Id", "nope").want(2011)
		})
		w.run("C3 the key for browsers", func(w *world) {
			if key := w.s.Do(http.MethodGet, "/api/v2/.well-known", nil); !parsedKey(w.T, (answer{key, w, "well-known"}).text("publicKey")).Equal(w.key) {
				w.Error("another key")
			}
		})
		w.run("C4 the second request goes to the same place", func(w *world) {
			w.me("").want(2020)
		})
		ann := w.ann()
		w.run("C5 a stale token on public calls", func(w *world) {
			w.post("/api/v2/login/account", body{"account": "ann@example.com", "password": w.seal("passw0rd")}, "Authorization", "Bearer garbage").user()
			for path, in := range map[string]body{
				"/api/v2/sms/send": {"phone": "13800000001"}, "/api/v2/email/send": {"email": "x@example.com", "scene": "VERIFY_CODE"},
			} {
				w.post(path, in, "Authorization", "Bearer "+ann.token+"x").want(200)
			}
		})
		w.run("C6 no cookies", func(w *world) {
			a := w.login("ann@example.com", "passw0rd")
			if len(a.Header["Set-Cookie"]) != 0 {
				w.Error("a cookie is set")
			}
			w.me(a.user().token).user()
		})
		transport(w)
	})
}

func kindOf(v any) string {
	switch v.(type) {
	case float64:
		return "number"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "list"
	case map[string]any:
		return "object"
	}
	return "null"
}

func transport(w *world) {
	w.run("C7 malformed JSON", func(w *world) {
		for _, raw := range []string{"{", "[]", `{"email":1}`, `{"email":"a","email":"b"}`, "nonsense"} {
			w.raw(http.MethodPost, "/api/v2/register/email", raw).want(2231)
		}
	})
	w.run("C8 what is not there", func(w *world) {
		for _, path := range []string{
			"/api/v2/x", "/api/v2/userpools/x", "/api/v3/x", "/connection/x", "/connection/social/apple/p/callback",
			"/api/v2/ecConn/github/authByCode", "/api/v2/mfa/totp/verify", "/api/v2/qrcode/check", "/api/v3/create-device",
			"/api//v2/login/account", "/api/v2/../v2/login/account", "/graphql", "/login/x", "/cas/x", "/media/x",
			"/api/v2/users/me", "/api/v2/applications/dev-app/public-config",
		} {
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete, http.MethodPut} {
				a := w.do(method, path, nil)
				code, ok := a.Body["code"].(float64)
				if strings.HasPrefix(path, "/graphql") {
					continue
				}
				if message := a.String("message"); a.Status != http.StatusOK || !ok || message == "" {
					w.Errorf("%s %s: %d %s", method, path, a.Status, a.Raw)
				} else if code == 200 && !strings.HasSuffix(path, "public-config") {
					w.Errorf("%s %s works: %s", method, path, a.Raw)
				}
			}
		}
	})
	w.run("C9 a preflight", func(w *world) {
		names := "authorization,content-type,x-authing-app-id,x-authing-lang,x-authing-request-from,x-authing-sdk-version"
		for _, path := range []string{"/graphql/v2", "/api/v2/login/account"} {
			a := w.s.Do(http.MethodOptions, path, nil, "Origin", "https://app.example.com",
				"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", names)
			h := a.Header
			if a.Status/100 != 2 || h.Get("Access-Control-Allow-Origin") != "https://app.example.com" ||
				h.Get("Access-Control-Allow-Credentials") != "true" || h.Get("Access-Control-Allow-Headers") != names {
				w.Errorf("%s: %d %v", path, a.Status, h)
			}
		}
	})
	w.run("C10 languages", func(w *world) {
		in := body{"email": "ann@example.com", "password": w.seal("passw0rd")}
		english := w.post("/api/v2/register/email", in, "X-Authing-Lang", "en-US").want(2026).String("message")
		for _, lang := range []string{"zh-CN", "zh-TW"} {
			chinese := w.post("/api/v2/register/email", in, "X-Authing-Lang", lang, "Accept-Language", "en").want(2026).String("message")
			if chinese == english || !strings.Contains(chinese, "已") {
				w.Errorf("%s: %q and %q", lang, chinese, english)
			}
		}
		if !strings.Contains(english, "registered") {
			w.Errorf("English is %q", english)
		}
	})
}

// Only registered origins may read answers.
func TestUnknownOriginIsRefused(t *testing.T) {
	each(t, func(w *world) {
		w.s.Do(http.MethodPut, "/emulator/v1/settings", body{"allowedOrigins": []string{"https://app.example.com"}})
		a := w.do(http.MethodGet, "/api/v2/.well-known", nil, "Origin", "https://evil.example")
		a.want(1001)
		if a.Header.Get("Access-Control-Allow-Origin") != "" {
			w.Errorf("allowed: %v", a.Header)
		}
		w.do(http.MethodGet, "/api/v2/.well-known", nil, "Origin", "https://app.example.com").want(200)
	})
}

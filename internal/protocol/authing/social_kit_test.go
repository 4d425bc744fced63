package authing_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/connection"
)

// wechat is WeChat's servers. A code is NAME-ANYTHING and works once; NAME's phone number
// is in phones.
type wechat struct {
	mu     sync.Mutex
	used   map[string]bool
	phones map[string]string
	now    func() int64
}

func (v *wechat) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	q := r.URL.Query()
	answer := map[string]any{}
	switch r.URL.Path {
	case "/sns/oauth2/access_token", "/sns/jscode2session":
		code := q.Get("code") + q.Get("js_code")
		if v.used[code] || !strings.Contains(code, "-") {
			answer["errcode"], answer["errmsg"] = 40163, "code been used"
			break
		}
		v.used[code] = true
		name, _, _ := strings.Cut(code, "-")
		answer = map[string]any{
			"access_token": "at-" + name, "openid": q.Get("appid") + "-" + name, "unionid": "union-" + name,
			"scope": "snsapi_login", "session_key": "a2V5a2V5a2V5a2V5a2V5aw==",
		}
	case "/sns/userinfo":
		name := strings.TrimPrefix(q.Get("access_token"), "at-")
		answer = map[string]any{"openid": q.Get("openid"), "unionid": "union-" + name, "nickname": name}
	case "/cgi-bin/stable_token":
		answer = map[string]any{"access_token": "app", "expires_in": 7200}
	case "/wxa/business/getuserphonenumber":
		var in struct{ Code string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		answer["phone_info"] = map[string]any{
			"purePhoneNumber": v.phones[in.Code], "countryCode": "86",
			"watermark": map[string]any{"timestamp": v.now(), "appid": "wxmini"},
		}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// wechat starts WeChat and configures two of its apps in the pool.
func (w *world) wechat(edit ...func(*connection.Connection)) *wechat {
	w.Helper()
	v := &wechat{used: map[string]bool{}, phones: map[string]string{}, now: w.now}
	up := httptest.NewServer(v)
	w.Cleanup(up.Close)
	for id, kind := range map[string]string{"wx_app": "wechat_open", "wxmini": "wechat_mini"} {
		c := connection.Connection{PoolID: poolID, ID: id, Kind: kind, Name: "WeChat", UnionGroup: "g", Enabled: true, SignUp: true}
		for _, e := range edit {
			e(&c)
		}
		w.provider(c, map[string]string{"appid": id, "secret": "s", "base": up.URL})
	}
	return v
}

func (w *world) provider(c connection.Connection, settings map[string]string) {
	w.Helper()
	if err := w.s.App.PutProvider(w.Context(), c, settings); err != nil {
		w.Fatal(err)
	}
}

// server configures a vendor of the operator's own. Its codes are what it says of people:
// id, phone number and email address.
func (w *world) server(id string, edit func(*connection.Connection)) {
	w.Helper()
	up := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer := map[string]any{"access_token": r.FormValue("code"), "token_type": "bearer"}
		if r.URL.Path == "/me" {
			who := strings.Fields(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			answer = map[string]any{"id": who[0], "phone": who[1], "email": who[2], "email_verified": true}
		}
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(answer)
	}))
	w.Cleanup(up.Close)
	c := connection.Connection{PoolID: poolID, ID: id, Kind: "oauth2", Enabled: true}
	edit(&c)
	w.provider(c, map[string]string{
		"client_id": "i", "client_secret": "s", "phone_field": "phone",
		"authorize_url": up.URL + "/page", "token_url": up.URL + "/token", "userinfo_url": up.URL + "/me",
	})
}

// now is the server's clock, as a token of it says.
func (w *world) now() int64 {
	text := w.s.Do(http.MethodGet, "/emulator/v1/clock", nil).String("now")
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		w.Errorf("clock %q: %v", text, err)
	}
	return at.Unix()
}

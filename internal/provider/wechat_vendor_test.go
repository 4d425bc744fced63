package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/provider"
)

const (
	wxApp    = "wx0000000000000001"
	wxSecret = "simsecretsimsecretsimsecretsimse"
	aliceID  = "osXTpo0SoUxK6xnTMUFxv2_ICbq8"
	bobID    = "oBobBobBobBobBobBobBobBobBob"
	unionID  = "oMU-yuOrGTym8RsXddS1Klj4XNGp"
)

type answers map[string]any

// weixin checks what WeChat checks, and answers as it does: with status 200, as text.
type weixin struct {
	t        *testing.T
	base     string
	patience time.Duration

	mu     sync.Mutex
	codes  map[string]answers // by code: what it buys, once
	users  map[string]answers // by user token: whom it describes
	phones map[string]answers // by phone code: the phone_info, and the openid it is for
	tokens map[string]bool    // app tokens, true while good
	fixed  map[string]http.HandlerFunc
	seen   map[string]int // calls by path
}

func newWeixin(t *testing.T) *weixin {
	t.Helper()
	w := &weixin{
		t: t, codes: map[string]answers{}, users: map[string]answers{}, phones: map[string]answers{},
		tokens: map[string]bool{}, fixed: map[string]http.HandlerFunc{}, seen: map[string]int{},
	}
	route := func(method, kind string, h func(q url.Values, r *http.Request) answers) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			w.mu.Lock()
			w.seen[r.URL.Path]++
			fixed := w.fixed[r.URL.Path]
			w.mu.Unlock()
			if fixed != nil {
				fixed(rw, r)
				return
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			out := answers{"errcode": 43001, "errmsg": "require another method"}
			if r.Method == method && (kind == "" || r.Header.Get("Content-Type") == kind) {
				out = h(r.URL.Query(), r)
			}
			rw.Header().Set("Content-Type", "text/plain")
			json.NewEncoder(rw).Encode(out)
		}
	}
	w.base = upstream(t, map[string]http.HandlerFunc{
		"/sns/oauth2/access_token":         route("GET", "", w.exchange("code")),
		"/sns/jscode2session":              route("GET", "", w.exchange("js_code")),
		"/sns/userinfo":                    route("GET", "", w.user),
		"/cgi-bin/stable_token":            route("POST", "application/json", w.stableToken),
		"/wxa/business/getuserphonenumber": route("POST", "application/json", w.phone),
	})
	return w
}

func fault(code int) answers {
	return answers{"errcode": code, "errmsg": "words, rid: 6543-abcd-ef01"}
}

func (w *weixin) app(q url.Values) answers {
	switch {
	case q.Get("appid") != wxApp:
		return fault(40013)
	case q.Get("secret") != wxSecret:
		return fault(40125)
	}
	return nil
}

func (w *weixin) exchange(name string) func(url.Values, *http.Request) answers {
	return func(q url.Values, _ *http.Request) answers {
		if no := w.app(q); no != nil {
			return no
		}
		out, ok := w.codes[q.Get(name)]
		switch {
		case q.Get("grant_type") != "authorization_code":
			return fault(40002)
		case !ok:
			return fault(40029)
		case out == nil:
			return fault(40163)
		}
		w.codes[q.Get(name)] = nil
		return out
	}
}

func (w *weixin) user(q url.Values, _ *http.Request) answers {
	out, ok := w.users[q.Get("access_token")]
	switch {
	case !ok:
		return fault(40001)
	case q.Get("openid") != out["openid"] && out["asked"] == nil:
		return fault(40003)
	}
	return out
}

func (w *weixin) stableToken(_ url.Values, r *http.Request) answers {
	var in struct {
		Grant  string `json:"grant_type"`
		AppID  string `json:"appid"`
		Secret string `json:"secret"`
		Force  bool   `json:"force_refresh"`
	}
	json.NewDecoder(r.Body).Decode(&in)
	if in.Grant != "client_credential" || in.Force {
		w.t.Errorf("the token was asked for with %+v", in)
	}
	if no := w.app(url.Values{"appid": {in.AppID}, "secret": {in.Secret}}); no != nil {
		return no
	}
	token := fmt.Sprintf("SIMAT-%d", len(w.tokens)+1)
	w.tokens[token] = true
	return answers{"access_token": token, "expires_in": 7200}
}

func (w *weixin) phone(q url.Values, r *http.Request) answers {
	if good, known := w.tokens[q.Get("access_token")]; !good {
		if known {
			return fault(42001)
		}
		return fault(40001)
	}
	var in struct{ Code, OpenID string }
	json.NewDecoder(r.Body).Decode(&in)
	info, ok := w.phones[in.Code]
	switch {
	case !ok:
		return fault(40029)
	case in.OpenID != info["openid"]:
		return fault(40003)
	}
	delete(w.phones, in.Code)
	return answers{"errcode": 0, "errmsg": "ok", "phone_info": info["phone_info"]}
}

// number is a phone_info that WeChat signs off now; pairs replace its fields.
func number(pairs ...any) answers {
	info := answers{
		"phoneNumber": "13800000001", "purePhoneNumber": "13800000001", "countryCode": "86",
		"watermark": answers{"timestamp": today().Unix(), "appid": wxApp},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		info[pairs[i].(string)] = pairs[i+1]
	}
	return answers{"openid": aliceID, "phone_info": info}
}

func (w *weixin) open(kind string, more ...string) provider.Driver {
	w.t.Helper()
	set := map[string]string{"appid": wxApp, "secret": wxSecret, "base": w.base}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	return openHasty(w.t, w.patience, &tokenCache{}, kind, set)
}

func (w *weixin) calls(path string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[path]
}

// openWith is open for drivers that keep app tokens.
func openWith(t *testing.T, tokens provider.TokenCache, kind string, set map[string]string) provider.Driver {
	t.Helper()
	return openHasty(t, 0, tokens, kind, set)
}

// hasty is how long tests wait for a vendor that does not answer.
const hasty = 200 * time.Millisecond

// openHasty is openWith for a driver that waits no longer than patience.
func openHasty(t *testing.T, patience time.Duration, tokens provider.TokenCache, kind string, set map[string]string) provider.Driver {
	t.Helper()
	d, err := provider.Open(kind, set, provider.Env{
		Now: today, Tokens: tokens,
		HTTP: driver.NewClient(driver.ClientOptions{Now: today, Allow: driver.LoopbackRanges(), Timeout: patience}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// tokenCache keeps app tokens in memory, and notes how long they are good.
type tokenCache struct {
	mu    sync.Mutex
	kept  map[string]string
	lives map[string]time.Duration
	drops int
}

// Get returns what is kept, or fetches it.
func (c *tokenCache) Get(ctx context.Context, name string, fetch func(context.Context) (string, time.Duration, error)) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if token, ok := c.kept[name]; ok {
		return token, nil
	}
	token, life, err := fetch(ctx)
	if err != nil {
		return "", err
	}
	c.kept, c.lives = map[string]string{name: token}, map[string]time.Duration{token: life}
	return token, nil
}

// Drop forgets a token.
func (c *tokenCache) Drop(_ context.Context, name, token string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drops++
	maps.DeleteFunc(c.kept, func(n, t string) bool { return n == name && t == token })
	return nil
}

// wantNoSecret checks that err, which is logged, names none of words.
func wantNoSecret(t *testing.T, err error, words ...string) {
	t.Helper()
	for _, w := range words {
		if err != nil && w != "" && strings.Contains(err.Error(), w) {
			t.Errorf("%v names %s", err, w)
		}
	}
}

// counts tells how often each path was called.
type counts struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counts) add(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[path]++
}

func (c *counts) of(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[path]
}

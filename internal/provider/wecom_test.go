package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

// company checks what WeCom checks.
type company struct {
	base     string
	patience time.Duration
	who      answers // whom the code is about
	detail   answers
	tokens   map[string]bool
	seen     counts
	fixed    map[string]http.HandlerFunc
}

func newCompany(t *testing.T) *company {
	t.Helper()
	c := &company{tokens: map[string]bool{}, fixed: map[string]http.HandlerFunc{}}
	route := func(method string, needsToken bool, h func(r *http.Request) answers) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			c.seen.add(r.URL.Path)
			if fixed := c.fixed[r.URL.Path]; fixed != nil {
				fixed(w, r)
				return
			}
			good, known := c.tokens[r.URL.Query().Get("access_token")]
			var out answers
			switch {
			case r.Method != method:
				out = fault(43001)
			case needsToken && known && !good:
				out = fault(42001)
			case needsToken && !good:
				out = fault(40014)
			default:
				out = h(r)
			}
			json.NewEncoder(w).Encode(out)
		}
	}
	c.base = upstream(t, map[string]http.HandlerFunc{
		"/cgi-bin/gettoken": route("GET", false, func(r *http.Request) answers {
			q := r.URL.Query()
			switch {
			case q.Get("corpid") != "ww1":
				return fault(40013)
			case q.Get("corpsecret") != wxSecret:
				return fault(40001)
			}
			token := fmt.Sprintf("CORP-%d", len(c.tokens)+1)
			c.tokens[token] = true
			return answers{"errcode": 0, "access_token": token, "expires_in": 7200}
		}),
		"/cgi-bin/auth/getuserinfo": route("GET", true, func(r *http.Request) answers {
			if r.URL.Query().Get("code") != "c1" || c.who == nil {
				return fault(40029)
			}
			out := c.who
			c.who = nil
			return out
		}),
		"/cgi-bin/auth/getuserdetail": route("POST", true, func(r *http.Request) answers {
			var in map[string]string
			json.NewDecoder(r.Body).Decode(&in)
			if in["user_ticket"] != "TICKET" {
				return fault(40029)
			}
			return c.detail
		}),
	})
	return c
}

func (c *company) open(t *testing.T, more ...string) provider.Driver {
	t.Helper()
	set := map[string]string{"corpid": "ww1", "agentid": "1000002", "secret": wxSecret, "base": c.base}
	for i := 0; i+1 < len(more); i += 2 {
		set[more[i]] = more[i+1]
	}
	return openHasty(t, c.patience, &tokenCache{}, "wecom", set)
}

func TestWeComSaysWhichMemberIsBehindACode(t *testing.T) {
	member := func(id string) provider.Profile {
		return provider.Profile{Subject: "zhangsan", AppID: "ww1", Extra: map[string]string{"userid": id}}
	}
	told := member("ZhangSan")
	told.Name, told.Picture, told.Email = "张三", "https://wework.qpic.cn/a/0", "zhangsan@corp.example"
	openUser := member("zhangsan")
	openUser.Extra["open_userid"] = "wo1"
	detail := answers{"errcode": 0, "userid": "zhangsan", "name": "张三", "avatar": "http://wework.qpic.cn/a/0", "mobile": "13800000001", "email": "z@qq.com", "biz_mail": "zhangsan@corp.example"}
	for _, tt := range []struct {
		name   string
		who    answers
		detail answers
		want   outcome
	}{
		{"a member", answers{"errcode": 0, "userid": "zhangsan"}, nil, outcome{profile: member("zhangsan")}},
		{"the other spelling of the field", answers{"errcode": 0, "UserId": "zhangsan"}, nil, outcome{profile: member("zhangsan")}},
		{"the other spelling of the id", answers{"UserId": "ZHANGSAN"}, nil, outcome{profile: member("ZHANGSAN")}},
		{"a suite's id too", answers{"userid": "zhangsan", "open_userid": "wo1"}, nil, outcome{profile: openUser}},
		{"a member who tells more", answers{"userid": "ZhangSan", "user_ticket": "TICKET"}, detail, outcome{profile: told}},
		{"a customer", answers{"openid": "o1", "external_userid": "wm1"}, nil, refusal(errs.ProviderDenied, "not_a_member")},
		{"a stranger", answers{"OpenId": "o1"}, nil, refusal(errs.ProviderDenied, "not_a_member")},
		{"nobody", answers{"errcode": 0}, nil, refusal(errs.Unavailable, "incomplete_answer")},
		{"details of somebody else", answers{"userid": "lisi", "user_ticket": "TICKET"}, detail, refusal(errs.ProviderRefused, "bad_userid")},
		{"details without a name", answers{"userid": "zhangsan", "user_ticket": "TICKET"}, answers{}, refusal(errs.ProviderRefused, "bad_userid")},
		{"a wrong ticket", answers{"userid": "zhangsan", "user_ticket": "OTHER"}, nil, refusal(errs.ProviderRefused, "bad_code")},
		{"an address that is not listed", fault(60020), nil, refusal(errs.ProviderMisconfigured, "ip_refused")},
		{"a page that is not listed", fault(50001), nil, refusal(errs.ProviderMisconfigured, "redirect_refused")},
		{"a quota", fault(45009), nil, refusal(errs.TooManyRequests, "vendor_quota")},
		{"a used code", nil, nil, refusal(errs.ProviderRefused, "bad_code")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCompany(t)
			c.who, c.detail = tt.who, tt.detail
			got, err := c.open(t).Exchange(t.Context(), provider.Credential{Code: "c1"})
			tt.want.check(t, got, err)
			wantNoSecret(t, err, wxSecret, "CORP-1", "TICKET", "13800000001")
		})
	}
}

func TestWeComNeedsItsKeys(t *testing.T) {
	c := newCompany(t)
	_, err := c.open(t, "secret", "x").Exchange(t.Context(), provider.Credential{Code: "c1"})
	wantRefusal(t, err, errs.ProviderMisconfigured, "bad_secret")
	_, err = c.open(t).Exchange(t.Context(), provider.Credential{})
	wantRefusal(t, err, errs.ProviderDenied, "no_code")
	for _, name := range []string{"base", "login_base", "open_base"} {
		set := map[string]string{"corpid": "ww1", "agentid": "1", "secret": "s", name: "http://example.com"}
		if _, err := provider.Open("wecom", set, provider.Env{Now: today, Tokens: &tokenCache{}}); err == nil {
			t.Errorf("opened with %s in the clear", name)
		}
	}
}

func TestWeComReplacesAStaleToken(t *testing.T) {
	c := newCompany(t)
	d := c.open(t)
	for i := range 2 {
		c.who = answers{"userid": "zhangsan"}
		if _, err := d.Exchange(t.Context(), provider.Credential{Code: "c1"}); err != nil {
			t.Fatal(err)
		}
		if n := c.seen.of("/cgi-bin/gettoken"); n != i+1 {
			t.Errorf("fetched %d tokens, want %d", n, i+1)
		}
		c.tokens[fmt.Sprintf("CORP-%d", i+1)] = false
	}
}

func TestAWeComThatFailsIsUnavailable(t *testing.T) {
	for name, faulty := range vendorFaults(t) {
		for _, path := range []string{"/cgi-bin/gettoken", "/cgi-bin/auth/getuserinfo", "/cgi-bin/auth/getuserdetail"} {
			if path == "/cgi-bin/auth/getuserdetail" && (name == "an empty object" || name == "null") {
				continue // somebody else's details; see above
			}
			t.Run(path+" answers with "+name, func(t *testing.T) {
				c := newCompany(t)
				c.who = answers{"userid": "zhangsan", "user_ticket": "TICKET"}
				c.fixed[path], c.patience = faulty, hasty
				_, err := c.open(t).Exchange(t.Context(), provider.Credential{Code: "c1"})
				wantRefusal(t, err, errs.Unavailable, "")
				wantNoSecret(t, err, wxSecret, "CORP-1", "TICKET", "c1=")
				if n := c.seen.of(path); n > 1 && path != "/cgi-bin/gettoken" {
					t.Errorf("asked %d times", n)
				}
			})
		}
	}
}

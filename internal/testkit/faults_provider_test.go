package testkit_test

import (
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
	"github.com/tigertally/tigertally/internal/upsim"
)

// simulatedProvider is how the matrix knows a provider of the development server.
type simulatedProvider struct {
	id, upstream string
	authing      string // the path of Authing's mobile clients, "" for none
	kind         string // of the simulator's codes that a vendor's library gets
	agent        string // the browser its page opens in
	tokens       string // the app whose access tokens that library gets instead
	pageless     bool
	more         []fault
	codes        *atomic.Int32 // how many there were
}

func simulatedProviders() []simulatedProvider {
	// The vendor's answer names nobody, and names somebody by a value of another type.
	nobody := func(want told, field string) []fault {
		return []fault{{name: "DROP:" + field, want: want, late: true}, {name: "TYPE:" + field, want: want, late: true}}
	}
	untold := fault{name: "DROP:access_token", want: down, late: true, not: "Authing by token"}
	words := []fault{{name: "RATE", want: often}, {name: "BUSY", want: down}}
	risk := fault{name: "RISK", want: denied, late: true}
	// What only the operator can mend: our address is not listed, and whose key it is.
	unlisted, unsigned := fault{name: "ERR:40164", want: broken}, fault{name: "BADSIGN", want: broken, late: true}
	return []simulatedProvider{
		{id: "wx_open", upstream: "wechat", authing: "wechatMobile", kind: "WO", more: append(append(nobody(down, "openid"), untold, unlisted), words...)},
		{id: "wx_mp", upstream: "wechat", agent: "MicroMessenger/8.0", more: append(append(nobody(down, "openid"), untold), words...)},
		{id: miniProgram, upstream: "wechat", authing: "wechatminiprogramapplaunch", kind: "WX", pageless: true, more: append(append(nobody(down, "openid"), risk), words...)},
		{id: "wecom", upstream: "wecom", authing: "wechat-work", kind: "WC", more: append(nobody(down, "userid"), words...)},
		{id: "oidc", upstream: "oidc", more: append(append(nobody(doubted, "id_token"), untold), words...)},
		{id: "google", upstream: "oidc", more: append(nobody(doubted, "id_token"), words...)},
		{id: "github", upstream: "github", authing: "github", kind: "GH", more: []fault{{name: "DROP:id", want: down, late: true}, untold, words[0]}},
		{id: "qq", upstream: "qq", authing: "QQConnect", tokens: "100000001", more: []fault{{name: "DROP:openid", want: down, late: true}, {name: "TYPE:openid", want: doubted, late: true}, untold}},
		{id: "weibo", upstream: "weibo", authing: "weibo", tokens: "1000000001", more: append([]fault{{name: "DROP:uid", want: down, late: true}, untold}, words...)},
		{id: "dingtalk", upstream: "dingtalk", authing: "dingtalk", kind: "DT", more: append(append(nobody(down, "unionId"), fault{name: "DROP:accessToken", want: down, late: true}), words...)},
		{id: "feishu", upstream: "feishu", authing: "lark", kind: "FS", more: append(append(nobody(down, "open_id"), untold), words...)},
		{id: "alipay", upstream: "alipay", authing: "alipay", kind: "AL", more: append([]fault{unsigned}, words...)},
		{id: "apple", upstream: "apple", more: append(nobody(down, "id_token"), words...)},
	}
}

const miniProgram = "wx0000000000000002"

// Whatever a provider does, whoever asked hears of it in time and in the words of its
// protocol, nobody is made, the same code is good once the provider is well, and the people
// of other providers do not wait.
func TestFaultsOfProviders(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, p := range simulatedProviders() {
		p.codes = new(atomic.Int32)
		all.Go(func() {
			t.Run(p.id, func(t *testing.T) {
				s := testkit.StartWithUpstreams(t, dbtest.SQLite)
				r := row{
					sim: s.App.Upstreams(), upstream: p.upstream, faults: with(commonFaults(), p.more...),
					ways: p.ways(), sever: p.sever, other: otherProvider,
				}
				if p.upstream == "wechat" {
					r.other = otherThanWeChat
				}
				r.run(t, s)
			})
		})
	}
	all.Wait()
}

func (p simulatedProvider) ways() []way {
	app := way{"CloudBase", map[told]string{down: "unavailable", often: "resource_exhausted", denied: "permission_denied", doubted: "failed_precondition", broken: "failed_precondition"}, p.relay}
	if !p.relayed() {
		app = way{"CloudBase", map[told]string{down: "temporarily_unavailable", often: "temporarily_unavailable", denied: "access_denied", doubted: "server_error", broken: "server_error"}, p.callBack}
	}
	ways := []way{app}
	if p.authing != "" {
		name := "Authing"
		if p.tokens != "" {
			name = "Authing by token"
		}
		ways = append(ways, way{name, map[told]string{down: "1000", often: "2080", denied: "2333", doubted: "2333", broken: "500"}, p.native})
	}
	if !p.pageless {
		ways = append(ways, way{"page", map[told]string{down: "problem", often: "problem", denied: "problem", doubted: "problem", broken: "problem"}, p.page})
	}
	return ways
}

func (p simulatedProvider) relayed() bool { return p.upstream == "wechat" || p.upstream == "wecom" }

// relay hands the vendor's code from the app's page to the server.
func (p simulatedProvider) relay(t *testing.T, s *testkit.Server, who string) func(t *testing.T) string {
	code := p.code(who)
	if !p.pageless {
		code = land(t, s, agree(t, s, p.id, appPage, thisDevice(), who), appPage).Get("code")
	}
	return func(t *testing.T) string { return enterWith(t, s, p.id, code) }
}

// callBack lets the vendor lead the browser to the server's callback.
func (p simulatedProvider) callBack(t *testing.T, s *testkit.Server, who string) func(t *testing.T) string {
	landing := agree(t, s, p.id, appPage, thisDevice(), who)
	return func(t *testing.T) string {
		q := land(t, s.On(t), landing, appPage)
		if q.Get("state") != "app-state" {
			t.Errorf("the page gets %v", q)
		}
		if word := q.Get("error"); word != "" {
			return word
		}
		return enterWith(t, s, p.id, q.Get("code"))
	}
}

// enterWith exchanges a code and signs in; it returns the word of a refusal.
func enterWith(t *testing.T, s *testkit.Server, id, code string) string {
	t.Helper()
	a := s.On(t).Do(http.MethodPost, "/auth/v1/provider/token", map[string]any{
		"provider_id": id, "provider_code": code, "provider_redirect_uri": appPage,
	}, thisDevice()...)
	if a.Status == http.StatusOK {
		a = s.On(t).Do(http.MethodPost, "/auth/v1/signin/with/provider", map[string]any{"provider_token": a.String("provider_token")}, thisDevice()...)
	}
	return a.String("error")
}

// native shows a code that the vendor's own library gave a mobile app.
func (p simulatedProvider) native(t *testing.T, s *testkit.Server, who string) func(t *testing.T) string {
	call, body := "/authByCode", map[string]any{"connId": p.id, "code": p.code(who)}
	if p.tokens != "" {
		p.change(t, s, func(set map[string]string) { set["client_tokens"] = "on" })
		token, err := s.App.Upstreams().MintToken(upsim.NewToken{Upstream: p.upstream, Client: p.tokens, Subject: who})
		if err != nil {
			t.Fatal(err)
		}
		call, body = "/authByAccessToken", map[string]any{"connId": p.id, "access_token": token}
	}
	return func(t *testing.T) string {
		return authingWord(s.On(t).Post("/api/v2/ecConn/"+p.authing+call, body))
	}
}

// code is another one that a vendor's library gives somebody.
func (p simulatedProvider) code(who string) string {
	return fmt.Sprintf("SIM-%s-%s-%d", p.kind, who, p.codes.Add(1))
}

// authingWord is the number of a refusal, "" of a success.
func authingWord(a testkit.Answer) string {
	number, ok := a.Body["code"].(float64)
	if !ok || a.String("message") == "" {
		return "no envelope: " + string(a.Raw)
	}
	if number == http.StatusOK {
		return ""
	}
	return strconv.Itoa(int(number))
}

// page signs in on the hosted page, whose browser comes back from the vendor.
func (p simulatedProvider) page(t *testing.T, s *testkit.Server, who string) func(t *testing.T) string {
	b := newVisitor(t, s, p.agent)
	page := b.get(t, s.URL+"/oidc/auth?"+pageRequest())
	link := regexp.MustCompile(`href="([^"]*/to/` + p.id + `\?[^"]*)"`).FindStringSubmatch(page.body)
	if link == nil {
		t.Fatalf("no button: %s", page.body)
	}
	at, err := page.at.Parse(html.UnescapeString(link[1]))
	if err != nil {
		t.Fatal(err)
	}
	landing, err := s.App.Upstreams().Approve(t.Context(), b.get(t, at.String()).left, who+"w")
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) string {
		var got shown
		if landing.Form == nil {
			got = b.get(t, landing.URL)
		} else {
			got = b.postForm(t, landing.URL, landing.Form)
		}
		switch {
		case strings.HasPrefix(got.left, appPage+"?") && strings.Contains(got.left, "code="):
			return ""
		case strings.Contains(got.body, `id="problem"`):
			return "problem"
		}
		return fmt.Sprintf("%d %s %s", got.status, got.left, got.body)
	}
}

// visitor is a browser that keeps cookies and does not leave the server.
type visitor struct {
	client *http.Client
	agent  string
}

// shown is what a visitor sees in the end.
type shown struct {
	status int
	body   string
	at     *url.URL
	left   string // where it was led away, "" for nowhere
}

func newVisitor(t *testing.T, s *testkit.Server, agent string) visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), s.URL+"/") {
			return nil
		}
		return http.ErrUseLastResponse
	}
	return visitor{&http.Client{Jar: jar, CheckRedirect: stay}, agent}
}

func (v visitor) get(t *testing.T, address string) shown {
	t.Helper()
	return v.send(t, http.MethodGet, address, nil)
}

func (v visitor) postForm(t *testing.T, address string, form url.Values) shown {
	t.Helper()
	return v.send(t, http.MethodPost, address, form)
}

func (v visitor) send(t *testing.T, method, address string, form url.Values) shown {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Language", "en")
	req.Header.Set("User-Agent", v.agent)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return shown{resp.StatusCode, string(body), resp.Request.URL, resp.Header.Get("Location")}
}

// sever tells the server that the provider is somewhere else.
func (p simulatedProvider) sever(t *testing.T, s *testkit.Server, origin string) func() {
	t.Helper()
	here := strings.TrimSuffix(s.App.Upstreams().Bases().Control, "/_sim")
	return p.change(t, s, func(set map[string]string) { maps.Copy(set, moved(set, here, origin)) })
}

// change edits the provider's settings until undo.
func (p simulatedProvider) change(t *testing.T, s *testkit.Server, edit func(set map[string]string)) (undo func()) {
	t.Helper()
	c, err := s.App.Connections.Get(t.Context(), "dev", p.id)
	if err != nil {
		t.Fatal(err)
	}
	old, err := s.App.Connections.Settings(c)
	if err != nil {
		t.Fatal(err)
	}
	put := func(set map[string]string) {
		if err := s.App.PutProvider(t.Context(), c, set); err != nil {
			t.Fatal(err)
		}
	}
	changed := maps.Clone(old)
	edit(changed)
	put(changed)
	return func() { put(old) }
}

// otherProvider signs somebody in with a mini-program, and otherThanWeChat with GitHub.
func otherProvider(s *testkit.Server, who string) error {
	return signInByCode(s, "wechatminiprogramapplaunch", "SIM-WX-"+who+"-1")
}

func otherThanWeChat(s *testkit.Server, who string) error {
	return signInByCode(s, "github", "SIM-GH-"+who+"-1")
}

func signInByCode(s *testkit.Server, path, code string) error {
	resp, err := http.Post(s.URL+"/api/v2/ecConn/"+path+"/authByCode", "application/json", strings.NewReader(`{"code":"`+code+`"}`))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && !strings.Contains(string(body), `"code":200`) {
		err = fmt.Errorf("%s", body)
	}
	return err
}

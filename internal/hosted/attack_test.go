package hosted_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/pool"
)

// marks tries to become part of the page wherever it is shown.
const marks = `"'><script>alert(1)</script><img src=x onerror=alert(1)><svg onload=alert(1)>&lt;`

// harmless fails when a page has anything but what we write ourselves.
func harmless(t *testing.T, name string, p page) {
	t.Helper()
	known := strings.Fields("html head meta title link body main p h1 nav a form input div label button img footer section")
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode {
			if !slices.Contains(known, n.Data) {
				t.Errorf("%s: an element <%s>", name, n.Data)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
				if (a.Key == "src" && !strings.HasPrefix(a.Val, "data:image/png;")) || (a.Key == "action" || n.Data == "a" && a.Key == "href") && !strings.HasPrefix(a.Val, "/oidc/signin/") {
					t.Errorf("%s: <%s %s=%q> leads away", name, n.Data, a.Key, a.Val)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(p.root)
}

// WB-06: no word of a stranger becomes a mark.
func TestWB06NothingReflectedRuns(t *testing.T) {
	k := one(t)
	ann(t, k)
	must(t, k.Pools.CreateApp(t.Context(), pool.App{
		ID: "evil", PoolID: "p", Name: marks, Settings: pool.AppSettings{RedirectURIs: []string{callback}},
	}))
	b := k.browser(t)
	p := b.open(t, "client_id", "evil", "login_hint", marks+"@example.com", "ui_locales", marks)
	harmless(t, "hint", p)
	if !strings.Contains(inner(p.all("title")[0]), marks) {
		t.Errorf("the name of the app is not shown as it is: %q", inner(p.all("title")[0]))
	}
	harmless(t, "query", b.get(t, p.at.String()+"?"+url.Values{"lang": {marks}, "tab": {marks}, "problem": {marks}, "error": {marks}}.Encode()))
	for _, do := range []string{"password", "send", "code", "renew", marks} {
		for _, tab := range []string{"password", "phone", "email"} {
			answer := b.submit(t, b.tab(t, p, tab), "do", do, "account", marks, "password", marks, "again", marks, "code", marks,
				"renewal", marks, "captcha_token", marks, "challenge", "", "captcha", marks)
			harmless(t, do+" "+tab, answer)
			if answer.status < 400 && do != "renew" {
				t.Errorf("%s: %d", do, answer.status)
			}
		}
	}
	harmless(t, "captcha", b.submit(t, p, "challenge", marks, "captcha", marks))
	harmless(t, "no such page", b.get(t, "/oidc/signin/"+url.PathEscape(marks)))
}

// WB-03: every answer carries the headers of a page that nobody frames, keeps or adds to.
func TestWB03EveryAnswerIsGuarded(t *testing.T) {
	k := one(t)
	ann(t, k)
	b := k.browser(t)
	p := b.open(t)
	for name, got := range map[string]page{
		"page": p, "tab": b.tab(t, p, "phone"), "problem": b.submit(t, p, "account", "ann", "password", "x"),
		"sent": b.submit(t, b.tab(t, p, "phone"), "account", phone),
		"gone": b.get(t, "/oidc/signin/nothing"), "foreign": b.submit(t, p, "form", "x"),
		"elsewhere": b.get(t, "/oidc/signin/a/b"), "nothing": b.get(t, "/oidc/signin/"),
	} {
		h := got.header
		policy := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %q", name, policy, want)
			}
		}
		if strings.Contains(policy, "script-src") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy allows scripts: %q", name, policy)
		}
		for header, want := range map[string]string{
			"X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			"Cache-Control": "no-store", "Cross-Origin-Opener-Policy": "same-origin", "Content-Type": "text/html; charset=utf-8",
		} {
			if h.Get(header) != want {
				t.Errorf("%s: %s is %q", name, header, h.Get(header))
			}
		}
		harmless(t, name, got)
	}
	if style := b.get(t, "/oidc/signin/page.css"); style.header.Get("Content-Type") != "text/css; charset=utf-8" || len(style.raw) < 100 {
		t.Errorf("style: %v", style.header)
	}
	left := b.submit(t, b.open(t), "account", "ann", "password", accounttest.Password)
	if left.header.Get("Cache-Control") != "no-store" || left.header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("the way back: %v", left.header)
	}
}

func TestTheFormMayLeadToTheAppAndNowhereElse(t *testing.T) {
	k := one(t)
	for to, want := range map[string]string{
		callback: "form-action 'self' https://app.test", "com.example.app:/signed-in": "form-action 'self' com.example.app:",
		"http://[::1]/cb": "form-action 'self' http:",
	} {
		if got := k.browser(t).open(t, "redirect_uri", to).header.Get("Content-Security-Policy"); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q", to, got)
		}
	}
}

// WB-04: only the registered address is ever led to.
func TestWB04NothingElseIsLedTo(t *testing.T) {
	k := one(t)
	ann(t, k)
	for _, evil := range []string{
		"https://evil.test/", "//evil.test", `\\evil.test`, "javascript:alert(1)", "/\t/evil.test", "https://app.test@evil.test/",
		"https://app.test.evil.test/callback", "data:text/html,x",
	} {
		b := k.browser(t)
		p := b.open(t)
		names := []string{"redirect_uri", "return_to", "next", "url", "continue", "Location"}
		q := url.Values{}
		var pairs []string
		for _, n := range names {
			q.Set(n, evil)
			pairs = append(pairs, n, evil)
		}
		p = b.get(t, p.at.String()+"?"+q.Encode())
		b.submit(t, p, append(pairs, "account", "ann", "password", accounttest.Password)...).back(t)
	}
}

// A page belongs to the browser that came from the app: its address opens nothing in
// another one, with no cookie or with somebody else's.
func TestAPageOpensInItsOwnBrowserOnly(t *testing.T) {
	k := one(t)
	ann(t, k)
	mine, theirs := k.browser(t), k.browser(t)
	p, other := mine.open(t), theirs.open(t)
	gone := func(name string, got page) {
		t.Helper()
		if got.status != http.StatusForbidden || got.heading() != "This page cannot be used any more" || len(got.all("form")) != 0 {
			t.Errorf("%s: %d %q", name, got.status, got.heading())
		}
	}
	gone("another browser", theirs.get(t, p.at.String()))
	gone("no cookies", k.browser(t).get(t, p.at.String()))
	gone("a form from another browser", theirs.submit(t, p, "account", "ann", "password", accounttest.Password))

	// Somebody plants the cookie of their own request under the name of mine.
	var value, name string
	for _, c := range theirs.Jar.Cookies(other.at) {
		value = c.Value
	}
	for _, c := range mine.Jar.Cookies(p.at) {
		name = c.Name
	}
	planted := k.browser(t)
	planted.Jar.SetCookies(p.at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
	gone("a planted cookie", planted.get(t, p.at.String()))
	mine.submit(t, p, "account", "ann", "password", accounttest.Password).back(t)
}

// WB-01: a form from elsewhere does nothing, signing in included.
func TestWB01FormsOfOtherPagesDoNothing(t *testing.T) {
	k := one(t)
	ann(t, k)
	b := k.browser(t)
	p := b.open(t)
	v := p.values()
	v.Set("account", "ann")
	v.Set("password", accounttest.Password)
	for name, change := range map[string]func(r *http.Request){
		"another site":        func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a neighbour":         func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"another origin":      func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.test") },
		"text":                func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"json":                func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		"several parts":       func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") },
		"no kind":             func(r *http.Request) { r.Header.Del("Content-Type") },
		"a method of its own": func(r *http.Request) { r.Method = http.MethodPut },
	} {
		r := b.post(t, p, v)
		change(r)
		if got := b.do(t, r); got.status < 400 || got.header.Get("Location") != "" {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	for name, proof := range map[string]string{"no proof": "", "a made-up proof": "x", "the proof of another page": k.browser(t).open(t).values().Get("form")} {
		if got := b.submit(t, p, "account", "ann", "password", accounttest.Password, "form", proof); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	r := b.post(t, p, v)
	r.Header.Del("Sec-Fetch-Site") // an older browser
	b.do(t, r).back(t)
}

// SE-09: the id of a request works once, and what it opened before means nothing after.
func TestSE09ARequestIsAnsweredOnce(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		ann(t, k)
		b := k.browser(t)
		p := b.open(t)
		before := b.Jar.Cookies(p.at)
		b.submit(t, p, "account", "ann", "password", accounttest.Password).back(t)
		if left := b.Jar.Cookies(p.at); len(left) != 0 {
			t.Errorf("cookies are left: %v", left)
		}
		b.Jar.SetCookies(p.at, before)
		for name, got := range map[string]page{
			"the page": b.get(t, p.at.String()), "the form": b.submit(t, p, "account", "ann", "password", accounttest.Password),
			"the way out": b.submit(t, p, "do", "cancel"),
		} {
			if got.status != http.StatusForbidden || got.header.Get("Location") != "" {
				t.Errorf("%s again: %d", name, got.status)
			}
		}
	})
}

// Of many answers to one request one counts, and the sessions of the others end.
func TestManyAnswersAtOnceOpenOneSession(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		ann(t, k)
		b := k.browser(t)
		p := b.open(t)
		v := p.values()
		v.Set("account", "ann")
		v.Set("password", accounttest.Password)
		var ways sync.Map
		var all sync.WaitGroup
		for i := range 6 {
			r := b.post(t, p, v)
			all.Go(func() {
				resp, err := b.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if to := resp.Header.Get("Location"); to != "" {
					ways.Store(i, to)
				}
			})
		}
		all.Wait()
		won := 0
		ways.Range(func(any, any) bool { won++; return true })
		_, who := k.SignIn(t, "ann")
		live, err := k.Sessions.List(t.Context(), who.UserID)
		if won != 1 || err != nil || len(live) != 2 {
			t.Errorf("%d ways back, %d sessions, %v", won, len(live), err)
		}
	})
}

func TestARequestEnds(t *testing.T) {
	k := one(t)
	ann(t, k)
	b := k.browser(t)
	p := b.open(t)
	k.Advance(31 * time.Minute)
	if got := b.submit(t, p, "account", "ann", "password", accounttest.Password); got.status != http.StatusForbidden {
		t.Errorf("%d", got.status)
	}
}

// SE-11: the cookie is for this host, for this browser and not for scripts.
func TestSE11TheCookieStaysHere(t *testing.T) {
	for _, secure := range []bool{false, true} {
		k := newKit(t, dbtest.Open(t, dbtest.SQLite), secure)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, k.url+"/oidc/auth", nil)
		must(t, err)
		resp, err := http.DefaultTransport.RoundTrip(r)
		must(t, err)
		resp.Body.Close()
		if len(resp.Cookies()) != 1 {
			t.Fatal(resp.Cookies())
		}
		c := resp.Cookies()[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != secure ||
			strings.HasPrefix(c.Name, "__Host-") != secure || c.MaxAge <= 0 {
			t.Errorf("secure %v: %v", secure, c)
		}
		if strings.Contains(resp.Header.Get("Location"), c.Value) || resp.StatusCode != http.StatusSeeOther {
			t.Errorf("the id is in the address: %s", resp.Header.Get("Location"))
		}
	}
}

func TestCookiesOfPagesLeftOpenDoNotPileUp(t *testing.T) {
	k := one(t)
	b := k.browser(t)
	for range 20 {
		b.open(t)
	}
	if n := len(b.Jar.(*cookiejar.Jar).Cookies(mustURL(t, k.url))); n > 8 {
		t.Errorf("%d cookies", n)
	}
	if p := b.open(t); p.status != http.StatusOK {
		t.Errorf("the newest page: %d", p.status)
	}
}

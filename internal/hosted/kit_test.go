package hosted_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/hosted"
	"github.com/tigertally/tigertally/internal/oauth"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

const (
	callback  = "https://app.test/callback?from=tally"
	origin    = "https://id.test" // as providers know it
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// kit is the page on a server of its own, and what it stands on.
type kit struct {
	*accounttest.Kit
	oauth *oauth.Service
	url   string

	mu      sync.Mutex
	answers map[string]string
}

// newKit starts a server; edit changes the settings of the pool.
func newKit(t *testing.T, d *db.DB, secure bool, edit ...func(*pool.Settings)) *kit {
	t.Helper()
	k := &kit{Kit: accounttest.New(t, d, edit...), answers: map[string]string{}}
	k.Captcha.OnChallenge = func(token, answer string) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.answers[token] = answer
	}
	must(t, k.Pools.UpdateApp(t.Context(), "p", func(s *pool.AppSettings) {
		s.RedirectURIs = []string{callback, "com.example.app:/signed-in", "http://[::1]/cb"}
	}))
	k.oauth = oauth.New(oauth.Deps{
		DB: d, Pools: k.Pools, Users: k.Users, Sessions: k.Sessions, Tickets: k.Tickets, Limits: k.Limits,
		Audit: k.Audit, Issuer: func(id string) string { return "https://id.test/" + id }, Now: k.Now,
	})
	p, err := hosted.New(hosted.Options{
		OAuth: k.oauth, Signin: k.Signin, Account: k.Account, Sessions: k.Sessions, Captchas: k.Captcha,
		Vendors: k.Federation, PublicURL: origin, Secure: secure,
	})
	must(t, err)
	mux := http.NewServeMux()
	mux.Handle("/oidc/signin/", p.Handler())
	mux.Handle(hosted.ConfirmPath, p.Handler())
	mux.HandleFunc("/oidc/auth", func(w http.ResponseWriter, r *http.Request) {
		p.Begin(w, r, k.request(t, r.URL.Query()))
	})
	srv := httptest.NewServer(web.Middleware(web.Options{
		Now: time.Now, Protocol: func(*http.Request) web.Protocol { return p },
	}, mux))
	t.Cleanup(srv.Close)
	k.url = srv.URL
	return k
}

// request begins an authorization request; q overrides its parameters.
func (k *kit) request(t *testing.T, q url.Values) string {
	t.Helper()
	in := oauth.AuthorizeRequest{
		ClientID: "p", RedirectURI: callback, ResponseType: "code", Scope: "openid", State: "st<a>te",
		Challenge: challenge, ChallengeMethod: oauth.MethodS256,
		LoginHint: q.Get("login_hint"), Locales: q.Get("ui_locales"),
	}
	if to := q.Get("redirect_uri"); to != "" {
		in.RedirectURI = to
	}
	if id := q.Get("client_id"); id != "" {
		in.ClientID = id
	}
	id, _, err := k.oauth.Begin(t.Context(), in)
	must(t, err)
	return id
}

// browser keeps cookies and follows no way out of the server.
type browser struct {
	*http.Client
	kit  *kit
	lang string
}

func (k *kit) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	must(t, err)
	return &browser{kit: k, lang: "en", Client: &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), k.url) {
			return nil
		}
		return http.ErrUseLastResponse
	}}}
}

// page is an answer as a browser sees it.
type page struct {
	status int
	header http.Header
	at     *url.URL
	raw    string
	root   *html.Node
}

func (b *browser) do(t *testing.T, r *http.Request) page {
	t.Helper()
	if r.Header.Get("Accept-Language") == "" {
		r.Header.Set("Accept-Language", b.lang)
	}
	resp, err := b.Do(r)
	must(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(t, err)
	root, err := html.Parse(strings.NewReader(string(raw)))
	must(t, err)
	return page{resp.StatusCode, resp.Header, resp.Request.URL, string(raw), root}
}

func (b *browser) get(t *testing.T, path string) page {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.absolute(path), nil)
	must(t, err)
	return b.do(t, r)
}

func (b *browser) absolute(path string) string {
	if strings.HasPrefix(path, "http") {
		return path
	}
	return b.kit.url + path
}

// open comes from the app: it begins a request and returns the page.
func (b *browser) open(t *testing.T, query ...string) page {
	t.Helper()
	q := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	return b.get(t, "/oidc/auth?"+q.Encode())
}

// tab follows the link to another way to sign in.
func (b *browser) tab(t *testing.T, p page, tab string) page {
	t.Helper()
	for _, a := range p.all("a") {
		if href := attr(a, "href"); strings.Contains(href, "tab="+tab) {
			return b.get(t, p.at.ResolveReference(mustURL(t, href)).String())
		}
	}
	t.Fatalf("no tab %q", tab)
	return page{}
}

// values are what a browser would submit with the first form untouched.
func (p page) values() url.Values {
	v := url.Values{}
	if forms := p.all("form"); len(forms) > 0 {
		for _, n := range find(forms[0], "input") {
			v.Set(attr(n, "name"), attr(n, "value"))
		}
		if buttons := find(forms[0], "button"); len(buttons) > 0 {
			v.Set(attr(buttons[0], "name"), attr(buttons[0], "value"))
		}
	}
	return v
}

// submit fills in the first form and presses its first button, or the one that pairs
// name with "do".
func (b *browser) submit(t *testing.T, p page, pairs ...string) page {
	t.Helper()
	v := p.values()
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return b.do(t, b.post(t, p, v))
}

func (b *browser) post(t *testing.T, p page, v url.Values) *http.Request {
	t.Helper()
	to := p.at
	if forms := p.all("form"); len(forms) > 0 {
		to = p.at.ResolveReference(mustURL(t, attr(forms[0], "action")))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to.String(), strings.NewReader(v.Encode()))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", "null")
	return r
}

func (p page) all(name string) []*html.Node { return find(p.root, name) }

func find(n *html.Node, name string) (found []*html.Node) {
	if n.Type == html.ElementNode && n.Data == name {
		found = append(found, n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		found = append(found, find(c, name)...)
	}
	return found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words is the text of the first element with an attribute.
func (p page) words(element, name, value string) string {
	for _, n := range p.all(element) {
		if attr(n, name) == value {
			return inner(n)
		}
	}
	return ""
}

func inner(n *html.Node) string {
	if n.Type == html.TextNode {
		return n.Data
	}
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.WriteString(inner(c))
	}
	return b.String()
}

func (p page) problem() string { return p.words("p", "role", "alert") }
func (p page) notice() string  { return p.words("p", "role", "status") }
func (p page) heading() string { return inner(p.all("h1")[0]) }

// input returns the value of an input.
func (p page) input(name string) string {
	for _, n := range p.all("input") {
		if attr(n, "name") == name {
			return attr(n, "value")
		}
	}
	return ""
}

// back checks that p leads to the app and returns the query it brings.
func (p page) back(t *testing.T) url.Values {
	t.Helper()
	if p.status != http.StatusSeeOther {
		t.Fatalf("status %d: %q %q", p.status, p.heading(), p.problem())
	}
	to := p.header.Get("Location")
	if !strings.HasPrefix(to, callback+"&") {
		t.Fatalf("leads to %q", to)
	}
	return mustURL(t, to).Query()
}

var digits = regexp.MustCompile(`\b\d{6}\b`)

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	must(t, err)
	return u
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs fn on both engines.
func each(t *testing.T, fn func(t *testing.T, k *kit)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, newKit(t, d, false)) })
}

// one runs on embedded storage: what is tested has no statement of its own.
func one(t *testing.T, edit ...func(*pool.Settings)) *kit {
	t.Helper()
	return newKit(t, dbtest.Open(t, dbtest.SQLite), false, edit...)
}

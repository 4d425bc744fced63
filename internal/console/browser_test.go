package console_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/console"
	"github.com/tigertally/tigertally/internal/testkit"
)

const (
	ownerName     = "mei@example.com"
	ownerPassword = "seven blue teapots sing"
)

// browser keeps cookies and follows nothing.
type browser struct {
	t       *testing.T
	s       *testkit.Server
	cookies map[string]string
	ahead   time.Duration // of the wall clock, as the test moved the server's
	seed    string        // of the authenticator app
}

func newBrowser(t *testing.T, s *testkit.Server) *browser {
	return &browser{t: t, s: s, cookies: map[string]string{}}
}

// copied is another browser with the same cookies.
func (b *browser) copied() *browser {
	c := *b
	c.cookies = maps.Clone(b.cookies)
	return &c
}

// seen is a page as a browser got it.
type seen struct {
	status   int
	location string
	header   http.Header
	body     string
}

func (b *browser) send(method, path, kind, body string, header ...string) seen {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.s.URL+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("Accept-Language", "en")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for name, v := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: v})
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return seen{res.StatusCode, res.Header.Get("Location"), res.Header, string(raw)}
}

func (b *browser) get(path string) seen {
	b.t.Helper()
	return b.send(http.MethodGet, path, "", "")
}

var proofField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// proof is what the forms of this browser carry.
func (b *browser) proof() string {
	b.t.Helper()
	for _, path := range []string{"/console/account", "/console/enrol", "/console/factor", "/console/signin"} {
		if found := proofField.FindStringSubmatch(b.get(path).body); found != nil {
			return found[1]
		}
	}
	b.t.Fatal("no page with a form")
	return ""
}

const formKind = "application/x-www-form-urlencoded"

// post sends a form as a page of ours does: fields are names and values in turn.
func (b *browser) post(path string, fields ...string) seen {
	b.t.Helper()
	form := url.Values{"csrf": {b.proof()}}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.send(http.MethodPost, path, formKind, form.Encode(), "Origin", b.s.URL, "Sec-Fetch-Site", "same-origin")
}

// advance moves the server's clock.
func (b *browser) advance(d time.Duration) {
	b.t.Helper()
	b.s.Advance(d)
	b.ahead += d
}

// code is what the authenticator app shows: an independent reading of RFC 6238.
func (b *browser) code() string {
	b.t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(b.seed)
	if err != nil {
		b.t.Fatal(err)
	}
	mac := hmac.New(sha1.New, seed)
	if err := binary.Write(mac, binary.BigEndian, time.Now().Add(b.ahead).Unix()/30); err != nil {
		b.t.Fatal(err)
	}
	sum := mac.Sum(nil)
	at := sum[19] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000)
}

// nextCode is a code that was not shown before.
func (b *browser) nextCode() string {
	b.t.Helper()
	b.advance(31 * time.Second)
	return b.code()
}

var copyText = regexp.MustCompile(`(?s)class="copy[^"]*"><(?:code|pre[^>]*><code)>([^<]+)<`)

// shownText is the first text to copy of a page.
func shownText(t *testing.T, p seen) string {
	t.Helper()
	found := copyText.FindStringSubmatch(p.body)
	if found == nil {
		t.Fatalf("nothing to copy on the page:\n%s", p.body)
	}
	return strings.TrimSpace(html.UnescapeString(found[1]))
}

// link makes the one-time link of a development server without an administrator.
func (b *browser) link() string {
	b.t.Helper()
	p := b.post("/console/first")
	if p.status != http.StatusSeeOther || !strings.HasPrefix(p.location, "/console/welcome?token=") {
		b.t.Fatalf("the link: %d %s %s", p.status, p.location, p.body)
	}
	return p.location
}

// begin makes the first administrator, who has a password and no second factor yet.
func (b *browser) begin() {
	b.t.Helper()
	u, err := url.Parse(b.link())
	if err != nil {
		b.t.Fatal(err)
	}
	p := b.post("/console/welcome", "token", u.Query().Get("token"), "name", ownerName, "password", ownerPassword)
	if p.location != "/console/enrol" {
		b.t.Fatalf("the first administrator: %d %q %s", p.status, p.location, p.body)
	}
}

// enrol sets up the second factor and returns the recovery codes.
func (b *browser) enrol() []string {
	b.t.Helper()
	b.seed = shownText(b.t, b.get("/console/enrol"))
	p := b.post("/console/enrol", "code", b.code())
	if p.status != http.StatusOK {
		b.t.Fatalf("second factor: %d %s", p.status, p.body)
	}
	return strings.Fields(shownText(b.t, p))
}

// owner is a browser in which the first administrator is signed in.
func owner(t *testing.T, s *testkit.Server) *browser {
	t.Helper()
	b := newBrowser(t, s)
	b.begin()
	b.enrol()
	return b
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// pages lists the routes of the console with the development pool in their paths.
func pages(t *testing.T) []console.Page {
	t.Helper()
	c, err := console.New(console.Options{})
	if err != nil {
		t.Fatal(err)
	}
	all := c.Pages()
	for i, p := range all {
		path := strings.NewReplacer("{pool}", "dev", "{$}", "").Replace(p.Path)
		all[i].Path = console.Prefix + placeholder.ReplaceAllString(path, "none")
	}
	if len(all) == 0 {
		t.Fatal("no routes")
	}
	return all
}

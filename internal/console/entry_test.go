package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
)

// TestTheFirstAdministrator goes the way from the one-time link to the console, with what
// goes wrong on it (AD-01, AD-02).
func TestTheFirstAdministrator(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		b := newBrowser(t, s)
		link := b.link()
		b.link() // a second one replaces it
		token := strings.TrimPrefix(link, "/console/welcome?token=")
		if p := b.post("/console/welcome", "token", token, "name", "eve", "password", ownerPassword); p.status != http.StatusOK || !strings.Contains(p.body, `role="alert"`) {
			t.Errorf("a replaced link: %d %q", p.status, p.location)
		}
		if p := b.post("/console/welcome", "token", "", "name", "eve", "password", ownerPassword); p.status != http.StatusOK {
			t.Errorf("no link: %d", p.status)
		}
		old := b.link()
		b.advance(time.Hour + time.Second)
		token = strings.TrimPrefix(old, "/console/welcome?token=")
		if p := b.post("/console/welcome", "token", token, "name", "eve", "password", ownerPassword); p.status != http.StatusOK {
			t.Errorf("an expired link: %d %q", p.status, p.location)
		}
		b.begin()
		if p := newBrowser(t, s).get("/console/welcome?token=x"); p.location != "/console/signin" {
			t.Errorf("welcome when somebody administers: %d %q", p.status, p.location)
		}
		if p := newBrowser(t, s).post("/console/first"); p.status != http.StatusNotFound {
			t.Errorf("another first administrator: %d", p.status)
		}

		shown := shownText(t, b.get("/console/enrol"))
		if p := b.post("/console/enrol", "code", "000000"); shownText(t, p) != shown {
			t.Error("a mistyped code changes the key that was scanned")
		}
		codes := b.enrol()
		if len(codes) != 10 || b.seed != shown {
			t.Errorf("%d recovery codes, the same key: %v", len(codes), b.seed == shown)
		}
		if p := b.get("/console/enrol"); p.location != "/console" {
			t.Errorf("back to the second factor: %d %q", p.status, p.location)
		}
	})
}

// TestAPasswordIsNotEnough asks for every page, and sends every form, with a session whose
// second factor is missing (AD-02).
func TestAPasswordIsNotEnough(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	b := newBrowser(t, s)
	b.begin() // has a password only
	for _, p := range pages(t) {
		if p.Open {
			continue
		}
		got := b.get(p.Path)
		if p.Method == http.MethodPost {
			got = b.post(p.Path, "do", "end_others")
		}
		if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, "/console/enrol") {
			t.Errorf("%s %s before there is a second factor: %d %q", p.Method, p.Path, got.status, got.location)
		}
	}
	b.enrol()
	b.post("/console/signout")
	if p := b.post("/console/signin", "name", strings.ToUpper(ownerName), "password", ownerPassword); p.location != "/console/factor" {
		t.Fatalf("sign-in: %d %q", p.status, p.location)
	}
	for _, p := range pages(t) {
		if p.Open {
			continue
		}
		got := b.get(p.Path)
		if p.Method == http.MethodPost {
			got = b.post(p.Path, "do", "end_others")
		}
		if got.status != http.StatusSeeOther || !strings.HasPrefix(got.location, "/console/factor") {
			t.Errorf("%s %s before the second factor is shown: %d %q", p.Method, p.Path, got.status, got.location)
		}
	}
	if p := b.get("/console/enrol"); !strings.HasPrefix(p.location, "/console/factor") {
		t.Errorf("a password alone sets up another second factor: %d %q", p.status, p.location)
	}
	if a := s.Bearer(b.cookies["console"], http.MethodGet, "/manage/v1/pools", nil); a.Status != http.StatusForbidden {
		t.Errorf("the management API: %d %s", a.Status, a.Raw)
	}
}

// TestCodesWorkOnce shows codes again, and wrong ones until no more are taken (AT-03).
func TestCodesWorkOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		b := newBrowser(t, s)
		b.begin()
		codes := b.enrol()
		used := b.code() // proved the app, so it is spent
		again := func() *browser {
			n := newBrowser(t, s)
			n.seed, n.ahead = b.seed, b.ahead
			if p := n.post("/console/signin", "name", ownerName, "password", ownerPassword, "back", "/console/account"); p.location != "/console/factor?back=%2Fconsole%2Faccount" {
				t.Fatalf("sign-in: %d %q", p.status, p.location)
			}
			return n
		}
		n := again()
		if p := n.post("/console/factor", "code", used); p.status != http.StatusOK {
			t.Errorf("a spent code: %d %q", p.status, p.location)
		}
		if p := n.post("/console/factor", "code", strings.ToUpper(codes[0])+" ", "back", "/console/account"); p.location != "/console/account" {
			t.Errorf("a recovery code leads to %d %q", p.status, p.location)
		}
		if p := again().post("/console/factor", "code", codes[0]); p.status != http.StatusOK {
			t.Errorf("a spent recovery code: %d %q", p.status, p.location)
		}
		n = again()
		n.advance(31 * time.Second)
		b.ahead = n.ahead
		if p := n.post("/console/factor", "code", n.code()[:3]+" "+n.code()[3:]); p.location != "/console" {
			t.Errorf("a fresh code: %d %q", p.status, p.location)
		}
		n = again()
		for range 10 {
			n.post("/console/factor", "code", "123456")
		}
		n = again() // starting over does not help
		n.advance(31 * time.Second)
		if p := n.post("/console/factor", "code", n.code()); p.status != http.StatusOK {
			t.Errorf("the right code after ten wrong ones: %d %q", p.status, p.location)
		}
	})
}

// TestSessionsEnd checks the times a session of an administrator lasts (AD-04).
func TestSessionsEnd(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	b := owner(t, s)
	in := func() bool { return b.get("/console/account").status == http.StatusOK }
	fresh := func() bool { return b.get("/console/operators/new").status == http.StatusOK }
	if !fresh() {
		t.Error("the second factor was shown just now, and is asked for again")
	}
	b.advance(10*time.Minute + time.Second)
	if !in() || fresh() {
		t.Errorf("after ten minutes: signed in %v, fresh %v", in(), fresh())
	}
	before := s.Rows("operators")
	p := b.post("/console/operators/new", "name", "lin", "role", "support", "reach", "all")
	if diff := cmp.Diff(before, s.Rows("operators")); diff != "" || !strings.HasPrefix(p.location, "/console/sudo?back=") {
		t.Errorf("adding somebody without fresh proof: %d %q %s", p.status, p.location, diff)
	}
	if p := b.post("/console/sudo", "code", b.nextCode(), "back", "/console/operators/new"); p.location != "/console/operators/new" || !fresh() {
		t.Errorf("fresh proof: %d %q", p.status, p.location)
	}
	b.advance(29 * time.Minute)
	if !in() {
		t.Error("ended after 29 minutes without use")
	}
	b.advance(30*time.Minute + time.Second)
	if in() {
		t.Error("lasts longer than half an hour without use")
	}
	c := newBrowser(t, s)
	c.seed, c.ahead = b.seed, b.ahead
	c.post("/console/signin", "name", ownerName, "password", ownerPassword)
	c.post("/console/factor", "code", c.nextCode())
	b = c
	for range 24 { // twelve hours of work
		if !in() {
			t.Fatal("ended while it was used")
		}
		b.advance(29*time.Minute + 59*time.Second)
	}
	b.advance(time.Minute)
	if in() {
		t.Error("lasts longer than twelve hours")
	}
}

// TestASessionIsNotFixed plants tokens and looks at what becomes of them, and of the cookie.
func TestASessionIsNotFixed(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	b := newBrowser(t, s)
	b.cookies["console"] = "tts_planted"
	b.begin()
	halfway := b.copied()
	if b.cookies["console"] == "tts_planted" {
		t.Error("a planted token was taken")
	}
	b.enrol()
	if b.cookies["console"] == halfway.cookies["console"] {
		t.Error("the second factor did not change the token")
	}
	if p := halfway.get("/console/account"); p.status != http.StatusSeeOther {
		t.Errorf("the token from before the second factor: %d", p.status)
	}
	ended := b.copied()
	b.post("/console/signout")
	if p := ended.get("/console/account"); p.status != http.StatusSeeOther {
		t.Errorf("after sign-out: %d", p.status)
	}
}

// TestCookiesAreKeptClose looks at the flags of the cookies, with TLS and without.
func TestCookiesAreKeptClose(t *testing.T) {
	s := testkit.StartWith(t, dbtest.SQLite, func(c *config.Config) { c.PublicURL = "https://id.example.com" })
	b := newBrowser(t, s)
	p := b.get("/console/signin")
	form := url.Values{"csrf": {proofField.FindStringSubmatch(p.body)[1]}}
	answer := b.send(http.MethodPost, "/console/local", formKind, form.Encode(), "Origin", s.URL, "Sec-Fetch-Site", "same-origin")
	cookies := append(p.header.Values("Set-Cookie"), answer.header.Values("Set-Cookie")...)
	if len(cookies) != 2 {
		t.Fatalf("cookies: %q", cookies)
	}
	for _, c := range cookies {
		for _, want := range []string{"__Host-console", "; Path=/;", "; HttpOnly", "; Secure", "; SameSite=Lax"} {
			if !strings.Contains(c+";", want) {
				t.Errorf("%q lacks %q", c, want)
			}
		}
		if strings.Contains(c, "Domain=") {
			t.Errorf("%q is for other hosts too", c)
		}
	}
}

// TestTwoTabs uses one tab to sign in while another still shows the form.
func TestTwoTabs(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	b := owner(t, s)
	b.post("/console/signout")
	form := url.Values{"csrf": {b.proof()}, "name": {ownerName}, "password": {ownerPassword}}
	tab := func() seen {
		return b.send(http.MethodPost, "/console/signin", formKind, form.Encode(), "Sec-Fetch-Site", "same-origin")
	}
	if p := tab(); p.location != "/console/factor" {
		t.Fatalf("the first tab: %d %q", p.status, p.location)
	}
	if p := tab(); p.status != http.StatusForbidden || !strings.Contains(p.body, "out of date") {
		t.Errorf("the second tab does not say what is wrong: %d %s", p.status, p.body)
	}
	if p := b.get("/console/signin?back=/console/account"); p.location != "/console/factor?back=%2Fconsole%2Faccount" {
		t.Errorf("back to the form: %d %q", p.status, p.location)
	}
}

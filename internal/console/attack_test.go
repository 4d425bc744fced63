package console_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
)

// effects are the tables that something done in the console would show in.
func effects() []string {
	return []string{
		"operators", "operator_sessions", "operator_keys", "operator_recovery", "audit", "users", "pools", "apps", "sessions",
		"operators WHERE totp_fresh IS NOT NULL", "operator_guard WHERE bootstrap IS NOT NULL",
	}
}

// multipartBody writes a form as a file upload does.
func multipartBody(t *testing.T, form url.Values) (kind, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, values := range form {
		for _, v := range values {
			if err := w.WriteField(name, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

// TestNoOtherSiteCanSendAForm sends every form of the console from pages of other sites
// and without proof, signed in and not (signing somebody in as the attacker is one of
// them), in every encoding a form has: nothing is accepted and nothing happens (WB-01).
func TestNoOtherSiteCanSendAForm(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	signedIn := owner(t, s)
	stranger := newBrowser(t, s)
	foreign := newBrowser(t, s).proof() // of another browser
	origins := map[string][]string{
		"another site":         {"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"},
		"another site, old":    {"Origin", "https://evil.example"},
		"a sandboxed frame":    {"Origin", "null"},
		"a neighbour":          {"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"},
		"a prefix of our name": {"Origin", s.URL + ".evil.example"},
	}
	sent := 0
	for _, who := range []*browser{signedIn, stranger} {
		proof := who.proof()
		before := s.Rows(effects()...)
		refused := func(what, path, kind, body string, header ...string) {
			t.Helper()
			sent++
			if got := who.send(http.MethodPost, path, kind, body, header...); got.status != http.StatusForbidden && got.status != http.StatusBadRequest {
				t.Errorf("%s to %s: %d %s", what, path, got.status, got.location)
			}
		}
		for _, p := range pages(t) {
			if p.Method != http.MethodPost {
				continue
			}
			form := url.Values{"csrf": {proof}, "do": {"disable"}, "name": {ownerName}, "password": {ownerPassword}, "lang": {"en"}}
			upload, file := multipartBody(t, form)
			for what, header := range origins {
				refused(what, p.Path, formKind, form.Encode(), header...)
				refused(what+" as a file", p.Path, upload, file, header...)
				refused(what+" as text", p.Path, "text/plain", form.Encode(), header...)
			}
			ours := []string{"Origin", s.URL, "Sec-Fetch-Site", "same-origin"}
			refused("text", p.Path, "text/plain", form.Encode(), ours...)
			refused("JSON", p.Path, "application/json", "{}", ours...)
			refused("no type", p.Path, "", form.Encode(), ours...)
			refused("proof in the address", p.Path+"?csrf="+proof, formKind, "do=disable", ours...)
			for what, wrong := range map[string]string{"none": "", "another browser's": foreign, "half": proof[:20]} {
				form.Set("csrf", wrong)
				refused("proof: "+what, p.Path, formKind, form.Encode(), ours...)
			}
		}
		if diff := cmp.Diff(before, s.Rows(effects()...)); diff != "" {
			t.Errorf("something happened (-before +after):\n%s", diff)
		}
	}
	if sent < 500 {
		t.Errorf("only %d forms were sent", sent)
	}
	if got := signedIn.post("/console/preferences", "lang", "en"); got.status != http.StatusSeeOther {
		t.Errorf("our own form is refused: %d", got.status)
	}
}

// TestNobodyIsSentElsewhere asks every page that leads back somewhere to lead to another
// site (WB-04).
func TestNobodyIsSentElsewhere(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	b := owner(t, s)
	for _, back := range []string{
		"https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/console/../..//evil.example",
		"javascript:alert(1)", "data:text/html,x", "http:evil.example", "https:/evil.example", "/console\\@evil.example",
		"//evil.example/console", "https://evil.example/console", "/console//../\\evil.example", "/consoleevil.example",
		" //evil.example", "\t//evil.example", "/\t/evil.example", "/console/%2e%2e/%2e%2e//evil.example", "/%09/evil.example",
		"///evil.example", "/console?next=1\r\nLocation: https://evil.example", "@evil.example", "/console:80@evil.example",
		"http://127.0.0.1:80/console", "/emulator/",
	} {
		q := "?" + url.Values{"back": {back}}.Encode()
		answers := map[string]seen{
			"sign-in":     b.get("/console/signin" + q),
			"preferences": b.post("/console/preferences", "lang", "en", "back", back),
			"sudo":        b.post("/console/sudo", "code", b.nextCode(), "back", back),
		}
		for where, got := range answers {
			if got.status != http.StatusSeeOther || got.location != "/console" {
				t.Errorf("%s, back=%q: %d to %q", where, back, got.status, got.location)
			}
		}
		stranger := newBrowser(t, s)
		if page := stranger.get("/console/signin" + q); !strings.Contains(page.body, `name="back" value="/console"`) {
			t.Errorf("the form keeps back=%q", back)
		}
	}
	if got := b.get("/console/signin?back=/console/account"); got.location != "/console/account" {
		t.Errorf("our own page: %q", got.location)
	}
}

// TestEveryPageIsGuarded looks at the headers of every page, of refusals too: none can be
// framed, runs foreign script or is kept by a cache (WB-03).
func TestEveryPageIsGuarded(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	for _, b := range []*browser{owner(t, s), newBrowser(t, s)} {
		for _, p := range pages(t) {
			answers := []seen{b.send(http.MethodPost, p.Path, formKind, "")}
			if p.Method == http.MethodGet {
				answers = []seen{b.get(p.Path), b.get("/console/pools/dev/nothing-here" + p.Path)}
			}
			for _, got := range answers {
				for _, problem := range unguarded(got) {
					t.Errorf("%s %s (%d): %s", p.Method, p.Path, got.status, problem)
				}
			}
		}
	}
}

// unguarded lists what an answer lacks.
func unguarded(p seen) (problems []string) {
	h := p.header
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"} {
		if !strings.Contains(h.Get(name), want) {
			problems = append(problems, name+" is "+h.Get(name))
		}
	}
	if p.status == http.StatusSeeOther || !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		return problems
	}
	policy := h.Get("Content-Security-Policy")
	wanted := []string{"default-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'", "script-src 'self';", "style-src 'self';"}
	forbidden := []string{"<style", " style=", "onclick=", "onsubmit=", "javascript:"}
	if strings.HasPrefix(policy, "sandbox;") { // a preview of a mail, which a page of ours shows in a frame
		wanted = []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'self'"}
		forbidden = nil
	}
	for _, want := range wanted {
		if !strings.Contains(policy, want) {
			problems = append(problems, "the policy lacks "+want+": "+policy)
		}
	}
	for _, inline := range forbidden {
		if strings.Contains(p.body, inline) {
			problems = append(problems, "has "+inline+", which its policy forbids")
		}
	}
	return problems
}

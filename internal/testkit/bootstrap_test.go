package testkit_test

import (
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// AD-01: a server killed at any moment while the first administrator is being made has one
// afterwards, who is in the audit trail, or none and a link that still works.
func TestKillNineWhileTheFirstAdministratorIsMade(t *testing.T) {
	if testing.Short() {
		t.Skip("the crash run takes some seconds")
	}
	c := newCrash(t)
	c.start()
	for tries := 1; ; tries++ {
		form := c.welcome()
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			if res, err := c.client.Do(c.form("/console/welcome", form)); err == nil {
				_ = res.Body.Close()
			}
		}()
		time.Sleep(time.Duration(rand.IntN(50*tries)) * time.Millisecond) // sooner or later in time
		c.kill()
		<-sent
		c.start()
		made, told := c.count("/manage/v1/operators"), c.count("/manage/v1/audit?action=operator.bootstrap")
		if made != told || made > 1 {
			t.Fatalf("%d administrators, %d in the audit trail", made, told)
		}
		if made == 1 {
			t.Logf("made at try %d", tries)
			break
		}
		if tries == 100 {
			t.Fatal("nobody is ever made")
		}
	}
	if res := c.fetch(c.form("/console/first", url.Values{"csrf": {c.proof("/console/signin")}})); strings.Contains(res.Request.URL.Path, "welcome") {
		t.Error("there is a link for a second one")
	}
	if n := c.count("/manage/v1/operators"); n != 1 {
		t.Errorf("%d administrators", n)
	}
}

// welcome takes a one-time link and fills the form it leads to.
func (c *crash) welcome() url.Values {
	c.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.client.Jar = jar
	res := c.fetch(c.form("/console/first", url.Values{"csrf": {c.proof("/console/signin")}}))
	link := res.Request.URL
	if !strings.HasSuffix(link.Path, "/welcome") {
		c.t.Fatalf("no link: %s", link)
	}
	return url.Values{
		"csrf": {c.proof(link.RequestURI())}, "token": {link.Query().Get("token")},
		"name": {"first"}, "password": {"a long enough passphrase"},
	}
}

var proofField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// proof is what the forms of a page carry.
func (c *crash) proof(path string) string {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+path, http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	res := c.fetch(req)
	body, err := io.ReadAll(res.Body)
	found := proofField.FindSubmatch(body)
	if err != nil || found == nil {
		c.t.Fatalf("%s has no form: %v\n%s", path, err, body)
	}
	return string(found[1])
}

func (c *crash) form(path string, values url.Values) *http.Request {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+path, strings.NewReader(values.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return req
}

// fetch follows redirects to a page.
func (c *crash) fetch(req *http.Request) *http.Response {
	c.t.Helper()
	res, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// count is how many items the management API lists.
func (c *crash) count(path string) int {
	c.t.Helper()
	project, _ := c.authorized(c.t.Context(), "", http.MethodGet, "/emulator/v1/project", "")
	key, _ := project["manageKey"].(string)
	page, status := c.authorized(c.t.Context(), key, http.MethodGet, path, "")
	items, ok := page["items"].([]any)
	if status != http.StatusOK || !ok {
		c.t.Fatalf("%s: %d %v", path, status, page)
	}
	return len(items)
}

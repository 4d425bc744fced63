package console_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/tigertally/tigertally/internal/testkit"
)

// Every form that changes what somebody else may be changing is saved as it was shown, and
// a form that was shown before that is told so instead of undoing it.
func TestFormsAreSavedAndOldOnesRefused(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		b := owner(t, s)
		key := s.Do(http.MethodGet, "/emulator/v1/project", nil).String("manageKey")
		put := func(path, body string) {
			t.Helper()
			a := s.Do(http.MethodPut, "/manage/v1/pools/dev"+path, json.RawMessage(body), "Authorization", "Bearer "+key, "Content-Type", "application/json")
			if a.Status != http.StatusOK {
				t.Fatalf("%s: %d %s", path, a.Status, a.Raw)
			}
		}
		put("/providers/gh", `{"kind":"github","name":"GitHub","settings":{"client_id":"c","client_secret":"s"}}`)
		put("/message-drivers/mail", `{"channel":"email","kind":"smtp","settings":{"host":"mail.example.com","from":"a@example.com"}}`)
		put("/pipelines/fn", `{"point":"POST_REGISTER","source":"async function pipe(user, context, callback) { return callback(null, user, context) }"}`)
		user := s.Post("/emulator/v1/users", map[string]any{"username": "ann"}).String("id")
		hook := s.Do(http.MethodPost, "/manage/v1/pools/dev/webhooks", json.RawMessage(`{"url":"https://hooks.example.com/in"}`), "Authorization", "Bearer "+key, "Content-Type", "application/json")
		made, _ := hook.Body["webhook"].(map[string]any)
		id, _ := made["id"].(string)
		const pool = "/console/pools/dev"
		for _, f := range []struct{ page, field, one, other string }{
			{pool + "/users/" + user + "/edit", "name", "Ann One", "Ann Two"},
			{pool + "/apps/dev-app/edit", "name", "App One", "App Two"},
			{pool + "/settings", "product_name", "Shop One", "Shop Two"},
			{pool + "/providers/gh/edit", "name", "GitHub One", "GitHub Two"},
			{pool + "/messages/drivers/mail", "name", "Mail One", "Mail Two"},
			{pool + "/messages/templates/sign_in", "text", "One {code}", "Two {code}"},
			{pool + "/webhooks/" + id + "/edit", "name", "Hook One", "Hook Two"},
			{pool + "/pipelines/fn", "description", "One", "Two"},
			{"/console/backups", "keep", "611", "612"},
		} {
			shown := b.get(f.page)
			action, fields := guardedForm(t, f.page, shown.body)
			send := func(value string) seen {
				fields.Set(f.field, value)
				return b.send(http.MethodPost, action, formKind, fields.Encode(), "Origin", s.URL, "Sec-Fetch-Site", "same-origin")
			}
			if p := send(f.one); p.status != http.StatusSeeOther {
				t.Errorf("%s: %d %s", f.page, p.status, problemOf(p))
				continue
			}
			if p := send(f.other); p.status == http.StatusSeeOther || !strings.Contains(p.body, "changed by somebody else") {
				t.Errorf("%s, an old form: %d %s", f.page, p.status, problemOf(p))
			}
			if again := b.get(f.page).body; !strings.Contains(again, f.one) || strings.Contains(again, f.other) {
				t.Errorf("%s shows what was not saved", f.page)
			}
		}
	})
}

// guardedForm is the first form of a page that says what state it was made from: where its
// fields go, and the button that saves.
func guardedForm(t *testing.T, page, body string) (action string, fields url.Values) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for form := range root.Descendants() {
		if form.Data != "form" {
			continue
		}
		fields := url.Values{}
		for n := range form.Descendants() {
			fill(fields, n)
		}
		if fields.Has("etag") {
			return cmp.Or(attribute(form, "action"), page), fields
		}
	}
	t.Fatalf("%s has no such form: %s", page, body)
	return "", nil
}

// fill adds what a browser would send of one element.
func fill(fields url.Values, n *html.Node) {
	name, value := attribute(n, "name"), attribute(n, "value")
	switch kind := attribute(n, "type"); {
	case n.Type != html.ElementNode || name == "":
	case n.Data == "textarea":
		if n.FirstChild != nil {
			fields.Add(name, strings.TrimPrefix(n.FirstChild.Data, "\n"))
		}
	case n.Data == "select":
		fields.Add(name, chosen(n))
	case n.Data == "button" && (value == "save" || value == "schedule"):
		fields.Set(name, value)
	case n.Data != "input":
	case kind == "checkbox" || kind == "radio":
		if hasAttribute(n, "checked") {
			fields.Add(name, cmp.Or(value, "on"))
		}
	default:
		fields.Add(name, value)
	}
}

// chosen is the value of a select: of the option that is marked, or of the first one.
func chosen(list *html.Node) string {
	first, found := "", false
	for n := range list.Descendants() {
		if n.Data != "option" {
			continue
		}
		if hasAttribute(n, "selected") {
			return attribute(n, "value")
		}
		if !found {
			first, found = attribute(n, "value"), true
		}
	}
	return first
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func hasAttribute(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

var problemText = regexp.MustCompile(`(?s)class="problem"[^>]*>(.*?)</`)

// problemOf is what a page says is wrong.
func problemOf(p seen) string {
	if found := problemText.FindStringSubmatch(p.body); found != nil {
		return strings.TrimSpace(found[1])
	}
	return p.body
}

package console_test

import (
	"cmp"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
)

// A press is of a button, found by its words on a page, in a form that has the text which
// in its address or fields; no page is the one the press before led to. Fields are typed
// before; then is on the page it leads to.
type press struct {
	page, button, which string
	fields              []string
	then                string
}

const (
	dev    = "/console/pools/dev"
	passes = "async function pipe(user, context, callback) { return callback(null, user, context) }"
)

// presses use every form of the console for what it is there for, on a development server
// with a person ann whose id stands for {ann}.
func presses() []press {
	soon := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	return []press{
		{page: "/console/pools", button: "Add", fields: []string{"id", "shop", "name", "The shop"}, then: "The shop"},
		{page: dev + "/apps/new", button: "Add", fields: []string{"id", "web", "name", "Web shop"}, then: "Web shop"},
		{page: dev + "/apps/web/edit", button: "Save", fields: []string{"name", "Web shop 2"}, then: "Web shop 2"},
		{page: dev + "/apps/web", button: "Make a secret", then: "It is shown only now"},
		{page: dev + "/apps/web", button: "Remove the application"},
		{page: dev + "/settings", button: "Save", which: "access_life", fields: []string{"product_name", "Tally shop"}, then: "Tally shop"},
		{page: dev + "/settings", button: "Add a field", fields: []string{"key", "city", "label", "Home town"}, then: "Home town"},
		{page: dev + "/settings", button: "End", which: "key=city"},
		{page: dev + "/keys", button: "Make a pool secret", then: "It is shown only now"},
		{page: dev + "/keys", button: "Make a key", which: "new_ticket", then: "PRIVATE KEY"},
		{page: dev + "/keys", button: "Publish the next keys"},
		{page: dev + "/keys", button: "Sign with new keys now"},
		{page: dev + "/keys", button: "End", which: "revoke_secret"},
		{page: dev + "/limits?subject=13800000001", button: "Release all"},
		{page: dev + "/users/new", button: "Add", fields: []string{"username", "bob", "password", "passw0rd-9"}, then: "bob"},
		{page: dev + "/users/{ann}/edit", button: "Save", fields: []string{"name", "Ann Lee"}, then: "Ann Lee"},
		{page: dev + "/users/{ann}", button: "End all sessions"},
		{page: dev + "/users/{ann}", button: "Block", then: "Blocked"},
		{page: dev + "/users/{ann}", button: "Let in again", then: "Block"},
		{page: dev + "/users/{ann}", button: "Ask for a new one"},
		{page: dev + "/users/{ann}", button: "Link an account", fields: []string{"provider", "github", "subject", "4711"}, then: "4711"},
		{page: dev + "/users/{ann}", button: "Download their data", then: "ann"},
		{page: dev + "/users/{ann}/merge?from={bob}", button: "Merge", fields: []string{"sure", "on"}},
		{page: dev + "/users/{ann}/delete", button: "Delete for good", fields: []string{"confirm", "ann"}},
		{page: dev + "/import", button: "Check the file", then: "would be made"},
		{button: "Import", then: "The import is done."},
		{page: dev + "/export", button: "Download", then: "carol"},
		{page: dev + "/providers/new?kind=github", button: "Add", fields: []string{"id", "gh", "set_client_id", "c", "set_client_secret", "s"}, then: "gh"},
		{page: dev + "/providers/gh/edit", button: "Save", fields: []string{"name", "Our GitHub"}, then: "Our GitHub"},
		{page: dev + "/providers/github", button: "Test"},
		{page: dev + "/providers/gh", button: "Switch off", then: "Switch on"},
		{page: dev + "/providers/gh", button: "Switch on", then: "Switch off"},
		{page: dev + "/providers/gh", button: "Remove"},
		{page: dev + "/messages", button: "Try with the simulator", which: "tencent", then: "tencent"},
		{page: dev + "/messages/drivers/tencent", button: "Save", fields: []string{"name", "Tencent shop"}, then: "Tencent shop"},
		{page: dev + "/messages/drivers/tencent", button: "Send", fields: []string{"to", "13800001111"}},
		{page: dev + "/messages", button: "Switch off", which: "tencent"},
		{page: dev + "/messages/drivers/tencent", button: "Remove"},
		{page: dev + "/messages/templates/sign_in", button: "Save", which: "channel=sms", fields: []string{"text", "Shop {code}"}, then: "Shop {code}"},
		{page: dev + "/messages/templates/sign_in", button: "Show", which: "channel=sms", fields: []string{"text", "Look {code}"}, then: "Look 246810"},
		{page: dev + "/messages/numbers", button: "Save", fields: []string{"number", "13800000009", "code", "123456", "until", soon}, then: "Remove"},
		{page: dev + "/messages/numbers", button: "Remove"},
		{page: dev + "/messages/deliveries", button: "Send again", fields: []string{"id", "gone"}, then: "There is no such message"},
		{page: dev + "/pipelines", button: "Save", fields: []string{"name", "KEY", "value", "x"}, then: "KEY"},
		{page: dev + "/pipelines", button: "Remove", which: "KEY"},
		{page: dev + "/pipelines/new", button: "Save", fields: []string{"name", "fn", "source", passes}, then: "fn"},
		{page: dev + "/pipelines/fn", button: "Save", fields: []string{"source", passes + " // 2"}, then: "// 2"},
		{page: dev + "/pipelines/fn", button: "Run"},
		{page: dev + "/pipelines", button: "Switch off", then: "Switch on"},
		{page: dev + "/pipelines/fn", button: "Remove the function"},
		{page: dev + "/webhooks/new", button: "Save", fields: []string{"url", "https://hooks.example.com/in", "name", "Hooks"}, then: "Hooks"},
		{page: dev + "/webhooks/{hook}/edit", button: "Save", fields: []string{"name", "Our hooks"}, then: "Our hooks"},
		{page: dev + "/webhooks/{hook}", button: "Send a test event"},
		{page: dev + "/webhooks/{hook}", button: "Send again"},
		{page: dev + "/webhooks/{hook}", button: "Make a new secret", then: "It is shown only now"},
		{page: dev + "/webhooks/{hook}", button: "Switch off", then: "Switch on"},
		{page: dev + "/webhooks/{hook}", button: "Remove"},
		{page: "/console/backups", button: "Back up now", then: ".backup"},
		{page: "/console/backups", button: "Check", which: "file="},
		{page: "/console/backups", button: "Download"},
		{page: "/console/backups", button: "Save", fields: []string{"hours", "24", "keep", "77"}, then: "77"},
		{page: "/console/backups/{backup}/remove", button: "Remove it for good"},
		{page: "/console/operators/new", button: "Add", fields: []string{"name", "bo@example.com"}, then: "bo@example.com"},
		{page: "/console/operators/{bo}", button: "Save", which: "role", fields: []string{"role", "read_only"}},
		{page: "/console/operators/{bo}", button: "Keep out", then: "Let in"},
		{page: "/console/operators/{bo}", button: "Remove"},
		{page: "/console/api-keys/new", button: "Make the key", fields: []string{"name", "robot"}, then: "It is shown only now"},
		{page: "/console/api-keys", button: "End"},
		{page: "/console/account", button: "Make new recovery codes", then: "recovery"},
		{page: "/console/account", button: "Change password", fields: []string{"old", ownerPassword, "password", "eight green kettles hum"}},
	}
}

// Every form of the console does what its button says.
func TestEveryButtonWorks(t *testing.T) {
	s := testkit.StartWithUpstreams(t, dbtest.SQLite)
	b := owner(t, s)
	ids := map[string]string{"ann": s.Post("/emulator/v1/users", map[string]any{"username": "ann", "phone": "13800000001", "password": "passw0rd-9"}).String("id")}
	for _, password := range append([]string{"passw0rd-9"}, slices.Repeat([]string{"wrong"}, 10)...) {
		s.Post("/auth/v1/signin?client_id=dev", map[string]string{"username": "ann", "password": password})
	}
	done, last := map[string]bool{}, seen{}
	for _, p := range presses() {
		path := placeholder.ReplaceAllStringFunc(p.page, func(name string) string { return b.find(ids, strings.Trim(name, "{}")) })
		if path != "" {
			last = b.get(path)
		}
		f, ok := b.form(path, last.body, p.button, p.which)
		if !ok {
			t.Errorf("%s has no button %q with %q", path, p.button, p.which)
			continue
		}
		for i := 0; i+1 < len(p.fields); i += 2 {
			f.fields.Set(p.fields[i], p.fields[i+1])
		}
		got := b.submit(f)
		if got.status == http.StatusSeeOther {
			got = b.get(got.location)
		}
		last = got
		problem := problemText.FindString(got.body)
		if got.status != http.StatusOK || !strings.Contains(got.body, p.then) || (problem != "" && (p.then == "" || !strings.Contains(problem, p.then))) {
			t.Errorf("%s, %q: %d, %q is not on the page: %s", path, p.button, got.status, p.then, cmp.Or(problem, got.body))
			continue
		}
		done[b.route(f.action)] = true
	}
	// Signing in and out and one's second factor have their own tests.
	other := []string{"welcome", "signin", "local", "first", "factor", "enrol", "sudo", "signout", "preferences"}
	for _, p := range pages(t) {
		last := p.Path[strings.LastIndex(p.Path, "/")+1:]
		if p.Method == http.MethodPost && !slices.Contains(other, last) && !done[p.Path] {
			t.Errorf("nothing is sent to %s", p.Path)
		}
	}
}

// find is the id of something that was made on the way, by the name it has here.
func (b *browser) find(ids map[string]string, name string) string {
	b.t.Helper()
	if ids[name] != "" {
		return ids[name]
	}
	lists := map[string]struct{ path, key string }{
		"bob": {"/pools/dev/users?q=bob", "id"}, "hook": {"/pools/dev/webhooks", "id"},
		"backup": {"/backups", "file"}, "bo": {"/operators", "id"},
	}
	key := b.s.Do(http.MethodGet, "/emulator/v1/project", nil).String("manageKey")
	a := b.s.Bearer(key, http.MethodGet, "/manage/v1"+lists[name].path, nil)
	items, _ := a.Body["items"].([]any)
	for _, item := range items {
		it, _ := item.(map[string]any)
		if named, _ := it["name"].(string); name != "bo" || named == "bo@example.com" {
			ids[name], _ = it[lists[name].key].(string)
		}
	}
	return ids[name]
}

// form is what a page would send when a button is pressed.
type form struct {
	page, action string
	files        bool
	fields       url.Values
}

// form finds the form of a button in a page.
func (b *browser) form(page, body, button, which string) (form, bool) {
	b.t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	at, _, _ := strings.Cut(page, "?")
	for n := range root.Descendants() {
		if n.Data != "form" || attribute(n, "method") != "post" {
			continue
		}
		f := form{page, cmp.Or(attribute(n, "action"), at), attribute(n, "enctype") != "", url.Values{}}
		var pressed *html.Node
		for c := range n.Descendants() {
			if c.Data != "button" {
				fill(f.fields, c)
			} else if strings.HasPrefix(words(c), button) && pressed == nil {
				pressed = c
			}
		}
		if pressed == nil || !strings.Contains(f.action+" "+f.fields.Encode(), which) {
			continue
		}
		if name := attribute(pressed, "name"); name != "" {
			f.fields.Set(name, attribute(pressed, "value"))
		}
		f.action, _, _ = strings.Cut(cmp.Or(attribute(pressed, "formaction"), f.action), "#")
		return f, true
	}
	return form{}, false
}

// words is the text of an element.
func words(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

func (b *browser) submit(f form) seen {
	b.t.Helper()
	kind, body := formKind, f.fields.Encode()
	if f.files {
		var text strings.Builder
		w := multipart.NewWriter(&text)
		withFile := f.fields.Has("file")
		f.fields.Del("file")
		for name, values := range f.fields {
			for _, v := range values {
				_ = w.WriteField(name, v) // into memory
			}
		}
		if withFile {
			part, err := w.CreateFormFile("file", "people.jsonl")
			if err != nil {
				b.t.Fatal(err)
			}
			_, _ = part.Write([]byte(`{"username":"carol"}` + "\n")) // into memory
		}
		_ = w.Close()
		kind, body = w.FormDataContentType(), text.String()
	}
	return b.send(http.MethodPost, f.action, kind, body, "Origin", b.s.URL, "Sec-Fetch-Site", "same-origin", "Referer", b.s.URL+f.page)
}

// route is the path of the route, as pages lists it, that an address leads to.
func (b *browser) route(address string) string {
	b.t.Helper()
	got := strings.Split(address, "/")
	for _, p := range pages(b.t) {
		want := strings.Split(p.Path, "/")
		same := p.Method == http.MethodPost && len(want) == len(got)
		for i := 0; same && i < len(want); i++ {
			same = want[i] == got[i] || want[i] == "none"
		}
		if same {
			return p.Path
		}
	}
	return ""
}

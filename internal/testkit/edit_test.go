package testkit_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
	"github.com/tigertally/tigertally/internal/testkit"
)

// edit is something that several people may be changing. Body is the change of one of
// them, with their number in the place of %d.
type edit struct{ show, change, body string }

// edits are the operations that take If-Match.
func edits() map[string]edit {
	same := func(path, body string) edit { return edit{path, path, body} }
	return map[string]edit{
		"PATCH /pools/{pool}":                                 same("/pools/dev", `{"name":"name %d"}`),
		"PATCH /pools/{pool}/settings":                        same("/pools/dev/settings", `{"settings":{"product_name":"Shop %d"}}`),
		"PATCH /pools/{pool}/apps/{app}":                      same("/pools/dev/apps/dev-app", `{"name":"name %d"}`),
		"PATCH /pools/{pool}/users/{user}":                    same("/pools/dev/users/{user}", `{"name":"name %d"}`),
		"PUT /pools/{pool}/providers/{provider}":              same("/pools/dev/providers/gh", `{"kind":"github","name":"name %d","settings":{"client_id":"c","client_secret":"s"}}`),
		"PUT /pools/{pool}/pipelines/{pipeline}":              same("/pools/dev/pipelines/fn", `{"point":"POST_REGISTER","description":"name %d","source":"async function pipe(user, context, callback) { return callback(null, user, context) }"}`),
		"PUT /pools/{pool}/message-drivers/{id}":              same("/pools/dev/message-drivers/mail", `{"channel":"email","kind":"smtp","settings":{"host":"mail%d.example.com","from":"a@example.com"}}`),
		"PUT /pools/{pool}/templates/{name}/{channel}/{lang}": same("/pools/dev/templates/sign_in/sms/en", `{"text":"Shop %d {code}"}`),
		"PATCH /pools/{pool}/webhooks/{webhook}":              same("/pools/dev/webhooks/{webhook}", `{"name":"name %d"}`),
		"PATCH /backups/schedule":                             same("/backups/schedule", `{"keep":%d}`),
	}
}

// Of many who change what they have seen the same state of, one is first and the others
// are told so.
func TestOfManyEditorsOneIsFirst(t *testing.T) {
	var guarded, tested []string
	for _, o := range protocol.New(protocol.Options{}).Operations() {
		if f, ok := o.In.FieldByName("IfMatch"); ok && f.Type.Kind() == reflect.String {
			guarded = append(guarded, o.Method+" "+o.Path)
		}
	}
	for name := range edits() {
		tested = append(tested, name)
	}
	slices.Sort(guarded)
	slices.Sort(tested)
	if diff := cmp.Diff(guarded, tested); diff != "" {
		t.Errorf("operations with If-Match and those tested: %s", diff)
	}
	for name, start := range map[string]func(t *testing.T) *testkit.Server{
		"sqlite":      func(t *testing.T) *testkit.Server { return testkit.Start(t, dbtest.SQLite) },
		"postgres":    func(t *testing.T) *testkit.Server { return testkit.Start(t, dbtest.Postgres) },
		"two servers": func(t *testing.T) *testkit.Server { return testkit.StartNodes(t, 2) },
	} {
		t.Run(name, func(t *testing.T) { manyEditors(t, start(t)) })
	}
}

func manyEditors(t *testing.T, s *testkit.Server) {
	t.Helper()
	key := s.Do(http.MethodGet, "/emulator/v1/project", nil).String("manageKey")
	call := func(method, path, body string, header ...string) testkit.Answer {
		var in any
		if body != "" {
			in = json.RawMessage(body)
		}
		return s.Do(method, "/manage/v1"+path, in, append(header, "Authorization", "Bearer "+key, "Content-Type", "application/json")...)
	}
	user := s.Post("/emulator/v1/users", map[string]any{"username": "ann"}).String("id")
	made := call(http.MethodPost, "/pools/dev/webhooks", `{"url":"https://hooks.example.com/in"}`)
	hook, _ := made.Body["webhook"].(map[string]any)
	ids := strings.NewReplacer("{user}", user, "{webhook}", fmt.Sprint(hook["id"]))
	for _, name := range slices.Sorted(maps.Keys(edits())) {
		e := edits()[name]
		method, _, _ := strings.Cut(name, " ")
		path := ids.Replace(e.change)
		change := func(n int, header ...string) testkit.Answer {
			return call(method, path, strings.ReplaceAll(e.body, "%d", fmt.Sprint(n)), header...)
		}
		if a := change(40); a.Status != http.StatusOK {
			t.Errorf("%s: %d %s", name, a.Status, a.Raw)
			continue
		}
		for round := range 3 {
			tag := call(http.MethodGet, ids.Replace(e.show), "").Header.Get("ETag")
			var all sync.WaitGroup
			answers := make([]testkit.Answer, 6)
			for i := range answers {
				all.Go(func() { answers[i] = change(1+round*len(answers)+i, "If-Match", tag) })
			}
			all.Wait()
			count, now := map[int]int{}, call(http.MethodGet, ids.Replace(e.show), "").Header.Get("ETag")
			for _, a := range answers {
				count[a.Status]++
				if told := a.Header.Get("ETag"); a.Status == http.StatusOK && told != now {
					t.Errorf("%s, round %d: the change was answered with the tag %s, what is there has %s", name, round, told, now)
				}
			}
			if want := map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: len(answers) - 1}; !cmp.Equal(want, count) {
				t.Errorf("%s, round %d: %v, want %v", name, round, count, want)
			}
		}
	}
}

// Who makes something can change it with the tag that the answer had.
func TestWhatWasMadeHasItsTag(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		key := s.Do(http.MethodGet, "/emulator/v1/project", nil).String("manageKey")
		call := func(method, path string, in any) testkit.Answer {
			return s.Do(method, "/manage/v1"+path, in, "Authorization", "Bearer "+key, "Content-Type", "application/json")
		}
		for _, made := range []struct{ list, body string }{
			{"/pools", `{"id":"shop","name":"Shop"}`},
			{"/pools/dev/apps", `{"id":"web","name":"Web"}`},
			{"/pools/dev/users", `{"username":"bob","password":"passw0rd-9"}`},
		} {
			a := call(http.MethodPost, made.list, json.RawMessage(made.body))
			shown := call(http.MethodGet, made.list+"/"+a.String("id"), nil)
			if tag := a.Header.Get("ETag"); shown.Status != http.StatusOK || tag == "" || tag != shown.Header.Get("ETag") {
				t.Errorf("%s: answered %s, shown %s", made.list, a.Raw, shown.Raw)
			}
		}
		hook, _ := call(http.MethodPost, "/pools/dev/webhooks", json.RawMessage(`{"url":"https://hooks.example.com/in"}`)).Body["webhook"].(map[string]any)
		shown := call(http.MethodGet, "/pools/dev/webhooks/"+fmt.Sprint(hook["id"]), nil)
		if diff := cmp.Diff(hook, shown.Body); diff != "" {
			t.Errorf("a webhook as it was made and as it is shown: %s", diff)
		}
	})
}

package manage_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/operator"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
)

// canary is in every secret an administrator hands over here.
const canary = "canary-2f7a91c4"

// installation is one with every kind of secret in it.
type installation struct {
	t     *testing.T
	h     http.Handler
	owner operator.Principal
	ids   map[string]string // what stands for the placeholders of paths
	told  []string          // secrets the server made
}

// KM-03: whatever secret is handed over, or is made and told once, no endpoint tells
// afterwards.
func TestNoEndpointTellsASecret(t *testing.T) {
	in := &installation{t: t, h: server(t), owner: operators()["owner"], ids: map[string]string{"pool": app.DevPool}}
	in.fill()
	asked := 0
	for _, o := range protocol.New(protocol.Options{}).Operations() {
		if o.Method != http.MethodGet {
			continue
		}
		asked++
		answer := in.send(o.Method, o.Path, "")
		found := strings.Contains(answer.Body.String(), canary)
		for _, secret := range in.told {
			found = found || strings.Contains(answer.Body.String(), secret)
		}
		if found {
			t.Errorf("%s tells a secret: %s", o.Op, answer.Body)
		}
	}
	if asked == 0 || len(in.told) == 0 {
		t.Errorf("%d endpoints asked for %d secrets", asked, len(in.told))
	}
}

// fill hands over and has made one secret of every kind.
func (in *installation) fill() {
	user := in.do(http.MethodPost, "/pools/{pool}/users", `{"username":"alice","password":"`+canary+`"}`)
	in.ids["user"], _ = user["id"].(string)
	in.do(http.MethodPatch, "/pools/{pool}/users/{user}", `{"password":"x-`+canary+`"}`)
	in.do(http.MethodPost, "/pools/{pool}/apps", `{"id":"shop","name":"Shop"}`)
	in.ids["app"] = "shop"
	in.keep(in.do(http.MethodPost, "/pools/{pool}/apps/{app}/secrets", `{}`), "secret")
	in.ids["provider"] = "github"
	in.do(http.MethodPut, "/pools/{pool}/providers/{provider}", `{"kind":"github","settings":{"client_id":"c","client_secret":"`+canary+`"}}`)
	in.ids["id"] = "text"
	in.do(http.MethodPut, "/pools/{pool}/message-drivers/{id}", `{"channel":"sms","kind":"tencent","settings":{
		"secret_id":"AKID","secret_key":"`+canary+`","app_id":"1400006666","sign_name":"Shop","templates":"default=1234(code,minutes)"}}`)
	in.ids["name"] = "KEY"
	in.do(http.MethodPut, "/pools/{pool}/pipeline-env/{name}", `{"value":"`+canary+`"}`)
	hook := in.do(http.MethodPost, "/pools/{pool}/webhooks", `{"url":"https://hooks.example.com/in"}`)
	in.keep(hook, "secret")
	made, _ := hook["webhook"].(map[string]any)
	in.ids["webhook"], _ = made["id"].(string)
	in.keep(in.do(http.MethodPost, "/pools/{pool}/webhooks/{webhook}/rotate-secret", `{}`), "secret")
	in.keep(in.do(http.MethodPost, "/pools/{pool}/secrets", `{}`), "secret")
	in.keep(in.do(http.MethodPost, "/pools/{pool}/ticket-keys", `{}`), "private_key")
	in.keep(in.do(http.MethodPost, "/api-keys", `{"name":"robot","role":"operator","scopes":["users:read"]}`), "key")
	added := in.do(http.MethodPost, "/operators", `{"name":"bob","role":"support"}`)
	in.keep(added, "password")
	in.ids["operator"], _ = added["id"].(string)
	in.do(http.MethodPost, "/operators", `{"name":"carol","role":"support","password":"`+canary+`-long"}`)
}

// keep remembers a secret that was told. Of a text of many lines it is the longest.
func (in *installation) keep(answer map[string]any, field string) {
	in.t.Helper()
	secret, _ := answer[field].(string)
	longest := ""
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) > len(longest) {
			longest = line
		}
	}
	if len(longest) < 8 {
		in.t.Fatalf("no %s in %v", field, answer)
	}
	in.told = append(in.told, longest)
}

// do does something that has to work.
func (in *installation) do(method, path, body string) map[string]any {
	in.t.Helper()
	w := in.send(method, path, body)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code >= http.StatusMultipleChoices {
		in.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return answer
}

func (in *installation) send(method, path, body string) *httptest.ResponseRecorder {
	path = placeholder.ReplaceAllStringFunc(path, func(name string) string {
		if id := in.ids[strings.Trim(name, "{}")]; id != "" {
			return id
		}
		return "none"
	})
	r := httptest.NewRequest(method, protocol.Prefix+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-Id", "secrets")
	w := httptest.NewRecorder()
	in.h.ServeHTTP(w, r.WithContext(protocol.WithPrincipal(r.Context(), in.owner)))
	return w
}

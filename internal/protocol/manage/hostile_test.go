package manage_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/app"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
)

// hostile are values that have broken out of a statement, a path or a template elsewhere.
func hostile() []string {
	return []string{
		`' OR '1'='1' --`, `1; DROP TABLE users; --`, `" UNION SELECT hash FROM operator_keys --`, `\`, "a\x00b", `%_%`,
		`../../../etc/passwd`, `{{7*7}}${7*7}`, strings.Repeat("虎", 3000),
	}
}

// ED-05, KM-04: whatever stands in whatever parameter of whatever endpoint, it is data. The
// answer is never a fault of ours, and a cursor nobody was given is refused.
func TestEveryParameterIsData(t *testing.T) {
	h := server(t)
	in := &installation{t: t, h: h, owner: operators()["owner"], ids: map[string]string{"pool": app.DevPool}}
	in.fill()
	cursors, asked := 0, 0
	for _, o := range protocol.New(protocol.Options{}).Operations() {
		for _, f := range parameters(o.In) {
			for _, v := range hostile() {
				w := in.with(o, f, v)
				asked++
				if w.Code >= http.StatusInternalServerError {
					t.Errorf("%s with %s %q: %d %s", o.Op, f.name, v, w.Code, w.Body)
				}
				if f.name != "cursor" {
					continue
				}
				if cursors++; w.Code != http.StatusBadRequest {
					t.Errorf("%s takes the cursor %q: %d", o.Op, v, w.Code)
				}
			}
		}
	}
	if people := in.do(http.MethodGet, "/pools/{pool}/users", ""); people["items"] == nil || cursors == 0 || asked < 1000 {
		t.Errorf("%d requests, %d cursors; afterwards %v", asked, cursors, people)
	}
}

// parameter is a text that a request may carry.
type parameter struct {
	where string // path, query or json
	name  string
	kind  reflect.Type
}

func parameters(in reflect.Type) (all []parameter) {
	if in == nil || in.Kind() != reflect.Struct {
		return nil
	}
	for f := range in.Fields() {
		if f.Anonymous {
			all = append(all, parameters(f.Type)...)
			continue
		}
		for _, where := range []string{"path", "query", "json"} {
			name, _, _ := strings.Cut(f.Tag.Get(where), ",")
			if name != "" && name != "-" && texts(f.Type, "") != nil {
				all = append(all, parameter{where, name, f.Type})
			}
		}
	}
	return all
}

// texts is v as a value of a type that holds texts, or nil.
func texts(kind reflect.Type, v string) any {
	switch kind.Kind() { //nolint:exhaustive // nothing else holds texts.
	case reflect.String:
		return v
	case reflect.Pointer:
		return texts(kind.Elem(), v)
	case reflect.Slice:
		if one := texts(kind.Elem(), v); one != nil {
			return []any{one}
		}
	case reflect.Map:
		if one := texts(kind.Elem(), v); one != nil {
			return map[string]any{v: one}
		}
	}
	return nil
}

// with does an operation on what there is, with one parameter replaced.
func (in *installation) with(o protocol.Operation, f parameter, v string) *httptest.ResponseRecorder {
	path := placeholder.ReplaceAllStringFunc(o.Path, func(name string) string {
		name = strings.Trim(name, "{}")
		if f.where == "path" && f.name == name {
			return url.PathEscape(v)
		}
		if id := in.ids[name]; id != "" {
			return id
		}
		return "none"
	})
	if f.where == "query" {
		path += "?" + url.Values{f.name: {v}}.Encode()
	}
	body := []byte("{}")
	if f.where == "json" {
		var err error
		if body, err = json.Marshal(map[string]any{f.name: texts(f.kind, v)}); err != nil {
			in.t.Fatal(err)
		}
	}
	if o.Method == http.MethodGet || o.Method == http.MethodDelete {
		body = nil
	}
	r := httptest.NewRequest(o.Method, protocol.Prefix+path, strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	in.h.ServeHTTP(w, r.WithContext(protocol.WithPrincipal(r.Context(), in.owner)))
	return w
}

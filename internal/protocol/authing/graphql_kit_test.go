package authing_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/testkit"
)

// document is one of the published JavaScript client's.
type document struct {
	Name  string            `json:"op"`
	Kind  string            `json:"kind"`
	Vars  map[string]string `json:"vars"`
	Roots []struct {
		Field     string            `json:"field"`
		Args      map[string]string `json:"args"`
		Selection []any             `json:"sel"`
	} `json:"roots"`
}

func documents(t *testing.T) map[string]document {
	t.Helper()
	raw, err := os.ReadFile("testdata/graphql-operations.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []document
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]document, len(list))
	for _, d := range list {
		all[d.Name] = d
	}
	return all
}

// text writes the document the way the client does. Variables the root field has no
// argument for belong to the first object in its selection.
func (d document) text() string {
	root := d.Roots[0]
	var rest []string
	for name := range d.Vars {
		if _, used := root.Args[name]; !used {
			rest = append(rest, name+": $"+name)
		}
	}
	slices.Sort(rest)
	var declared, args []string
	for name, typ := range d.Vars {
		declared = append(declared, "$"+name+": "+typ)
	}
	for name, variable := range root.Args {
		args = append(args, name+": "+variable)
	}
	return fmt.Sprintf("\n    %s %s%s {\n  %s%s%s\n}\n    ",
		d.Kind, d.Name, parens(declared), root.Field, parens(args), selected(root.Selection, parens(rest)))
}

func parens(list []string) string {
	if len(list) == 0 {
		return ""
	}
	slices.Sort(list)
	return "(" + strings.Join(list, ", ") + ")"
}

// selected writes a selection; args go to its first object.
func selected(list []any, args string) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(" {\n")
	for _, v := range list {
		if name, plain := v.(string); plain {
			b.WriteString("    " + name + "\n")
			continue
		}
		for name, inner := range v.(map[string]any) {
			b.WriteString("    " + name + args + selected(inner.([]any), "") + "\n")
			args = ""
		}
	}
	b.WriteString("  }")
	return b.String()
}

// reply is the answer to a document: the value under its root field, or an error.
type reply struct {
	testkit.Answer
	w    *world
	name string
	root string
}

// ask sends the client's document of that name.
func (w *world) ask(token, name string, vars body, header ...string) reply {
	w.Helper()
	d, ok := documents(w.T)[name]
	if !ok {
		w.Fatalf("there is no document %s", name)
	}
	return w.query(token, d.text(), name, d.Roots[0].Field, vars, header...)
}

func (w *world) query(token, text, name, root string, vars body, header ...string) reply {
	w.Helper()
	a := w.as(token, http.MethodPost, "/graphql/v2", body{"query": text, "variables": vars}, header...)
	if a.Status != http.StatusOK || a.Body == nil {
		w.Fatalf("%s: status %d %s", name, a.Status, a.Raw)
	}
	return reply{a.Answer, w, name, root}
}

// code is the number of the refusal, 0 for a success.
func (r reply) code() int {
	r.w.Helper()
	failed, ok := r.Body["errors"].([]any)
	if !ok {
		data, ok := r.Body["data"].(map[string]any)
		if _, keyed := data[r.root]; !ok || !keyed || len(data) != 1 {
			r.w.Fatalf("%s: no data under %s: %s", r.name, r.root, r.Raw)
		}
		return 0
	}
	if v, has := r.Body["data"]; !has || v != nil {
		r.w.Errorf("%s: an error beside data: %s", r.name, r.Raw)
	}
	message, _ := failed[0].(map[string]any)["message"].(map[string]any)
	number, isNumber := message["code"].(float64)
	text, _ := message["message"].(string)
	if !isNumber || number != float64(int(number)) || text == "" {
		r.w.Fatalf("%s: no error of the protocol: %s", r.name, r.Raw)
	}
	return int(number)
}

// fails checks the number of the refusal.
func (r reply) fails(code int) reply {
	r.w.Helper()
	if got := r.code(); got != code {
		r.w.Errorf("%s: code %d, want %d: %s", r.name, got, code, r.Raw)
	}
	return r
}

// value is what stands under the root field.
func (r reply) value() any {
	r.w.Helper()
	if code := r.code(); code != 0 {
		r.w.Fatalf("%s: %s", r.name, r.Raw)
	}
	return r.Body["data"].(map[string]any)[r.root]
}

func (r reply) object() body {
	r.w.Helper()
	o, ok := r.value().(map[string]any)
	if !ok {
		r.w.Fatalf("%s: no object: %s", r.name, r.Raw)
	}
	return o
}

// has compares members of the object.
func (r reply) has(want body) reply {
	r.w.Helper()
	o := r.object()
	for name, v := range want {
		if got := o[name]; fmt.Sprint(got) != fmt.Sprint(v) {
			r.w.Errorf("%s: %s is %v, want %v", r.name, name, got, v)
		}
	}
	return r
}

// user checks the same rules as for REST and returns who.
func (r reply) user() person {
	r.w.Helper()
	p, a := r.person(), answer{testkit.Answer{Status: r.Status, Body: body{"code": 200.0, "message": "ok", "data": r.object()}}, r.w, r.name}
	if p.token == "" {
		r.w.Fatalf("%s: no token: %s", r.name, r.Raw)
	}
	return a.user()
}

// person is a user who may have no token.
func (r reply) person() person {
	r.w.Helper()
	o := r.object()
	id, _ := o["id"].(string)
	token, _ := o["token"].(string)
	if id == "" {
		r.w.Fatalf("%s: nobody: %s", r.name, r.Raw)
	}
	return person{id, token}
}

// custom is the custom data of the answer, whose root is a list of values, by key.
func (r reply) custom() map[string]string {
	r.w.Helper()
	list, ok := r.value().([]any)
	if !ok {
		r.w.Fatalf("%s: no list: %s", r.name, r.Raw)
	}
	return byKey(list)
}

func byKey(list []any) map[string]string {
	values := make(map[string]string, len(list))
	for _, v := range list {
		o := v.(map[string]any)
		values[o["key"].(string)], _ = o["value"].(string)
	}
	return values
}

// manager is a customer's server: the token it manages a pool with.
type manager struct {
	w     *world
	token string
	pool  string
}

// manager buys a management token with the pool's secret.
func (w *world) manager() manager {
	w.Helper()
	return w.managerOf(poolID, w.s.Do(http.MethodGet, "/emulator/v1/project", nil).String("poolSecret"))
}

func (w *world) managerOf(id, secret string) manager {
	w.Helper()
	o := w.ask("", "accessToken", body{"userPoolId": id, "secret": secret}).object()
	token, _ := o["accessToken"].(string)
	if token == "" {
		w.Fatalf("no management token: %v", o)
	}
	return manager{w, token, id}
}

// otherPool makes a second pool and its manager.
func (w *world) otherPool(id string) manager {
	w.Helper()
	ctx := w.Context()
	set := pool.Defaults()
	set.PasswordMin, set.PasswordCommon, set.Captcha, set.Limits = 6, false, pool.CaptchaOff, false
	if _, err := w.s.App.Pools.Create(ctx, id, id, set); err != nil {
		w.Fatal(err)
	}
	secret, err := w.s.App.Pools.NewSecret(ctx, id)
	if err != nil {
		w.Fatal(err)
	}
	return w.managerOf(id, secret)
}

// on is the same manager in a subtest.
func (m manager) on(w *world) manager { return manager{w, m.token, m.pool} }

// ask sends a document as the management client does: it names a pool and no application.
func (m manager) ask(name string, vars body) reply {
	m.w.Helper()
	return m.w.ask(m.token, name, vars, "X-Authing-App-Id", "", "X-Authing-Userpool-Id", m.pool)
}

func (m manager) rest(method, path string, in any) answer {
	m.w.Helper()
	return m.w.as(m.token, method, path, in, "X-Authing-App-Id", "", "X-Authing-Userpool-Id", m.pool)
}

// create makes a user; info holds a password in clear.
func (m manager) create(info body, more ...body) reply {
	m.w.Helper()
	vars := body{"userInfo": info, "keepPassword": false, "resetPasswordOnFirstLogin": false}
	if plain, ok := info["password"].(string); ok {
		info["password"] = m.w.seal(plain)
	}
	for _, extra := range more {
		maps.Copy(vars, extra)
	}
	return m.ask("createUser", vars)
}

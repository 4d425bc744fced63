package manage_test

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
)

var update = flag.Bool("update", false, "write testdata/matrix.txt anew")

// server is a development server without a listener.
func server(t *testing.T) http.Handler {
	t.Helper()
	conf := config.Default()
	conf.DataDir, conf.PublicURL = t.TempDir(), "http://127.0.0.1:9009"
	a, err := app.OpenDev(t.Context(), app.DevOptions{Config: conf, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a.Handler()
}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// ask does an operation on a pool with ids that nothing has.
func ask(h http.Handler, o protocol.Operation, p operator.Principal, pool string) *httptest.ResponseRecorder {
	path := placeholder.ReplaceAllStringFunc(o.Path, func(name string) string {
		if name == "{pool}" {
			return pool
		}
		return "none"
	})
	var body *bytes.Reader
	if body = bytes.NewReader(nil); o.Method != http.MethodGet && o.Method != http.MethodDelete {
		body = bytes.NewReader([]byte(`{}`))
	}
	r := httptest.NewRequest(o.Method, protocol.Prefix+path, body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-Id", "matrix")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(protocol.WithPrincipal(r.Context(), p)))
	return w
}

func operators() map[string]operator.Principal {
	all := map[string]operator.Principal{
		"stale":    {Kind: operator.KindOperator, ID: "1", Name: "stale", Role: operator.Owner, MFA: true},
		"nofactor": {Kind: operator.KindOperator, ID: "2", Name: "nofactor", Role: operator.Owner},
		"key":      {Kind: operator.KindKey, ID: "3", Name: "key", Role: operator.Owner, Scopes: []operator.Scope{operator.UsersRead}},
		"nobody":   {},
	}
	for _, role := range operator.Roles() {
		all[string(role)] = operator.Principal{
			Kind: operator.KindOperator, ID: string(role), Name: string(role), Role: role, MFA: true, SudoUntil: far,
		}
	}
	return all
}

// TestWhoMayDoWhat asks every endpoint as every kind of administrator and holds the
// outcome against a table that people can read (AD-05). Whoever may do something is not
// refused for it, whatever else is wrong with an empty request.
func TestWhoMayDoWhat(t *testing.T) {
	h := server(t)
	who := operators()
	names := []string{"owner", "operator", "support", "read_only", "stale", "nofactor", "key", "nobody"}
	var b strings.Builder
	fmt.Fprintf(&b, "%-32s %-18s %s\n", "operation", "scope", strings.Join(names, " "))
	rules := manage.ByName()
	for _, o := range protocol.New(protocol.Options{}).Operations() {
		fmt.Fprintf(&b, "%-32s %-18s", o.Op, rules[o.Op].Scope)
		for _, name := range names {
			fmt.Fprintf(&b, " %-*s", len(name), verdict(ask(h, o, who[name], app.DevPool)))
		}
		b.WriteString("\n")
	}
	got := regexp.MustCompile(` +\n`).ReplaceAllString(b.String(), "\n")
	file := filepath.Join("testdata", "matrix.txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("go test ./internal/protocol/manage -run TestWhoMayDoWhat -update, and look at what changed:\n%s", diff)
	}
}

// verdict is yes, no, or sudo for somebody who has to prove again who they are.
func verdict(w *httptest.ResponseRecorder) string {
	body := w.Body.String()
	switch {
	case strings.Contains(body, `"code":"sudo_required"`):
		return "sudo"
	case w.Code == http.StatusForbidden && strings.Contains(body, `"code":"permission_denied"`):
		return "no"
	case w.Code == http.StatusUnauthorized, w.Code >= http.StatusInternalServerError:
		return fmt.Sprint(w.Code)
	}
	return "yes"
}

// TestAnotherTenantIsNotThere asks every endpoint of a pool as the owner of another: the
// answer is the one about a pool that does not exist, to the byte (MT-01).
func TestAnotherTenantIsNotThere(t *testing.T) {
	h := server(t)
	owner := operator.Principal{
		Kind: operator.KindOperator, ID: "1", Name: "owner", Role: operator.Owner, MFA: true, SudoUntil: far, Pools: []string{"mine"},
	}
	asked := 0
	for _, o := range protocol.New(protocol.Options{}).Operations() {
		if !strings.Contains(o.Path, "{pool}") {
			if w := ask(h, o, owner, ""); w.Code != http.StatusForbidden && o.Op != manage.PoolList {
				t.Errorf("%s of the installation: %d %s", o.Op, w.Code, w.Body)
			}
			continue
		}
		asked++
		theirs, none := ask(h, o, owner, app.DevPool), ask(h, o, owner, "nosuchpool")
		if theirs.Code != http.StatusNotFound || !strings.Contains(theirs.Body.String(), `"pool_not_found"`) {
			t.Errorf("%s: %d %s", o.Op, theirs.Code, theirs.Body)
		}
		if diff := cmp.Diff(none.Body.String(), theirs.Body.String()); diff != "" {
			t.Errorf("%s: %s", o.Op, diff)
		}
		for _, name := range []string{"ETag", "Content-Type"} {
			if none.Header().Get(name) != theirs.Header().Get(name) {
				t.Errorf("%s: %s differs", o.Op, name)
			}
		}
	}
	if asked == 0 {
		t.Error("no endpoint was asked")
	}
}

// TestEveryOperationHasAnEndpoint compares what the flow can do with what the API offers.
func TestEveryOperationHasAnEndpoint(t *testing.T) {
	var core, wire []string
	for _, o := range manage.Operations() {
		core = append(core, string(o.Op))
		if o.Summary == "" || strings.HasSuffix(o.Summary, ".") {
			t.Errorf("%s: summary %q", o.Op, o.Summary)
		}
		if o.Scope.Sudo() != slices.Contains(operator.Scopes(), o.Scope) && o.Scope.Sudo() {
			t.Errorf("%s: scope %q is not in the list", o.Op, o.Scope)
		}
	}
	for _, o := range protocol.New(protocol.Options{}).Operations() {
		wire = append(wire, string(o.Op))
	}
	slices.Sort(core)
	slices.Sort(wire)
	if diff := cmp.Diff(core, wire); diff != "" {
		t.Error(diff)
	}
	if len(slices.Compact(slices.Clone(core))) != len(core) {
		t.Error("two operations have one name")
	}
}

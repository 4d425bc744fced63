package cloudbase_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/testkit"
)

// recorded is one request of a real client library, its secrets replaced, and what the
// library reads of the answer.
type recorded struct {
	Call    string            `json:"call"`
	SDK     string            `json:"sdk"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Query   map[string]string `json:"query"`
	Headers map[string]string `json:"headers"`
	Auth    string            `json:"auth"`
	Body    map[string]any    `json:"body"`
	Reads   map[string]string `json:"reads"`
}

// refusals are the recorded requests that this server must refuse, and with which word.
// Everything else is answered 200 with every field the client reads.
func (r recorded) refusal() string {
	later := []string{
		"/auth/v1/signin/wechat/noauth", "/auth/v1/user/authorize",
		"/auth/v1/qrcode/generate", "/auth/v1/qrcode/get/status",
	}
	switch {
	case slices.Contains(later, r.Path):
		return "unimplemented"
	case r.Path == "/auth/v1/user/provider/undefined", r.Body["provider_id"] == "weda":
		return "not_found"
	case r.Body["provider_id_token"] != nil: // the provider is not set up to take any
		return "permission_denied"
	case r.Path == "/auth/v1/user/me" && r.Auth == "":
		return "unauthenticated"
	case r.Path == "/auth/v1/reset" && r.Body["verification_token"] == nil:
		return "invalid_argument"
	case r.Path == "/auth/v1/user/basic/edit" && r.Body["password"] != nil:
		return "permission_denied" // a new password without any proof
	case r.Path == "/auth/v1/user/password" && r.Body["sudo_token"] == "":
		return "permission_denied" // for an account that has a password
	}
	return ""
}

// TestRecordedTrafficIsAnswered replays the traffic of the published client libraries
// with live ids, codes and tokens in the place of the recorded ones.
func TestRecordedTrafficIsAnswered(t *testing.T) {
	raw, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recorded
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		withVendors(t, s)
		for i, r := range all {
			t.Run(fmt.Sprintf("%03d %s %s", i, r.Method, r.Path), func(t *testing.T) {
				w := newWorld(t, s, i)
				w.replay(t, r)
			})
		}
	})
}

func (w *world) replay(t *testing.T, r recorded) {
	t.Helper()
	refusal := r.refusal()
	body := maps.Clone(r.Body)
	query := maps.Clone(r.Query)
	path := r.Path
	w.fill(r, body, query)
	q := url.Values{}
	for k, v := range query {
		q.Set(k, v)
	}
	if len(q) > 0 {
		// The clients leave brackets as they are.
		path += "?" + strings.NewReplacer("%5B", "[", "%5D", "]").Replace(q.Encode())
	}
	headers := []string{"X-Device-Id", w.device, "X-Request-Id", w.request}
	for k, v := range r.Headers {
		headers = append(headers, k, v)
	}
	switch r.Auth {
	case "bearer":
		headers = append(headers, "Authorization", "Bearer "+w.access)
	case "basic":
		headers = append(headers, "Authorization", "Basic ZGV2Og==")
	}
	var sent any
	if r.Body != nil {
		sent = body
	}
	got := w.s.Do(r.Method, path, sent, headers...)
	switch {
	case r.Path == "/web":
		if got.Status != http.StatusOK || got.String("code") != "INVALID_ACTION" {
			t.Errorf("%s: answered %d %s", r.Call, got.Status, got.Raw)
		}
	case refusal != "":
		if got.String("error") != refusal {
			t.Errorf("%s: answered %d %s, want %s", r.Call, got.Status, got.Raw, refusal)
		}
		wantRefusal(t, got)
	default:
		wantReads(t, r, got)
	}
}

// wantReads checks that an answer is a success with every field the client reads.
func wantReads(t *testing.T, r recorded, got testkit.Answer) {
	t.Helper()
	if got.Status != http.StatusOK || got.Body == nil {
		t.Fatalf("%s: answered %d %s", r.Call, got.Status, got.Raw)
	}
	for _, name := range []string{"error", "code", "error_code", "expires_at", "version"} {
		if v, there := got.Body[name]; there {
			t.Errorf("%s: the answer has %s = %v", r.Call, name, v)
		}
	}
	for name, want := range r.Reads {
		if kind := kindOf(got.Body[name]); kind != want {
			t.Errorf("%s: %s is %s, the client reads a %s: %s", r.Call, name, kind, want, got.Raw)
		}
	}
}

// wantRefusal checks the envelope of an error.
func wantRefusal(t *testing.T, got testkit.Answer) {
	t.Helper()
	number, _ := got.Body["error_code"].(float64)
	if got.Status < 400 || number == 0 || got.String("error") == "" || got.String("error_description") == "" {
		t.Errorf("not a refusal: %d %s", got.Status, got.Raw)
	}
	if kindOf(got.Body["details"]) != "array" || got.String("request_id") == "" {
		t.Errorf("details or request_id is missing: %s", got.Raw)
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "nothing"
}

package cloudbase_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

// recording is what @cloudbase/js-sdk sent for one call and was answered. Tokens are
// replaced by short names; request and device ids are left out.
type recording struct {
	Call      string     `json:"call"`
	Exchanges []exchange `json:"exchanges"`
}

type exchange struct {
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Query    string            `json:"query"`
	Headers  map[string]string `json:"headers"`    // those that are not the browser's own
	SameIDAs *int              `json:"same_id_as"` // the exchange whose x-request-id it repeats
	Body     any               `json:"body"`       // nil for none
	Status   int               `json:"status"`     // of the answer
	Answer   json.RawMessage   `json:"answer"`     // a string is no JSON
	ID       string            `json:"-"`          // of a request of ours
	Device   string            `json:"-"`          // of the same
}

func recordings(t *testing.T) map[string]recording {
	t.Helper()
	raw, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recording
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	named := map[string]recording{}
	for _, r := range all {
		named[r.Call] = r
	}
	return named
}

// player answers as the recorded server did, in the same order.
type player struct {
	t     *testing.T
	left  []exchange
	heard []exchange
}

// RoundTrip implements http.RoundTripper.
func (p *player) RoundTrip(req *http.Request) (*http.Response, error) {
	e := exchange{Method: req.Method, Path: req.URL.Path, Query: req.URL.RawQuery, Headers: map[string]string{}}
	for name := range req.Header {
		switch name {
		case "X-Request-Id":
			e.ID = req.Header.Get(name)
		case "X-Device-Id":
			e.Device = req.Header.Get(name)
		case "X-Sdk-Version": // says who we are
		default:
			e.Headers[strings.ToLower(name)] = req.Header.Get(name)
		}
	}
	if req.Body != nil {
		raw, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &e.Body); err != nil {
			p.t.Errorf("%s %s: the body is no JSON: %s", e.Method, e.Path, raw)
		}
	}
	p.heard = append(p.heard, e)
	if len(p.left) == 0 {
		p.t.Errorf("%s %s was not recorded", e.Method, e.Path)
		return nil, io.ErrUnexpectedEOF
	}
	answer, status := p.left[0].Answer, p.left[0].Status
	p.left = p.left[1:]
	var text string
	if json.Unmarshal(answer, &text) == nil {
		answer = []byte(text)
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(answer)), Request: req}, nil
}

// session is the credentials that a recording begins with.
func (r recording) session() string {
	stored := map[string]any{"token_type": "Bearer", "expires_in": 7200, "expires_at": "2999-01-01T00:00:00Z"}
	for _, e := range r.Exchanges {
		body, _ := e.Body.(map[string]any)
		switch bearer, ok := strings.CutPrefix(e.Headers["authorization"], "Bearer "); {
		case body["grant_type"] == "refresh_token":
			stored["access_token"], stored["refresh_token"], stored["expires_at"] = "old", body["refresh_token"], time.Now()
			stored["version"] = strings.Split(e.Path, "/")[2]
			if strings.HasPrefix(r.Call, "anonymous") {
				stored["scope"] = "anonymous"
			}
		case e.Path == "/auth/v1/revoke":
			stored["access_token"] = body["token"]
		case ok:
			stored["access_token"] = bearer
		default:
			continue
		}
		break
	}
	begins := strings.Contains(string(r.Exchanges[0].Answer), "access_token") || stored["access_token"] == nil
	if begins && stored["refresh_token"] == nil || strings.Contains(r.Call, "signIn") {
		return ""
	}
	text, _ := json.Marshal(stored)
	return string(text)
}

func TestRequestsAreThoseOfTheJavaScriptLibrary(t *testing.T) {
	all := recordings(t)
	for name := range all {
		if _, ok := played[name]; !ok {
			t.Errorf("nobody plays %s", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(played)) {
		t.Run(name, func(t *testing.T) {
			r, ok := all[name]
			if !ok {
				t.Fatal("was not recorded")
			}
			r.play(t, played[name])
		})
	}
}

func (r recording) play(t *testing.T, call func(context.Context, *cloudbase.Auth) error) {
	t.Helper()
	p := &player{t: t, left: r.Exchanges}
	config := cloudbase.Config{Env: "envA", Endpoint: "http://127.0.0.1:1/web", Storage: cloudbase.NewMemoryStorage(), HTTPClient: &http.Client{Transport: p}}
	keep := func(key, value string) {
		if err := config.Storage.Set(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	if s := r.session(); s != "" {
		keep("credentials_envA", s)
	}
	switch {
	case strings.HasPrefix(r.Call, "init({env:'envA',clientId"):
		config.ClientID, config.Lang = "clientX", cloudbase.English
	case r.Call == "env with a space":
		config.Env = "env with space"
	case strings.Contains(r.Call, "cached token"):
		keep("captcha_envA", `{"captcha_token":"ct-21","expires_at":"2999-01-01T00:00:00Z"}`)
	}
	if strings.Contains(r.Call, "captcha") {
		typed := map[bool]string{true: "CD34", false: "AB12"}[strings.Contains(r.Call, "forces")]
		config.Captcha = func(context.Context, cloudbase.Captcha) (string, error) { return typed, nil }
	}
	app, err := cloudbase.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := call(t.Context(), app.Auth()); err != nil {
		t.Fatal(err)
	}
	r.compare(t, p.heard)
}

func (r recording) compare(t *testing.T, heard []exchange) {
	t.Helper()
	want := slices.Clone(r.Exchanges)
	for i := range want {
		want[i].Status, want[i].Answer, want[i].Query = 0, nil, sorted(want[i].Query)
		if strings.HasPrefix(r.Call, "mini-program") {
			// The host of mini-programs labels a body by itself.
			delete(want[i].Headers, "content-type")
		}
	}
	said := slices.Clone(heard)
	for i := range heard {
		h := &heard[i]
		if len(h.ID) != 32 || len(h.Device) != 32 || h.Device != said[0].Device {
			t.Errorf("request %d has the id %q and the device %q", i, h.ID, h.Device)
		}
		if first := slices.IndexFunc(said[:i], func(e exchange) bool { return e.ID == h.ID }); first >= 0 {
			h.SameIDAs = &first
		}
		h.ID, h.Device, h.Query = "", "", sorted(h.Query)
		if strings.HasPrefix(r.Call, "mini-program") {
			delete(h.Headers, "content-type")
		}
	}
	for i := range min(len(want), len(heard)) {
		conceal(t, want[i].Body, heard[i].Body)
	}
	if diff := cmp.Diff(want, heard); diff != "" {
		t.Errorf("requests (-JavaScript +Go):\n%s", diff)
	}
}

// sorted puts a query into an order, without decoding it.
func sorted(query string) string {
	parts := strings.Split(query, "&")
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

// conceal makes two encrypted bodies equal if they have the same form.
func conceal(t *testing.T, bodies ...any) {
	t.Helper()
	lengths := map[int]bool{}
	for _, b := range bodies {
		if body, ok := b.(map[string]any); ok && body["params"] != nil {
			text, _ := body["params"].(string)
			lengths[len(text)] = true
			body["params"] = "encrypted"
		}
	}
	if len(lengths) > 1 {
		t.Errorf("encrypted to the lengths %v", slices.Sorted(maps.Keys(lengths)))
	}
}

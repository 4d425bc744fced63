package testkit_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
	"github.com/tigertally/tigertally/internal/upsim"
)

// Everything that tigertally dev offers to sign in with can be tried on a machine without
// a network: to the simulated provider and back, twice, as one person.
func TestSimulatedProvidersSignPeopleIn(t *testing.T) {
	s := testkit.StartWithUpstreams(t, dbtest.SQLite)
	const page = appPage
	device := thisDevice()
	token := func(t *testing.T, body map[string]any) string {
		t.Helper()
		a := s.On(t).Do(http.MethodPost, "/auth/v1/provider/token", body, device...)
		if a.Status != http.StatusOK {
			t.Fatalf("provider token: %s", a.Raw)
		}
		return a.String("provider_token")
	}
	enter := func(t *testing.T, providerToken string) string {
		t.Helper()
		a := s.On(t).Do(http.MethodPost, "/auth/v1/signin/with/provider", map[string]any{"provider_token": providerToken}, device...)
		if a.Status != http.StatusOK || a.String("access_token") == "" {
			t.Fatalf("sign-in: %s", a.Raw)
		}
		return a.String("sub")
	}
	people := map[string]string{}
	for _, id := range []string{"wx_open", "wx_mp", "wecom", "oidc", "google", "github", "qq", "weibo", "dingtalk", "feishu", "alipay", "apple"} {
		t.Run(id, func(t *testing.T) {
			for range 2 {
				code := visit(t, s.On(t), id, page, device)
				sub := enter(t, token(t, map[string]any{"provider_id": id, "provider_code": code, "provider_redirect_uri": page}))
				if people[id] == "" {
					people[id] = sub
				}
				if sub != people[id] {
					t.Errorf("alice is %s, then %s", people[id], sub)
				}
			}
		})
	}
	t.Run("mini-program", func(t *testing.T) {
		sub := enter(t, token(t, map[string]any{
			"provider_id": miniProgram, "provider_code": "SIM-WX-alice-1",
			"provider_params": map[string]any{"provider_code_type": "phone", "code": "SIM-WP-alice-1", "appid": miniProgram},
		}))
		if sub != people["wx_open"] || sub != people["wx_mp"] {
			t.Errorf("one person of three WeChat apps is %s, %s and %s", sub, people["wx_open"], people["wx_mp"])
		}
	})
}

// appPage is the page of the application.
const appPage = "http://localhost:3000/callback"

func thisDevice() []string { return []string{"X-Device-Id", strings.Repeat("0", 32)} }

// visit goes from the application's page to the provider and back, and returns the code.
func visit(t *testing.T, s *testkit.Server, id, page string, device []string) string {
	t.Helper()
	q := land(t, s, agree(t, s, id, page, device, "alice"), page)
	if q.Get("state") != "app-state" {
		t.Fatalf("the page gets %v", q)
	}
	return q.Get("code")
}

// agree goes to the provider as somebody who agrees, and returns where that leads.
func agree(t *testing.T, s *testkit.Server, id, page string, device []string, who string) upsim.Landing {
	t.Helper()
	q := url.Values{"provider_id": {id}, "redirect_uri": {page}, "state": {"app-state"}}
	a := s.Do(http.MethodGet, "/auth/v1/provider/uri?"+q.Encode(), nil, device...)
	start, err := url.Parse(a.String("uri"))
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("provider uri: %s", a.Raw)
	}
	a = s.Do(http.MethodGet, start.Path, nil)
	landing, err := s.App.Upstreams().Approve(t.Context(), a.Header.Get("Location"), who)
	if err != nil {
		t.Fatalf("%d %s: %v", a.Status, a.Header.Get("Location"), err)
	}
	return landing
}

// land returns the query the application's page gets, which is after our callback for
// providers that lead there.
func land(t *testing.T, s *testkit.Server, landing upsim.Landing, page string) url.Values {
	t.Helper()
	at := landing.URL
	if !strings.HasPrefix(at, page) {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if landing.Form == nil {
			at = s.Do(http.MethodGet, u.RequestURI(), nil).Header.Get("Location")
		} else {
			at = postForm(t, s.URL+u.Path, landing.Form).Get("Location")
		}
	}
	u, err := url.Parse(at)
	if err != nil || !strings.HasPrefix(at, page) {
		t.Fatalf("came back to %q", at)
	}
	return u.Query()
}

// postForm posts a form as a provider's page does, and returns what the answer says.
func postForm(t *testing.T, address string, form url.Values) http.Header {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return res.Header
}

// Text messages of development pass the simulated vendor, and tokens of its carrier sign
// people in once.
func TestSimulatedMessagesAndCarrier(t *testing.T) {
	s := testkit.StartWithUpstreams(t, dbtest.SQLite)
	s.Post("/auth/v1/verification", map[string]any{"phone_number": "+86 18800000001", "target": "ANY"})
	sent, err := s.App.Upstreams().WaitSMS(t.Context(), "+8618800000001", 0)
	if err != nil || sent.Code == "" {
		t.Errorf("%+v %v", sent, err)
	}
	for i, want := range []string{`"code":200`, `"code":2333`} {
		a := s.Post("/api/v2/ecConn/oneAuth/login", map[string]any{"token": "SIM-OT-alice-1", "accessToken": "SIM-OT-alice-1"})
		if !strings.Contains(string(a.Raw), want) {
			t.Errorf("use %d: %s", i+1, a.Raw)
		}
	}
}

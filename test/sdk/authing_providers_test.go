package sdk_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/testkit"
)

// Authing's calls for the vendors of mobile apps, and its SDK going on with what they give.
func TestAuthingSDKWithProviders(t *testing.T) {
	needNode(t)
	testkit.EachWithUpstreams(t, func(t *testing.T, server *testkit.Server) {
		change(t, server, "wx_open", func(c *connection.Connection) { c.SignUp = false })
		change(t, server, "wx0000000000000002", func(c *connection.Connection) { c.LinkPhone = false })
		intranet(t, server)
		play(t, server, "authing-providers.test.mjs")
	})
}

// change puts a provider of the development pool again, as an operator would.
func change(t *testing.T, server *testkit.Server, id string, edit func(*connection.Connection)) {
	t.Helper()
	c, err := server.App.Connections.Get(t.Context(), app.DevPool, id)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := server.App.Connections.Settings(c)
	if err != nil {
		t.Fatal(err)
	}
	edit(&c)
	if err := server.App.PutProvider(t.Context(), c, settings); err != nil {
		t.Fatal(err)
	}
}

// intranet is an operator's own OAuth server, trusted with addresses. Its codes are what
// it says of people: id, phone number and email address.
func intranet(t *testing.T, server *testkit.Server) {
	t.Helper()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]any{"access_token": r.FormValue("code"), "token_type": "bearer"}
		if who := strings.Fields(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")); r.URL.Path == "/me" && len(who) > 2 {
			answer = map[string]any{"id": who[0], "phone": who[1], "email": who[2], "email_verified": true}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(up.Close)
	c := connection.Connection{PoolID: app.DevPool, ID: "intranet", Kind: "oauth2", Enabled: true, SignUp: true, LinkPhone: true, TrustEmail: true}
	if err := server.App.PutProvider(t.Context(), c, map[string]string{
		"client_id": "i", "client_secret": "s", "phone_field": "phone",
		"authorize_url": up.URL + "/page", "token_url": up.URL + "/token", "userinfo_url": up.URL + "/me",
	}); err != nil {
		t.Fatal(err)
	}
}

package sdk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/testkit"
	"github.com/tigertally/tigertally/internal/upsim"
)

// CloudBase's SDKs and identity providers, in a browser and as a mini-program.
func TestProvidersWithPublishedSDKs(t *testing.T) {
	needChromium(t)
	testkit.Each(t, func(t *testing.T, server *testkit.Server) {
		play(t, server, "providers.test.mjs", "TIGERTALLY_UPSTREAMS="+connect(t, server))
	})
}

// connect starts a simulator, makes its WeChat and OpenID provider those of the pool, and
// returns its address.
func connect(t *testing.T, server *testkit.Server) string {
	t.Helper()
	sim, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	const website, mini, official, client = "wx0000000000000001", "wx0000000000000002", "wx0000000000000003", "sim-client"
	at := sim.Bases()
	var secrets [4]string
	sim.Edit(func(a *upsim.Accounts) {
		secrets = [4]string{a.WeChat[website].Secret, a.WeChat[mini].Secret, a.OIDC["corp"].Clients[client].Secret, a.WeChat[official].Secret}
	})
	for _, p := range []struct {
		id, kind string
		settings map[string]string
	}{
		{"wx_open", "wechat_open", map[string]string{"appid": website, "secret": secrets[0], "base": at.WeChatAPI, "open_base": at.WeChatOpen}},
		{"wx_mp", "wechat_mp", map[string]string{"appid": official, "secret": secrets[3], "base": at.WeChatAPI, "open_base": at.WeChatOpen}},
		{mini, "wechat_mini", map[string]string{"appid": mini, "secret": secrets[1], "base": at.WeChatAPI}},
		{"corp", "oidc", map[string]string{"issuer": at.OIDC + "/corp", "client_id": client, "client_secret": secrets[2]}},
	} {
		c := connection.Connection{
			PoolID: app.DevPool, ID: p.id, Kind: p.kind, Enabled: true, SignUp: true, LinkPhone: true,
		}
		if strings.HasPrefix(p.kind, "wechat") {
			c.UnionGroup = "g1"
		}
		if err := server.App.PutProvider(t.Context(), c, p.settings); err != nil {
			t.Fatal(err)
		}
	}
	return strings.TrimSuffix(at.Control, "/_sim")
}

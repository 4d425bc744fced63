package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/onetap"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/upsim"
)

// upstream is an identity provider of the development pool that the simulator plays.
type upstream struct {
	connection.Connection

	settings map[string]string
}

// simulate starts the simulator under the clock of development and makes it the vendor
// of text messages, unless conf names one already. It returns the carrier it plays.
func simulate(ctx context.Context, conf *config.Config, now func() time.Time) (*upsim.Server, signin.OneTap, error) {
	sim, err := upsim.Start(ctx, upsim.Options{Now: now})
	if err != nil {
		return nil, nil, err
	}
	at := sim.Bases()
	if conf.SMS.Name == "" {
		conf.SMS = config.Driver{Name: "webhook", Options: map[string]string{ //nolint:gosec // the simulator's own.
			"url": at.Webhook, "secret": "sim-webhook-secret-0000000000001", "sign_name": "Tigertally",
		}}
	}
	yidun, err := onetap.New("yidun", map[string]string{ //nolint:gosec // the simulator's own.
		"secret_id": "sim_secret_id_0000000000000000001", "secret_key": "sim_secret_key_000000000000000001",
		"business_id": "sim_business_id_00000000000000001", "base": at.Yidun,
	}, now)
	if err != nil {
		return nil, nil, errors.Join(err, sim.Close())
	}
	return sim, carrier{yidun}, nil
}

// offerUpstreams lets people of the development pool sign in with what the simulator plays.
func (a *App) offerUpstreams(ctx context.Context) error {
	sim := a.emulator.upstreams
	if sim == nil {
		return nil
	}
	keys, err := sim.ClientKeys()
	if err != nil {
		return fmt.Errorf("keys of the simulator: %w", err)
	}
	return a.db.InTx(ctx, func(ctx context.Context) error { // one fsync for all
		for _, u := range simulated(sim.Bases(), keys) {
			if err := a.offer(ctx, u); err != nil {
				return fmt.Errorf("provider %s: %w", u.ID, err)
			}
		}
		return nil
	})
}

// offer makes a simulated provider, or tells an older one where the simulator is now. One
// that somebody has pointed elsewhere stays as it is.
func (a *App) offer(ctx context.Context, u upstream) error {
	old, err := a.Connections.Get(ctx, DevPool, u.ID)
	switch {
	case errs.CodeOf(err) == errs.ProviderUnknown:
	case err != nil:
		return err
	default:
		set, err := a.Connections.Settings(old)
		if err != nil {
			return err
		}
		if !onThisMachine(cmp.Or(set["base"], set["issuer"])) {
			return nil
		}
	}
	u.PoolID, u.Enabled, u.SignUp = DevPool, true, true
	return a.PutProvider(ctx, u.Connection, u.settings)
}

// onThisMachine reports whether an address is one the simulator may have had.
func onThisMachine(address string) bool {
	u, err := url.Parse(address)
	return err == nil && driver.Loopback(u.Hostname())
}

// simulated lists what the simulator plays, with the accounts it has from the start.
func simulated(at upsim.Bases, keys upsim.ClientKeys) []upstream {
	const group = "g1" // the WeChat apps are of one Open Platform account
	wechat := func(id, kind, app, secret string) upstream {
		set := map[string]string{"appid": app, "secret": secret, "base": at.WeChatAPI}
		if kind != "wechat_mini" {
			set["open_base"] = at.WeChatOpen
		}
		return upstream{connection.Connection{ID: id, Kind: kind, UnionGroup: group, LinkPhone: kind == "wechat_mini"}, set}
	}
	social := func(kind, client, secret string, more ...string) upstream {
		set := map[string]string{"client_id": client, "client_secret": secret}
		for i := 0; i+1 < len(more); i += 2 {
			set[more[i]] = more[i+1]
		}
		return upstream{connection.Connection{ID: kind, Kind: kind}, set}
	}
	google := social("google", "sim-google.apps.example", "sim-google-secret-000000000001", "base", at.OIDC+"/google")
	github := social("github", "Iv1.sim0000000000001", "sim-github-secret-000000000001", "base", at.GitHub, "api_base", at.GitHub)
	corp := social("oidc", "sim-client", "sim-client-secret-000000000001", "issuer", at.OIDC+"/corp")
	google.TrustEmail, github.TrustEmail, corp.Name = true, true, "OpenID Connect"
	return []upstream{
		wechat("wx_open", "wechat_open", "wx0000000000000001", "simwechatsecret00000000000000001"),
		wechat("wx_mp", "wechat_mp", "wx0000000000000003", "simwechatsecret00000000000000003"),
		wechat("wx0000000000000002", "wechat_mini", "wx0000000000000002", "simwechatsecret00000000000000002"),
		{connection.Connection{ID: "wecom", Kind: "wecom"}, map[string]string{
			"corpid": "wwsim0000000000001", "agentid": "1000001", "secret": "simwecomsecret000000000000000001",
			"base": at.WeComAPI, "login_base": at.WeComLogin, "open_base": at.WeChatOpen,
		}},
		corp,
		google,
		github,
		social("qq", "100000001", "sim-qq-secret-0000000000000001", "base", at.QQ),
		social("weibo", "1000000001", "sim-weibo-secret-0000000000001", "base", at.Weibo),
		social("dingtalk", "dingsim00000000001", "sim-dingtalk-secret-0000000001", "base", at.DingTalk, "login_base", at.DingTalk),
		social("feishu", "cli_sim0000000001", "sim-feishu-secret-000000000001", "base", at.Feishu, "login_base", at.Feishu),
		{connection.Connection{ID: "alipay", Kind: "alipay"}, map[string]string{
			"app_id": "2021000000000001", "private_key": keys.AlipayApp, "alipay_public_key": keys.AlipayPublic,
			"base": at.Alipay, "login_base": at.Alipay,
		}},
		{connection.Connection{ID: "apple", Kind: "apple", TrustEmail: true}, map[string]string{
			"client_id": "test.example.signin", "team_id": "SIMTEAM001", "key_id": "SIMKEY0001", "private_key": keys.Apple,
			"base": at.Apple,
		}},
	}
}

// Upstreams returns the simulator, nil when none is played.
func (a *App) Upstreams() *upsim.Server {
	if a.emulator == nil {
		return nil
	}
	return a.emulator.upstreams
}

// closeUpstreams stops the simulator, if there is one.
func (d *development) closeUpstreams() error {
	if d == nil || d.upstreams == nil {
		return nil
	}
	return d.upstreams.Close()
}

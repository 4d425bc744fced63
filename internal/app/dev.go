package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/console"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/emulator"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/upsim"
)

// What a development server makes on first start.
const (
	DevPool = "dev"     // pool, CloudBase env and default client
	DevApp  = "dev-app" // application of the same pool under the name Authing clients use
)

// DevOptions configure a development server.
type DevOptions struct {
	Config config.Config
	Logger *slog.Logger
	Limits bool     // enforce the sending limits of production
	Worker []string // as in Options
	// Upstreams plays identity providers to sign in with, on ports of its own.
	Upstreams bool
}

// OpenDev builds a development server: the emulator beside the production parts, under a
// clock that tests can move.
func OpenDev(ctx context.Context, o DevOptions) (*App, error) {
	o.Config.DefaultPool = DevPool
	for _, r := range driver.LoopbackRanges() { // vendors that this machine plays itself
		o.Config.OutboundAllow = append(o.Config.OutboundAllow, r.String())
	}
	clock := emulator.NewClock(time.Now)
	inbox := emulator.NewInbox(clock.Now)
	tap, sim := emulator.OneTap{}, (*upsim.Server)(nil)
	if o.Upstreams {
		var err error
		if sim, tap.Next, err = simulate(ctx, &o.Config, clock.Now); err != nil {
			return nil, fmt.Errorf("upstream simulator: %w", err)
		}
	}
	if o.Config.OneTap.Name != "" {
		carrier, err := oneTap(o.Config)
		if err != nil {
			return nil, errors.Join(err, (&development{upstreams: sim}).closeUpstreams())
		}
		tap.Next = carrier
	}
	s, err := build(ctx, o.Config, outside{
		now: clock.Now, publicURL: o.Config.BaseURL(), log: o.Logger, oneTap: tap, upstreams: sim,
		functions: pipeline.Options{Command: o.Worker, Clock: time.Now, LogLevel: slog.LevelInfo},
		inbox: func(m notify.Message) {
			inbox.Add(emulator.Message{
				Channel: m.Channel, To: m.To, Code: m.Code, Subject: m.Subject,
				Text: m.Text, HTML: m.HTML, Template: m.Template,
			})
		},
		onChallenge: func(token, answer string) {
			inbox.Add(emulator.Message{Channel: emulator.ChannelCaptcha, To: token, Code: answer, Template: "captcha"})
		},
	})
	played := &development{clock: clock, inbox: inbox, upstreams: sim}
	if err != nil {
		return nil, errors.Join(err, played.closeUpstreams())
	}
	s.jobs.OneByOne() // the newest code is the last in the inbox
	a := &App{services: s, conf: o.Config, log: o.Logger, emulator: played}
	a.emulator.face = emulator.New(emulator.Options{
		Clock: clock, Inbox: inbox, Logger: o.Logger, Settle: a.settle,
		Project: a.project, Wipe: a.wipe, CreateUser: a.createUser, Settings: a.changeSettings, TicketKey: a.ticketKey,
	})
	err = a.provision(ctx, o.Limits)
	if err == nil {
		err = errors.Join(a.offerUpstreams(ctx), a.followSimulator(ctx))
	}
	if err := errors.Join(err, a.finish(ctx)); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// provision makes the pool and applications of development on first start. The password
// rule is short because the published examples use passwords such as "strong", and case
// tells user names apart because Authing promises its apps so.
func (a *App) provision(ctx context.Context, limits bool) error {
	set := pool.Defaults()
	set.PasswordMin, set.PasswordCommon, set.CasedUsernames = 6, false, true
	set.OpenClients, set.Captcha, set.Limits = true, pool.CaptchaOff, limits
	set.ProductName = "Tigertally Dev"
	set.Countries = []string{pool.AnyCountry} // nothing is sent, so nothing costs
	_, err := a.Pools.Create(ctx, DevPool, "Development", set)
	if err != nil && errs.CodeOf(err) != errs.PoolTaken {
		return fmt.Errorf("make the development pool: %w", err)
	}
	if err == nil {
		if err := a.Pools.CreateApp(ctx, pool.App{ID: DevApp, PoolID: DevPool, Name: "Development app"}); err != nil {
			return fmt.Errorf("make the development application: %w", err)
		}
		if err := a.allowOrigins(ctx, []string{"*"}); err != nil {
			return err
		}
	}
	if err := a.Pools.UpdateSettings(ctx, DevPool, func(s *pool.Settings) { s.Limits = limits }); err != nil {
		return err
	}
	for _, id := range []string{DevPool, DevApp} {
		if err := a.Pools.UpdateApp(ctx, id, localPages); err != nil {
			return err
		}
	}
	if _, err = a.poolSecret(ctx); err != nil {
		return err
	}
	a.devKey, err = a.manageKey(ctx)
	return err
}

// manageKey is the API key of the development server, which stays the same over restarts
// and may do everything.
func (a *App) manageKey(ctx context.Context) (string, error) {
	text, err := a.devSecret(ctx, "manage_key", func() string { return secret.Token("mk") })
	if err != nil {
		return "", err
	}
	return text, a.operators.AddKey(ctx, operator.Local("dev"), text, operator.NewKey{
		Name: "Development", Role: operator.Owner, Life: operator.MaxKeyLife,
	})
}

// localPages lets an application send people to every page on this machine. Mobile
// clients ask for the first address they are told of.
func localPages(s *pool.AppSettings) {
	s.LocalPages = true
	if len(s.RedirectURIs) == 0 {
		s.RedirectURIs = []string{"http://localhost:3000/callback"}
	}
}

// poolSecret is the development pool's secret, which stays the same over restarts.
func (a *App) poolSecret(ctx context.Context) (string, error) {
	text, err := a.devSecret(ctx, "pool_secret", func() string { return secret.Token("ps") })
	if err != nil {
		return "", err
	}
	if _, err = a.Pools.CheckSecret(ctx, DevPool, text); errs.CodeOf(err) == errs.PoolSecretWrong {
		err = a.Pools.AddSecret(ctx, DevPool, text)
	}
	return text, err
}

func (a *App) allowOrigins(ctx context.Context, origins []string) error {
	for _, id := range []string{DevPool, DevApp} {
		if err := a.Pools.UpdateApp(ctx, id, func(s *pool.AppSettings) { s.Origins = origins }); err != nil {
			return err
		}
	}
	return nil
}

// settle waits for the queue to run dry: a code that was accepted is then in the inbox.
func (a *App) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if st, err := a.jobs.Stats(ctx); err != nil || st.Waiting == 0 {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// project describes the development project, keys included.
func (a *App) project(ctx context.Context) (emulator.Project, error) {
	poolSecret, err := a.poolSecret(ctx)
	if err != nil {
		return emulator.Project{}, err
	}
	public, err := a.Keys.TransportRaw(ctx, DevPool) // as mobile clients are compiled with it
	if err != nil {
		return emulator.Project{}, err
	}
	return emulator.Project{
		Pool: DevPool, Env: DevPool, ClientID: DevPool, AppID: DevApp,
		PoolSecret: poolSecret, ManageKey: a.devKey, PublicKey: public,
		ConsoleURL: a.publicURL + console.Prefix, Issuer: a.issuer(DevPool),
	}, nil
}

// createUser makes a user the way an operator would: addresses count as verified.
func (a *App) createUser(ctx context.Context, in emulator.NewUser) (string, error) {
	u, err := a.admin.CreateUser(ctx, admin.Operator(DevPool, "emulator"), admin.NewUser{
		Username: in.Username, Phone: in.Phone, Email: in.Email, Password: in.Password,
		PhoneVerified: true, EmailVerified: true,
		Status: in.Status, MustReset: in.ResetPasswordOnFirstLogin, CreatedFrom: "emulator",
	})
	return u.ID, err
}

// changeSettings applies what is set and returns all as they are now.
func (a *App) changeSettings(ctx context.Context, in emulator.Settings) (emulator.Settings, error) {
	err := a.Pools.UpdateSettings(ctx, DevPool, func(s *pool.Settings) {
		if in.Captcha != nil {
			s.Captcha = *in.Captcha
		}
		if in.Anonymous != nil {
			s.Anonymous = *in.Anonymous
		}
		if in.Limits != nil {
			s.Limits = *in.Limits
		}
		if in.CasedUsernames != nil {
			s.CasedUsernames = *in.CasedUsernames
		}
		if in.AccessTokenSeconds != nil {
			s.AccessLife = time.Duration(*in.AccessTokenSeconds) * time.Second
			s.LoginLife = s.AccessLife
		}
	})
	if err != nil {
		return emulator.Settings{}, err
	}
	if in.AllowedOrigins != nil {
		if err := a.allowOrigins(ctx, *in.AllowedOrigins); err != nil {
			return emulator.Settings{}, err
		}
	}
	client, err := a.Pools.Client(ctx, DevPool)
	if err != nil {
		return emulator.Settings{}, err
	}
	s := client.Pool.Settings
	seconds := int(s.AccessLife / time.Second)
	return emulator.Settings{
		Captcha: &s.Captcha, Anonymous: &s.Anonymous, Limits: &s.Limits, CasedUsernames: &s.CasedUsernames,
		AccessTokenSeconds: &seconds, AllowedOrigins: &client.App.Settings.Origins,
	}, nil
}

func (a *App) ticketKey(ctx context.Context) (emulator.TicketKey, error) {
	file, err := a.Pools.NewTicketKey(ctx, DevPool)
	return emulator.TicketKey(file), err
}

// Announce tells people at out what runs where and what to paste into an app.
func (a *App) Announce(ctx context.Context, out io.Writer) error {
	p, err := a.project(ctx)
	if err != nil {
		return err
	}
	providers, err := a.federation.Ways(ctx, DevPool)
	if err != nil {
		return err
	}
	ids := make([]string, len(providers))
	for i, c := range providers {
		ids[i] = c.ID
	}
	host := strings.TrimPrefix(a.publicURL, "http://")
	_, err = io.WriteString(out, strings.NewReplacer(
		"{url}", a.publicURL, "{host}", host, "{env}", p.Env, "{app}", p.AppID,
		"{pool_secret}", p.PoolSecret, "{manage_key}", p.ManageKey,
		"{providers}", strings.Join(ids, " "),
		"{public_key}", p.PublicKey,
	).Replace(announcement))
	return err
}

const announcement = `
  Tigertally dev server

  Console             {url}/console
  Inbox               {url}/emulator/
  CloudBase env       {env}
  Authing app id      {app}
  Pool secret         {pool_secret}
  Management key      {manage_key}
  Sign in with        {providers}

  @cloudbase/js-sdk 3.x
    const app = cloudbase.init({ env: '{env}' });
    app.registerHost('{host}', 'http');
    const auth = app.auth();

  @cloudbase/js-sdk 2.x
    const app = cloudbase.init({ env: '{env}' });
    app.registerEndPoint('{url}/web');
    const auth = app.auth({});

  authing-js-sdk
    new AuthenticationClient({ appId: '{app}', appHost: '{url}' });
    new ManagementClient({ userPoolId: '{env}', secret: '{pool_secret}', host: '{url}' });

  Authing for Swift
    Authing.setSchema(schema: "http")
    Authing.setOnPremiseInfo(host: "{host}", publicKey: "{public_key}")
    Authing.start("{app}")

  Authing for Android
    Authing.setScheme("http");
    Authing.setOnPremiseInfo("{host}", "{public_key}");
    Authing.init(context, "{app}");

  Codes arrive in the inbox, or: curl '{url}/emulator/v1/messages?wait=5s'

`

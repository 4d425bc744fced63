package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/doctor"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/provider"
	"github.com/tigertally/tigertally/internal/sms"
)

// examiner gathers what the doctor judges.
type examiner struct {
	s    *services
	conf config.Config
	dev  bool
}

// doctor makes what looks for mistakes of an installation. Every check only reads.
func (s *services) doctor(conf config.Config, dev bool) (*manage.Doctor, error) {
	words, err := doctor.ReadWords()
	if err != nil {
		return nil, err
	}
	x := examiner{s, conf, dev}
	return &manage.Doctor{Words: words, New: func(running bool) *doctor.Doctor {
		public := doctor.Public{
			URL: conf.PublicURL, Base: s.publicURL, Dev: dev, Running: running, Proxies: conf.Proxies(), Now: time.Now, Fetch: fetchSelf,
		}
		return doctor.New(
			doctor.Check{Name: "public_url", Run: public.Address},
			doctor.Check{Name: "request", Run: public.Request},
			doctor.Check{Name: "database", Run: x.database},
			doctor.Check{Name: "disk", Run: x.disk},
			doctor.Check{Name: "backups", Run: x.backups},
			doctor.Check{Name: "sms", Run: x.sms},
			doctor.Check{Name: "mail", Run: x.mail},
			doctor.Check{Name: "providers", Run: func(ctx context.Context) []doctor.Finding { return x.providers(ctx, public) }},
			doctor.Check{Name: "jobs", Run: x.jobs},
			doctor.Check{Name: "keys", Run: x.keys},
			doctor.Check{Name: "budgets", Run: x.budgets},
			doctor.Check{Name: "settings", Run: x.slack},
			doctor.Check{Name: "webhooks", Run: x.webhooks},
		)
	}}, nil
}

func (x examiner) disk(context.Context) []doctor.Finding {
	return doctor.CheckDisk(measureDisk(x.conf.DataDir))
}

func (x examiner) backups(ctx context.Context) []doctor.Finding {
	st, err := x.s.backups.State(ctx)
	return doctor.CheckBackups(doctor.Backups{Hours: st.Hours, Done: st.Done, Failed: st.Failed, Err: err}, x.s.now())
}

func (x examiner) jobs(ctx context.Context) []doctor.Finding {
	st, err := x.s.jobs.Stats(ctx)
	return doctor.CheckJobs(doctor.Jobs{Waiting: st.Waiting, Dead: st.Dead, Err: err})
}

// keys looks at the newest signing key of each pool.
func (x examiner) keys(ctx context.Context) []doctor.Finding {
	var all []doctor.Key
	x.eachPool(ctx, func(p pool.Pool) {
		list, err := x.s.Keys.List(ctx, p.ID)
		if err != nil {
			return // what is said of the database covers it
		}
		newest := doctor.Key{Pool: p.ID}
		for _, k := range list {
			if k.ActivatesAt.After(newest.Since) {
				newest.Since = k.ActivatesAt
			}
		}
		if len(list) > 0 {
			all = append(all, newest)
		}
	})
	return doctor.CheckKeys(all, x.s.now())
}

// budgets looks at what each pool has sent in a day.
func (x examiner) budgets(ctx context.Context) []doctor.Finding {
	var all []doctor.Budget
	x.eachPool(ctx, func(p pool.Pool) {
		most := p.Settings.DayBudget
		if most <= 0 {
			return
		}
		n, _, err := x.s.limits.Count(ctx, limit.SendsBudget.In(p.ID), limit.SendBudget(most))
		if err == nil {
			all = append(all, doctor.Budget{Pool: p.ID, Sent: n, Most: most})
		}
	})
	return doctor.CheckBudgets(all)
}

// slack looks for settings that are for development.
func (x examiner) slack(ctx context.Context) []doctor.Finding {
	var all []doctor.Slack
	add := func(on bool, id, where string) {
		if on {
			all = append(all, doctor.Slack{ID: id, Where: where})
		}
	}
	x.eachPool(ctx, func(p pool.Pool) {
		add(p.Settings.OpenClients, "slack_open_clients", p.ID)
		add(!p.Settings.Limits, "slack_limits_off", p.ID)
		add(p.Settings.Captcha == pool.CaptchaOff, "slack_captcha_off", p.ID)
		apps, err := x.s.Pools.Apps(ctx, p.ID)
		if err != nil {
			return
		}
		for _, a := range apps {
			add(a.Settings.LocalPages, "slack_local_pages", a.ID)
		}
	})
	simulated := errors.Join(x.s.checkProviders(ctx), x.s.checkMessengers(ctx))
	return doctor.CheckSlack(all, simulated, x.dev)
}

func (x examiner) webhooks(ctx context.Context) []doctor.Finding {
	stopped := map[string]int{}
	x.eachPool(ctx, func(p pool.Pool) {
		list, err := x.s.webhooks.List(ctx, p.ID)
		if err != nil {
			return
		}
		for _, h := range list {
			if h.Stopped != "" {
				stopped[p.ID]++
			}
		}
	})
	return doctor.CheckWebhooks(stopped)
}

func (x examiner) eachPool(ctx context.Context, fn func(pool.Pool)) {
	pools, err := x.s.Pools.List(ctx)
	if err != nil {
		return // what is said of the database covers it
	}
	for _, p := range pools {
		fn(p)
	}
}

// sms asks the vendors of text messages, the server's own and those of pools.
func (x examiner) sms(ctx context.Context) []doctor.Finding {
	var ask asking
	add := func(v doctor.Vendor, d sms.Driver) {
		t, can := d.(sms.Tester)
		ask.add(v, can, func() (bool, error) { return true, t.Test(ctx) })
	}
	if x.s.post.texts != nil {
		x.s.post.texts.Each(func(name string, d sms.Driver) { add(doctor.Vendor{Name: name}, d) })
	}
	x.stored(ctx, &ask, func(by *messenger, v doctor.Vendor) bool {
		if by.text != nil {
			add(v, by.text)
		}
		return by.text != nil
	}, "sms")
	return doctor.CheckSMS(ask.wait(), x.dev)
}

// mail signs in to the mail servers.
func (x examiner) mail(ctx context.Context) []doctor.Finding {
	var ask asking
	add := func(v doctor.Vendor, d mail.Driver) {
		t, can := d.(mail.Tester)
		ask.add(v, can, func() (bool, error) { return t.Test(ctx) })
	}
	if x.s.post.mails != nil {
		add(doctor.Vendor{Name: x.conf.Mail.Name}, x.s.post.mails)
	}
	x.stored(ctx, &ask, func(by *messenger, v doctor.Vendor) bool {
		if by.mail != nil {
			add(v, by.mail)
		}
		return by.mail != nil
	}, "email")
	return doctor.CheckMail(ask.wait(), x.dev)
}

// stored asks the drivers of a channel that pools have stored.
func (x examiner) stored(ctx context.Context, ask *asking, add func(*messenger, doctor.Vendor) bool, name string) {
	x.eachPool(ctx, func(p pool.Pool) {
		list, err := x.s.Channels.List(ctx, p.ID, name)
		if err != nil {
			return
		}
		for _, d := range list {
			v := doctor.Vendor{Pool: p.ID, Name: d.ID}
			if !d.Enabled {
				continue
			}
			if by := x.s.post.stored.open(ctx, d); !add(by, v) {
				v.Err = by.err
				ask.all = append(ask.all, v)
			}
		}
	})
}

// providers asks identity providers, and whether what they answer is of our time.
func (x examiner) providers(ctx context.Context, public doctor.Public) []doctor.Finding {
	var ask asking
	var wechat []string
	clock := &dated{next: x.s.client.Transport, now: time.Now}
	client := *x.s.client
	client.Transport = clock
	x.eachPool(ctx, func(p pool.Pool) {
		list, err := x.s.Connections.List(ctx, p.ID)
		if err != nil {
			return
		}
		for _, c := range list {
			if !c.Enabled {
				continue
			}
			if c.Kind == "wechat_open" || c.Kind == "wechat_mp" {
				wechat = append(wechat, p.ID+" / "+c.ID)
			}
			ask.add(doctor.Vendor{Pool: p.ID, Name: c.ID}, true, func() (bool, error) { return x.askProvider(ctx, c, &client) })
		}
	})
	found := doctor.CheckProviders(ask.wait())
	if host, skew, ok := clock.best(); ok {
		found = append(found, doctor.CheckClock(host, skew)...)
	}
	return append(found, public.WeChat(wechat)...)
}

func (x examiner) askProvider(ctx context.Context, c connection.Connection, client *http.Client) (bool, error) {
	settings, err := x.s.Connections.Settings(c)
	if err != nil {
		return false, err
	}
	d, err := provider.Open(c.Kind, federation.DriverSettings(settings), provider.Env{
		Now: x.s.now, HTTP: client, Tokens: x.s.Connections.Tokens(c),
	})
	if err != nil {
		return false, err
	}
	return provider.Test(ctx, d, x.s.baseURL+federation.CallbackPath+c.ID)
}

// asking asks vendors side by side, and keeps their order.
type asking struct {
	all  []doctor.Vendor
	work sync.WaitGroup
	mu   sync.Mutex
}

// maxAsked bounds how many vendors are asked of each kind.
const maxAsked = 60

func (a *asking) add(v doctor.Vendor, can bool, ask func() (bool, error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v.Untried = !can
	a.all = append(a.all, v)
	i := len(a.all) - 1
	if !can || i >= maxAsked {
		a.all[i].Untried = true
		return
	}
	a.work.Go(func() {
		proven, err := ask()
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all[i].Proven, a.all[i].Err = proven, err
	})
}

func (a *asking) wait() []doctor.Vendor {
	a.work.Wait()
	return slices.Clone(a.all)
}

// dated notes by how much the clocks of those who answer differ from ours.
type dated struct {
	next http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex
	host string
	skew time.Duration
	any  bool
}

// RoundTrip sends req and looks at the date of its answer.
func (d *dated) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := d.next.RoundTrip(req)
	if err != nil {
		return answer, err
	}
	at, parsed := http.ParseTime(answer.Header.Get("Date"))
	if parsed == nil {
		d.mu.Lock()
		defer d.mu.Unlock()
		skew := d.now().Sub(at)
		// The clock of one vendor may be wrong: the one that agrees best counts.
		if !d.any || skew.Abs() < d.skew.Abs() {
			d.host, d.skew, d.any = req.URL.Host, skew, true
		}
	}
	return answer, nil
}

func (d *dated) best() (string, time.Duration, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.host, d.skew, d.any
}

// fetchSelf asks this server for its state by its public address. That address is the
// operator's own, so it may be private.
func fetchSelf(ctx context.Context, address string) (doctor.Page, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return doctor.Page{}, err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(req)
	if err != nil {
		return doctor.Page{}, fmt.Errorf("%s: %w", address, err)
	}
	defer func() { _ = answer.Body.Close() }()
	page := doctor.Page{
		Status: answer.StatusCode,
		Server: answer.StatusCode == http.StatusOK && answer.Header.Get("X-Request-Id") != "",
	}
	if answer.TLS != nil && len(answer.TLS.PeerCertificates) > 0 {
		page.Expires = answer.TLS.PeerCertificates[0].NotAfter
	}
	return page, nil
}

package testkit_test

import (
	"fmt"
	"html"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
	"github.com/tigertally/tigertally/internal/upsim"
)

// What becomes of a message: the vendor took it, certainly did not, or nobody can say.
// A message of the last two is never handed over again.
const (
	sent    = "sent"
	failed  = "failed"
	unknown = "unknown"
	// again is of a message that was not taken and goes again later.
	again = "again"
)

// silence is how long nothing has to be heard of a message for its sender to be told that it
// is on its way.
const silence = 2800 * time.Millisecond

// broken is what only the operator can mend, and queued that nothing is known yet.
const (
	broken told = "broken"
	queued told = "queued"
)

// messageFault is a fault of a vendor of messages, and what it leaves in the outbox.
type messageFault struct {
	fault
	left string
}

// messenger is a driver of messages under test.
type messenger struct {
	name, channel, upstream string
	faults                  []messageFault
	configure               func(c *config.Config, sim *upsim.Server, via string)
	target                  func(at upsim.Bases) string             // host and port of the vendor
	address                 func(n int) string                      // of somebody new
	arrived                 func(sim *upsim.Server, to string) bool // whether a message has
}

func textFaults(more ...messageFault) []messageFault {
	all := []messageFault{{fault{name: cut, want: down}, failed}}
	for _, name := range []string{"HANG", "RST", "BIG", "GZIP", "REDIR", "HTML", "NOERR", "H404", "H500", "H502", "H503"} {
		all = append(all, messageFault{fault{name: name, want: down}, unknown})
	}
	for _, name := range []string{"SLOW20000", "DRIP", "TRUNC"} {
		all = append(all, messageFault{fault{name: name, want: down, late: true}, unknown})
	}
	all = append(all, messageFault{fault{name: "CHARSET", want: fine, late: true}, sent}, messageFault{fault{name: "RATE", want: often}, failed})
	for _, m := range more {
		for i := range all {
			if all[i].name == m.name {
				all[i] = m
				m.name = ""
			}
		}
		if m.name != "" {
			all = append(all, m)
		}
	}
	return all
}

func messengers() []messenger {
	hostOf := func(base string) string {
		u, err := url.Parse(base)
		if err != nil {
			return ""
		}
		return u.Host
	}
	phone := func(n int) string { return fmt.Sprintf("+86139%08d", n) }
	gotText := func(sim *upsim.Server, to string) bool { return len(sim.SMS(to)) > 0 }
	text := func(name string, target func(upsim.Bases) string, set func(via string) map[string]string, more ...messageFault) messenger {
		return messenger{
			name: name, channel: "sms", upstream: name, faults: textFaults(more...), address: phone, arrived: gotText,
			target: func(at upsim.Bases) string { return hostOf(target(at)) },
			configure: func(c *config.Config, _ *upsim.Server, via string) {
				c.SMS = config.Driver{Name: name, Options: set(via)}
			},
		}
	}
	return []messenger{
		text("tencent", func(at upsim.Bases) string { return at.Tencent }, func(via string) map[string]string {
			return map[string]string{
				"secret_id": "AKIDsim00000000000000000000000001", "secret_key": "sim-secret-key-0000000000000001",
				"app_id": "1400006666", "sign_name": "模拟签名", "templates": "default=1234(code,minutes)", "base": "http://" + via,
			}
		}, messageFault{fault{name: "ERR:AuthFailure.SignatureFailure", want: broken}, failed}),
		text("aliyun", func(at upsim.Bases) string { return at.Aliyun }, func(via string) map[string]string {
			return map[string]string{
				"access_key_id": "LTAIsim0000000000000001", "access_key_secret": "sim-secret-key-0000000000000001",
				"sign_name": "模拟签名", "templates": "default=SMS_000000001(code)", "base": "http://" + via,
			}
		}, messageFault{fault{name: "ERR:SignatureDoesNotMatch", want: broken}, failed}),
		text("twilio", func(at upsim.Bases) string { return at.Twilio }, func(via string) map[string]string {
			return map[string]string{
				"account_sid": "ACsim00000000000000000000000000001", "auth_token": "simtwilioauthtoken00000000000001",
				"from": "+15005550006", "base": "http://" + via + "/twilio",
			}
		}, messageFault{fault{name: "ERR:20003", want: broken}, failed}),
		text("webhook", func(at upsim.Bases) string { return at.Webhook }, func(via string) map[string]string {
			return map[string]string{"url": "http://" + via + "/sms-webhook", "secret": "sim-webhook-secret-0000000000001", "sign_name": "Tiger"}
		}, messageFault{fault{name: "NOERR", want: fine}, sent}), // any 2xx is its yes
		{
			name: "smtp", channel: "email", upstream: "smtp", faults: mailFaults(),
			target:  func(at upsim.Bases) string { return at.SMTP },
			address: func(n int) string { return fmt.Sprintf("p%d@example.com", n) },
			arrived: func(sim *upsim.Server, to string) bool { return len(sim.Mail(to)) > 0 },
			configure: func(c *config.Config, sim *upsim.Server, via string) {
				_, port, err := net.SplitHostPort(via)
				if err != nil {
					port = ""
				}
				c.Mail = config.Driver{Name: "smtp", Options: map[string]string{
					"host": "localhost", "port": port, "tls": "starttls", "ca": string(sim.CA()), "from": "Tiger <no-reply@example.test>",
					"username": "sim-mailer@example.test", "password": "sim-mail-password-0001",
				}}
			},
		},
	}
}

// mailFaults: a server that says "not yet" is asked again, by the outbox. What somebody adds
// in clear to the answer to STARTTLS is dropped.
func mailFaults() []messageFault {
	return []messageFault{
		{fault{name: cut, want: down}, failed},
		{fault{name: "RST", want: down}, failed},
		{fault{name: "HANG", want: queued}, again},
		{fault{name: "BANNER421", want: queued}, again},
		{fault{name: "NOSTARTTLS", want: broken}, failed},
		{fault{name: "BARECR", want: queued}, again},
		{fault{name: "TLS454", want: queued}, again},
		{fault{name: "INJECT", want: fine}, sent},
		{fault{name: "AUTH535", want: broken}, failed},
		{fault{name: "GREYLIST", want: queued}, again},
		{fault{name: "DROPDATA", want: down, late: true}, unknown},
		{fault{name: "SLOW20000", want: queued, late: true}, unknown},
		{fault{name: "TLSBADNAME", want: down}, failed},
		{fault{name: "TLSEXPIRED", want: down}, failed},
		{fault{name: "TLS10", want: down}, failed},
	}
}

// Whatever a vendor of messages does, whoever asked for a code has an answer in time, the
// outbox holds what is true, nothing that may have gone out goes again, and what was put
// off arrives.
func TestFaultsOfMessages(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, m := range messengers() {
		all.Go(func() { t.Run(m.name, m.run) })
	}
	all.Wait()
}

func (m messenger) run(t *testing.T) {
	sim, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	sim.Edit(func(a *upsim.Accounts) {
		for id, account := range a.Aliyun {
			account.Limits = false
			a.Aliyun[id] = account
		}
	})
	l := newLink(t, m.target(sim.Bases()))
	s := testkit.StartWith(t, dbtest.SQLite, func(c *config.Config) { m.configure(c, sim, l.addr) })
	n := 0
	for _, f := range m.faults {
		for _, w := range m.ways() {
			if f.want == queued && w.protocol != "CloudBase" {
				continue // the outbox is the same, and the wait is long
			}
			t.Run(f.name+" "+w.protocol, func(t *testing.T) {
				punctual(t, func() time.Duration {
					n++
					return m.try(t, s.On(t), sim, l, f, w, m.address(n))
				})
			})
		}
	}
}

func (m messenger) try(t *testing.T, s *testkit.Server, sim *upsim.Server, l *link, f messageFault, w way, to string) (took time.Duration) {
	show := w.begin(t, s, to)
	m.settled(t, s, sent) // what the case before has sent
	people := s.Rows("users", "identities", "sessions")
	before := outbox(s)
	mend := func() { l.mend(t) }
	if f.name == cut {
		l.cut()
	} else {
		match := upsim.Match{Upstream: m.upstream}
		if strings.HasPrefix(f.name, "TLS") && f.name != "TLS454" {
			match = upsim.Match{}
		}
		id, err := sim.Arm(upsim.Fault{Match: match, Fault: f.name})
		if err != nil {
			t.Fatal(err)
		}
		mend = func() { sim.Disarm(id) }
	}
	begin := time.Now()
	word := show(t)
	took = time.Since(begin)
	// On a busy machine the answer may come before the silence is known to be one.
	if early := word == "" && f.want == down && took > silence; !early && word != w.words[f.want] {
		t.Errorf("the caller hears %q, want %q", word, w.words[f.want])
	}
	m.settled(t, s, f.left)
	want := maps.Clone(before)
	switch f.left {
	case again:
		want[failed]++
		want["waiting"]++
	case sent:
		want[sent]++
	default:
		want[f.left]++
		want["dead"]++
	}
	if diff := cmp.Diff(want, outbox(s)); diff != "" {
		t.Errorf("the outbox: %s", diff)
	}
	if diff := cmp.Diff(people, s.Rows("users", "identities", "sessions")); diff != "" {
		t.Errorf("half made: %s", diff)
	}
	if early := !f.late && f.want != fine; early && m.arrived(sim, to) {
		t.Error("it was sent all the same")
	}
	mend()
	if f.left == again {
		s.Advance(10 * time.Second) // until the next try
		m.settled(t, s, sent)
	} else if word := show(t); word != "" {
		t.Errorf("afterwards the caller hears %q", word)
	}
	if !m.arrived(sim, to) {
		t.Error("nothing arrives afterwards")
	}
	return took
}

// outbox counts messages by what became of them.
func outbox(s *testkit.Server) map[string]int {
	counts := map[string]int{}
	for name, query := range map[string]string{
		sent: "deliveries WHERE status = 'sent'", failed: "deliveries WHERE status = 'failed'", unknown: "deliveries WHERE status = 'unknown'",
		"waiting": "jobs WHERE kind = 'notify.send' AND dead_at IS NULL", "dead": "jobs WHERE kind = 'notify.send' AND dead_at IS NOT NULL",
	} {
		counts[name] = s.Rows(query)[query]
	}
	return counts
}

// settled waits until no message is being handed over any more.
func (m messenger) settled(t *testing.T, s *testkit.Server, left string) {
	t.Helper()
	busy := "jobs WHERE kind = 'notify.send' AND dead_at IS NULL"
	if left == again {
		busy = "jobs WHERE kind = 'notify.send' AND dead_at IS NULL AND last_error = ''"
	}
	for end := time.Now().Add(20 * time.Second); s.Rows(busy)[busy] > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the message is still being handed over")
		}
	}
}

// ways are how a code is asked for.
func (m messenger) ways() []way {
	field, authing, tab := "phone_number", "/api/v2/sms/send", "phone"
	if m.channel == "email" {
		field, authing, tab = "email", "/api/v2/email/send", "email"
	}
	app := func(_ *testing.T, s *testkit.Server, to string) func(t *testing.T) string {
		if m.channel == "sms" {
			to = "+86 " + strings.TrimPrefix(to, "+86")
		}
		return func(t *testing.T) string {
			return s.On(t).Post("/auth/v1/verification", map[string]any{field: to, "target": "ANY"}).String("error")
		}
	}
	mobile := func(_ *testing.T, s *testkit.Server, to string) func(t *testing.T) string {
		body := map[string]any{"phone": strings.TrimPrefix(to, "+86")}
		if m.channel == "email" {
			body = map[string]any{"email": to, "scene": "VERIFY_CODE"}
		}
		return func(t *testing.T) string { return authingWord(s.On(t).Post(authing, body)) }
	}
	page := func(t *testing.T, s *testkit.Server, to string) func(t *testing.T) string {
		b := newVisitor(t, s, "")
		shown := b.get(t, s.URL+"/oidc/auth?"+pageRequest())
		at := *shown.at
		at.RawQuery = "tab=" + tab + "&lang=en"
		form := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(shown.body)
		if form == nil {
			t.Fatalf("no form: %s", shown.body)
		}
		return func(t *testing.T) string {
			got := b.postForm(t, at.String(), url.Values{"form": {html.UnescapeString(form[1])}, "do": {"send"}, "account": {to}})
			switch {
			case strings.Contains(got.body, `id="problem"`):
				return "problem"
			case got.status == http.StatusOK && strings.Contains(got.body, `name="code"`):
				return ""
			}
			return fmt.Sprintf("%d %s", got.status, got.body)
		}
	}
	return []way{
		{"CloudBase", map[told]string{down: "unavailable", often: "resource_exhausted", broken: "failed_precondition"}, app},
		{"Authing", map[told]string{down: "1000", often: "2080", broken: "1000"}, mobile},
		{"page", map[told]string{down: "problem", often: "problem", broken: "problem"}, page},
	}
}

// pageRequest begins a sign-in on the hosted page.
func pageRequest() string {
	return url.Values{
		"client_id": {"dev-app"}, "redirect_uri": {appPage}, "response_type": {"code"}, "scope": {"openid"}, "state": {"app-state"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}.Encode()
}

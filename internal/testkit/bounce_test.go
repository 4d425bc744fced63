package testkit_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/upsim"
)

// E5 over the wire: mail comes back, as an answer of the server or as a bounce that the
// operator's mail server hands over; then nobody is written to there, and the app is told
// so, until the operator forgives the address or somebody shows that mail arrives.
func TestMailThatComesBackIsNotSentAgain(t *testing.T) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			sim, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = sim.Close() })
			_, port, err := net.SplitHostPort(sim.Bases().SMTP)
			if err != nil {
				t.Fatal(err)
			}
			conf := installation(t, dbtest.URL(t, engine))
			conf.TrustedProxies = []string{"127.0.0.1"}
			conf.Mail = config.Driver{Name: "smtp", Options: map[string]string{
				"host": "localhost", "port": port, "tls": "starttls", "ca": string(sim.CA()), "from": "Tiger <no-reply@example.test>",
				"username": "sim-mailer@example.test", "password": "sim-mail-password-0001", "bounces": "bounces@example.test",
			}}
			p := newProduction(t, conf)
			// Each mail is of another pool, whose limits are its own.
			send := func(pool, to string) map[string]any {
				t.Helper()
				_, answer := p.post(t, "/auth/v1/verification", `{"client_id":"`+pool+`","email":"`+to+`","target":"ANY"}`)
				return answer
			}
			for _, pool := range []string{"second", "third"} {
				if _, err := p.app.CreatePool(t.Context(), pool, "", nil); err != nil {
					t.Fatal(err)
				}
			}
			p.bounces(t, sim, send)
			p.returns(t, sim, send)
			if p.logs.contains("bounce@example.test") || p.logs.contains("async@example.test") {
				t.Error("the log names an address")
			}
		})
	}
}

// bounces is about an address that the server refuses.
func (p *production) bounces(t *testing.T, sim *upsim.Server, send func(pool, to string) map[string]any) {
	t.Helper()
	asked := func() (n int) {
		for _, e := range sim.Journal("smtp") {
			if strings.Contains(e.Path, "bounce@") {
				n++
			}
		}
		return n
	}
	if a := send("default", "bounce@example.test"); a["error"] != "invalid_argument" || asked() != 1 {
		t.Fatalf("refused by the server: %v, asked %d times", a, asked())
	}
	if a := send("second", "bounce@example.test"); a["error"] != "invalid_argument" || !strings.Contains(a["error_description"].(string), "退回") || asked() != 1 {
		t.Errorf("once more: %v, asked %d times", a, asked())
	}
	if found, err := p.app.ForgiveBounces(t.Context(), "bounce@example.test"); err != nil || !found {
		t.Fatalf("forgiven: %v, %v", found, err)
	}
	if a := send("third", "bounce@example.test"); a["error"] != "invalid_argument" || asked() != 2 {
		t.Errorf("forgiven: %v, asked %d times", a, asked())
	}
}

// returns is about one that a bounce comes back from later.
func (p *production) returns(t *testing.T, sim *upsim.Server, send func(pool, to string) map[string]any) {
	t.Helper()
	sent := send("default", "async@example.test")
	if sent["verification_id"] == nil {
		t.Fatalf("sent: %v", sent)
	}
	mails := sim.Mail("async@example.test")
	if len(mails) != 1 || !strings.HasPrefix(mails[0].From, "bounces+") {
		t.Fatalf("the server got %+v", mails)
	}
	bounce, err := sim.WaitMail(t.Context(), mails[0].From, 0)
	if err != nil {
		t.Fatal(err)
	}
	path := ""
	for _, a := range p.app.CallbackAddresses() {
		if _, rest, _ := strings.Cut(a.URL, "/callbacks/"); a.Driver == "smtp" {
			path = "/callbacks/" + rest
		}
	}
	p.deliver(t, "/callbacks/guess", bounce.Raw, 404)
	p.deliver(t, path, "Subject: forged\r\n\r\n", 200)
	if b, err := p.app.Bounces(t.Context(), "async@example.test"); err != nil || b.Hits != 0 {
		t.Fatalf("forged: %+v, %v", b, err)
	}
	p.deliver(t, path, bounce.Raw, 200)
	if b, err := p.app.Bounces(t.Context(), "async@example.test"); err != nil || b.BlockedAt.IsZero() || b.Status != "5.1.1" {
		t.Fatalf("bounced: %+v, %v", b, err)
	}
	if a := send("second", "async@example.test"); a["error"] != "invalid_argument" || len(sim.Mail("async@example.test")) != 1 {
		t.Errorf("once more: %v", a)
	}
	// The mail did arrive after all: somebody shows its code.
	_, answer := p.post(t, "/auth/v1/verification/verify",
		`{"client_id":"default","verification_id":"`+sent["verification_id"].(string)+`","verification_code":"`+mails[0].Code+`"}`)
	if answer["verification_token"] == nil {
		t.Fatalf("verified: %v", answer)
	}
	if b, err := p.app.Bounces(t.Context(), "async@example.test"); err != nil || b.Hits != 0 {
		t.Errorf("after it was shown to get mail: %+v, %v", b, err)
	}
}

// deliver hands a mail to an address of ours as a mail server does.
func (p *production) deliver(t *testing.T, path, raw string, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+path, strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "message/rfc822")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != want {
		t.Errorf("%s: %s", path, resp.Status)
	}
}

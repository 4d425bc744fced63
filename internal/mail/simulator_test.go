package mail_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/mail"
	"github.com/tigertally/tigertally/internal/upsim"
)

// office is the simulated mail server and a driver that submits to it.
func office(t *testing.T, mode string, change ...string) (*upsim.Server, mail.Driver) {
	t.Helper()
	sim, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	at := sim.Bases().SMTP
	if mode == "implicit" {
		at = sim.Bases().SMTPS
	}
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]string{
		"host": "localhost", "port": port, "tls": mode, "ca": string(sim.CA()), "from": "Tiger <no-reply@example.test>",
		"username": "sim-mailer@example.test", "password": "sim-mail-password-0001", "bounces": "bounces@example.test",
	}
	for i := 0; i+1 < len(change); i += 2 {
		set[change[i]] = change[i+1]
	}
	d, err := mail.New("smtp", set, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return sim, d
}

func letter(to string) mail.Message {
	return mail.Message{
		ID: "01hletter", To: to, Template: "default", Lang: "zh-CN",
		Subject: "您的登录验证码", Text: "验证码 246810", HTML: "<p>验证码 246810</p>",
	}
}

// E1, E3: both ways of protecting a connection submit mail that a strict server has
// nothing against, and the server never sees the password.
func TestSimulatorTakesMailOverTLS(t *testing.T) {
	for _, mode := range []string{"implicit", "starttls"} {
		t.Run(mode, func(t *testing.T) {
			sim, d := office(t, mode)
			if _, err := d.Send(t.Context(), letter("alice@example.test")); err != nil {
				t.Fatal(err)
			}
			m, err := sim.WaitMail(t.Context(), "alice@example.test", 0)
			if err != nil || len(m.Problems) > 0 || m.Refused || m.Subject != "您的登录验证码" || m.From != "bounces+01hletter@example.test" {
				t.Errorf("the server got %+v, %v", m, err)
			}
			proved := false
			for _, e := range sim.Journal("smtp") {
				proved = proved || e.Action == "AUTH" && e.Path == "/SCRAM-SHA-256" && e.Verdict == "ok"
			}
			if !proved {
				t.Errorf("signed in otherwise: %+v", sim.Journal("smtp"))
			}
		})
	}
}

// E1, E2: somebody between us and the server who takes TLS away, or speaks into it,
// learns neither the password nor the message.
func TestNobodyTakesTLSAway(t *testing.T) {
	for _, tt := range []struct {
		name, mode, fault string
		want              driver.Class
	}{
		{"STARTTLS is not offered", "starttls", "NOSTARTTLS", driver.Misconfigured},
		{"STARTTLS is refused", "starttls", "TLS454", driver.Unavailable},
		{"another name, starttls", "starttls", "TLSBADNAME", driver.Unavailable},
		{"another name, implicit", "implicit", "TLSBADNAME", driver.Unavailable},
		{"an expired certificate, starttls", "starttls", "TLSEXPIRED", driver.Unavailable},
		{"an expired certificate, implicit", "implicit", "TLSEXPIRED", driver.Unavailable},
		{"an old TLS, starttls", "starttls", "TLS10", driver.Unavailable},
		{"an old TLS, implicit", "implicit", "TLS10", driver.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sim, d := office(t, tt.mode)
			if _, err := sim.Arm(upsim.Fault{Fault: tt.fault}); err != nil {
				t.Fatal(err)
			}
			_, err := d.Send(t.Context(), letter("alice@example.test"))
			if f := driver.FailureOf(err); err == nil || f.Class != tt.want || f.Maybe {
				t.Errorf("got %v", err)
			}
			for _, e := range sim.Journal("smtp") {
				if e.Action == "AUTH" || e.Action == "MAIL" || e.Action == "DATA" {
					t.Errorf("the server was told %+v", e)
				}
			}
			if got := sim.Mail("alice@example.test"); len(got) != 0 {
				t.Errorf("the server took %+v", got)
			}
		})
	}
	t.Run("a server nobody vouches for", func(t *testing.T) {
		_, d := office(t, "implicit", "ca", "")
		if _, err := d.Send(t.Context(), letter("alice@example.test")); err == nil {
			t.Error("it is believed")
		}
	})
}

// E2: what was said in clear behind the answer to STARTTLS is not heard once TLS has begun.
func TestRepliesInClearAreForgotten(t *testing.T) {
	sim, d := office(t, "starttls")
	if _, err := sim.Arm(upsim.Fault{Fault: "INJECT"}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Send(t.Context(), letter("alice@example.test")); err != nil {
		if f := driver.FailureOf(err); f.Maybe {
			t.Errorf("got %v", err)
		}
		return // the reply came late, and was no TLS
	}
	m, err := sim.WaitMail(t.Context(), "alice@example.test", 0)
	if err != nil || m.TLS == "" || len(m.Problems) > 0 {
		t.Errorf("the server got %+v, %v", m, err)
	}
}

// What a server says of an address is told from what it says of us.
func TestRefusedAddressesAreKnown(t *testing.T) {
	for to, want := range map[string]driver.Failure{
		"bounce@example.test": {Class: driver.BadAddress, Code: "550", Status: "5.1.1"},
		"full@example.test":   {Class: driver.BadAddress, Code: "552", Status: "5.2.2"},
		"spam@example.test":   {Class: driver.Misconfigured, Code: "554"},
		"later@example.test":  {Class: driver.Unavailable, Code: "451"},
	} {
		_, d := office(t, "implicit")
		_, err := d.Send(t.Context(), letter(to))
		f := driver.FailureOf(err)
		got := driver.Failure{Class: f.Class, Code: f.Code, Status: f.Status, Maybe: f.Maybe}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", to, diff)
		}
	}
}

type bounceReader interface {
	Reports(called string, header http.Header, body []byte) ([]driver.Report, error)
}

// E5: a bounce names the message it is about, by the address it came to or by what it
// quotes; what is merely late, and what is no bounce, names none.
func TestBouncesNameTheirMessage(t *testing.T) {
	sim, d := office(t, "starttls")
	if _, err := d.Send(t.Context(), letter("async@example.test")); err != nil {
		t.Fatal(err)
	}
	m, err := sim.WaitMail(t.Context(), "bounces+01hletter@example.test", 0)
	if err != nil {
		t.Fatal(err)
	}
	failed := []driver.Report{{VendorID: "01hletter", Outcome: driver.Undelivered, Reason: "5.1.1"}}
	for _, tt := range []struct {
		name, raw string
		want      []driver.Report
		refused   bool
	}{
		{"as it came", m.Raw, failed, false},
		{"to another address", strings.ReplaceAll(m.Raw, "bounces+01hletter@", "postmaster@"), failed, false},
		{"late", strings.ReplaceAll(strings.ReplaceAll(m.Raw, "Action: failed", "Action: delayed"), "Status: 5.1.1", "Status: 4.4.1"), nil, false},
		{"of somebody else's message", strings.NewReplacer("bounces+01hletter@", "postmaster@", "01hletter@example.test>", "01hletter@elsewhere.test>").Replace(m.Raw), nil, true},
		{"cut off", m.Raw[:len(m.Raw)/2], nil, true},
		{"an answer of somebody on holiday", "From: <alice@example.test>\r\nContent-Type: text/plain\r\n\r\nI am away.", nil, true},
		{"no message", "\x00\x01", nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := d.(bounceReader).Reports("", nil, []byte(tt.raw))
			if (err != nil) != tt.refused || !cmp.Equal(got, tt.want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

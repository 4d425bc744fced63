package testkit_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

// A pool's own vendor on a server in earnest: the guard and the refusals of production
// hold for it, it comes back after a restart, its reports count, and no log knows its
// secret.
func TestAPoolsOwnVendorInEarnest(t *testing.T) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			v := newSMSVendor(t)
			v.code("Ok", "serial:1")
			conf := installation(t, dbtest.URL(t, engine))
			conf.TrustedProxies = []string{"127.0.0.1"}
			conf.OutboundAllow = []string{"127.0.0.1"} // where the vendor of this test is
			ref := api.MessageDriverRef{PoolRef: api.PoolRef{Pool: "default"}, ID: "tencent"}
			t.Run("serving", func(t *testing.T) { ownVendor(t, newProduction(t, conf), ref, v) })

			asked := v.asked.Load()
			a, err := openEarnest(t, conf)
			if err != nil {
				t.Fatal(err)
			}
			r, err := a.Manage().TestMessageDriver(t.Context(), operator.Local("test"), api.TestMessage{MessageDriverRef: ref, To: "13800000009"})
			if err != nil || !r.Taken || v.asked.Load() != asked+1 {
				t.Errorf("after a restart: %+v %v", r, err)
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			conf.OutboundAllow = nil
			if _, err := openEarnest(t, conf); err == nil || !strings.Contains(err.Error(), "message driver tencent") {
				t.Errorf("a server in earnest opens with a vendor on this machine: %v", err)
			}
		})
	}
}

func openEarnest(t *testing.T, conf config.Config) (*app.App, error) {
	t.Helper()
	return app.Open(t.Context(), app.Options{Config: conf, Logger: slog.New(slog.DiscardHandler)})
}

func ownVendor(t *testing.T, p *production, ref api.MessageDriverRef, v *smsVendor) {
	t.Helper()
	put := func(base, key string) error {
		_, err := p.app.Manage().PutMessageDriver(t.Context(), operator.Local("test"), api.MessageDriverPut{
			MessageDriverRef: ref, Channel: "sms", Kind: "tencent", Settings: map[string]string{
				"secret_id": "AKIDtest", "secret_key": key, "app_id": "1400006666", "sign_name": "Tiger",
				"templates": "default=1234(code,minutes)", "base": base,
			},
		})
		return err
	}
	if word, answer := p.send(t, "13800000000"); word != "failed_precondition" {
		t.Errorf("without any vendor: %v", answer)
	}
	for name, err := range map[string]error{
		"a credential of the simulator":   put(v.URL, "sim-secret-key-0000000000000001"),
		"another address of this machine": put("http://[::1]:9", "s3cret-of-the-pool"),
		"plain text to the internet":      put("http://sms.example.com", "s3cret-of-the-pool"),
	} {
		if errs.CodeOf(err) != errs.MessageDriverInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := put("https://169.254.169.254", "s3cret-of-the-pool"); err != nil {
		t.Fatal(err)
	}
	if word, answer := p.send(t, "13800000001"); word == "" {
		t.Errorf("the guard let a metadata service be asked: %v", answer)
	}
	if err := put(v.URL, "s3cret-of-the-pool"); err != nil {
		t.Fatal(err)
	}
	if word, answer := p.send(t, "13800000002"); word != "" || v.asked.Load() != 1 {
		t.Errorf("sent: %v, asked %d times", answer, v.asked.Load())
	}
	if status, _ := p.post(t, "/callbacks/"+p.app.Deliveries.Token("default/tencent"), `[{"sid":"serial:1","report_status":"SUCCESS"}]`); status != 200 {
		t.Errorf("report: %d", status)
	}
	list, err := p.app.Manage().MessageDeliveries(t.Context(), operator.Local("test"), api.DeliveryQuery{PoolRef: ref.PoolRef, To: "13800000002"})
	if err != nil || len(list.Items) != 1 || list.Items[0].Status != "delivered" || list.Items[0].Driver != "tencent" {
		t.Errorf("deliveries: %+v %v", list.Items, err)
	}
	for _, word := range []string{"s3cret-of-the-pool", "13800000002", "13800000001"} {
		if p.logs.contains(word) {
			t.Errorf("the log names %s", word)
		}
	}
}

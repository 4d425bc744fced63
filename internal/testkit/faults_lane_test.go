package testkit_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/upsim"
)

// In production, where messages are handed over side by side, a vendor of texts that hangs
// holds up nobody's mail, however many wait for it.
func TestADeadVendorOfMessagesSlowsNoOther(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			sim, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = sim.Close() })
			conf := installation(t, dbtest.URL(t, engine))
			conf.TrustedProxies = []string{"127.0.0.1"}
			for _, m := range messengers() {
				switch m.name {
				case "tencent":
					m.configure(&conf, sim, m.target(sim.Bases()))
				case "smtp":
					m.configure(&conf, sim, m.target(sim.Bases()))
				}
			}
			p := newProduction(t, conf)
			if _, err := sim.Arm(upsim.Fault{Match: upsim.Match{Upstream: "tencent"}, Fault: "HANG"}); err != nil {
				t.Fatal(err)
			}
			const many = 16 // more than are handed over at once
			var waiting sync.WaitGroup
			var answered atomic.Int32
			for n := range many {
				waiting.Go(func() {
					ask(t, p, fmt.Sprintf(`{"client_id":"default","phone_number":"+86 138%08d","target":"ANY"}`, n), n)
					answered.Add(1)
				})
			}
			for len(sim.Journal("tencent")) == 0 {
				time.Sleep(time.Millisecond)
			}
			if answer := ask(t, p, `{"client_id":"default","email":"ann@example.com","target":"ANY"}`, many); answer != http.StatusOK {
				t.Errorf("mail: %d", answer)
			}
			if n := answered.Load(); n == many {
				t.Error("mail waited for texts")
			}
			if len(sim.Mail("ann@example.com")) != 1 {
				t.Error("the mail did not arrive")
			}
			waiting.Wait()
		})
	}
}

// ask asks for a code from the nth network, and returns the status of the answer.
func ask(t *testing.T, p *production, body string, n int) int {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/auth/v1/verification", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.%d.1", 100+n))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

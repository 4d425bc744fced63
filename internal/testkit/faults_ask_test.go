package testkit_test

import (
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
	"github.com/tigertally/tigertally/internal/upsim"
)

// asked is a driver that asks a vendor about something a person shows once.
type asked struct {
	name, upstream string
	more           []fault
	// configure sets the driver; via leads to the vendor.
	configure func(c *config.Config, via string)
	target    func(at upsim.Bases) string
	way       func(codes *atomic.Int32) way
}

// askedVendors are those of captchas and of one-tap sign-in: a captcha's vendor is asked before anything else, a carrier by the
// sign-in itself.
func askedVendors() []asked {
	main := func(at upsim.Bases) string { return at.Yidun }
	captcha := func(name, upstream string, target func(upsim.Bases) string, set func(via string) map[string]string, shown func(ticket string) (response, random string)) asked {
		return asked{
			name: name, upstream: upstream, target: target,
			configure: func(c *config.Config, via string) { c.Captcha = config.Driver{Name: name, Options: set(via)} },
			way: func(codes *atomic.Int32) way {
				words := map[told]string{down: "unavailable", doubted: "invalid_argument"}
				return way{"CloudBase", words, func(_ *testing.T, s *testkit.Server, who string) func(t *testing.T) string {
					response, random := shown(fmt.Sprintf("SIM-CT-%s-%d", who, codes.Add(1)))
					body := map[string]any{"ticket": response, "randstr": random}
					return func(t *testing.T) string {
						return s.On(t).Post("/auth/v1/captcha/data/verify", body).String("error")
					}
				}}
			},
		}
	}
	bare := func(ticket string) (string, string) { return ticket, "" }
	return []asked{
		captcha("turnstile", "turnstile", main, func(via string) map[string]string {
			return map[string]string{"secret": "0x4AAAsimsecret000000000000000001", "base": "http://" + via + "/turnstile"}
		}, bare),
		captcha("hcaptcha", "hcaptcha", main, func(via string) map[string]string {
			return map[string]string{"secret": "ES_sim00000000000000000000000000001", "base": "http://" + via + "/hcaptcha"}
		}, bare),
		captcha("tencent", "tencent", func(at upsim.Bases) string { return at.Tencent }, func(via string) map[string]string {
			return map[string]string{
				"secret_id": "AKIDsim00000000000000000000000001", "secret_key": "sim-secret-key-0000000000000001",
				"app_id": "190000001", "app_secret": "sim-captcha-secret-00000000001", "base": "http://" + via,
			}
		}, func(ticket string) (string, string) { return ticket, upsim.Randstr(ticket) }),
		captcha("aliyun", "aliyun", func(at upsim.Bases) string { return at.Aliyun }, func(via string) map[string]string {
			return map[string]string{
				"access_key_id": "LTAIsim0000000000000001", "access_key_secret": "sim-secret-key-0000000000000001",
				"scene_id": "simscene", "base": "http://" + via,
			}
		}, func(ticket string) (string, string) { return upsim.CaptchaParam("simscene", ticket), "" }),
		{
			name: "yidun", upstream: "yidun", target: main,
			more: []fault{{name: "RATE", want: down}, {name: "BUSY", want: down}, {name: "EMPTYPHONE", want: doubted, late: true}, {name: "DROP:phone", want: doubted, late: true}},
			configure: func(c *config.Config, via string) {
				c.OneTap = config.Driver{Name: "yidun", Options: map[string]string{
					"secret_id": "sim_secret_id_0000000000000000001", "secret_key": "sim_secret_key_000000000000000001",
					"business_id": "sim_business_id_00000000000000001", "base": "http://" + via + "/yidun-ye",
				}}
			},
			way: func(codes *atomic.Int32) way {
				words := map[told]string{down: "1000", doubted: "2333"}
				return way{"Authing", words, func(_ *testing.T, s *testkit.Server, _ string) func(t *testing.T) string {
					n := codes.Add(1)
					token := fmt.Sprintf("SIM-OT-137%08d-%d", n, n)
					body := map[string]any{"token": token, "accessToken": token}
					return func(t *testing.T) string {
						return authingWord(s.On(t).Post("/api/v2/ecConn/oneAuth/login", body))
					}
				}}
			},
		},
	}
}

// Whatever a captcha's vendor or a carrier's does, nobody is let through by it, and whoever
// asked has an answer in time and may show the same again.
func TestFaultsOfCaptchasAndCarriers(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for _, a := range askedVendors() {
		all.Go(func() { t.Run(a.name, a.run) })
	}
	all.Wait()
}

func (a asked) run(t *testing.T) {
	sim, err := upsim.Start(t.Context(), upsim.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	at, err := url.Parse(a.target(sim.Bases()))
	if err != nil {
		t.Fatal(err)
	}
	l := newLink(t, at.Host)
	s := testkit.StartWith(t, dbtest.SQLite, func(c *config.Config) { a.configure(c, l.addr) })
	github := connection.Connection{PoolID: "dev", ID: "github", Kind: "github", Name: "GitHub", Enabled: true, SignUp: true}
	err = s.App.PutProvider(t.Context(), github, map[string]string{
		"client_id": "Iv1.sim0000000000001", "client_secret": "sim-github-secret-000000000001",
		"base": sim.Bases().GitHub, "api_base": sim.Bases().GitHub,
	})
	if err != nil {
		t.Fatal(err)
	}
	var faults []fault
	for _, f := range with(commonFaults(), a.more...) {
		if f.name != untrusted { // the address has its scheme
			faults = append(faults, f)
		}
	}
	row{
		sim: sim, upstream: a.upstream, faults: faults, ways: []way{a.way(new(atomic.Int32))},
		sever: func(t *testing.T, _ *testkit.Server, _ string) func() {
			l.cut()
			return func() { l.mend(t) }
		},
		other: otherThanWeChat,
	}.run(t, s)
}

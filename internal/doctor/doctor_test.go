package doctor_test

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/doctor"
	"github.com/tigertally/tigertally/internal/i18n"
)

// said is findings as "level id".
func said(all []doctor.Finding) []string {
	var lines []string
	for _, f := range all {
		lines = append(lines, string(f.Level)+" "+f.ID)
	}
	return lines
}

func want(t *testing.T, got []doctor.Finding, lines ...string) {
	t.Helper()
	if diff := cmp.Diff(lines, said(got)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	words, err := doctor.ReadWords()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range got {
		for _, lang := range i18n.Languages() {
			title, detail, fix := words.Text(lang, f)
			if title == "" || detail == "" || (fix == "") != (f.Level == doctor.OK) {
				t.Errorf("%s in %s: %q %q %q", f.ID, lang, title, detail, fix)
			}
			if text := title + detail + fix; strings.Contains(text, "  ") || strings.Contains(text, "{") {
				t.Errorf("%s in %s lacks a parameter: %s", f.ID, lang, text)
			}
		}
	}
}

func now() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func TestBothLanguagesSayTheSame(t *testing.T) {
	words, err := doctor.ReadWords()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range words.IDs() {
		for _, level := range []doctor.Level{doctor.OK, doctor.Warn} {
			f := doctor.Finding{ID: id, Level: level}
			_, detail, fix := words.Text(i18n.English, f)
			title2, detail2, fix2 := words.Text(i18n.Chinese, f)
			if title2 == "" || (detail == "") != (detail2 == "") || (fix == "") != (fix2 == "") {
				t.Errorf("%s: %q %q | %q %q", id, detail, fix, detail2, fix2)
			}
		}
	}
}

func TestThePublicAddressIsTried(t *testing.T) {
	base := doctor.Public{URL: "https://auth.example.com", Base: "https://auth.example.com", Running: true, Now: now}
	answers := func(page doctor.Page, err error) doctor.Public {
		p := base
		p.Fetch = func(_ context.Context, address string) (doctor.Page, error) {
			if address != "https://auth.example.com/healthz" {
				t.Errorf("asked %s", address)
			}
			return page, err
		}
		return p
	}
	in := func(d time.Duration) doctor.Page {
		return doctor.Page{Status: 200, Server: true, Expires: now().Add(d)}
	}
	ctx := t.Context()
	want(t, answers(in(60*24*time.Hour), nil).Address(ctx), "ok public_ok", "ok tls_ok")
	want(t, answers(in(10*24*time.Hour), nil).Address(ctx), "ok public_ok", "warn tls_expiring")
	want(t, answers(in(time.Hour), nil).Address(ctx), "ok public_ok", "fail tls_expiring")
	want(t, answers(doctor.Page{Status: 404}, nil).Address(ctx), "fail public_other")
	want(t, answers(doctor.Page{}, errors.New("connection refused")).Address(ctx), "warn public_unreachable")
	want(t, answers(doctor.Page{}, errors.New("tls: failed to verify certificate: x509: unknown authority")).Address(ctx), "fail tls_broken")
	unset, stopped, plain := base, base, answers(doctor.Page{Status: 200, Server: true}, nil)
	unset.URL, stopped.Running, plain.URL = "", false, "http://auth.example.com"
	want(t, unset.Address(ctx), "fail public_unset")
	want(t, stopped.Address(ctx), "ok public_not_running")
	want(t, plain.Address(ctx), "warn public_http", "ok public_ok")
}

func TestWhatProxiesDoIsSeen(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
	p := doctor.Public{URL: "https://auth.example.com", Base: "https://auth.example.com", Running: true, Proxies: trusted}
	from := func(host, peer, forwarded string) context.Context {
		return caller.With(t.Context(), caller.Info{
			Host: host, Peer: netip.MustParseAddr(peer), Forwarded: forwarded, Addr: netip.MustParseAddr("8.8.8.8"),
		})
	}
	const host = "auth.example.com"
	want(t, p.Request(from(host, "10.0.0.7", "8.8.8.8")), "ok host_ok", "ok proxy_ok")
	want(t, p.Request(from("internal:9009", "10.0.0.7", "8.8.8.8")), "warn host_differs", "ok proxy_ok")
	want(t, p.Request(from(host, "10.0.9.7", "8.8.8.8")), "ok host_ok", "fail proxy_untrusted")
	want(t, p.Request(from(host, "10.0.0.7", "")), "ok host_ok", "fail proxy_silent")
	want(t, p.Request(from(host, "9.9.9.9", "")), "ok host_ok", "warn proxy_missing")
	p.Proxies = []netip.Prefix{netip.MustParsePrefix("8.0.0.0/6")}
	want(t, p.Request(from(host, "1.2.3.4", "")), "ok host_ok", "warn proxy_missing", "warn proxy_broad")
	want(t, p.Request(t.Context()))
}

func TestWeChatWantsADomain(t *testing.T) {
	for address, line := range map[string]string{
		"https://auth.example.com": "ok wechat_domain", "https://203.0.113.7": "fail wechat_no_domain",
		"http://localhost:9009": "fail wechat_no_domain", "https://auth.example.com:8443": "warn wechat_port",
	} {
		want(t, doctor.Public{Base: address}.WeChat([]string{"shop / wx_open"}), line)
	}
	want(t, doctor.Public{Base: "http://localhost"}.WeChat(nil))
}

func TestWhatIsMeasuredIsJudged(t *testing.T) {
	good := doctor.Database{Engine: "PostgreSQL", Version: "15.6", Schema: 12, Latency: time.Millisecond, Skew: time.Millisecond, Durable: true}
	slow, loose, late := good, good, good
	slow.Latency, loose.Durable, late.Skew = time.Second, false, -2*time.Minute
	want(t, doctor.CheckDatabase(good), "ok database_ok", "ok clock_ok")
	want(t, doctor.CheckDatabase(slow), "warn database_slow", "ok clock_ok")
	want(t, doctor.CheckDatabase(loose), "ok database_ok", "fail database_not_durable", "ok clock_ok")
	want(t, doctor.CheckDatabase(late), "ok database_ok", "fail clock_wrong")
	want(t, doctor.CheckDatabase(doctor.Database{Err: errors.New("refused")}), "fail database_down")
	want(t, doctor.CheckClock("api.example.com", 10*time.Second), "warn clock_wrong")

	disk := doctor.Disk{Path: "/data", Free: 50 << 30, Total: 100 << 30, Writable: true}
	low, full, locked := disk, disk, disk
	low.Free, full.Free, locked.Writable = 1<<30, 100<<20, false
	want(t, doctor.CheckDisk(disk), "ok disk_ok")
	want(t, doctor.CheckDisk(low), "warn disk_low")
	want(t, doctor.CheckDisk(full), "fail disk_low")
	want(t, doctor.CheckDisk(locked), "fail disk_readonly")
	want(t, doctor.CheckDisk(doctor.Disk{Path: "/data", Err: errors.New("no such directory")}), "fail disk_unreadable")

	want(t, doctor.CheckBackups(doctor.Backups{}, now()), "warn backup_none")
	want(t, doctor.CheckBackups(doctor.Backups{Hours: 24, Done: now().Add(-20 * time.Hour)}, now()), "ok backup_ok")
	want(t, doctor.CheckBackups(doctor.Backups{Hours: 24, Done: now().Add(-80 * time.Hour)}, now()), "warn backup_old")
	want(t, doctor.CheckBackups(doctor.Backups{Hours: 24, Done: now(), Failed: now()}, now()), "fail backup_failed")

	want(t, doctor.CheckJobs(doctor.Jobs{Waiting: 3}), "ok jobs_ok")
	want(t, doctor.CheckJobs(doctor.Jobs{Waiting: 5000, Dead: 2}), "warn jobs_late", "warn jobs_dead")
	want(t, doctor.CheckKeys([]doctor.Key{{Pool: "p", Since: now().Add(-time.Hour)}}, now()), "ok keys_ok")
	want(t, doctor.CheckKeys([]doctor.Key{{Pool: "p", Since: now().Add(-400 * 24 * time.Hour)}}, now()), "warn key_old")
	want(t, doctor.CheckBudgets([]doctor.Budget{{Pool: "a", Sent: 100, Most: 100}, {Pool: "b", Sent: 80, Most: 100}, {Pool: "c", Sent: 1, Most: 100}}),
		"fail budget_spent", "warn budget_nearly")
	want(t, doctor.CheckBudgets(nil), "ok budget_ok")
	want(t, doctor.CheckWebhooks(map[string]int{"p": 2}), "warn webhook_stopped")
}

func TestVendorsAndSettingsAreJudged(t *testing.T) {
	all := []doctor.Vendor{
		{Name: "tencent", Proven: true}, {Name: "aliyun", Err: errors.New("misconfigured")}, {Pool: "shop", Name: "own", Untried: true}, {Name: "x"},
	}
	want(t, doctor.CheckSMS(all, false), "ok sms_proven", "fail sms_failed", "ok sms_untried", "ok sms_answers")
	want(t, doctor.CheckMail(all[:2], false), "ok mail_proven", "fail mail_failed")
	want(t, doctor.CheckProviders(all[1:2]), "fail provider_failed")
	want(t, doctor.CheckSMS(nil, false), "warn sms_none")
	want(t, doctor.CheckMail(nil, true), "ok mail_none")
	var slack []doctor.Slack
	for _, id := range []string{"slack_open_clients", "slack_local_pages", "slack_limits_off", "slack_captcha_off"} {
		slack = append(slack, doctor.Slack{ID: id, Where: "shop"})
	}
	want(t, doctor.CheckSlack(slack, errors.New("sms: simulated"), false),
		"warn slack_open_clients", "warn slack_local_pages", "warn slack_limits_off", "warn slack_captcha_off", "fail slack_simulated")
	want(t, doctor.CheckSlack(nil, nil, false), "ok slack_ok")
	want(t, doctor.CheckSlack(slack, nil, true))
}

// A check that hangs costs its own finding and nothing else, and the report comes in time.
func TestAHangingCheckIsCutOff(t *testing.T) {
	d := doctor.New(
		doctor.Check{Name: "slow", Run: func(ctx context.Context) []doctor.Finding { <-ctx.Done(); return nil }},
		doctor.Check{Name: "jobs", Run: func(context.Context) []doctor.Finding { return doctor.CheckJobs(doctor.Jobs{}) }},
	)
	begin := time.Now()
	got := d.Run(t.Context())
	want(t, got, "warn unfinished", "ok jobs_ok")
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	if doctor.Worst(got) != doctor.Warn || doctor.Worst(nil) != doctor.OK || !slices.Contains(said(got), "ok jobs_ok") {
		t.Error("the worst level is wrong")
	}
}

package upsim

import (
	"errors"
	"net/http"
	"regexp"
	"time"
)

// Test keys that the vendors publish. They are good for tests only, which is why a
// server in production must refuse them.
const (
	hcaptchaTestSecret = "0x0000000000000000000000000000000000000000"
	hcaptchaTestToken  = "10000000-aaaa-bbbb-cccc-000000000001"
	turnstileTestToken = "XXXX.DUMMY.TOKEN.XXXX"
	longestTicket      = 2048
)

var turnstileTestSecret = regexp.MustCompile(`^([123])x0{31}AA$`)

// siteverify is hCaptcha and Turnstile, which ask and answer almost alike.
// https://docs.hcaptcha.com/ https://developers.cloudflare.com/turnstile/
type siteverify struct {
	s     *Server
	name  string
	sites func() map[string]CaptchaSite
	used  string // the error of a ticket that was used
	old   string // that of one that expired
	again map[string]answer
}

func newHCaptcha(s *Server) vendor {
	h := &siteverify{
		s: s, name: "hcaptcha", used: "already-seen-response", old: "expired-input-response",
		sites: func() map[string]CaptchaSite { return s.accounts.HCaptcha },
	}
	return h.vendor(map[string]endpoint{"/hcaptcha/siteverify": h.hcaptcha, "/hcaptcha/": notFound})
}

func newTurnstile(s *Server) vendor {
	t := &siteverify{
		s: s, name: "turnstile", used: "timeout-or-duplicate", old: "timeout-or-duplicate",
		sites: func() map[string]CaptchaSite { return s.accounts.Turnstile },
	}
	return t.vendor(map[string]endpoint{"/turnstile/turnstile/v0/siteverify": t.turnstile, "/turnstile/": notFound})
}

func (v *siteverify) vendor(routes map[string]endpoint) vendor {
	v.reset()
	return vendor{
		name: v.name, routes: routes,
		refuse: func(x *exchange, code string) answer { return v.fail(x, code) },
		codes:  map[string]string{"BUSY": "internal-error", "RISK": "invalid-input-response"},
		flags:  []string{"OTHERHOST", "OTHERACTION"},
		reset:  v.reset,
	}
}

func (v *siteverify) reset() { v.again = make(map[string]answer) }

func (v *siteverify) fail(_ *exchange, code string) answer {
	verdict := "bad_ticket"
	switch code {
	case "already-seen-response", "timeout-or-duplicate":
		verdict = "replay"
	case "expired-input-response":
		verdict = "expired"
	case "missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch":
		verdict = "bad_auth"
	case "bad-request", "missing-input-response":
		verdict = "bad_request"
	}
	return reply(http.StatusOK, kindJSON, object{"success": false, "error-codes": []string{code}}).as(verdict)
}

// site finds the site of a secret, and that of its key when one is given.
func (v *siteverify) site(secret, key string) (string, CaptchaSite, string) {
	if secret == "" {
		return "", CaptchaSite{}, "missing-input-secret"
	}
	found := ""
	for at, site := range v.sites() {
		if site.Secret == secret && (found == "" || at == key) {
			found = at
		}
	}
	switch {
	case found == "":
		return "", CaptchaSite{}, "invalid-input-secret"
	case key != "" && key != found:
		return "", CaptchaSite{}, "sitekey-secret-mismatch"
	}
	return found, v.sites()[found], ""
}

// ticket uses up a ticket of a site.
func (v *siteverify) ticket(x *exchange, key string, site CaptchaSite, response string) answer {
	_, record, err := v.s.codes.take(x, response, key, "CT")
	switch {
	case errors.Is(err, errCodeUsed):
		return v.fail(x, v.used)
	case errors.Is(err, errCodeExpired):
		return v.fail(x, v.old).as("expired")
	case err != nil:
		return v.fail(x, "invalid-input-response")
	}
	out := object{
		"success": true, "challenge_ts": x.at.UTC().Format(time.RFC3339), "hostname": nameOr(site.Hostname, "localhost"), "error-codes": []string{},
	}
	if x.flags.has("OTHERHOST") {
		out["hostname"] = "phishing.example"
	}
	if v.name == "turnstile" {
		out["action"], out["cdata"], out["metadata"] = record.scope, "", object{"interactive": false}
		if x.flags.has("OTHERACTION") {
			out["action"] = "another-action"
		}
	} else {
		out["credit"] = false
	}
	return reply(http.StatusOK, kindJSON, out)
}

func (v *siteverify) dummy(x *exchange) answer {
	return reply(http.StatusOK, kindJSON, object{
		"success": true, "challenge_ts": x.at.UTC().Format(time.RFC3339), "hostname": "dummy-key-pass", "error-codes": []string{}, "action": "", "cdata": "",
	}).as("test_key")
}

// hcaptcha takes forms only.
func (v *siteverify) hcaptcha(x *exchange) answer {
	secret, response := x.form.Get("secret"), x.form.Get("response")
	switch {
	case x.req.Method != http.MethodPost || !x.isForm:
		return v.fail(x, "bad-request")
	case secret == hcaptchaTestSecret && response == hcaptchaTestToken:
		return v.dummy(x)
	case secret == hcaptchaTestSecret && response != "":
		return v.fail(x, "not-using-dummy-passcode")
	}
	key, site, failed := v.site(secret, x.form.Get("sitekey"))
	switch {
	case failed != "":
		return v.fail(x, failed)
	case response == "":
		return v.fail(x, "missing-input-response")
	case response == hcaptchaTestToken:
		return v.fail(x, "not-using-dummy-secret")
	}
	return v.ticket(x, key, site, response)
}

// turnstile takes forms and JSON, and gives the same answer to a request that is
// repeated with its idempotency key.
func (v *siteverify) turnstile(x *exchange) answer {
	secret, response := x.given("secret"), x.given("response")
	if x.req.Method != http.MethodPost || x.json == nil && !x.isForm {
		return v.fail(x, "bad-request")
	}
	if m := turnstileTestSecret.FindStringSubmatch(secret); m != nil && response != "" {
		switch m[1] {
		case "1":
			return v.dummy(x)
		case "2":
			return v.fail(x, "invalid-input-response")
		default:
			return v.fail(x, "timeout-or-duplicate")
		}
	}
	key, site, failed := v.site(secret, "")
	switch {
	case failed != "":
		return v.fail(x, failed)
	case response == "":
		return v.fail(x, "missing-input-response")
	case len(response) > longestTicket || response == turnstileTestToken:
		return v.fail(x, "invalid-input-response")
	}
	repeat := x.given("idempotency_key")
	if before, ok := v.again[key+" "+response+" "+repeat]; ok && repeat != "" {
		return before
	}
	a := v.ticket(x, key, site, response)
	if repeat != "" {
		v.again[key+" "+response+" "+repeat] = a
	}
	return a
}

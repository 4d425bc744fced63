package puzzle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

const (
	turnstileName = "turnstile"
	turnstileBase = "https://challenges.cloudflare.com"
	turnstilePath = "/turnstile/v0/siteverify"
	maxTurnstile  = 2048

	hcaptchaName = "hcaptcha"
	hcaptchaBase = "https://api.hcaptcha.com"
	hcaptchaPath = "/siteverify"
)

func siteOptions() []driver.Option {
	return []driver.Option{
		{Name: "secret", Doc: "Secret key of the site.", Required: true, Secret: true},
		{Name: "hostnames", Doc: "Names of the pages that may show it, separated by commas. Empty: any."},
		{Name: "testing", Doc: "`true` lets the vendor's published test keys pass; not for production."},
	}
}

func turnstileOptions() []driver.Option {
	return options(turnstileBase, append(siteOptions(),
		driver.Option{Name: "action", Doc: "Action the widget is rendered with. Empty: any."})...)
}

func hcaptchaOptions() []driver.Option {
	return options(hcaptchaBase, append(siteOptions(),
		driver.Option{Name: "sitekey", Doc: "Site key the solution must be for. Empty: any of the account."})...)
}

// siteVerify is the form that Turnstile and hCaptcha share.
// https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
// https://docs.hcaptcha.com/#verify-the-user-response-server-side
type siteVerify struct {
	vendor

	path, secret, action, sitekey string
	hostnames                     []string
	longest                       int
}

func newTurnstile(set map[string]string, now func() time.Time) (Verifier, error) {
	for _, test := range []string{"1x", "2x", "3x"} {
		if strings.HasPrefix(set["secret"], test+"00000000") && set["testing"] != "true" {
			return nil, errors.New("captcha turnstile has a test secret, which vouches for everybody")
		}
	}
	v, err := open(turnstileName, turnstileBase, set, now)
	return siteVerify{
		vendor: v, path: turnstilePath, secret: set["secret"], action: set["action"],
		hostnames: hostnames(set), longest: maxTurnstile,
	}, err
}

func newHCaptcha(set map[string]string, now func() time.Time) (Verifier, error) {
	if strings.Trim(set["secret"], "0x") == "" && set["testing"] != "true" {
		return nil, errors.New("captcha hcaptcha has a test secret, which vouches for everybody")
	}
	v, err := open(hcaptchaName, hcaptchaBase, set, now)
	return siteVerify{
		vendor: v, path: hcaptchaPath, secret: set["secret"], sitekey: set["sitekey"],
		hostnames: hostnames(set), longest: maxResponse,
	}, err
}

func hostnames(set map[string]string) []string {
	return strings.FieldsFunc(set["hostnames"], func(c rune) bool { return c == ',' || c == ' ' })
}

// Verify asks about one solution.
func (v siteVerify) Verify(ctx context.Context, s Solution) error {
	if err := plausible(s, v.longest); err != nil {
		return err
	}
	form := url.Values{"secret": {v.secret}, "response": {s.Response}}
	if s.IP != "" {
		form.Set("remoteip", s.IP)
	}
	if v.sitekey != "" {
		form.Set("sitekey", v.sitekey)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+v.path, strings.NewReader(form.Encode()))
	if err != nil {
		return v.unavailable(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, err := v.ask(req)
	if err != nil {
		return err
	}
	var a struct {
		Success  *bool    `json:"success"`
		Hostname string   `json:"hostname"`
		Action   string   `json:"action"`
		Errors   []string `json:"error-codes"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Success == nil {
		return v.unavailable(errors.New("the answer is not the vendor's"))
	}
	switch {
	case !*a.Success && slices.ContainsFunc(a.Errors, ours):
		return v.unavailable(fmt.Errorf("said %.80q", a.Errors))
	case !*a.Success:
		return wrong("vendor_refused", fmt.Sprintf("%s said %.80q", v.name, a.Errors))
	case len(v.hostnames) > 0 && !slices.Contains(v.hostnames, a.Hostname):
		return wrong("other_page", "solved on another page")
	case v.action != "" && a.Action != v.action:
		return wrong("other_action", "solved for another action")
	}
	return nil
}

// ours are the codes that speak of our settings or of their service, not of the solution.
func ours(code string) bool {
	return strings.HasSuffix(code, "-input-secret") || code == "internal-error" || code == "bad-request" ||
		code == "sitekey-secret-mismatch" || strings.HasPrefix(code, "not-using-dummy")
}

package provider

import (
	"context"
	"net/url"
	"strings"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const (
	wechatAPI  = "https://api.weixin.qq.com"
	wechatOpen = "https://open.weixin.qq.com"
)

// wechatOptions are what every WeChat app has.
func wechatOptions(more ...driver.Option) []driver.Option {
	return append([]driver.Option{
		{Name: "appid", Doc: "AppID of the app.", Required: true},
		{Name: "secret", Doc: "Its AppSecret.", Required: true, Secret: true},
		{Name: "base", Doc: "Address of the API, " + wechatAPI + " unless set."},
	}, more...)
}

// wechatApp is one registered app and how to call WeChat for it.
type wechatApp struct {
	id, secret, base string
	env              Env
}

func newWeChatApp(set map[string]string, env Env) (wechatApp, error) {
	api, err := base(set, "base", wechatAPI)
	return wechatApp{set["appid"], set["secret"], api, env}, err
}

// wechatAnswer is what every answer may hold. WeChat fails with status 200.
type wechatAnswer struct {
	Errcode number `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

// wechatResult is an answer that embeds wechatAnswer.
type wechatResult interface {
	failure() error
}

func (a wechatAnswer) failure() error { return wechatError(a.Errcode, a.Errmsg) }

// get calls path and reads the answer into out.
func (w wechatApp) get(ctx context.Context, path string, query url.Values, out wechatResult) error {
	a, err := get(ctx, w.env.HTTP, w.base+path, query)
	if err != nil {
		return err
	}
	return readWeChat(a, out)
}

func readWeChat(a driver.Answer, out wechatResult) error {
	if err := decode(a, out); err != nil {
		return err
	}
	return out.failure()
}

// wechatStale are the codes of an app token that is no longer good. Nothing was done then,
// so that even a one-time code survives.
func wechatStale(code number) bool {
	return code == 40001 || code == 40014 || code == 41001 || code == 42001
}

// wechatCodes are the reasons WeChat and WeCom give when signing people in. What is not
// here is the vendor's fault until somebody finds out more.
var wechatCodes = map[number]struct {
	code   errs.Code
	reason string
}{
	-1: {errs.Unavailable, "vendor_busy"},

	40003: {errs.ProviderRefused, "bad_openid"},
	40029: {errs.ProviderRefused, "bad_code"},
	40030: {errs.ProviderRefused, "bad_token"},
	40163: {errs.ProviderRefused, "code_used"},
	42002: {errs.ProviderRefused, "bad_token"},
	42003: {errs.ProviderRefused, "code_expired"},
	87009: {errs.ProviderRefused, "bad_signature"},

	40226: {errs.ProviderDenied, "vendor_risk"},

	45009: {errs.TooManyRequests, "vendor_quota"},
	45011: {errs.TooManyRequests, "vendor_quota"},

	// Ours: a parameter or a method is wrong.
	40002: {errs.ProviderMisconfigured, "bad_request"},
	41002: {errs.ProviderMisconfigured, "bad_request"},
	41004: {errs.ProviderMisconfigured, "bad_request"},
	41008: {errs.ProviderMisconfigured, "bad_request"},
	43001: {errs.ProviderMisconfigured, "bad_request"},
	43002: {errs.ProviderMisconfigured, "bad_request"},
	47001: {errs.ProviderMisconfigured, "bad_request"},
	// The operator's: the app's keys, addresses and rights.
	40001: {errs.ProviderMisconfigured, "bad_secret"},
	40013: {errs.ProviderMisconfigured, "bad_appid"},
	40125: {errs.ProviderMisconfigured, "bad_secret"},
	40164: {errs.ProviderMisconfigured, "ip_refused"},
	40243: {errs.ProviderMisconfigured, "secret_frozen"},
	48001: {errs.ProviderMisconfigured, "api_unauthorized"},
	48004: {errs.ProviderMisconfigured, "api_unauthorized"},
	50001: {errs.ProviderMisconfigured, "redirect_refused"},
	50002: {errs.ProviderMisconfigured, "app_limited"},
	50004: {errs.ProviderMisconfigured, "app_limited"},
	60020: {errs.ProviderMisconfigured, "ip_refused"},
}

// wechatError is the refusal behind an errcode; nil for none.
func wechatError(code number, message string) error {
	if code == 0 {
		return nil
	}
	as, ok := wechatCodes[code]
	if !ok {
		as.code, as.reason = errs.Unavailable, "unknown_errcode"
	}
	// The operator has to know which address to list; of other messages only the id that
	// the vendor's support asks for is worth keeping.
	if as.reason != "ip_refused" {
		message = requestID(message)
	}
	return because(as.code, as.reason, "errcode %d, %.200q", code, message)
}

// requestID finds the id of the vendor's own log in an errmsg.
func requestID(message string) string {
	for _, mark := range []string{"rid:", "req_id:", "hint:"} {
		if _, id, ok := strings.Cut(message, mark); ok {
			id, _, _ = strings.Cut(strings.Trim(id, " []"), " ")
			return strings.Trim(id, " [],")
		}
	}
	return ""
}

// incomplete refuses an answer that says neither no nor who.
func incomplete(field string) error {
	return because(errs.Unavailable, "incomplete_answer", "the answer has no %s", field)
}

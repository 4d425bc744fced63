package provider

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const (
	dingtalkBase      = "https://api.dingtalk.com"
	dingtalkLoginBase = "https://login.dingtalk.com"
	dingtalkOldBase   = "https://oapi.dingtalk.com"
)

func dingtalkOptions() []driver.Option {
	return []driver.Option{
		{Name: "client_id", Doc: "Client ID (AppKey) of the app.", Required: true},
		{Name: "client_secret", Doc: "Client Secret (AppSecret) of the app.", Required: true, Secret: true},
		{Name: "api", Doc: "sns: the service of apps registered for QR code sign-in before 2021. Empty: the present one."},
		{Name: "corp_id", Doc: "The only company whose people may sign in; they are asked to choose it. Empty: every company."},
		{Name: "base", Doc: "Address of the API. Empty: " + dingtalkBase + ", or " + dingtalkOldBase + " for sns."},
		{Name: "login_base", Doc: "Address of the sign-in page. Empty: " + dingtalkLoginBase + ", or " + dingtalkOldBase + " for sns."},
	}
}

// dingtalk is DingTalk. A person is the same to all apps of one company by unionId, to
// which nothing but the app's own name for them, openId, is an alternative.
// https://open.dingtalk.com/document/orgapp/obtain-user-token
type dingtalk struct {
	id, secret, corp string
	base, login      string
	old              bool
	env              Env
}

func openDingTalk(set map[string]string, env Env) (Driver, error) {
	d := &dingtalk{id: set["client_id"], secret: set["client_secret"], corp: set["corp_id"], env: env}
	api, login := dingtalkBase, dingtalkLoginBase
	switch set["api"] {
	case "":
	case "sns":
		d.old, api, login = true, dingtalkOldBase, dingtalkOldBase
		if d.corp != "" {
			return nil, fmt.Errorf("sns does not tell companies apart: %q cannot be set", "corp_id")
		}
	default:
		return nil, fmt.Errorf("there is no DingTalk api %q", set["api"])
	}
	var err error
	if d.base, err = base(set, "base", api); err != nil {
		return nil, err
	}
	d.login, err = base(set, "login_base", login)
	return d, err
}

// Authorize returns the address of DingTalk's page.
func (d *dingtalk) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	r.Challenge = ""
	if d.old {
		r.Scope = "snsapi_login"
		return authorizeURL(d.login+"/connect/qrconnect", "", r, "appid", d.id)
	}
	if r.Scope == "" {
		r.Scope = "openid"
	}
	if d.corp != "" {
		r.Scope = "openid corpid"
	}
	return authorizeURL(d.login+"/oauth2/auth", d.id, r, "prompt", "consent", "corpId", d.corp)
}

// Exchange redeems a code, which DingTalk calls authCode on its callback.
func (d *dingtalk) Exchange(ctx context.Context, c Credential) (Profile, error) {
	code, err := callbackCode(c, "authCode")
	if err != nil {
		return Profile{}, err
	}
	if d.old {
		return d.exchangeOld(ctx, code)
	}
	token, err := d.token(ctx, code)
	if err != nil {
		return Profile{}, err
	}
	a, err := get(ctx, d.env.HTTP, d.base+"/v1.0/contact/users/me", nil, "x-acs-dingtalk-access-token", token)
	if err != nil {
		return Profile{}, err
	}
	var u dingtalkUser
	if err := d.read(a, &u); err != nil {
		return Profile{}, err
	}
	if u.UnionID == "" {
		return Profile{}, because(errs.Unavailable, "no_subject", "DingTalk named nobody")
	}
	return u.profile(d.id), nil
}

func (d *dingtalk) token(ctx context.Context, code string) (string, error) {
	a, err := postJSON(ctx, d.env.HTTP, d.base+"/v1.0/oauth2/userAccessToken", map[string]string{
		"clientId": d.id, "clientSecret": d.secret, "code": code, "grantType": "authorization_code",
	})
	if err != nil {
		return "", err
	}
	var t struct {
		AccessToken string `json:"accessToken"`
		CorpID      string `json:"corpId"`
	}
	if err := d.read(a, &t); err != nil {
		return "", err
	}
	switch {
	case t.AccessToken == "":
		return "", because(errs.Unavailable, "no_token", "DingTalk's answer holds no access token")
	case d.corp != "" && t.CorpID != d.corp:
		return "", because(errs.ProviderDenied, "foreign_tenant", "the account is of another company")
	}
	return t.AccessToken, nil
}

type dingtalkUser struct {
	Nick      string `json:"nick"`
	Avatar    string `json:"avatarUrl"`
	Mobile    string `json:"mobile"`
	StateCode text   `json:"stateCode"`
	OpenID    string `json:"openId"`
	UnionID   string `json:"unionId"`
	Email     string `json:"email"`
	Visitor   bool   `json:"visitor"`
}

func (u dingtalkUser) profile(app string) Profile {
	p := Profile{
		Subject: u.UnionID, UnionID: u.UnionID, AppID: app, Name: u.Nick, Picture: picture(u.Avatar), Email: u.Email,
		Extra: map[string]string{"open_id": u.OpenID, "visitor": strconv.FormatBool(u.Visitor)},
	}
	// The number is the one the person signs in to DingTalk with.
	if phone, err := contact.Phone(u.Mobile, cmp.Or(string(u.StateCode), "86")); err == nil {
		p.Phone = phone
	}
	return p
}

// read turns DingTalk's errors into ours. Their codes are words that were never listed in
// one place.
func (d *dingtalk) read(a driver.Answer, into any) error {
	if a.Status == http.StatusOK {
		return decode(a, into)
	}
	var fault struct {
		Code text `json:"code"`
	}
	if err := decode(a, &fault); err != nil {
		return err
	}
	word := strings.ToLower(string(fault.Code))
	has := func(parts ...string) bool {
		for _, part := range parts {
			if strings.Contains(word, part) {
				return true
			}
		}
		return false
	}
	code := errs.ProviderRefused
	switch {
	case a.Status == http.StatusTooManyRequests, has("throttl", "qps", "flow"):
		code = errs.TooManyRequests
	case has("unavailable", "internalerror", "systemerror"):
		code = errs.Unavailable
	case has("clientid", "clientsecret", "appkey", "appsecret", "permission", "accessdenied", "ipnotinwhitelist"):
		code = errs.ProviderMisconfigured
	}
	return because(code, "vendor_"+known(strings.ReplaceAll(word, ".", "_")), "DingTalk answered %d %.60q", a.Status, word)
}

// The codes of the old service that say something about the code.
const (
	dingtalkBadCode  = 40078
	dingtalkUsedCode = 40079
)

// exchangeOld asks the service of older apps, which wants every call signed.
func (d *dingtalk) exchangeOld(ctx context.Context, code string) (Profile, error) {
	at := strconv.FormatInt(d.env.Now().UnixMilli(), 10)
	query := url.Values{"accessKey": {d.id}, "timestamp": {at}, "signature": {signDingTalk(d.secret, at)}}
	a, err := postJSON(ctx, d.env.HTTP, d.base+"/sns/getuserinfo_bycode?"+query.Encode(), map[string]string{"tmp_auth_code": code})
	if err != nil {
		return Profile{}, err
	}
	var answer struct {
		Code number `json:"errcode"`
		User struct {
			Nick    string `json:"nick"`
			UnionID string `json:"unionid"`
			OpenID  string `json:"openid"`
		} `json:"user_info"`
	}
	if err := decode(a, &answer); err != nil {
		return Profile{}, err
	}
	switch answer.Code {
	case 0:
	case dingtalkBadCode, dingtalkUsedCode:
		return Profile{}, refuse("vendor_"+decimal(answer.Code), "DingTalk answered %d", answer.Code)
	case -1:
		return Profile{}, because(errs.Unavailable, "vendor_-1", "DingTalk is busy")
	default: // the signature, the id, the clock: nothing a person could do
		return Profile{}, because(errs.ProviderMisconfigured, "vendor_"+decimal(answer.Code), "DingTalk answered %d", answer.Code)
	}
	u := dingtalkUser{Nick: answer.User.Nick, UnionID: answer.User.UnionID, OpenID: answer.User.OpenID}
	if u.UnionID == "" {
		return Profile{}, because(errs.Unavailable, "no_subject", "DingTalk named nobody")
	}
	return u.profile(d.id), nil
}

// signDingTalk signs the time of a call.
func signDingTalk(key, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(timestamp))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

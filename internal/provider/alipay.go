package provider

import (
	"cmp"
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const (
	alipayBase      = "https://openapi.alipay.com"
	alipayLoginBase = "https://openauth.alipay.com"
)

func alipayOptions() []driver.Option {
	return []driver.Option{
		{Name: "app_id", Doc: "APPID of the application.", Required: true},
		{Name: "private_key", Doc: "The application's private key (RSA2), in PEM or as Alipay's key tool writes it.", Required: true, Secret: true},
		{Name: "alipay_public_key", Doc: "Alipay's public key from the console, which is not the application's.", Required: true},
		{Name: "identity", Doc: "user_id: for applications that learn 2088… numbers. Empty: open_id. Never change it once people have signed in."},
		{Name: "scope", Doc: "auth_base: the identity alone, without asking the person. Empty: auth_user."},
		{Name: "base", Doc: "Address of the gateway. Empty: " + alipayBase + "."},
		{Name: "login_base", Doc: "Address of the sign-in page. Empty: " + alipayLoginBase + "."},
	}
}

// alipay signs every call and believes no answer that is not signed.
// https://opendocs.alipay.com/open/02ailc
type alipay struct {
	id, scope, identity string
	base, login         string
	key                 *rsa.PrivateKey
	vendor              *rsa.PublicKey
	env                 Env
}

func openAlipay(set map[string]string, env Env) (Driver, error) {
	a := &alipay{id: set["app_id"], scope: cmp.Or(set["scope"], "auth_user"), identity: cmp.Or(set["identity"], "open_id"), env: env}
	if a.identity != "open_id" && a.identity != "user_id" {
		return nil, fmt.Errorf("the identity is open_id or user_id, not %q", a.identity)
	}
	key, err := parsePrivateKey(set["private_key"])
	if err != nil {
		return nil, fmt.Errorf("private_key: %w", err)
	}
	var ok bool
	if a.key, ok = key.(*rsa.PrivateKey); !ok {
		return nil, errors.New("private_key is no RSA key")
	}
	if a.vendor, err = parseRSAPublicKey(set["alipay_public_key"]); err != nil {
		return nil, fmt.Errorf("alipay_public_key: %w", err)
	}
	if a.base, err = base(set, "base", alipayBase); err != nil {
		return nil, err
	}
	a.login, err = base(set, "login_base", alipayLoginBase)
	return a, err
}

// Authorize returns the address of Alipay's page.
func (a *alipay) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	r.Scope, r.Challenge = cmp.Or(r.Scope, a.scope), ""
	return authorizeURL(a.login+"/oauth2/publicAppAuthorize.htm", "", r, "app_id", a.id)
}

// alipayPerson is in both answers. Which of the two names is filled depends on when the
// application was registered, and one person's must never be taken for another's.
type alipayPerson struct {
	AccessToken string `json:"access_token"`
	OpenID      text   `json:"open_id"`
	UserID      text   `json:"user_id"`
	UnionID     text   `json:"union_id"`
	Name        string `json:"nick_name"`
	Avatar      string `json:"avatar"`
}

func (p alipayPerson) subject(identity string) string {
	if identity == "user_id" {
		return string(p.UserID)
	}
	return string(p.OpenID)
}

// Exchange redeems a code, which Alipay calls auth_code on its callback.
func (a *alipay) Exchange(ctx context.Context, c Credential) (Profile, error) {
	if app := c.Params["app_id"]; app != "" && app != a.id {
		return Profile{}, refuse("mixup_iss", "the answer is for another application")
	}
	code, err := callbackCode(c, "auth_code")
	if err != nil {
		return Profile{}, err
	}
	var token alipayPerson
	if err := a.call(ctx, "alipay.system.oauth.token", map[string]string{"grant_type": "authorization_code", "code": code}, &token); err != nil {
		return Profile{}, err
	}
	subject := token.subject(a.identity)
	if subject == "" {
		return Profile{}, because(errs.ProviderMisconfigured, "no_subject", "Alipay told no %s", a.identity)
	}
	p := Profile{Subject: subject, UnionID: string(token.UnionID), AppID: a.id}
	if a.scope == "auth_base" {
		return p, nil
	}
	var person alipayPerson
	if err := a.call(ctx, "alipay.user.info.share", map[string]string{"auth_token": token.AccessToken}, &person); err != nil {
		return Profile{}, err
	}
	if person.subject(a.identity) != subject {
		return Profile{}, refuse("userinfo_sub", "the profile is somebody else's")
	}
	p.Name, p.Picture = person.Name, picture(person.Avatar)
	return p, nil
}

// call does one method of the gateway and reads its verified answer.
func (a *alipay) call(ctx context.Context, method string, params map[string]string, into any) error {
	form, err := a.form(method, params)
	if err != nil {
		return misconfigured("%w", err)
	}
	answer, err := postForm(ctx, a.env.HTTP, a.base+"/gateway.do", form)
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return because(errs.Unavailable, "vendor_status", "Alipay answered %d", answer.Status)
	}
	return a.open(method, answer, into)
}

// form is a signed request. Alipay's clocks are in China.
func (a *alipay) form(method string, params map[string]string) (url.Values, error) {
	form := url.Values{
		"app_id": {a.id}, "method": {method}, "format": {"JSON"}, "charset": {"utf-8"}, "sign_type": {"RSA2"},
		"timestamp": {a.env.Now().In(time.FixedZone("CST", 8*60*60)).Format(time.DateTime)}, "version": {"1.0"},
	}
	for name, value := range params {
		form.Set(name, value)
	}
	sign, err := signAlipay(a.key, form)
	form.Set("sign", sign)
	return form, err
}

package upsim

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Accounts is everything registered with the vendors, by the id each knows it by.
type Accounts struct {
	WeChat    map[string]WeChatApp       `json:"wechat"`      // by appid
	WeCom     map[string]WeComCorp       `json:"wecom"`       // by corp id
	Tencent   map[string]TencentAccount  `json:"sms/tencent"` // by secret id
	Aliyun    map[string]AliyunAccount   `json:"sms/aliyun"`  // by access key id
	Yidun     map[string]YidunAccount    `json:"yidun"`       // by secret id
	CMCC      map[string]CMCCApp         `json:"cmcc"`        // by appid
	RapidAuth map[string]RapidAuthApp    `json:"rapidauth"`   // by sdkappid
	OneLogin  map[string]OneLoginApp     `json:"onelogin"`    // by app id
	Twilio    map[string]TwilioAccount   `json:"twilio"`      // by account sid
	Webhook   map[string]WebhookReceiver `json:"webhook"`     // by any name
	SocialAccounts
	MailAccounts
}

// WeChatApp is a website or mobile app ("open"), an official account ("mp") or a
// mini-program ("mini").
type WeChatApp struct {
	Secret         string   `json:"secret"`
	Kind           string   `json:"kind"`
	Name           string   `json:"name,omitempty"`
	UnionGroup     string   `json:"union_group,omitempty"`     // "" is bound to no developer account
	RedirectDomain string   `json:"redirect_domain,omitempty"` // host names, with commas
	IPAllow        []string `json:"ip_allow,omitempty"`        // ranges; none is everybody
}

// WeComCorp is a company with one app of its own.
type WeComCorp struct {
	Secret         string   `json:"secret"`
	AgentID        string   `json:"agent_id"`
	RedirectDomain string   `json:"redirect_domain,omitempty"`
	IPAllow        []string `json:"ip_allow,omitempty"`
}

// SMSTemplate is an approved text. Code templates take numbers of up to six digits only.
type SMSTemplate struct {
	Text          string `json:"text"` // with {1} or ${name}
	Code          bool   `json:"code,omitempty"`
	International bool   `json:"international,omitempty"`
}

// TencentAccount is a key of Tencent Cloud and what may be sent with it.
type TencentAccount struct {
	SecretKey string                 `json:"secret_key"`
	Apps      []string               `json:"apps"`
	Signs     []string               `json:"signs"`
	Templates map[string]SMSTemplate `json:"templates"`
	Limits    bool                   `json:"limits,omitempty"` // 1 in 30 s, 5 an hour, 10 a day
	Callback  string                 `json:"callback,omitempty"`
}

// AliyunAccount is a key of Aliyun and what may be sent with it.
type AliyunAccount struct {
	Secret    string                 `json:"secret"`
	Signs     []string               `json:"signs"`
	Templates map[string]SMSTemplate `json:"templates"`
	Limits    bool                   `json:"limits,omitempty"` // 1 a minute, 5 an hour, 10 a day
	Callback  string                 `json:"callback,omitempty"`
}

// YidunAccount is a product of NetEase Yidun.
type YidunAccount struct {
	SecretKey   string   `json:"secret_key"`
	BusinessIDs []string `json:"business_ids"`
}

// CMCCApp is an app of China Mobile's unified sign-in.
type CMCCApp struct {
	AppKey    string   `json:"app_key"`
	PublicKey string   `json:"public_key,omitempty"` // PEM, for encryptionalgorithm RSA
	IPAllow   []string `json:"ip_allow,omitempty"`   // for strictcheck 1
}

// RapidAuthApp is an app of Tencent's number verification.
type RapidAuthApp struct {
	AppKey string `json:"app_key"`
}

// OneLoginApp is an app of GeeTest OneLogin.
type OneLoginApp struct {
	AppKey string `json:"app_key"`
}

// TwilioAccount is an account of Twilio.
type TwilioAccount struct {
	AuthToken string `json:"auth_token"`
	Callback  string `json:"callback,omitempty"` // when a message names none
}

// WebhookReceiver is an operator's own SMS gateway.
type WebhookReceiver struct {
	Secret string `json:"secret"`
}

//go:embed fixtures.json
var fixtureFile []byte

// fixtures reads the people and accounts that every simulator starts with. They are a
// file because the texts of templates are not English.
func fixtures() (Accounts, []User, error) {
	var f struct {
		Users    []User   `json:"users"`
		Accounts Accounts `json:"accounts"`
	}
	if err := json.Unmarshal(fixtureFile, &f); err != nil {
		return Accounts{}, nil, fmt.Errorf("upsim: fixtures: %w", err)
	}
	if err := f.Accounts.social(); err != nil {
		return Accounts{}, nil, err
	}
	return f.Accounts, f.Users, nil
}

// put registers one account, given as JSON, with the vendor that kind names.
func (a *Accounts) put(kind, id string, raw []byte) error {
	switch kind {
	case "wechat":
		return putAccount(a.WeChat, id, raw)
	case "wecom":
		return putAccount(a.WeCom, id, raw)
	case "sms/tencent":
		return putAccount(a.Tencent, id, raw)
	case "sms/aliyun":
		return putAccount(a.Aliyun, id, raw)
	case "yidun":
		return putAccount(a.Yidun, id, raw)
	case "cmcc":
		return putAccount(a.CMCC, id, raw)
	case "rapidauth":
		return putAccount(a.RapidAuth, id, raw)
	case "onelogin":
		return putAccount(a.OneLogin, id, raw)
	case "twilio":
		return putAccount(a.Twilio, id, raw)
	case "webhook":
		return putAccount(a.Webhook, id, raw)
	}
	err := a.SocialAccounts.put(kind, id, raw)
	if errors.Is(err, errNoSuchAccount) {
		err = a.MailAccounts.put(kind, id, raw)
	}
	if errors.Is(err, errNoSuchAccount) {
		return fmt.Errorf("upsim: nobody registers %q", kind)
	}
	return err
}

func putAccount[T any](all map[string]T, id string, raw []byte) error {
	var account T
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.DisallowUnknownFields()
	if err := d.Decode(&account); err != nil {
		return fmt.Errorf("upsim: account %s: %w", id, err)
	}
	all[id] = account
	return nil
}

// allowedFrom reports whether a caller's address is in one of the ranges. No range
// allows everybody; a bad one allows nobody.
func allowedFrom(remote string, ranges []string) bool {
	if len(ranges) == 0 {
		return true
	}
	caller, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	for _, text := range ranges {
		if p, err := netip.ParsePrefix(text); err == nil && p.Contains(caller.Addr().Unmap()) {
			return true
		}
	}
	return false
}

// allowedHost reports whether a redirect leads to one of the domains, given with commas.
// A domain without a port allows every port of it.
func allowedHost(host, hostname, domains string) bool {
	for domain := range strings.SplitSeq(domains, ",") {
		if domain = strings.TrimSpace(domain); domain != "" && (domain == host || domain == hostname) {
			return true
		}
	}
	return false
}

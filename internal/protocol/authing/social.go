package authing

import (
	"context"
	"slices"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) socialRoutes() []route {
	return []route{
		post("/api/v2/ecConn/{connection}/authByCode", public(p, nil, p.loginBySocial)),
		post("/api/v2/ecConn/{connection}/authByAccessToken", public(p, nil, p.loginBySocial)),
		post("/connection/social/{connection}/{pool}/callback", public(p, nil, p.loginByApple)),
		post("/api/v2/users/link", public(p, nil, p.linkAccount)),
		post("/api/v2/users/unlink", public(p, nil, p.unlinkAccount)),
	}
}

// vendor is how the protocol speaks of the connections of a kind.
type vendor struct {
	kind  string
	typ   string   // by which mobile clients find a connection in their configuration
	paths []string // of the endpoints they then call
}

// vendors lists them. A connection of a kind that is nobody's in particular goes by its
// own id, so that clients of a vendor we have no driver for find one made for it.
func vendors() []vendor {
	return []vendor{
		{"wechat_open", "wechat:mobile", []string{"wechatMobile", "wechat"}},
		{"wechat_mini", "wechat:miniprogram:app-launch", []string{"wechatminiprogramapplaunch"}},
		{"wechat_mp", "wechat:webpage-authorization", []string{"wechatMobile", "wechat"}},
		{"wecom", "wechatwork:mobile", []string{"wechat-work", "wechat-work-agency"}},
		{"feishu", "lark-internal", []string{"lark"}},
		{"google", "google:mobile", []string{"google"}},
		{"github", "github:mobile", []string{"github"}},
		{"qq", "qq:mobile", []string{"QQConnect", "qq"}},
		{"weibo", "weibo:mobile", []string{"weibo"}},
		{"dingtalk", "dingtalk:mobile", []string{"dingtalk"}},
		{"alipay", "alipay", []string{"alipay"}},
		{"apple", "apple", []string{"apple"}},
	}
}

func vendorOf(kind string) (vendor, bool) {
	all := vendors()
	i := slices.IndexFunc(all, func(v vendor) bool { return v.kind == kind })
	if i < 0 {
		return vendor{}, false
	}
	return all[i], true
}

// connection is an identity provider as the configuration names it.
type connection struct {
	ID     string           `json:"id"`
	Type   string           `json:"type"`
	Fields connectionFields `json:"fields"`
}

type connectionFields struct {
	DisplayName string `json:"displayName"`
}

func (p *Protocol) connections(ctx context.Context, c pool.Client) ([]connection, error) {
	ways, err := p.vendors.Ways(ctx, c.Pool.ID)
	if err != nil {
		return nil, err
	}
	lang := caller.From(ctx).Lang
	all := make([]connection, 0, len(ways))
	for _, w := range ways {
		typ := w.ID + ":mobile"
		if v, ok := vendorOf(w.Kind); ok {
			typ = v.typ
		}
		all = append(all, connection{ID: w.ID, Type: typ, Fields: connectionFields{w.Title(lang)}})
	}
	return all, nil
}

// socialRequest is what an app got from a vendor's library.
type socialRequest struct {
	Path          string         `path:"connection"`
	ConnID        string         `json:"connId"`
	Code          string         `json:"code"`
	AccessToken   string         `json:"access_token"`
	IDToken       string         `json:"id_token"`
	IV            string         `json:"iv"`
	EncryptedData string         `json:"encryptedData"`
	PhoneInfoCode string         `json:"phoneInfoCode"`
	Context       requestContext `json:"context"`
	Options       socialOptions  `json:"options"`
}

type socialOptions struct {
	Context requestContext `json:"context"`
}

// loginBySocial signs in whom a vendor vouches for.
func (p *Protocol) loginBySocial(ctx context.Context, c pool.Client, in socialRequest) (any, error) {
	return p.social(ctx, c, in, "", false)
}

// social exchanges what the vendor gave the app, and signs in who that is. With ask it
// may answer with a step.
func (p *Protocol) social(ctx context.Context, c pool.Client, in socialRequest, bearer string, ask bool) (any, error) {
	id, err := p.connectionFor(ctx, c, in.Path, in.ConnID)
	if err != nil {
		return nil, err
	}
	granted, err := p.vendors.Grant(ctx, c, federation.GrantInput{
		ProviderID: id, Code: in.Code, AccessToken: in.AccessToken, IDToken: in.IDToken,
		PhoneCode: in.PhoneInfoCode, EncryptedData: in.EncryptedData, IV: in.IV,
		Native: true, Bearer: bearer,
	})
	if err != nil {
		return nil, err
	}
	about := in.Context.value
	if about == nil {
		about = in.Options.Context.value
	}
	return p.login(ctx, signin.Input{
		Client: c, Method: signin.MethodProvider, Token: granted.Token, ProviderID: id, Ask: ask,
		Bearer: web.Bearer(ctx), Style: p.style(c), RequestContext: about,
	})
}

// connectionFor finds the connection an app means: the one it names, which has to be of
// the endpoint's vendor, or else the vendor's only one.
func (p *Protocol) connectionFor(ctx context.Context, c pool.Client, path, id string) (string, error) {
	ways, err := p.vendors.Ways(ctx, c.Pool.ID)
	if err != nil {
		return "", err
	}
	for _, w := range ways {
		v, known := vendorOf(w.Kind)
		fits := slices.Contains(v.paths, path) || !known && path == w.ID
		if fits && (id == "" || id == w.ID) {
			return w.ID, nil
		}
	}
	return "", errs.New(errs.ProviderUnknown)
}

type appleRequest struct {
	Path   string `path:"connection"`
	PoolID string `path:"pool"`
	Code   string `json:"code"`
}

// loginByApple takes the code that Apple's library gave an app. Pages come back to
// federation.CallbackPath instead.
func (p *Protocol) loginByApple(ctx context.Context, c pool.Client, in appleRequest) (any, error) {
	switch {
	case in.PoolID != c.Pool.ID:
		return nil, errs.New(errs.PoolNotFound)
	case in.Code == "":
		return nil, missing("code")
	}
	return p.social(ctx, c, socialRequest{Path: in.Path, Code: in.Code}, "", false)
}

type linkRequest struct {
	Primary   string `json:"primaryUserToken"`
	Secondary string `json:"secondaryUserToken"`
	Provider  string `json:"provider"`
}

// linkAccount gives the person of the first token the identity that the second, the key of
// a sign-in that was not finished, stands for. Two accounts are never made one.
func (p *Protocol) linkAccount(ctx context.Context, _ pool.Client, in linkRequest) (any, error) {
	who, err := p.sessions.VerifyAny(ctx, in.Primary)
	if err != nil {
		return nil, err
	}
	if in.Secondary == "" {
		return nil, missing("secondaryUserToken")
	}
	if _, err := p.sessions.VerifyAny(ctx, in.Secondary); err == nil {
		return nil, errs.New(errs.PermissionDenied)
	}
	link := account.LinkInput{Token: in.Secondary, Assurance: account.BySession}
	return nil, p.account.LinkProvider(withClient(ctx, who.ClientID), who, link)
}

// unlinkAccount takes away an identity, by the id of its connection or its vendor's name.
func (p *Protocol) unlinkAccount(ctx context.Context, _ pool.Client, in linkRequest) (any, error) {
	who, err := p.sessions.VerifyAny(ctx, in.Primary)
	if err != nil {
		return nil, err
	}
	if in.Provider == "" {
		return nil, missing("provider")
	}
	ctx = withClient(ctx, who.ClientID)
	states, err := p.account.Providers(ctx, who)
	if err != nil {
		return nil, err
	}
	for _, s := range states {
		v, _ := vendorOf(s.Kind)
		if s.Bound && (s.ID == in.Provider || slices.Contains(v.paths, in.Provider)) {
			return nil, p.account.Unlink(ctx, who, s.ID)
		}
	}
	return nil, errs.New(errs.ProviderNotFound)
}

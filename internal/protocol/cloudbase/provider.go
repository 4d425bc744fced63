package cloudbase

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) providerRoutes() []route {
	return []route{
		get("/auth/v1/user/provider", bearer(p, p.providers)),
		once(http.MethodPost, "/auth/v1/user/provider/bind", bearer(p, p.bindProvider)),
		once(http.MethodDelete, "/auth/v1/user/provider/{provider_id}", bearer(p, p.unbindProvider)),
		once(http.MethodPost, "/auth/v1/user/provider/{provider_id}/trans", bearer(p, p.changeProvider)),
		once(http.MethodPatch, "/auth/v1/user/trans/by/provider", bearer(p, p.enterByProvider)),
		post("/auth/v1/mgr/provider/providerSubType", public(p, p.providerKind)),
	}
}

type providerList struct {
	Total int            `json:"total"`
	Data  []providerInfo `json:"data"`
}

type providerInfo struct {
	ID               string `json:"id"`
	Name             string `json:"name"`
	ProviderUserID   string `json:"provider_user_id"`
	ProviderUserName string `json:"provider_user_name"`
	Bind             bool   `json:"bind"`
}

// providers lists what the account is linked to, and what it could be linked to.
func (p *Protocol) providers(ctx context.Context, who session.Principal, _ done) (providerList, error) {
	states, err := p.account.Providers(ctx, who)
	if err != nil {
		return providerList{}, err
	}
	out := providerList{Total: len(states), Data: []providerInfo{}}
	for _, s := range states {
		out.Data = append(out.Data, providerInfo{
			ID: s.ID, Name: s.Name, ProviderUserID: s.Subject, ProviderUserName: s.SubjectName, Bind: s.Bound,
		})
	}
	return out, nil
}

type bindRequest struct {
	ProviderToken token `json:"provider_token"`
	SudoToken     token `json:"sudo_token"`
}

// bindProvider links whom a provider token vouches for to the account.
func (p *Protocol) bindProvider(ctx context.Context, who session.Principal, in bindRequest) (done, error) {
	return done{}, p.account.LinkProvider(ctx, who, account.LinkInput{
		Token: string(in.ProviderToken), SudoToken: string(in.SudoToken),
	})
}

type unbindRequest struct {
	ProviderID string `path:"provider_id"`
}

// unbindProvider removes a linked identity.
func (p *Protocol) unbindProvider(ctx context.Context, who session.Principal, in unbindRequest) (done, error) {
	return done{}, p.account.Unlink(ctx, who, in.ProviderID)
}

type changeRequest struct {
	ProviderID string `path:"provider_id"`
	TransToken token  `json:"provider_trans_token"`
	SudoToken  token  `json:"sudo_token"`
}

type changeAnswer struct {
	ClientID string `json:"client_id"`
}

// changeProvider links another identity of the same provider. Nothing is taken from the
// account of somebody else.
func (p *Protocol) changeProvider(ctx context.Context, who session.Principal, in changeRequest) (changeAnswer, error) {
	err := p.account.LinkProvider(ctx, who, account.LinkInput{
		Token: string(in.TransToken), ProviderID: in.ProviderID, SudoToken: string(in.SudoToken),
	})
	return changeAnswer{ClientID: who.ClientID}, err
}

// enterByProvider leaves the session for the account of whom a provider token vouches for.
func (p *Protocol) enterByProvider(ctx context.Context, who session.Principal, in bindRequest) (tokenSet, error) {
	c, err := p.pools.Client(ctx, who.ClientID)
	if err != nil {
		return tokenSet{}, err
	}
	return p.enter(ctx, signin.Input{
		Client: c, Method: signin.MethodProvider, Token: string(in.ProviderToken), Bearer: web.Bearer(ctx),
	})
}

type providerKindRequest struct {
	app
	ProviderID string `json:"provider_id"`
}

type providerKindAnswer struct {
	ID   string `json:"id"`
	Kind string `json:"provider_sub_type"`
}

// providerKind names the vendor behind a provider.
func (p *Protocol) providerKind(ctx context.Context, c pool.Client, in providerKindRequest) (providerKindAnswer, error) {
	ways, err := p.federation.Ways(ctx, c.Pool.ID)
	if err != nil {
		return providerKindAnswer{}, err
	}
	for _, w := range ways {
		if w.ID == in.ProviderID {
			return providerKindAnswer{ID: w.ID, Kind: w.Kind}, nil
		}
	}
	return providerKindAnswer{}, errs.New(errs.ProviderUnknown)
}

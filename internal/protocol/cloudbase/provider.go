package cloudbase

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/internal/session"
)

func (p *Protocol) providerRoutes() []route {
	return []route{
		get("/auth/v1/user/provider", bearer(p, p.providers)),
		once(http.MethodDelete, "/auth/v1/user/provider/{provider_id}", bearer(p, p.unbindProvider)),
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

// providers lists the identities linked to the account.
func (p *Protocol) providers(ctx context.Context, who session.Principal, _ done) (providerList, error) {
	linked, err := p.account.Identities(ctx, who)
	if err != nil {
		return providerList{}, err
	}
	out := providerList{Data: []providerInfo{}}
	for _, i := range linked {
		if outside(i) {
			out.Data = append(out.Data, providerInfo{
				ID: i.Provider, Name: i.Provider, ProviderUserID: i.Subject, ProviderUserName: i.Name, Bind: true,
			})
		}
	}
	out.Total = len(out.Data)
	return out, nil
}

type providerRequest struct {
	ProviderID string `path:"provider_id"`
}

// unbindProvider removes a linked identity.
func (p *Protocol) unbindProvider(ctx context.Context, who session.Principal, in providerRequest) (done, error) {
	return done{}, p.account.Unlink(ctx, who, in.ProviderID)
}

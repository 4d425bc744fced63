package authing

import (
	"context"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

// poolOperations are those of a pool as a whole: the token to manage it with, and what
// there is to know about it.
func (p *Protocol) poolOperations() map[string]operation {
	return map[string]operation{
		"accessToken":        anyone(query, p.accessToken),
		"refreshAccessToken": anyone(mutation, p.refreshAccessToken),
		"userpool":           managed(p, query, p.userpool),
		"userpools":          managed(p, query, p.userpools),
	}
}

// anyone makes an operation that asks for neither a token nor an application.
func anyone[In any](kind string, fn func(context.Context, In) (any, error)) operation {
	read := web.Object[In]()
	return operation{kind: kind, run: func(ctx context.Context, args []byte) (any, error) {
		in, err := read(args)
		if err != nil {
			return nil, err
		}
		return fn(ctx, in)
	}}
}

type accessTokenRequest struct {
	PoolID string `json:"userPoolId"`
	Secret string `json:"secret"`
}

// accessToken is a management token. Clients fetch another one an hour before it ends.
type accessToken struct {
	AccessToken string `json:"accessToken"`
	ExpiresAt   int64  `json:"exp"`
	IssuedAt    int64  `json:"iat"`
}

func accessTokenOf(t admin.Token) accessToken {
	return accessToken{t.Access, t.ExpiresAt.Unix(), t.IssuedAt.Unix()}
}

func (p *Protocol) accessToken(ctx context.Context, in accessTokenRequest) (any, error) {
	t, err := p.admin.Token(ctx, in.PoolID, in.Secret)
	return accessTokenOf(t), err
}

type refreshAccessTokenRequest struct {
	Token string `json:"accessToken"`
}

func (p *Protocol) refreshAccessToken(ctx context.Context, in refreshAccessTokenRequest) (any, error) {
	t, err := p.admin.Renew(ctx, in.Token)
	return accessTokenOf(t), err
}

// appOf is the application a manager speaks of: the one the request names, when the pool
// has it, else the pool's first.
func (p *Protocol) appOf(ctx context.Context, m admin.Manager) (pool.Client, error) {
	id := factsOf(ctx).app
	if id == "" {
		apps, err := p.pools.Apps(ctx, m.PoolID)
		if err != nil {
			return pool.Client{}, err
		}
		if len(apps) == 0 {
			return pool.Client{}, errs.New(errs.ClientUnknown)
		}
		id = apps[0].ID
	}
	c, err := p.pools.AppOf(ctx, id)
	if err == nil && c.Pool.ID != m.PoolID {
		err = errs.New(errs.ClientUnknown)
	}
	return c, err
}

// userpool is what managers may know of their pool. Its secrets are not among it.
type userpool struct {
	ID                    string `json:"id"`
	Name                  string `json:"name"`
	Domain                string `json:"domain"`
	Description           string `json:"description"`
	Logo                  string `json:"logo"`
	UserpoolTypes         []any  `json:"userpoolTypes"`
	CreatedAt             string `json:"createdAt"`
	UpdatedAt             string `json:"updatedAt"`
	EmailVerifiedDefault  bool   `json:"emailVerifiedDefault"`
	SendWelcomeEmail      bool   `json:"sendWelcomeEmail"`
	RegisterDisabled      bool   `json:"registerDisabled"`
	AppSSOEnabled         bool   `json:"appSsoEnabled"`
	TokenExpiresAfter     int64  `json:"tokenExpiresAfter"`
	IsDeleted             bool   `json:"isDeleted"`
	VerifyCodeLength      int    `json:"verifyCodeLength"`
	VerifyCodeMaxAttempts int    `json:"verifyCodeMaxAttempts"`
}

func (p *Protocol) userpool(ctx context.Context, m admin.Manager, _ nothing) (any, error) {
	return p.userpoolOf(ctx, m)
}

func (p *Protocol) userpools(ctx context.Context, m admin.Manager, _ nothing) (any, error) {
	one, err := p.userpoolOf(ctx, m)
	return page[userpool]{1, []userpool{one}}, err
}

func (p *Protocol) userpoolOf(ctx context.Context, m admin.Manager) (userpool, error) {
	of, err := p.pools.Get(ctx, m.PoolID)
	if err != nil {
		return userpool{}, err
	}
	return userpool{
		ID: of.ID, Name: of.Name, Domain: label(of.ID), UserpoolTypes: []any{},
		CreatedAt: stamp(of.CreatedAt), UpdatedAt: stamp(of.CreatedAt),
		TokenExpiresAfter: int64(of.Settings.LoginLife.Seconds()),
		VerifyCodeLength:  of.Settings.CodeDigits, VerifyCodeMaxAttempts: of.Settings.MaxCodeTries,
	}, nil
}

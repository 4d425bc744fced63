package signin

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

// Voucher is whom an identity provider vouches for.
type Voucher struct {
	ProviderID string `json:"provider"` // the id of the connection
	Subject    string `json:"sub"`
	UnionID    string `json:"union,omitempty"`
	AppID      string `json:"app,omitempty"` // whose subjects these are: the vendor's app, an issuer
	Name       string `json:"name,omitempty"`
	Picture    string `json:"picture,omitempty"`
	Email      string `json:"email,omitempty"`
	Phone      string `json:"phone,omitempty"` // E.164, vouched for

	EmailVerified bool `json:"email_verified,omitempty"`
}

// VoucherLife is how long a provider token is good.
const VoucherLife = 10 * time.Minute

// Vouch turns a voucher into a provider token: good once, for ten minutes, for this
// application and device and, with a session, for linking in that session only.
func (p *Proofs) Vouch(ctx context.Context, c pool.Client, v Voucher, sessionID string) (string, error) {
	return "", errs.New(errs.NotImplemented)
}

// Voucher reads a provider token without spending it. A providerID other than "" must be
// its own.
//
// Errors: TokenInvalid, ProviderUnknown when the provider was switched off since.
func (p *Proofs) Voucher(ctx context.Context, c pool.Client, token, providerID string) (Voucher, error) {
	return Voucher{}, errs.New(errs.NotImplemented)
}

func (s *Service) proveProvider(ctx context.Context, in Input) (proof, error) {
	return proof{}, errs.New(errs.NotImplemented)
}

package federation

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

// Start begins a sign-in at a provider and returns the short address that leads there. It
// remembers for ten minutes which application, page, provider and device asked, and holds
// what comes back against that (SO-01).
//
// Errors: ProviderUnknown, RedirectRefused, FieldTooLong, GrantUnsupported.
func (s *Service) Start(ctx context.Context, c pool.Client, in StartInput) (Started, error) {
	return Started{}, errs.New(errs.NotImplemented)
}

// Follow returns the address of the provider's page for the end of a short address.
//
// Errors: TokenInvalid, and what Start and the driver say.
func (s *Service) Follow(ctx context.Context, opaque string) (string, error) {
	return "", errs.New(errs.NotImplemented)
}

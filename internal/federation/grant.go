package federation

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

// Grant exchanges what an application got from a provider for a provider token, which
// signin.MethodProvider and account.LinkProvider take once. The vendor is asked outside
// any transaction, once for each code: within a minute the same browser is answered again
// what it was answered before; everybody else is refused (SO-04).
//
// Errors: FieldMissing, ProviderUnknown, MethodDisabled for tokens that are not accepted,
// RedirectRefused, TooManyRequests, ProviderSnapshot and those of the drivers:
// ProviderRefused, ProviderDenied, ProviderMisconfigured, Unavailable.
func (s *Service) Grant(ctx context.Context, c pool.Client, in GrantInput) (Granted, error) {
	return Granted{}, errs.New(errs.NotImplemented)
}

// Amend adds to a provider token the phone number that PhoneCode, or EncryptedData, of in
// is for. The token stays the same.
//
// Errors: TokenInvalid, and those of Grant.
func (s *Service) Amend(ctx context.Context, c pool.Client, token string, in GrantInput) (Granted, error) {
	return Granted{}, errs.New(errs.NotImplemented)
}

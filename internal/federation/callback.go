package federation

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
)

// Callback takes what a provider answered and returns the address of the application's
// page, with a one-time code of ours or an error, and its state. A refusal by the person
// or the provider goes to the page too; an error here has no page to go to.
//
// Errors: TokenInvalid for a state that is not ours, is over or was used.
func (s *Service) Callback(ctx context.Context, in CallbackInput) (redirect string, err error) {
	return "", errs.New(errs.NotImplemented)
}

package federation

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

// refuse is ProviderRefused with one word for the audit record.
func refuse(reason, format string, args ...any) error {
	return errs.New(errs.ProviderRefused, audit.DetailReason, reason).Because(fmt.Errorf(format, args...))
}

// refused records why somebody did not get through a provider, so that support can tell
// them, and returns it. What says nothing about a provider is left out: a request that is
// no request, and limits of ours.
func (s *Service) refused(ctx context.Context, c pool.Client, providerID string, refusal error) error {
	if refusal == nil || !about(refusal) {
		return refusal
	}
	err := s.Audit.Record(context.WithoutCancel(ctx), audit.Refused(refusal, audit.Event{ // who gave up was refused all the same
		PoolID: c.Pool.ID, ClientID: c.ID, Action: audit.ProviderRefuse, Detail: map[string]string{"provider": providerID},
	}))
	if err != nil {
		s.Logger.ErrorContext(ctx, "refusal not recorded", "pool", c.Pool.ID, "err", err)
	}
	return refusal
}

// about reports whether a refusal is a provider's, or of what came from one.
func about(refusal error) bool {
	e := errs.From(refusal)
	return e.Params[audit.DetailReason] != "" || slices.Contains([]errs.Code{
		errs.ProviderRefused, errs.ProviderDenied, errs.ProviderMisconfigured, errs.ProviderSnapshot,
		errs.Unavailable, errs.RedirectRefused, errs.MethodDisabled,
	}, e.Code)
}

// doubt is why an address that the vendor names is not believed, "" when it is or there is
// none.
func (v opened) doubt(p Profile) string {
	switch {
	case p.Email == "":
		return ""
	case !p.EmailVerified:
		return cmp.Or(p.Extra[audit.DetailEmailDoubt], "email_unverified")
	case !v.connection.TrustEmail:
		return "connection_not_trusted"
	}
	return ""
}

package federation

import (
	"context"
	"slices"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/revocation"
)

func (v opened) identity(subject string) revocation.Identity {
	return revocation.Identity{PoolID: v.connection.PoolID, Provider: v.connection.ID, Subject: subject}
}

// revoke tells a vendor that an identity is not linked any more, and records how that
// went. A connection that was switched off meanwhile is asked all the same; one that is
// gone cannot be.
func (s *Service) revoke(ctx context.Context, i revocation.Identity, token string) error {
	c, err := s.Connections.Get(ctx, i.PoolID, i.Provider)
	if errs.CodeOf(err) == errs.ProviderUnknown {
		return job.Permanent(err)
	}
	if err != nil {
		return err
	}
	v, err := s.opened(c)
	if err != nil {
		return err
	}
	r, ok := v.Vendor.(Revoker)
	if !ok { // another vendor has the connection's name now
		return job.Permanent(errs.New(errs.GrantUnsupported))
	}
	err = r.Revoke(ctx, token)
	if slices.Contains([]errs.Code{errs.Unavailable, errs.TooManyRequests, errs.ProviderMisconfigured}, errs.CodeOf(err)) {
		s.alert(ctx, c, err)
		return err
	}
	event := audit.Event{PoolID: i.PoolID, Action: audit.IdentityRevoke, Detail: map[string]string{"provider": i.Provider}}
	if err != nil { // the vendor knows no such token: nothing is left to be revoked
		event.Result = string(errs.CodeOf(err))
	}
	return s.Audit.Record(ctx, event)
}

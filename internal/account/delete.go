package account

import (
	"context"
	"slices"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/user"
)

// DeleteMe removes the person for good and returns who they were. One transaction takes
// the account, its identities, sessions, codes, tokens and counters (DL-01) and frees its
// identifiers; whoever registers with one of them is somebody new. The record keeps the
// random id, which then leads to nobody. The sudo token may be empty for people with
// neither a password nor a contact who signed in within the last five minutes, and with
// BySession.
//
// Errors: SudoRequired, SudoInvalid, SessionInvalid when they are gone already.
func (s *Service) DeleteMe(ctx context.Context, p Principal, sudoToken string, by ...Assurance) (user.User, error) {
	u, err := s.Me(ctx, p)
	if err != nil {
		return user.User{}, err
	}
	c, err := s.client(ctx, p)
	if err != nil {
		return user.User{}, err
	}
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		err := s.erase(ctx, u, func(ctx context.Context) error {
			if slices.Contains(by, BySession) {
				return nil
			}
			return s.spendSudo(ctx, p, sudoToken, nothingToShow(u))
		})
		if err != nil {
			return err
		}
		if err := s.tell(ctx, c.Pool, u, notify.AccountDeleted, "", nil); err != nil {
			return err
		}
		return s.done(ctx, p, audit.Delete, nil)
	})
	if errs.CodeOf(err) == errs.UserNotFound {
		return user.User{}, errs.New(errs.SessionInvalid).Because(err)
	}
	if err != nil {
		return user.User{}, s.refused(ctx, p, audit.Delete, err)
	}
	return u, nil
}

package operator

import (
	"context"
	"fmt"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
)

// ChangePassword replaces the operator's own password and ends their other sessions. The
// old one is counted as at sign-in.
//
// Errors: SessionInvalid, FactorRequired, SignInWrong, TooManyRequests and those of a
// password.
func (s *Service) ChangePassword(ctx context.Context, token, old, fresh string) error {
	live, err := s.live(ctx, token)
	if err != nil {
		return err
	}
	if !live.factor {
		return errs.New(errs.FactorRequired)
	}
	if err := checkPassword(fresh, live.name); err != nil {
		return err
	}
	charges := signInCharges(ctx, live.key)
	if err := s.d.Limits.TakeAll(ctx, charges...); err != nil {
		return err
	}
	ok, _, err := s.d.Hasher.Verify(ctx, tenant, live.phc, old)
	if err != nil {
		return err
	}
	if !ok {
		return s.refused(ctx, live.account, audit.OperatorPassword, errs.SignInWrong)
	}
	phc, err := s.d.Hasher.Hash(ctx, tenant, fresh)
	if err != nil {
		return err
	}
	return s.d.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.touchPassword(ctx, live.account, phc)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.SignInWrong)
		}
		if err := s.deleteOthers(ctx, live.account.id, live.id); err != nil {
			return err
		}
		if err := s.d.Limits.RefundAll(ctx, charges); err != nil {
			return err
		}
		return s.record(ctx, live.principal(), audit.OperatorPassword, "", nil)
	})
}

// ResetFactor takes away a second factor that was lost and ends the operator's sessions;
// the next sign-in sets up another. Only the command line on the host may (AD-02).
//
// Errors: PermissionDenied, OperatorNotFound.
func (s *Service) ResetFactor(ctx context.Context, by Principal, id string) error {
	return s.onHost(ctx, by, id, func(ctx context.Context) (string, error) {
		if err := s.deleteRecovery(ctx, id); err != nil {
			return "", err
		}
		return "factor", s.clearSeed(ctx, id)
	})
}

// SetPassword gives an operator another password and ends their sessions. Only the command
// line on the host may: nobody else sets another person's password.
//
// Errors: PermissionDenied, OperatorNotFound and those of a password.
func (s *Service) SetPassword(ctx context.Context, by Principal, id, password string) error {
	who, err := s.person(ctx, id)
	if err != nil {
		return err
	}
	if err := checkPassword(password, who.Name); err != nil {
		return err
	}
	phc, err := s.d.Hasher.Hash(ctx, tenant, password)
	if err != nil {
		return err
	}
	return s.onHost(ctx, by, id, func(ctx context.Context) (string, error) {
		return "password", s.updatePassword(ctx, id, phc)
	})
}

func (s *Service) onHost(ctx context.Context, by Principal, id string, do func(context.Context) (string, error)) error {
	if by.Kind != KindLocal {
		return errs.New(errs.PermissionDenied)
	}
	return s.change(ctx, by, id, audit.OperatorReset, func(ctx context.Context, _ account) (map[string]string, error) {
		what, err := do(ctx)
		if err != nil {
			return nil, fmt.Errorf("reset %s: %w", what, err)
		}
		return map[string]string{"operator": id, "what": what}, s.deleteSession(ctx, id, "")
	})
}

package operator

import (
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// Empty says whether nobody may administer yet, so that a bootstrap token is of use.
func (s *Service) Empty(ctx context.Context) (bool, error) {
	n, err := s.countOperators(ctx)
	return n == 0, err
}

// NewBootstrap makes the token with which the first owner is made, good once and for
// BootstrapLife. It replaces the one made before. Errors: OperatorExists.
func (s *Service) NewBootstrap(ctx context.Context) (token string, until time.Time, err error) {
	token, until = secret.Token(bootstrapPrefix), s.d.Now().Add(BootstrapLife)
	n, err := s.setBootstrap(ctx, secret.Hash(token), until)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("make bootstrap token: %w", err)
	}
	if n == 0 {
		return "", time.Time{}, errs.New(errs.OperatorExists)
	}
	return token, until, nil
}

// Bootstrap makes the first owner and opens a session, in which a second factor has to be
// set up before anything else. p.Role and p.Pools are not looked at.
//
// Errors: BootstrapInvalid, OperatorName and those of a password.
func (s *Service) Bootstrap(ctx context.Context, token string, p NewPerson) (Opened, error) {
	shown, key, err := nameOf(p.Name)
	if err != nil {
		return Opened{}, err
	}
	if err := checkPassword(p.Password, shown); err != nil {
		return Opened{}, err
	}
	// A stranger's token must not cost a hash.
	good, err := s.peekBootstrap(ctx, secret.Hash(token))
	if err != nil {
		return Opened{}, fmt.Errorf("look at bootstrap token: %w", err)
	}
	if !good {
		return Opened{}, errs.New(errs.BootstrapInvalid)
	}
	phc, err := s.d.Hasher.Hash(ctx, tenant, p.Password)
	if err != nil {
		return Opened{}, err
	}
	first := account{id: secret.ID(), name: shown, key: key, role: Owner, phc: phc}
	var opened Opened
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.spendBootstrap(ctx, secret.Hash(token))
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.BootstrapInvalid)
		}
		if _, err := s.insertOperator(ctx, first); err != nil {
			return err
		}
		if opened, err = s.open(ctx, first); err != nil {
			return err
		}
		return s.record(ctx, opened.Principal, audit.OperatorBootstrap, "", map[string]string{"name": shown})
	})
	return opened, err
}

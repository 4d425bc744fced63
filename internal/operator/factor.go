package operator

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/secret"
)

// SecondFactor completes a session with a code of the authenticator or a recovery code.
// The session changes its token and counts as fresh for SudoLife.
//
// Errors: SessionInvalid, FactorUnset, SecondFactorWrong, TooManyRequests.
func (s *Service) SecondFactor(ctx context.Context, token, code string) (Opened, error) {
	live, err := s.live(ctx, token)
	if err != nil {
		return Opened{}, err
	}
	if live.factor {
		return Opened{}, errs.New(errs.SessionInvalid)
	}
	var opened Opened
	err = s.withFactor(ctx, live, code, audit.OperatorFactor, func(ctx context.Context) error {
		opened, err = s.complete(ctx, live, secret.Hash(token))
		return err
	})
	return opened, err
}

// Sudo lets the session do sensitive things for SudoLife, for another code of the
// authenticator or a recovery code. Errors: those of SecondFactor.
func (s *Service) Sudo(ctx context.Context, token, code string) (time.Time, error) {
	live, err := s.live(ctx, token)
	if err != nil {
		return time.Time{}, err
	}
	if !live.factor {
		return time.Time{}, errs.New(errs.FactorRequired)
	}
	until := s.d.Now().Add(SudoLife)
	err = s.withFactor(ctx, live, code, audit.OperatorSudo, func(ctx context.Context) error {
		return s.extendSudo(ctx, live.id, until)
	})
	return until, err
}

// BeginTOTP makes an authenticator and shows it; ConfirmTOTP takes it into use. The same
// session is shown the same one again, so that reloading the page or a mistyped code does
// not make the app that has scanned it useless; another session never is. A session without
// a second factor may do so only when there is none yet.
//
// Errors: SessionInvalid, FactorRequired, SudoRequired.
func (s *Service) BeginTOTP(ctx context.Context, token string) (Authenticator, error) {
	live, err := s.live(ctx, token)
	if err != nil {
		return Authenticator{}, err
	}
	if err := s.mayEnrol(live); err != nil {
		return Authenticator{}, err
	}
	if seed, err := s.d.Ring.Open(live.fresh, offeredPlace(live)); err == nil {
		return authenticator(s.d.Issuer, live.name, seed), nil
	}
	seed := secret.Bytes(totpSeed)
	sealed, err := s.d.Ring.Seal(seed, offeredPlace(live))
	if err != nil {
		return Authenticator{}, fmt.Errorf("seal authenticator: %w", err)
	}
	if err := s.offerSeed(ctx, live.account.id, sealed); err != nil {
		return Authenticator{}, fmt.Errorf("keep authenticator: %w", err)
	}
	return authenticator(s.d.Issuer, live.name, seed), nil
}

// ConfirmTOTP takes the authenticator of BeginTOTP into use once it has shown a code, ends
// the operator's other sessions and returns recovery codes, shown this once. The session
// is complete afterwards and has another token.
//
// Errors: those of BeginTOTP, FactorUnset, SecondFactorWrong, TooManyRequests.
func (s *Service) ConfirmTOTP(ctx context.Context, token, code string) (opened Opened, recovery []string, err error) {
	live, err := s.live(ctx, token)
	if err != nil {
		return Opened{}, nil, err
	}
	if err := s.mayEnrol(live); err != nil {
		return Opened{}, nil, err
	}
	seed, err := s.d.Ring.Open(live.fresh, offeredPlace(live))
	if err != nil { // there is none, or another session was shown one since
		return Opened{}, nil, errs.New(errs.FactorUnset)
	}
	if err := s.countFactor(ctx, live); err != nil {
		return Opened{}, nil, err
	}
	step := totpMatch(seed, code, s.d.Now())
	if step == 0 {
		return Opened{}, nil, s.refused(ctx, live.account, audit.OperatorEnrol, errs.SecondFactorWrong)
	}
	sealed, err := s.d.Ring.Seal(seed, seedPlace(live.account.id))
	if err != nil {
		return Opened{}, nil, fmt.Errorf("seal authenticator: %w", err)
	}
	recovery = newRecovery()
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.takeSeed(ctx, live, sealed, step)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.FactorUnset)
		}
		if err := s.replaceRecovery(ctx, live.account.id, recovery); err != nil {
			return err
		}
		if err := s.deleteOthers(ctx, live.account.id, live.id); err != nil {
			return err
		}
		if opened, err = s.complete(ctx, live, secret.Hash(token)); err != nil {
			return err
		}
		return s.record(ctx, opened.Principal, audit.OperatorEnrol, "", map[string]string{"factor": "totp"})
	})
	return opened, recovery, err
}

// RenewRecovery replaces the operator's recovery codes and returns them, shown this once.
// Errors: SessionInvalid, FactorRequired, SudoRequired.
func (s *Service) RenewRecovery(ctx context.Context, token string) ([]string, error) {
	live, err := s.live(ctx, token)
	if err != nil {
		return nil, err
	}
	if !live.factor {
		return nil, errs.New(errs.FactorRequired)
	}
	if !s.d.Now().Before(live.sudo) {
		return nil, errs.New(errs.SudoRequired)
	}
	codes := newRecovery()
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.replaceRecovery(ctx, live.account.id, codes); err != nil {
			return err
		}
		return s.record(ctx, live.principal(), audit.OperatorEnrol, "", map[string]string{"factor": "recovery"})
	})
	return codes, err
}

// mayEnrol keeps a password alone from replacing an authenticator.
func (s *Service) mayEnrol(live liveSession) error {
	switch {
	case live.step() == Enrol:
		return nil
	case !live.factor:
		return errs.New(errs.FactorRequired)
	case !s.d.Now().Before(live.sudo):
		return errs.New(errs.SudoRequired)
	}
	return nil
}

// withFactor counts a try, compares, and runs effect in the transaction that spends the
// code.
func (s *Service) withFactor(ctx context.Context, live liveSession, code, action string, effect func(context.Context) error) error {
	if live.seed == nil {
		return errs.New(errs.FactorUnset)
	}
	if err := s.countFactor(ctx, live); err != nil {
		return err
	}
	code = strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(code))
	step, err := s.matches(live.account.id, live.seed, code)
	if err != nil {
		return err
	}
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		var n int64
		var err error
		how := "totp"
		if step > 0 {
			n, err = s.spendStep(ctx, live.account.id, live.seed, step)
		} else {
			how = "recovery"
			n, err = s.spendRecovery(ctx, live.account.id, secret.Hash(code))
		}
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.SecondFactorWrong)
		}
		if err := s.d.Limits.Refund(ctx, factorKey(live), limit.OperatorFactor()...); err != nil {
			return err
		}
		if err := effect(ctx); err != nil {
			return err
		}
		return s.record(ctx, live.principal(), action, "", map[string]string{"factor": how})
	})
	if errs.CodeOf(err) == errs.SecondFactorWrong {
		return s.refused(ctx, live.account, action, errs.SecondFactorWrong)
	}
	return err
}

func (s *Service) countFactor(ctx context.Context, live liveSession) error {
	return s.d.Limits.Take(ctx, factorKey(live), limit.OperatorFactor()...)
}

func factorKey(live liveSession) string { return limit.Key("operator_factor", live.account.id) }

// complete gives a session its second factor and another token: what was seen of it
// before is worth nothing.
func (s *Service) complete(ctx context.Context, live liveSession, old []byte) (Opened, error) {
	now := s.d.Now()
	live.factor, live.sudo = true, now.Add(SudoLife)
	opened := Opened{
		Token: secret.Token(sessionPrefix), ExpiresAt: now.Add(SessionLife), Step: Done, Principal: live.principal(),
	}
	n, err := s.completeSession(ctx, live.id, old, secret.Hash(opened.Token), now, live.sudo, opened.ExpiresAt)
	if err != nil {
		return Opened{}, err
	}
	if n == 0 {
		return Opened{}, errs.New(errs.SessionInvalid)
	}
	return opened, nil
}

// matches returns the time step of a sealed seed's code, 0 when the code is none of it.
func (s *Service) matches(id string, sealed []byte, code string) (int64, error) {
	seed, err := s.d.Ring.Open(sealed, seedPlace(id))
	if err != nil {
		return 0, fmt.Errorf("open authenticator: %w", err)
	}
	step := totpMatch(seed, code, s.d.Now())
	return step, nil
}

// seedPlace binds a sealed seed to its operator.
func seedPlace(id string) string { return "operators.totp:" + id }

// offeredPlace binds a seed that is shown but not proven to the session it is shown in: who
// has only the password must not know the one its owner takes into use.
func offeredPlace(live liveSession) string {
	return "operators.totp_fresh:" + live.account.id + ":" + live.id
}

// newRecovery makes codes of 80 bits, in groups for copying by hand.
func newRecovery() []string {
	codes := make([]string, RecoveryCodes)
	for i := range codes {
		text := secret.ID()[:16]
		codes[i] = text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
	}
	return codes
}

func (s *Service) replaceRecovery(ctx context.Context, id string, codes []string) error {
	if err := s.deleteRecovery(ctx, id); err != nil {
		return err
	}
	for _, c := range codes {
		if err := s.insertRecovery(ctx, id, secret.Hash(strings.ReplaceAll(c, "-", ""))); err != nil {
			return err
		}
	}
	return nil
}

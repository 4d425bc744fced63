package signin

import (
	"context"

	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

// proveAddress finds the owner of a verified address, or vouches for a new one. A typed
// identifier must be that address or another name of its owner.
func (s *Service) proveAddress(ctx context.Context, in Input) (proof, error) {
	if in.Token == "" {
		return proof{}, errs.New(errs.FieldMissing, "field", "verification_token")
	}
	kind, canonical := contact.Kind(""), ""
	if in.Identifier != "" {
		var err error
		if kind, canonical, err = contact.Classify(in.Identifier); err != nil {
			return proof{}, errs.New(errs.UserNotFound).Because(err)
		}
	}
	target := canonical
	if kind == contact.KindUsername {
		target = ""
	}
	a, err := s.proofs.Address(ctx, in.Client, in.Token, target, UsageSignIn)
	if errs.CodeOf(err) == errs.IdentifierMismatch {
		// The name typed is another of the owner's addresses, perhaps.
		a, err = s.proofs.Address(ctx, in.Client, in.Token, "", UsageSignIn)
	}
	if err != nil {
		return proof{}, err
	}
	p := s.addressProof(in.Client.Pool, a)
	u, err := s.owner(ctx, in.Client.Pool.ID, a, kind, canonical)
	if errs.CodeOf(err) == errs.UserNotFound && in.AutoRegister && (canonical == "" || canonical == a.Target) {
		return s.byAddress(ctx, in, p, a, a.registeredBy())
	}
	if err != nil {
		return proof{}, err
	}
	return s.owned(ctx, in, p, u, a), nil
}

// byAddress completes the proof p of a by the person it belongs to, or by a new one who
// registers in the way how says.
func (s *Service) byAddress(ctx context.Context, in Input, p proof, a Address, how string) (proof, error) {
	u, err := s.Users.ByTarget(ctx, in.Client.Pool.ID, a.Target)
	if errs.CodeOf(err) == errs.UserNotFound {
		fresh := blank(ctx, in.Client.Pool, how)
		a.giveTo(&fresh)
		known := p
		p.newcomer = &newcomer{user: fresh, custom: in.Custom, again: func(ctx context.Context) (proof, error) {
			return s.byAddress(ctx, in, known, a, how)
		}}
		return p, nil
	}
	if err != nil {
		return proof{}, err
	}
	return s.owned(ctx, in, p, u, a), nil
}

// addressProof is what a verified address is worth, whoever it belongs to. It is spent
// with the session.
func (s *Service) addressProof(in pool.Pool, a Address) proof {
	p := proof{amr: []string{"otp", "sms"}, provider: "phone", protocol: protocolSMS, body: claim(contact.KindPhone, a.Target)}
	if a.Channel == code.Email {
		p = proof{amr: []string{"otp", "email"}, provider: "email", protocol: protocolPassword, body: claim(contact.KindEmail, a.Target)}
	}
	p.effect = func(ctx context.Context) error { return s.proofs.Spend(ctx, in.ID, a) }
	return p
}

// owned completes the proof p of a by the person it belongs to. They can always get in by
// it, and are not locked afterwards (AT-02).
func (s *Service) owned(ctx context.Context, in Input, p proof, u user.User, a Address) proof {
	p.user = u
	if !u.Owns(a.Target) {
		p.claimed, p.own = &a, s.proofs.Holds(ctx, in.Bearer, u)
	}
	spend := p.effect
	p.effect = func(ctx context.Context) error {
		if spend != nil {
			if err := spend(ctx); err != nil {
				return err
			}
		}
		return s.proofs.Unlock(ctx, u)
	}
	return p
}

// owner returns who a was verified for, and refuses a name that is somebody else's.
func (s *Service) owner(ctx context.Context, poolID string, a Address, kind contact.Kind, canonical string) (user.User, error) {
	u, err := s.Users.ByTarget(ctx, poolID, a.Target)
	if err != nil || canonical == "" || canonical == a.Target {
		return u, err
	}
	named, err := s.Users.ByIdentifier(ctx, poolID, kind, canonical)
	if errs.CodeOf(err) == errs.UserNotFound || (err == nil && named.ID != u.ID) {
		return user.User{}, errs.New(errs.IdentifierMismatch)
	}
	return u, err
}

package account

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// claimFor is how long a verified code of this very person stands in for a verification
// token in EditBasic.
const claimFor = 5 * time.Minute

// EditInput is a change of the account's basics; nil and "" leave a field alone. Some
// clients change an address with this call after a verification whose token they do not
// show, and set a password with Old and New.
type EditInput struct {
	Profile      user.Profile
	Phone, Email string
	Old, New     string
}

// EditBasic changes the basics of an account, all of them or none. A new Phone or Email
// is taken only when this person asked for a code for exactly that address and verified
// it in the last five minutes; otherwise any stolen access token could take the account
// over.
//
// Errors: those of UpdateProfile and ChangePassword, IdentifierTaken,
// VerificationInvalid.
func (s *Service) EditBasic(ctx context.Context, p Principal, in EditInput) error {
	u, err := s.Me(ctx, p)
	if err != nil {
		return err
	}
	c, err := s.client(ctx, p)
	if err != nil {
		return err
	}
	e := edit{s: s, p: p, pool: c.Pool, u: u, want: user.User{PoolID: u.PoolID, ID: u.ID}}
	// What is slow or can be wrong comes first, outside the transaction.
	if err := e.addresses(in.Phone, in.Email); err != nil {
		return s.refused(ctx, p, audit.ContactBind, err)
	}
	if e.profile, err = signin.CheckProfile(in.Profile); err != nil {
		return err
	}
	if e.profile.Username != nil {
		e.want.Username = *e.profile.Username
	}
	if in.New != "" {
		if u.Anonymous() {
			return errs.New(errs.AnonymousDenied)
		}
		if e.password, err = s.passwordChange(ctx, p, c.Pool, u, in.Old, in.New); err != nil {
			return s.refused(ctx, p, audit.PasswordChange, err)
		}
	}
	action := ""
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		action, err = e.write(ctx)
		return err
	})
	return s.refused(ctx, p, action, s.Users.Conflict(ctx, err, e.want))
}

// edit is one EditBasic on its way.
type edit struct {
	s        *Service
	p        Principal
	pool     pool.Pool
	u        user.User
	contacts [][2]string // channel, target
	profile  user.Profile
	password func(context.Context) error
	want     user.User // the identifiers it writes
}

// addresses notes the contacts that are new: forms send what has not changed.
func (e *edit) addresses(phone, email string) error {
	for _, typed := range [][2]string{{phone, ""}, {"", email}} {
		if typed[0]+typed[1] == "" {
			continue
		}
		target, channel, err := signin.Target(typed[0], typed[1])
		if err != nil {
			return err
		}
		if e.u.Owns(target) {
			continue
		}
		if e.u.Anonymous() {
			return errs.New(errs.AnonymousDenied)
		}
		e.contacts = append(e.contacts, [2]string{channel, target})
		if channel == code.Email {
			e.want.Email = target
		} else {
			e.want.Phone = target
		}
	}
	return nil
}

// write stores everything in ctx's transaction. When it cannot, it says what it was at.
func (e *edit) write(ctx context.Context) (action string, err error) {
	for _, contact := range e.contacts {
		if err := e.claim(ctx, contact[1]); err != nil {
			return audit.ContactBind, err
		}
		if err := e.s.give(ctx, e.p, e.pool, e.u, contact[0], contact[1]); err != nil {
			return audit.ContactBind, err
		}
	}
	if e.password != nil {
		if err := e.password(ctx); err != nil {
			return audit.PasswordChange, err
		}
	}
	if e.profile.Empty() {
		return "", nil
	}
	if _, err := e.s.Users.UpdateProfile(ctx, e.p.PoolID, e.p.UserID, e.profile); err != nil {
		return audit.ProfileUpdate, err
	}
	return "", e.s.done(ctx, e.p, audit.ProfileUpdate, nil)
}

// claim takes the code the person verified for target, once.
func (e *edit) claim(ctx context.Context, target string) error {
	claimed, err := e.s.Codes.Claim(ctx, e.p.PoolID, e.p.UserID, target, e.s.Now().Add(-claimFor))
	if err == nil && !claimed {
		err = errs.New(errs.VerificationInvalid)
	}
	return err
}

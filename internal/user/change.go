package user

import (
	"context"
	"errors"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
)

// UpdateProfile changes the fields that are set in p. It says UsernameTaken when another
// person has the user name.
func (s *Service) UpdateProfile(ctx context.Context, poolID, id string, p Profile) (User, error) {
	var after User
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		// Writing the row first makes two changes of one person take turns: each stores
		// the whole profile, and must not undo the other's.
		if err := found(s.stamp(ctx, poolID, id, s.now())); err != nil {
			return err
		}
		u, err := s.ByID(ctx, poolID, id)
		if err != nil {
			return err
		}
		old := u.Picture
		p.Apply(&u)
		u.UpdatedAt = s.now()
		if err := s.updateProfile(ctx, u); err != nil {
			return err
		}
		after = u
		return s.release(ctx, poolID, old, u.Picture)
	})
	if err != nil && p.Username != nil {
		err = s.Conflict(ctx, err, User{PoolID: poolID, ID: id, Username: *p.Username})
	}
	return after, err
}

// SetPasswordHash stores a new password and ends the duty to choose one.
func (s *Service) SetPasswordHash(ctx context.Context, poolID, id, phc string) error {
	return found(s.setPassword(ctx, poolID, id, phc, s.now()))
}

// HoldPassword keeps others from changing the password of u until ctx's transaction ends.
// It says PasswordWrong when u has got another one since it was read.
func (s *Service) HoldPassword(ctx context.Context, u User) error {
	n, err := s.hold(ctx, u, s.now())
	if err == nil && n == 0 {
		return errs.New(errs.PasswordWrong)
	}
	return err
}

// later is now, or just after the last change: TouchSignIn tells passwords apart by when
// they were set.
func later(now, last time.Time) time.Time {
	if now.After(last.Add(time.Millisecond)) {
		return now
	}
	return last.Add(time.Millisecond)
}

// Rehash replaces the hash old of an unchanged password by a stronger one (PW-07). When
// the password changed meanwhile nothing happens.
func (s *Service) Rehash(ctx context.Context, poolID, id, old, phc string) error {
	_, err := s.rehash(ctx, poolID, id, old, phc)
	return err
}

// SetPhone gives a person a verified phone number, or says IdentifierTaken.
func (s *Service) SetPhone(ctx context.Context, poolID, id, e164 string) error {
	return s.claimed(ctx, User{PoolID: poolID, ID: id, Phone: e164}, s.setPhone)
}

// SetEmail gives a person a verified email address, or says IdentifierTaken.
func (s *Service) SetEmail(ctx context.Context, poolID, id, email string) error {
	return s.claimed(ctx, User{PoolID: poolID, ID: id, Email: email}, s.setEmail)
}

// claimed runs a guarded write of a new contact and says why it changed nothing.
func (s *Service) claimed(ctx context.Context, want User, write func(context.Context, User, time.Time) (int64, error)) error {
	n, err := write(ctx, want, s.now())
	if err != nil || n == 1 {
		return s.Conflict(ctx, err, want)
	}
	code, err := s.whoHas(ctx, want, "")
	if err == nil && code == "" {
		code = errs.UserNotFound
	}
	if err != nil {
		return err
	}
	return errs.New(code)
}

// SetStatus makes a person active, pending or blocked.
func (s *Service) SetStatus(ctx context.Context, poolID, id, status string) error {
	return found(s.setStatus(ctx, poolID, id, status, s.now()))
}

// TouchSignIn notes and counts a sign-in of u at this moment from ip. It is also the last look at the
// account inside the transaction that starts the session: somebody who was blocked,
// deleted or given another password since u was read is refused (SE-05).
func (s *Service) TouchSignIn(ctx context.Context, u User, ip string) error {
	n, err := s.touch(ctx, u, ip, s.now())
	if err != nil || n == 1 {
		return err
	}
	now, err := s.ByID(ctx, u.PoolID, u.ID)
	if err != nil {
		return err
	}
	if err := now.State(); err != nil {
		return err
	}
	return errs.New(errs.PasswordWrong)
}

// Link adds an identity, and gives the person the union id in it. It says IdentifierTaken
// when the subject is linked already, or the union id stands for somebody else.
func (s *Service) Link(ctx context.Context, poolID, id string, i Identity) error {
	if i.CreatedAt.IsZero() {
		i.CreatedAt = s.now()
	}
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.union(ctx, poolID, id, i); err != nil {
			return err
		}
		n, err := s.link(ctx, poolID, id, i)
		if err == nil && n == 0 {
			return errs.New(errs.IdentifierTaken)
		}
		return err
	})
}

// Unlink removes the identities of one provider, unless no way to sign in would be left
// (DL-04). It says ProviderNotFound or LastMethod.
func (s *Service) Unlink(ctx context.Context, poolID, id, provider string) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		// Writing the person's row first makes two unlinks of one person take turns.
		if err := found(s.stamp(ctx, poolID, id, s.now())); err != nil {
			return err
		}
		u, err := s.ByID(ctx, poolID, id)
		if err != nil {
			return err
		}
		linked, others := false, 0
		for _, i := range u.Identities {
			if i.Provider == provider {
				linked = true
			} else {
				others++
			}
		}
		switch {
		case !linked:
			return errs.New(errs.ProviderNotFound)
		case others == 0 && !u.signsInAlone():
			return errs.New(errs.LastMethod)
		}
		if err := s.forget(ctx, u, provider); err != nil {
			return err
		}
		return s.unlinkAll(ctx, poolID, id, provider)
	})
}

// signsInAlone reports whether the person can sign in without any linked identity.
func (u User) signsInAlone() bool {
	return u.Phone != "" || u.Email != "" || (u.Username != "" && u.HasPassword())
}

// Delete removes a person with their identities and sessions. That the account was there
// stays known: see Deleted.
func (s *Service) Delete(ctx context.Context, poolID, id string) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		picture, err := s.remove(ctx, poolID, id)
		if errors.Is(err, db.ErrNoRows) {
			return errs.New(errs.UserNotFound)
		}
		if err != nil {
			return err
		}
		if err := s.bury(ctx, poolID, id, ""); err != nil {
			return err
		}
		return s.release(ctx, poolID, picture, "")
	})
}

// release tells of a picture that somebody had, if they have another one now.
func (s *Service) release(ctx context.Context, poolID, old, now string) error {
	if s.Released == nil || old == "" || old == now {
		return nil
	}
	return s.Released(ctx, poolID, old)
}

// Pictured reports whether anybody in a pool has a picture.
func (s *Service) Pictured(ctx context.Context, poolID, picture string) (bool, error) {
	return s.pictured(ctx, poolID, picture)
}

// DeleteAll removes everybody in a pool; only the emulator's reset does this.
func (s *Service) DeleteAll(ctx context.Context, poolID string) error {
	return s.removeAll(ctx, poolID)
}

// found turns "no row changed" into UserNotFound.
func found(n int64, err error) error {
	if err == nil && n == 0 {
		return errs.New(errs.UserNotFound)
	}
	return err
}

// Conflict explains err, the failure of a transaction that wrote the identifiers of
// want. The guards in the statements see what is committed; of two writers at the same
// instant both pass, and the unique index stops one with an engine's own error. Looking
// again, outside the failed transaction, tells that from a real fault.
func (s *Service) Conflict(ctx context.Context, err error, want User) error {
	if err == nil || errors.As(err, new(*errs.Error)) || ctx.Err() != nil {
		return err
	}
	key, keyErr := s.usernameKey(ctx, want.PoolID, want.Username)
	if keyErr != nil {
		return err
	}
	switch code, lookErr := s.whoHas(ctx, want, key); {
	case lookErr != nil || code == "":
		return err
	default:
		return errs.New(code).Because(err)
	}
}

// whoHas returns the code that says which identifier of u belongs to somebody else, "" if
// none does.
func (s *Service) whoHas(ctx context.Context, u User, usernameKey string) (errs.Code, error) {
	taken, err := s.taken(ctx, u.PoolID, u.ID, "", u.Phone, u.Email, "")
	if err != nil || taken {
		return errs.IdentifierTaken, err
	}
	taken, err = s.taken(ctx, u.PoolID, u.ID, usernameKey, "", "", "")
	if err != nil || taken {
		return errs.UsernameTaken, err
	}
	taken, err = s.taken(ctx, u.PoolID, u.ID, "", "", "", u.ExternalID)
	if err != nil || taken {
		return errs.ExternalIDTaken, err
	}
	return "", nil
}

package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keys"
)

// lastingSlack is how long before its newest token a session may go idle, so that asking
// for a token again and again does not write each time.
const lastingSlack = time.Hour

// Reissue makes another access token of a live session, which lasts about as long as that
// token. There is no refresh token with it. A style without a life takes the session's
// own; for any token but a login token, the new one lives no longer than that. A session
// that has ended is SessionInvalid.
func (s *Service) Reissue(ctx context.Context, p Principal, st Style) (Tokens, error) {
	now := s.now()
	if !p.Login {
		left := p.ExpiresAt.Sub(now)
		if left <= 0 {
			return Tokens{}, errs.New(errs.SessionInvalid)
		}
		st.Life = min(cmp.Or(st.Life, left), left)
	}
	until := now.Add(min(st.Life, keys.LongestToken))
	row, err := s.lasting(ctx, p, now, until.Add(-lastingSlack))
	if errors.Is(err, db.ErrNoRows) {
		err = s.db.InTx(ctx, func(ctx context.Context) (err error) {
			row, err = s.touch(ctx, p, now, until)
			return err
		})
	}
	if errors.Is(err, db.ErrNoRows) {
		return Tokens{}, errs.New(errs.SessionInvalid)
	}
	if err != nil {
		return Tokens{}, fmt.Errorf("reissue access token: %w", err)
	}
	return s.accessOnly(ctx, row, row.Generation, cmp.Or(st.Life, row.accessLife), st)
}

// Replace ends the live session of p and begins another for the same person, in one
// transaction (SE-09). A session that has ended is SessionInvalid.
func (s *Service) Replace(ctx context.Context, p Principal, why string, in Start) (Tokens, error) {
	in.UserID, in.AMR, in.AuthAt = p.UserID, p.AMR, p.AuthAt
	var tokens Tokens
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		switch err := s.alive(ctx, p); {
		case errors.Is(err, db.ErrNoRows):
			return errs.New(errs.SessionInvalid)
		case err != nil:
			return fmt.Errorf("look up session: %w", err)
		}
		n, err := s.revoke(ctx, p.SessionID, why)
		if err != nil {
			return fmt.Errorf("end replaced session: %w", err)
		}
		if n == 0 {
			return errs.New(errs.SessionInvalid)
		}
		tokens, err = s.Start(ctx, in)
		return err
	})
	return tokens, err
}

// Fork begins another session for the person of p's live one, in one transaction. They go
// their own ways, but the new one lasts no longer than the old one may (SE-02). A session
// that has ended is SessionInvalid.
func (s *Service) Fork(ctx context.Context, p Principal, in Start) (Tokens, error) {
	in.UserID, in.AMR, in.AuthAt = p.UserID, p.AMR, p.AuthAt
	now := s.now()
	var tokens Tokens
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		// The row is written so that whoever ends the person's sessions waits for this.
		row, err := s.touch(ctx, p, now, now)
		if errors.Is(err, db.ErrNoRows) {
			return errs.New(errs.SessionInvalid)
		}
		if err != nil {
			return fmt.Errorf("look up session: %w", err)
		}
		in.Life = row.ExpiresAt.Sub(now)
		tokens, err = s.Start(ctx, in)
		return err
	})
	return tokens, err
}

// Peek returns the live session of a refresh token of a family and of any generation, and
// whether the token is the newest. It rotates nothing: it is for whoever must know whose tokens they
// are before they are made. Rotate decides.
func (s *Service) Peek(ctx context.Context, poolID, family, refresh string) (row Session, newest bool, err error) {
	t, ok := parseRefresh(s.ring, poolID, family, refresh)
	if !ok {
		return Session{}, false, errs.New(errs.RefreshInvalid)
	}
	row, err = s.live(ctx, poolID, t)
	if errors.Is(err, db.ErrNoRows) {
		return Session{}, false, errs.New(errs.RefreshInvalid)
	}
	if err != nil {
		return Session{}, false, fmt.Errorf("look up session: %w", err)
	}
	return row, t.generation == row.Generation, nil
}

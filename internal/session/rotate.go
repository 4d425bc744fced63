package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

// Why a session was ended by this package.
const whyReuse = "refresh_reuse"

// Rotate replaces a refresh token by its successor and makes a new access token.
//
// A token that was replaced less than the pool's grace ago gets the same successor
// again, any number of times: two tabs, or an answer lost on the way. One replaced
// earlier, or any older one, was stolen from somebody: the session ends. All refusals
// are RefreshInvalid. Call it outside any transaction, which a refusal would roll back
// together with that end.
func (s *Service) Rotate(ctx context.Context, p pool.Pool, clientID, refresh string) (Tokens, error) {
	return s.RotateAs(ctx, p, clientID, refresh, Style{})
}

// RotateAs is Rotate with the form of the access token, for refresh tokens of the style's
// family.
func (s *Service) RotateAs(ctx context.Context, p pool.Pool, clientID, refresh string, st Style) (Tokens, error) {
	t, ok := parseRefresh(s.ring, p.ID, st.Family, refresh)
	if !ok {
		return Tokens{}, errs.New(errs.RefreshInvalid)
	}
	var row Session
	now := s.now()
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var err error
		row, err = s.rotate(ctx, p.ID, clientID, t, now, now.Add(p.Settings.RefreshIdle))
		return err
	})
	if errors.Is(err, db.ErrNoRows) {
		row, err = s.replay(ctx, p, clientID, t)
	}
	if err != nil {
		return Tokens{}, fmt.Errorf("rotate session: %w", err)
	}
	// Signing costs more than the update and needs no transaction.
	return s.tokens(ctx, p, row, t.next(), st)
}

// replay decides about a token that is not its session's newest.
func (s *Service) replay(ctx context.Context, p pool.Pool, clientID string, t refreshToken) (Session, error) {
	refused := errs.New(errs.RefreshInvalid)
	row, err := s.live(ctx, p.ID, t)
	if errors.Is(err, db.ErrNoRows) {
		return Session{}, refused
	}
	if err != nil {
		return Session{}, err
	}
	switch {
	case row.ClientID != clientID, t.generation >= row.Generation:
		return Session{}, refused
	case t.generation == row.Generation-1 && s.inGrace(row.RotatedAt, p.Settings.RefreshGrace):
		return row, nil
	}
	if err := s.endReused(ctx, row); err != nil {
		return Session{}, err
	}
	return Session{}, refused
}

// inGrace is false for a rotation in the future: somebody turned a clock back.
func (s *Service) inGrace(rotated time.Time, grace time.Duration) bool {
	age := s.now().Sub(rotated)
	return age <= grace && age >= -grace
}

func (s *Service) endReused(ctx context.Context, row Session) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		n, err := s.revoke(ctx, row.ID, whyReuse)
		if err != nil || n == 0 {
			return err
		}
		return s.audit.Record(ctx, audit.Event{
			PoolID: row.PoolID, Action: audit.RefreshReuse, Result: string(errs.RefreshInvalid),
			UserID: row.UserID, ClientID: row.ClientID, SessionID: row.ID,
		})
	})
}

package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/qr"
	"github.com/tigertally/tigertally/internal/user"
)

// ScreenState is how a sign-in by QR code stands.
type ScreenState struct {
	qr.Screen

	Ticket string    // to sign in with, once it is confirmed
	User   user.User // who scanned it; the zero value until then
}

// CheckScreen tells a screen of an application how its sign-in stands.
func (s *Service) CheckScreen(ctx context.Context, c pool.Client, token string) (ScreenState, error) {
	screen, ticket, err := s.Screens.Check(ctx, c.Pool.ID, c.ID, token)
	state := ScreenState{Screen: screen, Ticket: ticket}
	if err != nil || screen.UserID == "" {
		return state, err
	}
	state.User, err = s.Users.ByID(ctx, c.Pool.ID, screen.UserID)
	if errs.CodeOf(err) == errs.UserNotFound {
		return ScreenState{Screen: qr.Screen{Status: qr.Expired}}, nil
	}
	return state, err
}

// ScanScreen notes that the person's phone has read the code of a screen, and says which
// application wants to sign them in.
//
// Errors: TokenInvalid, TooManyRequests, AnonymousDenied.
func (s *Service) ScanScreen(ctx context.Context, p Principal, code string) (pool.Client, error) {
	if err := s.mayScan(ctx, p); err != nil {
		return pool.Client{}, err
	}
	screen, err := s.Screens.Scan(ctx, p.PoolID, code, p.UserID)
	if err != nil {
		return pool.Client{}, err
	}
	return s.Pools.Client(ctx, screen.ClientID)
}

// ConfirmScreen lets the screen that shows code sign in as the person.
//
// Errors: TokenInvalid, TooManyRequests, AnonymousDenied, UserBlocked, UserPending.
func (s *Service) ConfirmScreen(ctx context.Context, p Principal, code string) error {
	return s.refused(ctx, p, audit.ScreenConfirm, s.answerScreen(ctx, p, audit.ScreenConfirm, func(ctx context.Context) (qr.Screen, error) {
		return s.Screens.Confirm(ctx, p.PoolID, code, p.UserID)
	}))
}

// CancelScreen ends a sign-in the person does not want.
//
// Errors: TokenInvalid, TooManyRequests, AnonymousDenied.
func (s *Service) CancelScreen(ctx context.Context, p Principal, code string) error {
	return s.answerScreen(ctx, p, audit.ScreenCancel, func(ctx context.Context) (qr.Screen, error) {
		return s.Screens.Cancel(ctx, p.PoolID, code, p.UserID)
	})
}

// answerScreen records the answer with its effect.
func (s *Service) answerScreen(ctx context.Context, p Principal, action string, do func(context.Context) (qr.Screen, error)) error {
	if err := s.mayScan(ctx, p); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		screen, err := do(ctx)
		if err != nil {
			return err
		}
		return s.done(ctx, p, action, map[string]string{"screen_client": screen.ClientID})
	})
}

// mayScan refuses who is nobody in particular, and who scans too often.
func (s *Service) mayScan(ctx context.Context, p Principal) error {
	u, err := s.Me(ctx, p)
	if err != nil {
		return err
	}
	if u.Anonymous() {
		return errs.New(errs.AnonymousDenied)
	}
	if err := u.State(); err != nil {
		return err
	}
	return s.Limits.Take(ctx, limit.Screens.In(p.PoolID, p.UserID), limit.ScreenPerson())
}

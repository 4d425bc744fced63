package signin

import (
	"context"
	"encoding/json"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/qr"
)

// maxScreenContext bounds what an application may keep with a screen.
const maxScreenContext = 4 << 10

// OpenScreen begins a sign-in by QR code. about is what the application wants the functions
// of its pool to be told.
//
// Errors: TooManyRequests, FieldTooLong.
func (s *Service) OpenScreen(ctx context.Context, c pool.Client, about any) (qr.Shown, error) {
	if c.Pool.Settings.Limits {
		key := limit.Screens.In(c.Pool.ID, caller.From(ctx).Prefix())
		if err := s.Limits.Take(ctx, key, limit.ScreenAddress()); err != nil {
			return qr.Shown{}, err
		}
	}
	text := ""
	if about != nil {
		b, err := json.Marshal(about)
		if err != nil || len(b) > maxScreenContext {
			return qr.Shown{}, errs.New(errs.FieldTooLong, "field", "context").Because(err)
		}
		text = string(b)
	}
	return s.Screens.Open(ctx, c.Pool.ID, c.ID, text)
}

// proveScreen signs in the person who confirmed what a screen shows. The ticket is spent
// with the session that comes of it.
func (s *Service) proveScreen(ctx context.Context, in Input) (proof, error) {
	if in.Token == "" {
		return proof{}, errs.New(errs.FieldMissing, "field", "ticket")
	}
	poolID, clientID := in.Client.Pool.ID, in.Client.ID
	screen, err := s.Screens.Peek(ctx, poolID, clientID, in.Token)
	if err != nil {
		return proof{}, err
	}
	u, err := s.Users.ByID(ctx, poolID, screen.UserID)
	if errs.CodeOf(err) == errs.UserNotFound {
		return proof{}, errs.New(errs.TokenInvalid).Because(err)
	}
	if err != nil {
		return proof{}, err
	}
	p := proof{
		user: u, amr: []string{"pop"}, provider: "screen", protocol: protocolSocial,
		body:   map[string]any{"provider": "qrcode"},
		effect: func(ctx context.Context) error { return s.Screens.Redeem(ctx, poolID, clientID, in.Token) },
	}
	if screen.Context != "" {
		if err := json.Unmarshal([]byte(screen.Context), &p.about); err != nil {
			return proof{}, err
		}
	}
	return p, nil
}

package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
)

const (
	deviceLife     = 10 * time.Minute
	deviceInterval = 5 * time.Second
	userCodeLength = 8
	// userCodeLetters has no vowels, so that no code is a word (RFC 8628 section 6.1).
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	// amrDevice says in a token that another session let the device in.
	amrDevice = "device"
)

// DeviceCode is what a device without a keyboard shows and polls with (RFC 8628).
type DeviceCode struct {
	DeviceCode string
	UserCode   string // XXXX-XXXX
	ExpiresIn  time.Duration
	Interval   time.Duration
}

// StartDevice begins a device grant for an application.
func (s *Service) StartDevice(ctx context.Context, c pool.Client, scope string) (DeviceCode, error) {
	if c.Pool.Settings.Limits {
		key := limit.DeviceStarts.In(c.Pool.ID, caller.From(ctx).Prefix())
		if err := s.Limits.Take(ctx, key, limit.DeviceStartAddress()); err != nil {
			return DeviceCode{}, err
		}
	}
	d := DeviceCode{DeviceCode: secret.Token("dc"), UserCode: userCode(), ExpiresIn: deviceLife, Interval: deviceInterval}
	g := grant{poolID: c.Pool.ID, clientID: c.ID, scope: scope, expiresAt: s.Now().Add(deviceLife)}
	return d, s.insertGrant(ctx, d.DeviceCode, plainCode(d.UserCode), g)
}

// AuthorizeDevice lets the device that shows userCode sign in as the person.
//
// Errors: DeviceCodeInvalid, TooManyRequests, AnonymousDenied.
func (s *Service) AuthorizeDevice(ctx context.Context, p Principal, userCode string) error {
	u, err := s.Me(ctx, p)
	if err != nil {
		return err
	}
	if u.Anonymous() {
		return errs.New(errs.AnonymousDenied)
	}
	// A guess is counted before it is looked at, by person and by address (OA-07, AT-03).
	byUser := limit.DeviceCodes.In(p.PoolID, p.UserID)
	byAddress := limit.DeviceCodes.In(p.PoolID, caller.From(ctx).Prefix())
	for _, key := range []string{byUser, byAddress} {
		if err := s.Limits.Take(ctx, key, limit.DeviceCodeAddress()); err != nil {
			return err
		}
	}
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.approveGrant(ctx, p.PoolID, plainCode(userCode), p.UserID)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.DeviceCodeInvalid)
		}
		for _, key := range []string{byUser, byAddress} {
			if err := s.Limits.Refund(ctx, key, limit.DeviceCodeAddress()); err != nil {
				return err
			}
		}
		return s.done(ctx, p, "device.authorize", nil)
	})
}

// PollDevice gives the device its session once the person has agreed.
//
// Errors: AuthorizationPending, SlowDown, DeviceCodeInvalid (unknown, expired, used or
// another client's), UserBlocked, UserPending.
func (s *Service) PollDevice(ctx context.Context, c pool.Client, deviceCode string) (session.Tokens, error) {
	g, err := s.findGrant(ctx, c.Pool.ID, deviceCode)
	if errors.Is(err, db.ErrNoRows) || (err == nil && (g.used || g.clientID != c.ID || !s.Now().Before(g.expiresAt))) {
		return session.Tokens{}, errs.New(errs.DeviceCodeInvalid)
	}
	if err != nil {
		return session.Tokens{}, err
	}
	if g.userID == "" {
		n, err := s.pollGrant(ctx, deviceCode, s.Now().Add(-deviceInterval))
		if err != nil {
			return session.Tokens{}, err
		}
		if n == 0 {
			return session.Tokens{}, errs.New(errs.SlowDown).After(deviceInterval)
		}
		return session.Tokens{}, errs.New(errs.AuthorizationPending)
	}
	return s.enterDevice(ctx, c, deviceCode, g)
}

// enterDevice spends the grant and starts the session, once.
func (s *Service) enterDevice(ctx context.Context, c pool.Client, deviceCode string, g grant) (session.Tokens, error) {
	u, err := s.Users.ByID(ctx, c.Pool.ID, g.userID)
	if err != nil {
		return session.Tokens{}, errs.New(errs.DeviceCodeInvalid).Because(err)
	}
	if err := u.State(); err != nil {
		return session.Tokens{}, err
	}
	scope := g.scope
	if scope == "" || scope == signin.ScopeAnonymous {
		scope = signin.DefaultScope
	}
	var tokens session.Tokens
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.useGrant(ctx, deviceCode)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.DeviceCodeInvalid)
		}
		if err := s.Users.TouchSignIn(ctx, u, caller.From(ctx).IP()); err != nil {
			return err
		}
		tokens, err = s.Sessions.Start(ctx, session.Start{
			Pool: c.Pool, ClientID: c.ID, UserID: u.ID, DeviceID: caller.From(ctx).DeviceID,
			Scope: scope, AMR: []string{amrDevice}, ProviderType: "device", Name: u.Name,
		})
		if err != nil {
			return err
		}
		tokens.Groups = u.Groups()
		return s.Audit.Record(ctx, audit.Event{
			PoolID: u.PoolID, Action: audit.SignIn, UserID: u.ID, ClientID: c.ID,
			SessionID: tokens.SessionID, Detail: map[string]string{"method": "device"},
		})
	})
	return tokens, err
}

// userCode draws letters evenly: a byte beyond the last full round is drawn again.
func userCode() string {
	fair := byte(256 / len(userCodeLetters) * len(userCodeLetters))
	out := make([]byte, 0, userCodeLength)
	for len(out) < userCodeLength {
		for _, b := range secret.Bytes(userCodeLength - len(out)) {
			if b < fair {
				out = append(out, userCodeLetters[int(b)%len(userCodeLetters)])
			}
		}
	}
	return string(out[:4]) + "-" + string(out[4:])
}

// plainCode is a user code as typed, without what people add or leave out.
func plainCode(typed string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(userCodeLetters, r) {
			return r
		}
		return -1
	}, strings.ToUpper(typed))
}

package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// SignOut ends the session of an access token. It succeeds for tokens that are expired,
// ended, foreign or nonsense, because there is nothing left to end; only a failure to
// write is an error (SE-08).
func (s *Service) SignOut(ctx context.Context, access string) error {
	p, err := s.Sessions.Inspect(ctx, access)
	if errs.CodeOf(err) == errs.SessionInvalid {
		return nil
	}
	if err != nil {
		return err
	}
	return s.EndSession(ctx, p)
}

// EndSession ends the session of p.
func (s *Service) EndSession(ctx context.Context, p Principal) error {
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Sessions.Revoke(ctx, p.SessionID, "sign_out"); err != nil {
			return err
		}
		return s.done(ctx, p, audit.SignOut, nil)
	})
}

// EndSessions ends every session of the person in the application of p.
func (s *Service) EndSessions(ctx context.Context, p Principal) error {
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Sessions.RevokeClient(ctx, p.UserID, p.ClientID, "sign_out"); err != nil {
			return err
		}
		return s.done(ctx, p, audit.SignOut, nil)
	})
}

// RevokeAll ends every session of the person, this one too, and voids what they had
// pending (LK-04).
func (s *Service) RevokeAll(ctx context.Context, p Principal) error {
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		// First what could become a session: one that is being made from it is waited for.
		if err := s.void(ctx, p.UserID, ticket.Verification, ticket.ConfirmEmail, ticket.Sudo, ticket.Provider); err != nil {
			return err
		}
		if _, err := s.Sessions.RevokeUser(ctx, p.UserID, "", "sign_out_all"); err != nil {
			return err
		}
		return s.done(ctx, p, audit.SessionRevoke, nil)
	})
}

// void ends what the person, or whoever had their session, has begun and could yet
// finish: tickets of the given classes, all when none is given, and devices that were
// let in and have not come. It joins ctx's transaction.
func (s *Service) void(ctx context.Context, userID string, classes ...ticket.Class) error {
	if err := s.Tickets.Void(ctx, userID, classes...); err != nil {
		return err
	}
	return s.voidGrants(ctx, userID)
}

// RevokeDevice ends the person's sessions on one device; an unknown device is no error.
func (s *Service) RevokeDevice(ctx context.Context, p Principal, deviceID string) error {
	if deviceID == "" {
		return errs.New(errs.FieldMissing, "field", "device_id")
	}
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Sessions.RevokeDevice(ctx, p.UserID, deviceID); err != nil {
			return err
		}
		return s.done(ctx, p, audit.SessionRevoke, map[string]string{"device": deviceID})
	})
}

// HistoryInput asks for a page of what happened to the account. SignIns and Others
// choose one half; neither or both mean everything.
type HistoryInput struct {
	SignIns, Others bool
	Limit           int // 0 is 20
	PageToken       string
}

// History returns a page, newest first, and the token of the next.
func (s *Service) History(ctx context.Context, p Principal, in HistoryInput) ([]audit.Record, string, error) {
	var f audit.Filter
	switch {
	case in.SignIns && !in.Others:
		f.Action = audit.SignIn
	case in.Others && !in.SignIns:
		f.NotAction = audit.SignIn
	}
	if in.Limit == 0 {
		in.Limit = 20
	}
	return s.Audit.History(ctx, p.PoolID, p.UserID, f, in.Limit, in.PageToken)
}

// Identities lists the person's linked identities.
func (s *Service) Identities(ctx context.Context, p Principal) ([]user.Identity, error) {
	u, err := s.Me(ctx, p)
	return u.Identities, err
}

// Unlink removes a linked identity, unless it is the last way to sign in (DL-04).
//
// Errors: ProviderNotFound, LastMethod.
func (s *Service) Unlink(ctx context.Context, p Principal, provider string) error {
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Users.Unlink(ctx, p.PoolID, p.UserID, provider); err != nil {
			return err
		}
		if err := s.Revocations.Leave(ctx, p.PoolID, p.UserID, provider); err != nil {
			return err
		}
		return s.done(ctx, p, audit.IdentityUnlink, map[string]string{"provider": provider})
	})
	return s.refused(ctx, p, audit.IdentityUnlink, err)
}

// ClientInfo describes the application a person is asked to authorise; "" is the
// default one.
func (s *Service) ClientInfo(ctx context.Context, clientID string) (pool.Client, error) {
	return s.Pools.Client(ctx, clientID)
}

package oauth

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
)

// UserInfo returns the claims about whoever an access token speaks for. ID tokens,
// login tokens and tokens without the scope openid do not count.
//
// Errors: SessionInvalid, PermissionDenied.
func (s *Service) UserInfo(ctx context.Context, access string) (map[string]any, error) {
	p, err := s.Sessions.Verify(ctx, access)
	if err != nil {
		return nil, err
	}
	if !has(p.Scope, ScopeOpenID) {
		return nil, errs.New(errs.PermissionDenied)
	}
	u, err := s.Users.ByID(ctx, p.PoolID, p.UserID)
	if errs.CodeOf(err) == errs.UserNotFound {
		return nil, errs.New(errs.SessionInvalid)
	}
	if err != nil {
		return nil, err
	}
	return standardClaims(u, p.Scope), nil
}

// The types of token an introspection names.
const (
	typeAccess  = Bearer
	typeRefresh = "refresh_token"
)

// Introspection is what a token stands for at this moment (RFC 7662 section 2.2).
// Everything is empty when Active is not set.
type Introspection struct {
	Active                                bool
	Sub, ClientID, Scope, Issuer, TokenID string
	TokenType, SessionID                  string
	IssuedAt, ExpiresAt                   time.Time
}

// Introspect says what an access token or a refresh token of the application is worth.
// Of a token that is unknown, expired, ended, of another sort or of another application
// it only says that it is not active (OA-06).
func (s *Service) Introspect(ctx context.Context, c pool.Client, token string) (Introspection, error) {
	for _, look := range []func(context.Context, pool.Client, string) (Introspection, error){
		s.inspectAccess, s.inspectMachine, s.inspectRefresh,
	} {
		i, err := look(ctx, c, token)
		switch errs.CodeOf(err) {
		case "":
			return i, nil
		case errs.SessionInvalid, errs.RefreshInvalid:
		default:
			return Introspection{}, err
		}
	}
	return Introspection{}, nil
}

func (s *Service) inspectAccess(ctx context.Context, c pool.Client, token string) (Introspection, error) {
	p, err := s.Sessions.Verify(ctx, token)
	if err != nil {
		return Introspection{}, err
	}
	if p.PoolID != c.Pool.ID || p.ClientID != c.ID {
		return Introspection{}, errs.New(errs.SessionInvalid)
	}
	return Introspection{
		Active: true, Sub: p.UserID, ClientID: p.ClientID, Scope: p.Scope, Issuer: s.Issuer(p.PoolID),
		TokenID: p.TokenID, TokenType: typeAccess, SessionID: p.SessionID,
		IssuedAt: p.IssuedAt, ExpiresAt: p.ExpiresAt,
	}, nil
}

func (s *Service) inspectMachine(ctx context.Context, c pool.Client, token string) (Introspection, error) {
	var m machine
	if err := s.Keys.Verify(ctx, c.Pool.ID, token, session.TypAccess, &m); err != nil {
		return Introspection{}, err
	}
	expires := time.Unix(m.Expires, 0)
	if m.Session != "" || m.Client != c.ID || m.Issuer != s.Issuer(c.Pool.ID) || !s.Now().Before(expires) {
		return Introspection{}, errs.New(errs.SessionInvalid)
	}
	return Introspection{
		Active: true, Sub: m.Subject, ClientID: m.Client, Scope: m.Scope, Issuer: m.Issuer, TokenID: m.ID,
		TokenType: typeAccess, IssuedAt: time.Unix(m.IssuedAt, 0), ExpiresAt: expires,
	}, nil
}

func (s *Service) inspectRefresh(ctx context.Context, c pool.Client, token string) (Introspection, error) {
	row, newest, err := s.Sessions.Peek(ctx, c.Pool.ID, refreshFamily, token)
	if err != nil {
		return Introspection{}, err
	}
	if !newest || row.ClientID != c.ID {
		return Introspection{}, errs.New(errs.RefreshInvalid)
	}
	return Introspection{
		Active: true, Sub: row.UserID, ClientID: row.ClientID, Scope: row.Scope, Issuer: s.Issuer(row.PoolID),
		TokenType: typeRefresh, SessionID: row.ID, IssuedAt: row.RotatedAt, ExpiresAt: row.ExpiresAt,
	}, nil
}

// Revoke ends the session an access token or a refresh token of the application
// belongs to (RFC 7009). A token that is no good is no error; one of another
// application is, and nothing happens to it. A token of an application itself has no
// session that could end, and saying otherwise would be a lie.
//
// Errors: GrantInvalid, NotImplemented.
func (s *Service) Revoke(ctx context.Context, c pool.Client, token string) error {
	if strings.Count(token, ".") == 1 {
		row, _, err := s.Sessions.Peek(ctx, c.Pool.ID, refreshFamily, token)
		if err != nil {
			return unless(err, errs.RefreshInvalid)
		}
		return s.end(ctx, c, row.ClientID, row.UserID, row.ID)
	}
	p, err := s.Sessions.Inspect(ctx, token)
	if errs.CodeOf(err) == errs.SessionInvalid {
		if _, err := s.inspectMachine(ctx, c, token); err != nil {
			return unless(err, errs.SessionInvalid)
		}
		return errs.New(errs.NotImplemented)
	}
	if err != nil {
		return err
	}
	if p.PoolID != c.Pool.ID {
		return errs.New(errs.GrantInvalid)
	}
	return s.end(ctx, c, p.ClientID, p.UserID, p.SessionID)
}

func (s *Service) end(ctx context.Context, c pool.Client, owner, userID, sessionID string) error {
	if owner != c.ID {
		return errs.New(errs.GrantInvalid)
	}
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Sessions.Revoke(ctx, sessionID, "token_revoked"); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: c.Pool.ID, Action: audit.SignOut, UserID: userID, ClientID: c.ID, SessionID: sessionID,
		})
	})
}

// unless drops a refusal that is no failure here.
func unless(err error, harmless errs.Code) error {
	if errs.CodeOf(err) == harmless {
		return nil
	}
	return err
}

// Logout is the wish of an application that somebody signs out.
type Logout struct {
	IDToken, ClientID, RedirectURI, State string
}

// Logout ends the session of an ID token or a login token, expired or not, and returns
// where the browser goes: an address the application registered, "" for a page of ours.
// Without a token nothing ends, because nobody has shown whose session it is (OA-10).
//
// Errors: SessionInvalid, ClientUnknown, RedirectRefused.
func (s *Service) Logout(ctx context.Context, in Logout) (redirect string, err error) {
	var p session.Principal
	if in.IDToken != "" {
		if p, err = s.Sessions.InspectHint(ctx, in.IDToken); err != nil {
			return "", err
		}
		if in.ClientID != "" && in.ClientID != p.ClientID {
			return "", errs.New(errs.ClientUnknown)
		}
		in.ClientID = p.ClientID
	}
	if in.ClientID == "" {
		return "", nil
	}
	c, err := s.Pools.AppOf(ctx, in.ClientID)
	if err != nil {
		return "", err
	}
	if in.IDToken != "" {
		if err := s.end(ctx, c, p.ClientID, p.UserID, p.SessionID); err != nil {
			return "", err
		}
	}
	switch {
	case in.RedirectURI == "":
		return "", nil
	case !c.App.AllowsLogout(in.RedirectURI) || len(in.State) > maxParam:
		return "", errs.New(errs.RedirectRefused)
	case in.State == "":
		return in.RedirectURI, nil
	}
	return extend(in.RedirectURI, url.Values{"state": {in.State}}), nil
}

package oauth

import (
	"context"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/ticket"
)

const (
	// requestLife is how long a person may take to sign in.
	requestLife = 30 * time.Minute
	// codeLife is how long the application may take to fetch the tokens (OA-02).
	codeLife = time.Minute
	// maxParam bounds what is kept of a request and given back.
	maxParam = 1024
)

// MethodS256 is the one way to make a PKCE challenge (RFC 7636 section 4.2).
const MethodS256 = "S256"

// AuthorizeRequest is an application's wish that somebody signs in, as it was sent.
type AuthorizeRequest struct {
	ClientID, RedirectURI, ResponseType, ResponseMode string
	Scope, State, Nonce, Prompt                       string
	Challenge, ChallengeMethod                        string
	LoginHint, Locales                                string
	// Objects says that the request came as a signed object or by reference, which is
	// not supported.
	Objects bool
}

// Refusal is an error the application hears of: the browser goes to URL with it. Any
// other error is shown to the person, because the address is not to be trusted.
type Refusal struct {
	URL   string
	Cause error
}

// Error is the text of the cause.
func (r *Refusal) Error() string { return "refused authorization: " + r.Cause.Error() }

// Unwrap returns the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// The words of RFC 6749 section 4.1.2.1 and OpenID Connect Core section 3.1.2.6.
const (
	wordRequest     = "invalid_request"
	wordResponse    = "unsupported_response_type"
	wordDenied      = "access_denied"
	wordLogin       = "login_required"
	wordObject      = "request_not_supported"
	wordUnavailable = "temporarily_unavailable"
)

// Pending is a request somebody is about to answer.
type Pending struct {
	Client                               pool.Client
	RedirectURI, Scope, LoginHint, State string
	Locales                              string // as the application sent them

	binding map[string]string
}

// Begin keeps a request and returns its id, for the sign-in page. Nobody has a session
// with us beside the ones of applications, so prompt "none" is always refused.
//
// Errors: ClientUnknown, RedirectRefused, TooManyRequests, *Refusal.
func (s *Service) Begin(ctx context.Context, in AuthorizeRequest) (requestID string, c pool.Client, err error) {
	if c, err = s.Pools.AppOf(ctx, in.ClientID); err != nil {
		return "", pool.Client{}, err
	}
	if !c.App.AllowsRedirect(in.RedirectURI) {
		return "", pool.Client{}, errs.New(errs.RedirectRefused)
	}
	if len(in.State) > maxParam {
		return "", pool.Client{}, errs.New(errs.FieldTooLong, "field", "state", "max", "1024")
	}
	refuse := func(word string, cause error) error {
		return &Refusal{URL: s.answer(c, in.RedirectURI, "error", word, "state", in.State), Cause: cause}
	}
	if word, cause := in.check(c.App); cause != nil {
		return "", c, refuse(word, cause)
	}
	scope, err := granted(in.Scope, ScopeOpenID)
	if err != nil {
		return "", c, refuse("invalid_scope", err)
	}
	if c.Pool.Settings.Limits {
		key := limit.SignInPages.Over(caller.From(ctx).Prefix())
		if err := s.Limits.Take(ctx, key, limit.AuthorizeAddress()); err != nil {
			return "", c, refuse(wordUnavailable, err)
		}
	}
	requestID, err = s.Tickets.Issue(ctx, ticket.Ticket{
		Class: ticket.Authorize, ClientID: c.ID, UsesLeft: 1, ExpiresAt: s.Now().Add(requestLife),
		Binding: map[string]string{
			"redirect_uri": in.RedirectURI, "scope": scope, "state": in.State, "nonce": in.Nonce,
			"challenge": in.Challenge, "login_hint": in.LoginHint, "locales": in.Locales,
		},
	})
	return requestID, c, err
}

// check returns the word for what is wrong with a request of a known application.
func (in AuthorizeRequest) check(a pool.App) (word string, cause error) {
	bad := func(field string) (string, error) { return wordRequest, errs.New(errs.BadRequest, "field", field) }
	prompts := strings.Fields(in.Prompt)
	switch {
	case in.Objects:
		return wordObject, errs.New(errs.NotImplemented)
	case in.ResponseType == "":
		return bad("response_type")
	case in.ResponseType != "code":
		return wordResponse, errs.New(errs.BadRequest, "field", "response_type")
	case in.ResponseMode != "" && in.ResponseMode != "query":
		return bad("response_mode")
	case len(in.Nonce) > maxParam:
		return bad("nonce")
	case len(in.LoginHint) > maxParam:
		return bad("login_hint")
	case len(in.Locales) > maxParam:
		return bad("ui_locales")
	case in.Challenge == "" && (in.ChallengeMethod != "" || !a.Confidential()):
		return bad("code_challenge") // OA-03
	case in.Challenge != "" && in.ChallengeMethod != MethodS256:
		return bad("code_challenge_method")
	case in.Challenge != "" && !isChallenge(in.Challenge):
		return bad("code_challenge")
	case slices.Contains(prompts, "none") && len(prompts) > 1:
		return bad("prompt")
	case slices.Contains(prompts, "none"):
		return wordLogin, errs.New(errs.SessionInvalid)
	}
	return "", nil
}

// isChallenge reports whether text has the shape of a SHA-256.
func isChallenge(text string) bool {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(raw) == 32
}

// Request returns a request that waits for somebody, or TokenInvalid.
func (s *Service) Request(ctx context.Context, requestID string) (Pending, error) {
	t, err := s.Tickets.Peek(ctx, ticket.Authorize, "", requestID)
	if err != nil {
		return Pending{}, err
	}
	return s.pending(ctx, t)
}

// pending checks again what may have changed since Begin.
func (s *Service) pending(ctx context.Context, t ticket.Ticket) (Pending, error) {
	c, err := s.Pools.AppOf(ctx, t.ClientID)
	if err != nil {
		return Pending{}, err
	}
	b := t.Binding
	if !c.App.AllowsRedirect(b["redirect_uri"]) {
		return Pending{}, errs.New(errs.RedirectRefused)
	}
	return Pending{
		Client: c, RedirectURI: b["redirect_uri"], Scope: b["scope"], LoginHint: b["login_hint"],
		State: b["state"], Locales: b["locales"], binding: b,
	}, nil
}

// Finish answers a request in the name of who has just signed in with its application,
// and returns where the browser goes. The session of who is used up when the
// application fetches its tokens.
//
// Errors: TokenInvalid, SessionInvalid.
func (s *Service) Finish(ctx context.Context, requestID string, who session.Principal) (redirect string, err error) {
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		t, err := s.Tickets.Spend(ctx, ticket.Authorize, "", requestID)
		if err != nil {
			return err
		}
		p, err := s.pending(ctx, t)
		if err != nil {
			return err
		}
		if who.PoolID != p.Client.Pool.ID || who.ClientID != p.Client.ID {
			return errs.New(errs.SessionInvalid)
		}
		code, err := s.Tickets.Issue(ctx, ticket.Ticket{
			Class: ticket.AuthCode, PoolID: who.PoolID, ClientID: who.ClientID, UserID: who.UserID,
			SessionID: who.SessionID, UsesLeft: 1, ExpiresAt: s.Now().Add(codeLife),
			Binding: map[string]string{
				"redirect_uri": p.RedirectURI, "scope": p.Scope, "nonce": p.binding["nonce"],
				"challenge": p.binding["challenge"], "session": secret.ID(),
				"amr": strings.Join(who.AMR, " "), "auth_at": who.AuthAt.UTC().Format(time.RFC3339Nano),
			},
		})
		redirect = s.answer(p.Client, p.RedirectURI, "code", code, "state", p.State)
		return err
	})
	return redirect, err
}

// Cancel answers a request for somebody who does not want to sign in.
//
// Errors: TokenInvalid.
func (s *Service) Cancel(ctx context.Context, requestID string) (redirect string, err error) {
	t, err := s.Tickets.Spend(ctx, ticket.Authorize, "", requestID)
	if err != nil {
		return "", err
	}
	p, err := s.pending(ctx, t)
	if err != nil {
		return "", err
	}
	return s.answer(p.Client, p.RedirectURI, "error", wordDenied, "state", p.State), nil
}

// answer adds name, value pairs to a registered address, and who it is that answers
// (RFC 9207). Empty values are left out.
func (s *Service) answer(c pool.Client, uri string, pairs ...string) string {
	q := url.Values{"iss": {s.Issuer(c.Pool.ID)}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return extend(uri, q)
}

// extend adds a query to an address.
func extend(uri string, q url.Values) string {
	separator := "?"
	if strings.Contains(uri, "?") {
		separator = "&"
	}
	return uri + separator + q.Encode()
}

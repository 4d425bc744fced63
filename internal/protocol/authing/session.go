package authing

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) sessionRoutes() []route {
	d := voice{p, logoutWords()}
	return []route{
		get("/api/v2/logout", web.JSON(d, p.logout)),
		get("/logout", web.JSON(d, p.logoutOf)),
		get("/cas/session", web.JSON(d, p.casSession)),
		get("/login/profile/logout", web.Handle(p, p.logoutPage)),
		post("/api/v2/users/refresh-token", bearer(p, nil, p.refreshToken)),
		get("/api/v2/oidc/validate_token", web.JSON(voice{p, nil}, p.validateToken)),
	}
}

type logoutRequest struct {
	OnlySelf string `query:"only_self"`
}

// logout ends the sessions of the person in the application, or only this one. Who shows
// no token has nothing to end; a bad token has a number of its own.
func (p *Protocol) logout(ctx context.Context, in logoutRequest) (any, error) {
	if scheme, _ := web.Credentials(ctx); scheme == "" {
		return wrapped(nil, nil)
	}
	who, err := p.caller(ctx)
	if err != nil {
		return nil, err
	}
	ctx = withClient(ctx, who.ClientID)
	if in.OnlySelf == "true" {
		return wrapped(nil, p.account.EndSession(ctx, who))
	}
	return wrapped(nil, p.account.EndSessions(ctx, who))
}

type logoutOfRequest struct {
	UserID   string `query:"userId"`
	DeviceID string `query:"deviceId"`
}

// logoutOf is the older address: a person ends their session of a device, or a customer's
// server those of a person.
func (p *Protocol) logoutOf(ctx context.Context, in logoutOfRequest) (any, error) {
	if in.UserID != "" {
		return p.logoutUser(ctx, in.UserID)
	}
	if in.DeviceID == "" || in.DeviceID == "current" {
		return p.logout(ctx, logoutRequest{OnlySelf: "true"})
	}
	who, err := p.caller(ctx)
	if err != nil {
		return nil, err
	}
	return wrapped(nil, p.account.RevokeDevice(withClient(ctx, who.ClientID), who, in.DeviceID))
}

// logoutUser ends the sessions of a person in the application the request names.
func (p *Protocol) logoutUser(ctx context.Context, userID string) (any, error) {
	m, err := p.manager(ctx)
	if err != nil {
		return nil, err
	}
	return wrapped(nil, p.admin.Kick(ctx, m, []string{userID}, factsOf(ctx).app))
}

// casSession is empty: no browser holds a session of ours by cookie.
func (p *Protocol) casSession(context.Context, nothing) (any, error) {
	return map[string]any{"session": nil, "userInfo": nil}, nil
}

// logoutPage sends a browser that has nothing to end back to the app.
func (p *Protocol) logoutPage(w http.ResponseWriter, r *http.Request) error {
	c, err := p.app(r.Context())
	if err != nil {
		return err
	}
	to := r.URL.Query().Get("redirect_uri")
	if !c.App.AllowsLogout(to) {
		return errs.New(errs.RedirectRefused)
	}
	http.Redirect(w, r, to, http.StatusFound) //nolint:gosec // registered for the application
	return nil
}

type tokenAnswer struct {
	Token     string `json:"token"`
	IssuedAt  int64  `json:"iat"`
	ExpiresAt int64  `json:"exp"`
}

// refreshToken makes another login token of the session.
func (p *Protocol) refreshToken(ctx context.Context, who session.Principal, _ nothing) (any, error) {
	return p.renewed(ctx, who)
}

func (p *Protocol) renewed(ctx context.Context, who session.Principal) (any, error) {
	u, err := p.account.Me(ctx, who)
	if err != nil {
		return nil, err
	}
	t, err := p.reissue(ctx, who, u)
	if err != nil {
		return nil, err
	}
	return tokenAnswer{Token: t.Access, IssuedAt: t.IssuedAt.Unix(), ExpiresAt: t.ExpiresAt.Unix()}, nil
}

type validateRequest struct {
	AccessToken string `query:"access_token"`
	IDToken     string `query:"id_token"`
}

// validateToken answers the claims of a good token without an envelope.
func (p *Protocol) validateToken(ctx context.Context, in validateRequest) (any, error) {
	token := in.AccessToken
	if token == "" {
		token = in.IDToken
	}
	_, err := p.sessions.VerifyAny(ctx, token)
	if errs.CodeOf(err) == errs.SessionInvalid {
		e := refusal(caller.From(ctx).Lang, words{{code: errs.TokenInvalid, number: badParameter}}, errs.New(errs.TokenInvalid))
		return e, nil
	}
	if err != nil {
		return nil, err
	}
	return payloadOf(token), nil
}

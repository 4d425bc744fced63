package cloudbase

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
)

func (p *Protocol) deviceRoutes() []route {
	return []route{
		once(http.MethodPost, "/auth/v1/device/code", public(p, p.deviceCode)),
		once(http.MethodPost, "/auth/v1/user/device/authorize", bearer(p, p.authorizeDevice)),
		get("/auth/v1/user/authorize/info", public(p, p.authorizeInfo)),
	}
}

type deviceRequest struct {
	app
	Scope string `json:"scope"`
}

type deviceAnswer struct {
	DeviceCode              string `json:"device_code"`
	UserCode                string `json:"user_code"`
	ExpiresIn               int64  `json:"expires_in"`
	Interval                int64  `json:"interval"`
	VerificationURI         string `json:"verification_uri"`
	VerificationURIComplete string `json:"verification_uri_complete"`
}

// deviceCode begins the grant of RFC 8628.
func (p *Protocol) deviceCode(ctx context.Context, c pool.Client, in deviceRequest) (deviceAnswer, error) {
	d, err := p.account.StartDevice(ctx, c, knownScope(in.Scope))
	if err != nil {
		return deviceAnswer{}, err
	}
	page := p.devicePage(c.App)
	joint := "?"
	if strings.Contains(page, "?") {
		joint = "&"
	}
	return deviceAnswer{
		DeviceCode: d.DeviceCode, UserCode: d.UserCode,
		ExpiresIn: seconds(d.ExpiresIn), Interval: seconds(d.Interval),
		VerificationURI:         page,
		VerificationURIComplete: page + joint + "user_code=" + url.QueryEscape(d.UserCode),
	}, nil
}

// knownScope keeps the words of a scope that sessions have. Others could carry a meaning
// for the app's own back end, and some are reserved by the client library.
func knownScope(scope string) string {
	var kept []string
	for word := range strings.FieldsSeq(scope) {
		if slices.Contains(strings.Fields(signin.DefaultScope), word) && !slices.Contains(kept, word) {
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ")
}

// devicePage is where the user types the code: a page of the app, whose client library
// has the call for it.
func (p *Protocol) devicePage(a pool.App) string {
	for _, list := range [][]string{a.Settings.RedirectURIs, a.Settings.Origins} {
		for _, page := range list {
			if page != "*" {
				return page
			}
		}
	}
	return p.url
}

func (p *Protocol) deviceToken(ctx context.Context, c pool.Client, code string) (tokenSet, error) {
	tokens, err := p.account.PollDevice(ctx, c, code)
	if err != nil {
		return tokenSet{}, err
	}
	return tokenSetOf(tokens), nil
}

type authorizeRequest struct {
	UserCode string `json:"user_code"`
}

// authorizeDevice lets the device that shows the code sign in.
func (p *Protocol) authorizeDevice(ctx context.Context, who session.Principal, in authorizeRequest) (done, error) {
	return done{}, p.account.AuthorizeDevice(ctx, who, in.UserCode)
}

type authorizeInfoRequest struct {
	app
	Scope string `query:"scope"`
}

type authorizeInfo struct {
	Client clientInfo  `json:"client"`
	Scopes []scopeInfo `json:"scopes"`
}

type clientInfo struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type scopeInfo struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// authorizeInfo describes the application a user is asked to let in.
func (p *Protocol) authorizeInfo(_ context.Context, c pool.Client, in authorizeInfoRequest) (authorizeInfo, error) {
	out := authorizeInfo{Client: clientInfo{ID: c.ID, Name: c.App.Name}, Scopes: []scopeInfo{}}
	for s := range strings.FieldsSeq(in.Scope) {
		out.Scopes = append(out.Scopes, scopeInfo{ID: s, Name: s})
	}
	return out, nil
}

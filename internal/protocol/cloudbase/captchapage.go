package cloudbase

import (
	"context"
	"embed"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

//go:embed page
var pageFiles embed.FS

func (p *Protocol) captchaPageRoutes() []route {
	return []route{
		get("/auth/v1/captcha/page", web.Handle(p, p.captchaPage)),
		get("/auth/v1/captcha/page.js", p.asset("page/page.js", "text/javascript; charset=utf-8")),
		get("/auth/v1/captcha/page.css", p.asset("page/page.css", "text/css; charset=utf-8")),
		once(http.MethodPost, "/auth/v1/captcha/page/finish", public(p, p.captchaFinish)),
	}
}

// captchaPage is the page itself. Only pages of the app may frame it.
func (p *Protocol) captchaPage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	c, err := p.pools.Client(r.Context(), q.Get("client_id"))
	if err != nil {
		return err
	}
	if _, err := redirectTarget(c.App, q.Get("redirect_uri")); err != nil {
		return err
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
		"img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "+
		ancestors(c.App.Settings.Origins))
	return serveAsset(w, "page/page.html", "text/html; charset=utf-8")
}

// ancestors writes origins as a list of a content security policy. An origin that
// could end the list is left out.
func ancestors(origins []string) string {
	list := []string{"'self'"}
	for _, o := range origins {
		if !strings.ContainsAny(o, " ;,'\r\n\t") {
			list = append(list, o)
		}
	}
	return strings.Join(list, " ")
}

func (p *Protocol) asset(name, contentType string) http.Handler {
	return web.Handle(p, func(w http.ResponseWriter, _ *http.Request) error {
		return serveAsset(w, name, contentType)
	})
}

func serveAsset(w http.ResponseWriter, name, contentType string) error {
	data, err := pageFiles.ReadFile(name)
	if err != nil {
		return errs.New(errs.RouteNotFound).Because(err)
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache")
	_, err = w.Write(data)
	return err
}

type captchaFinishRequest struct {
	captchaAnswer
	RedirectURI string `json:"redirect_uri"`
	State       string `json:"state"`
	Cancel      bool   `json:"cancel"`
}

type captchaFinished struct {
	RedirectURI string `json:"redirect_uri"`
}

// captchaFinish checks what was typed into the page and says where to go back to. The
// result is added to the query the app's page already has.
func (p *Protocol) captchaFinish(ctx context.Context, c pool.Client, in captchaFinishRequest) (captchaFinished, error) {
	u, err := redirectTarget(c.App, in.RedirectURI)
	if err != nil {
		return captchaFinished{}, err
	}
	added := url.Values{}
	if in.State != "" {
		added.Set("state", in.State)
	}
	if in.Cancel {
		added.Set("error", "cancelled")
		added.Set("error_description", i18n.Text(caller.From(ctx).Lang, errs.CaptchaRequired, nil))
	} else {
		proof, err := p.captchaVerify(ctx, c, in.captchaAnswer)
		if err != nil {
			return captchaFinished{}, err
		}
		added.Set("captcha_token", proof.CaptchaToken)
		added.Set("expires_in", strconv.FormatInt(proof.ExpiresIn, 10))
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += added.Encode()
	return captchaFinished{RedirectURI: u.String()}, nil
}

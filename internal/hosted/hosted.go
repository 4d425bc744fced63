// Package hosted owns the page on which people sign in to an app that sent them to us, and
// the one behind a link in a mail: their words, their forms and the browser they belong
// to. Who may sign in is decided by signin and account, and where people go afterwards
// by oauth.
package hosted

import (
	_ "embed"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/oauth"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/web"
)

const (
	prefix    = "/oidc/signin/"
	stylePath = prefix + "page.css"
)

//go:embed page.css
var style []byte

// Options are what a Protocol is made of; all are required.
type Options struct {
	OAuth    *oauth.Service
	Signin   *signin.Service
	Account  *account.Service
	Sessions *session.Service
	Captchas *captcha.Service
	// Vendors take people to identity providers and back.
	Vendors   *federation.Service
	PublicURL string // our own origin
	Secure    bool   // browsers reach us by TLS
}

// Protocol serves the page.
type Protocol struct {
	Options
	words map[string]i18n.Catalog
}

// New makes the page.
func New(o Options) (*Protocol, error) {
	words, err := catalogs()
	if err != nil {
		return nil, fmt.Errorf("words of the sign-in page: %w", err)
	}
	return &Protocol{Options: o, words: words}, nil
}

// Handler serves everything under /oidc/signin/ and ConfirmPath.
func (p *Protocol) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+stylePath, serveStyle)
	mux.Handle("GET "+prefix+"{request}", web.Handle(p, p.show))
	mux.Handle("GET "+prefix+"{request}/to/{provider}", web.Handle(p, p.depart))
	mux.Handle("GET "+prefix+"{request}/from/{provider}", web.Handle(p, p.arrive))
	mux.Handle("POST "+prefix+"{request}", web.Handle(p, p.submit))
	mux.Handle("GET "+ConfirmPath+"{token}", web.Handle(p, p.confirmPage))
	mux.Handle("POST "+ConfirmPath+"{token}", web.Handle(p, p.confirm))
	mux.Handle("/", web.NotFound(p, mux))
	return mux
}

// Name is the protocol of caller.Info.
func (p *Protocol) Name() string { return "oidc" }

// WriteError answers with a page that says why there is nothing to do here. It never
// leads anywhere.
func (p *Protocol) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	v := view{words: p.words, lang: p.language(r, "")}
	title, why := "failed_title", i18n.Text(v.lang, e.Code, e.Params)
	switch e.Code { //nolint:exhaustive // only two mean something of their own here
	case errs.TokenInvalid, errs.RouteNotFound:
		title, why = "gone_title", v.say("gone")
		if strings.HasPrefix(r.URL.Path, ConfirmPath) {
			why = v.say("link_gone")
		}
	case errs.OriginRefused:
		why = v.say("foreign")
	}
	status := statusOf(e)
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	body := group{el("h1", nil, text(v.say(title))), el("p", nil, text(why))}
	writePage(w, status, "", v.document(v.say(title), body, nil))
}

// statusOf is the status of a page. A browser can do nothing about 401, which asks for a
// header of it.
func statusOf(e *errs.Error) int {
	if status := web.Status(e.Code.Kind()); status != http.StatusUnauthorized {
		return status
	}
	return http.StatusBadRequest
}

// language is what the person chose on the page, else what the application asked for,
// else what the browser does.
func (p *Protocol) language(r *http.Request, locales string) string {
	if lang := r.URL.Query().Get("lang"); p.words[lang] != nil {
		return lang
	}
	if locales != "" {
		return i18n.Match(strings.Join(strings.Fields(locales), ","))
	}
	if lang := caller.From(r.Context()).Lang; lang != "" {
		return lang
	}
	return i18n.Chinese
}

// writePage answers with a document that runs nothing, is framed by nobody and kept
// nowhere. target is where its form may lead besides this server (WB-03): browsers
// apply the rule to the redirect that answers a form too.
func writePage(w http.ResponseWriter, status int, target, page string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "+
		"object-src 'none'; frame-ancestors 'none'; form-action "+strings.TrimSpace("'self' "+target))
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(page)) //nolint:gosec // html.go escapes every word
}

func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(style)
}

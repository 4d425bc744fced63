package console

import (
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	sessionCookie = "console"
	langCookie    = "console-lang"
	themeCookie   = "console-theme"
	flashCookie   = "console-done"
	guestCookie   = "console-form" // of a browser that is not signed in

	yearLong  = 365 * 24 * 3600 // seconds
	flashLong = 60              // seconds
	maxFlash  = 1024
)

// identify finds out who is signed in.
func (p *page) identify() error {
	token := cookieValue(p.r, p.c.cookieName(sessionCookie))
	if token == "" {
		return nil
	}
	if p.c.DevKey != "" && secret.Equal([]byte(token), []byte(p.c.DevKey)) {
		who, err := p.c.Operators.Authenticate(p.r.Context(), token, address(p.r.Context()))
		p.who, p.token = who, token
		return err
	}
	who, step, err := p.c.Operators.Session(p.r.Context(), token)
	switch {
	case errs.CodeOf(err) == errs.SessionInvalid:
		return nil
	case err != nil:
		return err
	}
	p.who, p.step, p.token = who, step, token
	return nil
}

// missing is the page that has to be passed before back can be seen, "" for none.
func (p *page) missing(back string) string {
	var way string
	switch {
	case p.token == "":
		way = "signin"
	case p.step == operator.Factor:
		way = "factor"
	case p.step == operator.Enrol:
		way = "enrol"
	default:
		return ""
	}
	if back == Prefix {
		return p.global(way)
	}
	return p.global(way) + "?" + url.Values{"back": {back}}.Encode()
}

// wanted is the page that was asked for, the first one when a form was sent.
func (p *page) wanted() string {
	if p.r.Method == http.MethodGet && ours(p.r.URL.RequestURI()) {
		return p.r.URL.RequestURI()
	}
	return Prefix
}

// checkForm refuses a form from anywhere but our own page (WB-01): browsers say where one
// comes from, and it carries a proof that only a page of the same session has.
func (p *page) checkForm() error {
	kind, _, err := mime.ParseMediaType(p.r.Header.Get("Content-Type"))
	switch {
	case err != nil:
		return errs.New(errs.BadRequest, "field", "Content-Type")
	case kind == "application/x-www-form-urlencoded":
		err = p.r.ParseForm()
	case kind == "multipart/form-data":
		err = p.r.ParseMultipartForm(maxUpload) //nolint:gosec // the server reads only so much of a body
	default:
		return errs.New(errs.BadRequest, "field", "Content-Type")
	}
	if err != nil {
		return errs.New(errs.BadRequest, "field", "form").Because(err)
	}
	if err := new(http.CrossOriginProtection).Check(p.r); err != nil {
		return errs.New(errs.OriginRefused).Because(err)
	}
	if !secret.Equal([]byte(p.r.PostForm.Get("csrf")), []byte(p.csrf())) {
		return errs.New(errs.FormStale)
	}
	return nil
}

// maxUpload is how much of an uploaded file is held in memory.
const maxUpload = 1 << 20

// csrf is what the forms of the session carry, or of the browser before there is one: a
// stranger's page must not sign anybody in either.
func (p *page) csrf() string {
	of := p.token
	if of == "" {
		of = p.guestToken()
	}
	return base64.RawURLEncoding.EncodeToString(secret.Hash("console form:" + of))
}

// guestToken is a secret of the browser, which is given one when it has none.
func (p *page) guestToken() string {
	if p.guest == "" {
		p.guest = cookieValue(p.r, p.c.cookieName(guestCookie))
	}
	if p.guest == "" {
		p.guest = secret.Token("guest")
		http.SetCookie(p.w, p.c.cookie(p.c.cookieName(guestCookie), p.guest, 0))
	}
	return p.guest
}

// referer is the page of ours that a form was sent from, the first page when unknown.
func (p *page) referer() string {
	if u, err := url.Parse(p.r.Referer()); err == nil && u.Host == p.r.Host && ours(u.RequestURI()) {
		return u.RequestURI()
	}
	return Prefix
}

// ours reports whether a path is one of the console's, and of no other host (WB-04).
func ours(path string) bool {
	u, err := url.Parse(path)
	return err == nil && u.Scheme == "" && u.Host == "" && !strings.Contains(path, `\`) &&
		(u.Path == Prefix || strings.HasPrefix(u.Path, Prefix+"/")) && !strings.Contains(u.Path, "..")
}

// back is the page to go to after this one.
func (p *page) back() string {
	if path := p.r.FormValue("back"); ours(path) {
		return path
	}
	return Prefix
}

// signIn gives the browser the session's token.
func (p *page) signIn(token string) {
	p.token = token
	http.SetCookie(p.w, p.c.cookie(p.c.cookieName(sessionCookie), token, 0))
}

func (p *page) signOut() {
	http.SetCookie(p.w, p.c.cookie(p.c.cookieName(sessionCookie), "", -1))
}

// prefer keeps a choice of the reader in a cookie.
func (p *page) prefer(name, value string) {
	http.SetCookie(p.w, p.c.cookie(name, value, yearLong))
}

// setFlash keeps a notice for the next page.
func (p *page) setFlash(text string) {
	http.SetCookie(p.w, p.c.cookie(p.c.cookieName(flashCookie), base64.RawURLEncoding.EncodeToString([]byte(text)), flashLong))
}

// flash takes the notice of the page before.
func (p *page) flash() string {
	value := cookieValue(p.r, p.c.cookieName(flashCookie))
	if value == "" || p.r.Method != http.MethodGet {
		return ""
	}
	http.SetCookie(p.w, p.c.cookie(p.c.cookieName(flashCookie), "", -1))
	text, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || len(text) > maxFlash {
		return ""
	}
	return string(text)
}

// cookieName has the prefix with which a browser takes a cookie from this host alone.
func (c *Console) cookieName(name string) string {
	if c.Secure {
		return "__Host-" + name
	}
	return name
}

// cookie is for the console only; a life of 0 is until the browser closes.
func (c *Console) cookie(name, value string, life int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // without TLS, which is for this machine only, browsers would drop a secure one
		Name: name, Value: value, Path: "/", MaxAge: life,
		Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

func cookieValue(r *http.Request, name string) string {
	if c, err := r.Cookie(name); err == nil {
		return c.Value
	}
	return ""
}

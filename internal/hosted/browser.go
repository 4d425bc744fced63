package hosted

import (
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// An authorization request belongs to the browser it came from: its id is in a cookie,
// and the address of the page has only a hash of it. So a link to somebody's page opens
// nothing elsewhere, and nobody can be made to sign in to a request that another person
// began (login CSRF, fixation). Another hash stands in the forms.

const (
	cookiePrefix = "signin-"
	cookieLife   = 30 * 60 // seconds
	maxOpen      = 8       // pages one browser may have open; each has a cookie
)

// Begin sends a browser to the page of an authorization request. It is how /oidc/auth
// ends when somebody has to sign in.
func (p *Protocol) Begin(w http.ResponseWriter, r *http.Request, requestID string) {
	open := 0
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, p.cookieName("")) {
			continue
		}
		if open++; open >= maxOpen {
			http.SetCookie(w, p.cookie(c.Name, "", -1))
		}
	}
	handle := handleOf(requestID)
	http.SetCookie(w, p.cookie(p.cookieName(handle), requestID, cookieLife))
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, prefix+handle, http.StatusSeeOther)
}

// forget drops the cookie of a request that is over.
func (p *Protocol) forget(w http.ResponseWriter, requestID string) {
	http.SetCookie(w, p.cookie(p.cookieName(handleOf(requestID)), "", -1))
}

// cookieName has the prefix with which a browser takes a cookie from this host alone,
// and not from a neighbour in the same domain.
func (p *Protocol) cookieName(handle string) string {
	if p.Secure {
		return "__Host-" + cookiePrefix + handle
	}
	return cookiePrefix + handle
}

func (p *Protocol) cookie(name, value string, life int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // without TLS, which is for this machine only, browsers would drop a secure one
		Name: name, Value: value, Path: "/", MaxAge: life,
		Secure: p.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// requestOf returns the id of the request whose page r is for, if r comes from its
// browser.
func (p *Protocol) requestOf(r *http.Request) (string, error) {
	handle := r.PathValue("request")
	for _, c := range r.CookiesNamed(p.cookieName(handle)) {
		if secret.Equal([]byte(handleOf(c.Value)), []byte(handle)) {
			return c.Value, nil
		}
	}
	return "", errs.New(errs.TokenInvalid)
}

// handleOf names a request without telling what it is.
func handleOf(requestID string) string { return derive("page:", requestID)[:22] }

// formProof is what the forms of a request's page carry.
func formProof(requestID string) string { return derive("form:", requestID) }

func derive(use, requestID string) string {
	return base64.RawURLEncoding.EncodeToString(secret.Hash(use + requestID))
}

// ownForm refuses a submission from anywhere but our page (WB-01). Browsers say where one
// comes from; the older ones that do not are held by the proof in the form. With a
// referrer policy of no-referrer the origin of our own page is "null".
func ownForm(r *http.Request) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return errs.New(errs.BadRequest, "field", "Content-Type")
	}
	switch site := r.Header.Get("Sec-Fetch-Site"); site {
	case "same-origin", "none":
		return nil
	case "":
		origin := r.Header.Get("Origin")
		if origin == "" || origin == "null" {
			return nil
		}
		if u, err := url.Parse(origin); err == nil && u.Host == r.Host {
			return nil
		}
	}
	return errs.New(errs.OriginRefused)
}

var (
	plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]+)?$`)
	scheme    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)
)

// source writes where uri leads as a source of a content security policy.
func source(uri string) string {
	u, err := url.Parse(uri)
	switch {
	case err != nil || !scheme.MatchString(u.Scheme):
		return ""
	case u.Host != "" && plainHost.MatchString(u.Host) && (u.Scheme == "https" || u.Scheme == "http"):
		return u.Scheme + "://" + u.Host
	}
	return u.Scheme + ":" // an app's own scheme, or a host that the policy has no word for
}

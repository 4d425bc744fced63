package pool

import (
	"context"
	"encoding/base64"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// maxURI bounds what is compared with a registered address.
const maxURI = 2048

// Confidential reports whether the application has a secret to prove itself with.
func (a App) Confidential() bool { return len(a.Settings.SecretHashes) > 0 }

// CheckSecret compares a secret with those of the application (OA-05). Every hash is
// compared, so that the time says nothing.
//
// Errors: ClientUnknown.
func (a App) CheckSecret(given string) error {
	hash, good := secret.Hash(given), false
	for _, text := range a.Settings.SecretHashes {
		kept, err := base64.RawStdEncoding.DecodeString(text)
		good = (err == nil && secret.Equal(hash, kept)) || good
	}
	if !good {
		return errs.New(errs.ClientUnknown)
	}
	return nil
}

// AllowsRedirect reports whether uri is one of the addresses people may be sent to
// with a result (OA-01). The whole text is compared; only the port of a loopback IP
// may vary, because a native app listens where it can (RFC 8252 section 7.3).
func (a App) AllowsRedirect(uri string) bool {
	return allows(a.Settings.RedirectURIs, uri) || (a.Settings.LocalPages && localPage(uri))
}

// AllowsPage is AllowsRedirect, and also true for every page of the application's own web
// origins, without a query: it is where an identity provider's answer may go, which says
// nothing by itself.
func (a App) AllowsPage(uri string) bool {
	if a.AllowsRedirect(uri) {
		return true
	}
	u, ok := clean(uri)
	return ok && u.RawQuery == "" && !u.ForceQuery && (u.Scheme == "https" || localPage(uri)) &&
		slices.Contains(a.Settings.Origins, u.Scheme+"://"+u.Host)
}

// AllowsLogout is AllowsRedirect for the page after signing out.
func (a App) AllowsLogout(uri string) bool {
	return allows(a.Settings.LogoutURIs, uri) || (a.Settings.LocalPages && localPage(uri))
}

func allows(list []string, uri string) bool {
	if uri == "" || len(uri) > maxURI || strings.ContainsAny(uri, "# \t\r\n") {
		return false
	}
	if slices.Contains(list, uri) {
		return true
	}
	plain, ok := withoutPort(uri)
	return ok && slices.ContainsFunc(list, func(known string) bool {
		k, loopback := withoutPort(known)
		return loopback && k == plain
	})
}

// withoutPort rewrites a clean http address of a loopback IP.
func withoutPort(uri string) (string, bool) {
	u, ok := clean(uri)
	if !ok || u.Scheme != "http" {
		return "", false
	}
	ip := net.ParseIP(u.Hostname())
	if ip == nil || !ip.IsLoopback() {
		return "", false
	}
	return u.Hostname() + u.RequestURI(), true
}

// localPage reports whether uri is a page on this machine.
func localPage(uri string) bool {
	u, ok := clean(uri)
	if !ok || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	host := u.Hostname()
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

// clean parses an address that is written in the one way a URL would be, so that no
// other reader takes it for another.
func clean(uri string) (*url.URL, bool) {
	if uri == "" || len(uri) > maxURI || strings.ContainsAny(uri, "\\\"<>#` \t\r\n") {
		return nil, false
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme == "" || u.User != nil || u.Fragment != "" || u.String() != uri {
		return nil, false
	}
	return u, true
}

// SetRedirects replaces the addresses an application may send people to: after signing
// in and after signing out. Each is https, http on this machine, or an app's own scheme
// with a dot in it, such as com.example.app:/signed-in.
func (s *Service) SetRedirects(ctx context.Context, appID string, signedIn, signedOut []string) error {
	for _, uri := range slices.Concat(signedIn, signedOut) {
		u, ok := clean(uri)
		switch {
		case ok && u.Scheme == "https" && u.Host != "":
		case ok && u.Scheme == "http" && localPage(uri):
		case ok && strings.Contains(u.Scheme, "."):
		default:
			return errs.New(errs.BadRequest, "field", "redirect_uri")
		}
	}
	return s.UpdateApp(ctx, appID, func(a *AppSettings) {
		a.RedirectURIs, a.LogoutURIs = signedIn, signedOut
	})
}

// maxSecrets is how many secrets an application has at a time: the one in use and the
// next.
const maxSecrets = 2

// NewClientSecret gives an application another secret, which is returned once. The one
// before stays good, so that it can be replaced without a pause; an older one ends.
func (s *Service) NewClientSecret(ctx context.Context, appID string) (string, error) {
	fresh := secret.Token("cs")
	hash := base64.RawStdEncoding.EncodeToString(secret.Hash(fresh))
	err := s.UpdateApp(ctx, appID, func(a *AppSettings) {
		list := append([]string{hash}, a.SecretHashes...)
		a.SecretHashes = list[:min(len(list), maxSecrets)]
	})
	if err != nil {
		return "", err
	}
	return fresh, nil
}

package upsim

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// visit is one arrival at a page where a person signs in with a vendor.
type visit struct {
	title, vendor, client, scope string
	kind                         string // of the code that is made
	chosen                       string // who signs in, when that is known already
	post                         bool   // people come back by a form that posts itself
	back                         *url.URL
	// agreed and refused are what the address gets, as names and values.
	agreed  func(subject, code string) []string
	refused func() []string
}

// backTo reads a redirect URI and reports whether the app may use it.
func (r Redirects) backTo(raw string) (*url.URL, bool) {
	to, err := url.Parse(raw)
	if err != nil || to.Host == "" || to.Fragment != "" || to.Scheme != "http" && to.Scheme != "https" {
		return nil, false
	}
	if len(r.RedirectURIs) > 0 {
		return to, slices.Contains(r.RedirectURIs, raw)
	}
	return to, allowedHost(to.Host, to.Hostname(), r.RedirectDomain)
}

// visit shows the people there are, or leads the chosen one back. The page sends
// sim_user, sim_refuse and sim_flags; with the first in its address it is not shown.
func (s *Server) visit(x *exchange, v visit) answer {
	if x.query.Has("sim_refuse") {
		return goBack(x, v, v.refused()).as("refused")
	}
	subject := strings.TrimSpace(strings.ToLower(x.query.Get("sim_user")))
	if subject == "" {
		subject = v.chosen
	}
	if subject == "" {
		return consentPage(x, consent{
			page: "signin", title: v.title, vendor: v.vendor, owner: v.client, scope: v.scope,
		}, s.people.registered())
	}
	if !isSubject(subject) {
		return pageError(x, "invalid_request", "sim_user")
	}
	marks := strings.FieldsFunc(strings.ReplaceAll(x.query.Get("sim_flags"), "_", ""), notFlag)
	code := s.codes.mint(x.at, v.kind, subject, v.client, v.scope, marks...)
	return goBack(x, v, v.agreed(subject, code))
}

// goBack leads to the app, without values that are empty.
func goBack(x *exchange, v visit, pairs []string) answer {
	var kept []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			kept = append(kept, pairs[i], pairs[i+1])
		}
	}
	if !v.post {
		return leadBack(v.back, kept...)
	}
	var fields strings.Builder
	for i := 0; i+1 < len(kept); i += 2 {
		fields.WriteString(hidden(url.Values{kept[i]: {kept[i+1]}}, kept[i]))
	}
	return render(x, http.StatusOK, "formpost", map[string]string{
		"app": v.title, "vendor": v.vendor, "to": v.back.String(), "htmlFields": fields.String(),
	})
}

// asked is what an app asked for when a code was made.
type asked struct {
	redirect, challenge, nonce, scope string
}

// asks are kept by code. A code that somebody wrote down was not asked for.
type asks map[string]asked

// redirected reports whether the redirect URI at the token endpoint is the one asked with.
func (a asks) redirected(code, uri string) bool {
	was, ok := a[code]
	return !ok || was.redirect == uri
}

// proves reports whether verifier is the one whose hash was asked with. A code that
// nobody asked for takes any.
func (a asks) proves(code, verifier string) bool {
	was, ok := a[code]
	switch {
	case !ok:
		return verifier == "" || isVerifier(verifier)
	case was.challenge == "":
		return verifier == ""
	}
	return isVerifier(verifier) && challengeOf(verifier) == was.challenge
}

var verifierPattern = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)

func isVerifier(s string) bool { return verifierPattern.MatchString(s) }

// challengeOf is S256 of RFC 7636.
func challengeOf(verifier string) string { return b64(sha256Of(verifier)) }

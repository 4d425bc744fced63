package upsim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authorize shows who may scan the code, and leads back with a one-time code.
func (w *wechat) authorize(kind string, scopes ...string) endpoint {
	return func(x *exchange) answer {
		q := x.query
		if _, ok := w.s.accounts.WeCom[q.Get("appid")]; ok && kind == "mp" {
			return w.s.weComConsent(x) // the same address serves the apps of companies
		}
		app, known := w.s.accounts.WeChat[q.Get("appid")]
		switch {
		case q.Get("appid") == "":
			return pageError(x, "10012", "appid")
		case q.Get("redirect_uri") == "":
			return pageError(x, "10011", "redirect_uri")
		case q.Get("scope") == "":
			return pageError(x, "10010", "scope")
		case !known || app.Kind != kind:
			return pageError(x, "10016", "appid")
		case q.Get("response_type") != "code":
			return pageError(x, "10005", "response_type")
		case !slices.Contains(scopes, q.Get("scope")):
			return pageError(x, "10005", "scope")
		}
		codeKind := "WO"
		if kind == "mp" {
			codeKind = "WM"
		}
		return w.s.consent(x, consent{
			title: app.Name, vendor: "WeChat", owner: q.Get("appid"), scope: q.Get("scope"),
			kind: codeKind, domains: app.RedirectDomain,
		})
	}
}

// consent is one visit of a page where a person agrees to sign in, or does not.
type consent struct {
	title, vendor, owner, scope, kind, domains string
	codeName                                   string // of the parameter; "" is "code"
	page                                       string // "" is "consent"
}

// consent shows the people there are, or leads the chosen one back. What the page
// sends are sim_user, sim_refuse and sim_flags; the first also skips it.
func (s *Server) consent(x *exchange, c consent) answer {
	q := x.query
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || back.Host == "" || back.Scheme != "http" && back.Scheme != "https" ||
		!allowedHost(back.Host, back.Hostname(), c.domains) {
		return pageError(x, "10003", "redirect_uri")
	}
	if q.Has("sim_refuse") {
		return leadBack(back, "state", q.Get("state")).as("refused")
	}
	subject := strings.TrimSpace(strings.ToLower(q.Get("sim_user")))
	if subject == "" {
		return consentPage(x, c, s.people.registered())
	}
	if !isSubject(subject) {
		return pageError(x, "10000", "sim_user")
	}
	name := c.codeName
	if name == "" {
		name = "code"
	}
	code := s.codes.mint(x.at, c.kind, subject, c.owner, c.scope, strings.FieldsFunc(q.Get("sim_flags"), notFlag)...)
	return leadBack(back, name, code, "state", q.Get("state"))
}

// notFlag keeps everything out of a code that its grammar has no place for.
func notFlag(r rune) bool {
	return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9')
}

// leadBack adds names and values to the query that the address has already.
func leadBack(to *url.URL, pairs ...string) answer {
	query := to.RawQuery
	for i := 0; i+1 < len(pairs); i += 2 {
		if query != "" {
			query += "&"
		}
		query += pairs[i] + "=" + url.QueryEscape(pairs[i+1])
	}
	there := *to
	there.RawQuery = query
	return answer{status: http.StatusFound, kind: kindText, location: there.String()}
}

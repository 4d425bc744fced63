package cloudbase

import (
	"html"
	"net/http"
	"net/url"
	"strings"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/web"
)

// journeyRoutes are the addresses a browser passes on its way to a provider and back. No
// script calls them, and what goes wrong there is read by a person.
func (p *Protocol) journeyRoutes() []route {
	people := pages{p}
	callback := web.Handle(people, p.callback)
	return []route{
		get(federation.StartPath+"{opaque}", web.Handle(people, p.follow)),
		get(federation.CallbackPath+"{provider_id}", callback),
		post(federation.CallbackPath+"{provider_id}", callback),
	}
}

// onJourney reports whether r is such a visit. A provider that posts its answer does so
// from a page of its own, so that the rules for other origins have no say.
func onJourney(r *http.Request) bool {
	at := r.URL.Path
	return strings.HasPrefix(at, federation.StartPath) || strings.HasPrefix(at, federation.CallbackPath)
}

// follow sends the browser to the provider's page.
func (p *Protocol) follow(w http.ResponseWriter, r *http.Request) error {
	to, err := p.federation.Follow(r.Context(), r.PathValue("opaque"))
	if err != nil {
		return err
	}
	lead(w, http.StatusFound, to)
	return nil
}

// callback takes the provider's answer, from a query or a form, back to the page of the
// application.
func (p *Protocol) callback(w http.ResponseWriter, r *http.Request) error {
	values := r.URL.Query()
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			return errs.New(errs.BadRequest).Because(err)
		}
		values = r.PostForm
	}
	params, err := single(values)
	if err != nil {
		return err
	}
	to, err := p.federation.Callback(r.Context(), federation.CallbackInput{
		ProviderID: r.PathValue("provider_id"), Params: params,
	})
	if err != nil {
		return err
	}
	lead(w, http.StatusSeeOther, to)
	return nil
}

// single reads parameters that stand once; which of two would count is anybody's guess.
func single(values url.Values) (map[string]string, error) {
	params := make(map[string]string, len(values))
	for name, list := range values {
		if len(list) != 1 {
			return nil, errs.New(errs.BadRequest, "field", name)
		}
		params[name] = list[0]
	}
	return params, nil
}

// lead sends a browser to an address that works once.
func lead(w http.ResponseWriter, status int, to string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(status)
}

// pages words the refusals for people.
type pages struct{ *Protocol }

// WriteError shows e as a page.
func (p pages) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	page, err := pageFiles.ReadFile("page/lost.html")
	if err != nil {
		p.Protocol.WriteError(w, r, errs.New(errs.Unexpected).Because(err))
		return
	}
	lang := caller.From(r.Context()).Lang
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.WriteHeader(wireOf(e.Code).status)
	// The page is ours and what is filled in is escaped; nobody is left to hear of a
	// broken connection.
	_, _ = strings.NewReplacer(
		"{lang}", lang, "{text}", html.EscapeString(i18n.Text(lang, e.Code, e.Params)),
	).WriteString(w, string(page))
}

package oidc

import (
	"embed"
	"errors"
	"net/http"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/oauth"
	"github.com/tigertally/tigertally/internal/web"
)

//go:embed page
var pages embed.FS

// authorize keeps the application's request and sends the browser to the sign-in page,
// or back to the application with what is wrong. Until the application and its address
// are known to belong together, what is wrong is shown here (OA-01).
func (p *Protocol) authorize(w http.ResponseWriter, r *http.Request) error {
	q, err := visited(w, r)
	if err != nil {
		return err
	}
	id, _, err := p.oauth.Begin(r.Context(), oauth.AuthorizeRequest{
		ClientID: q["client_id"], RedirectURI: q["redirect_uri"], ResponseType: q["response_type"],
		ResponseMode: q["response_mode"], Scope: q["scope"], State: q["state"], Nonce: q["nonce"],
		Prompt: q["prompt"], Challenge: q["code_challenge"], ChallengeMethod: q["code_challenge_method"],
		LoginHint: q["login_hint"], Locales: q["ui_locales"],
		Objects: q["request"] != "" || q["request_uri"] != "",
	})
	if refusal, ok := errors.AsType[*oauth.Refusal](err); ok {
		web.SetLogError(r.Context(), refusal.Cause)
		seeOther(w, refusal.URL)
		return nil
	}
	if err != nil {
		return err
	}
	p.signIn(w, r, id)
	return nil
}

// visited reads what a browser was sent here with: a query, or a form when an
// application posts it.
func visited(w http.ResponseWriter, r *http.Request) (params, error) {
	if r.Method == http.MethodPost {
		return formOf(w, r)
	}
	return paramsOf(r.URL.RawQuery)
}

// endSession signs somebody out and sends them on (OpenID Connect RP-Initiated Logout).
func (p *Protocol) endSession(w http.ResponseWriter, r *http.Request) error {
	q, err := visited(w, r)
	if err != nil {
		return err
	}
	target, err := p.oauth.Logout(r.Context(), oauth.Logout{
		IDToken: q["id_token_hint"], ClientID: q["client_id"],
		RedirectURI: q["post_logout_redirect_uri"], State: q["state"],
	})
	if err != nil {
		return err
	}
	if target != "" {
		seeOther(w, target)
		return nil
	}
	lang := i18n.Chinese
	if caller.From(r.Context()).Lang == i18n.English {
		lang = i18n.English
	}
	page, err := pages.ReadFile("page/signed-out." + lang + ".html")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(page)
	return err
}

// seeOther sends the browser on with 303, so that nothing it sent here goes along
// (OA-11). http.Redirect would rewrite the address, which has to stay as registered.
func seeOther(w http.ResponseWriter, url string) {
	w.Header().Set("Location", url)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusSeeOther)
}

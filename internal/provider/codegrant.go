package provider

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

const maxCode = 4 << 10 // the longest codes in use are a quarter of that

// callbackCode returns the code of c, which the vendor may have named otherwise on its
// callback. No code is how a vendor says that the person or the vendor itself refused.
func callbackCode(c Credential, names ...string) (string, error) {
	code := c.Code
	for _, name := range names {
		code = cmp.Or(code, c.Params[name])
	}
	switch {
	case len(code) > maxCode:
		return "", refuse("code_malformed", "a code of %d bytes", len(code))
	case code != "":
		return code, nil
	case c.Params["error"] != "":
		return "", oauthFault(c.Params["error"])
	}
	return "", because(errs.ProviderDenied, "no_code", "the provider sent no code")
}

// codeForm is the authorization code grant (RFC 6749 section 4.1.3).
func codeForm(c Credential, code string) url.Values {
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}}
	if c.RedirectURI != "" {
		form.Set("redirect_uri", c.RedirectURI)
	}
	if c.Verifier != "" {
		form.Set("code_verifier", c.Verifier)
	}
	return form
}

// authorizeURL adds the parameters of the code flow and extra to the address of a page.
func authorizeURL(page, clientID string, r AuthorizeRequest, extra ...string) (string, error) {
	u, err := url.Parse(page)
	if err != nil {
		return "", misconfigured("the address of the sign-in page is malformed")
	}
	q := u.Query()
	set := func(name, value string) {
		if value != "" {
			q.Set(name, value)
		}
	}
	set("response_type", "code")
	set("client_id", clientID)
	set("redirect_uri", r.RedirectURI)
	set("scope", r.Scope)
	set("state", r.State)
	if r.Challenge != "" {
		set("code_challenge", r.Challenge)
		set("code_challenge_method", "S256")
	}
	for i := 0; i+1 < len(extra); i += 2 {
		set(extra[i], extra[i+1])
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// tokens is a token endpoint's answer (RFC 6749 section 5).
type tokens struct {
	AccessToken text `json:"access_token"`
	IDToken     text `json:"id_token"`
	Error       text `json:"error"`
}

// redeem sends a grant and reads the answer. Some vendors say 200 to an error.
func redeem(ctx context.Context, client *http.Client, endpoint string, form url.Values, header ...string) (tokens, error) {
	a, err := postForm(ctx, client, endpoint, form, header...)
	if err != nil {
		return tokens{}, err
	}
	return readTokens(a)
}

func readTokens(a driver.Answer) (tokens, error) {
	var t tokens
	if err := decode(a, &t); err != nil {
		return t, err
	}
	switch {
	case t.Error != "":
		return t, oauthFault(string(t.Error))
	case a.Status != http.StatusOK:
		return t, refuse("token_refused", "the token endpoint answered %d", a.Status)
	case t.AccessToken == "":
		return t, because(errs.Unavailable, "no_token", "the answer holds no access token")
	}
	return t, nil
}

// oauthFault turns an error of RFC 6749, OpenID Connect Core 3.1.2.6 or GitHub into ours.
// The description, which people wrote, may hold anything and is left out.
func oauthFault(word string) error {
	code := errs.ProviderRefused
	switch word {
	case "access_denied", "consent_required", "interaction_required", "login_required",
		"account_selection_required", "unverified_user_email":
		code = errs.ProviderDenied
	case "invalid_client", "unauthorized_client", "unsupported_grant_type", "unsupported_response_type",
		"invalid_scope", "invalid_request", "incorrect_client_credentials", "redirect_uri_mismatch":
		code = errs.ProviderMisconfigured
	case "server_error", "temporarily_unavailable":
		code = errs.Unavailable
	case "slow_down":
		code = errs.TooManyRequests
	}
	return because(code, "vendor_"+known(word), "the provider answered %.40q", word)
}

// known keeps a reason to the words a log is grouped by.
func known(word string) string {
	if len(word) > 40 {
		return "error"
	}
	for _, r := range word {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return "error"
		}
	}
	return word
}

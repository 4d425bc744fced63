package provider

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

func oauth2Options() []driver.Option {
	return append(clientAuthOptions(),
		driver.Option{Name: "authorize_url", Doc: "Address of the sign-in page.", Required: true},
		driver.Option{Name: "token_url", Doc: "Address of the token endpoint.", Required: true},
		driver.Option{Name: "userinfo_url", Doc: "Address that answers who a token is of, in JSON.", Required: true},
		driver.Option{Name: "userinfo_token", Doc: "query: send the token as the parameter access_token. Empty: as a bearer token."},
		driver.Option{Name: "scope", Doc: "Empty: none."},
		driver.Option{Name: "pkce", Doc: "off: leave PKCE out, for servers that stumble over it."},
		driver.Option{Name: "success_field", Doc: "Where userinfo says that it worked, for vendors that always answer 200, such as code. The fields below are paths as well: names and list positions with dots between, such as data.user.id."},
		driver.Option{Name: "success_value", Doc: "What it says then. Empty: 0."},
		driver.Option{Name: "subject_field", Doc: "What never changes about a person and is never given to another. Empty: id."},
		driver.Option{Name: "union_field", Doc: "The same over several apps, where the vendor has such a thing."},
		driver.Option{Name: "name_field", Doc: "Empty: name."},
		driver.Option{Name: "picture_field", Doc: "Empty: picture."},
		driver.Option{Name: "email_field", Doc: "Empty: email."},
		driver.Option{Name: "email_verified_field", Doc: "A boolean. Empty: email_verified."},
		driver.Option{Name: "phone_field", Doc: "A number that the vendor has verified, with its country code. Empty: none."},
	)
}

// oauth2 is any server that speaks RFC 6749 and answers in JSON who a token is of.
type oauth2 struct {
	auth                        clientAuth
	page, endpoint, userinfo    string
	inQuery, pkce               bool
	scope                       string
	success, successValue       string
	subject, union              string
	name, picture               string
	email, emailVerified, phone string
	env                         Env
}

func openOAuth2(set map[string]string, env Env) (Driver, error) {
	auth, err := newClientAuth(set, env.Now)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"authorize_url", "token_url", "userinfo_url"} {
		if err := driver.CheckURL(set[name]); err != nil {
			return nil, fmt.Errorf("the option %q %w", name, err)
		}
	}
	return &oauth2{
		auth: auth, page: set["authorize_url"], endpoint: set["token_url"], userinfo: set["userinfo_url"],
		inQuery: set["userinfo_token"] == "query", pkce: set["pkce"] != "off", scope: set["scope"],
		success: set["success_field"], successValue: cmp.Or(set["success_value"], "0"),
		subject: cmp.Or(set["subject_field"], "id"), union: set["union_field"],
		name: cmp.Or(set["name_field"], "name"), picture: cmp.Or(set["picture_field"], "picture"),
		email: cmp.Or(set["email_field"], "email"), emailVerified: cmp.Or(set["email_verified_field"], "email_verified"),
		phone: set["phone_field"], env: env,
	}, nil
}

// Authorize returns the address of the server's page.
func (o *oauth2) Authorize(_ context.Context, r AuthorizeRequest) (string, error) {
	r.Scope = cmp.Or(r.Scope, o.scope)
	if !o.pkce {
		r.Challenge = ""
	}
	return authorizeURL(o.page, o.auth.id, r)
}

// Exchange redeems a code. A token the app got itself is never taken: nothing here could
// tell for whose app it was made.
func (o *oauth2) Exchange(ctx context.Context, c Credential) (Profile, error) {
	code, err := callbackCode(c)
	if err != nil {
		return Profile{}, err
	}
	if !o.pkce {
		c.Verifier = ""
	}
	form := codeForm(c, code)
	header, err := o.auth.prove(form, o.endpoint, nil)
	if err != nil {
		return Profile{}, misconfigured("%w", err)
	}
	t, err := redeem(ctx, o.env.HTTP, o.endpoint, form, header...)
	if err != nil {
		return Profile{}, err
	}
	found, err := o.ask(ctx, string(t.AccessToken))
	if err != nil {
		return Profile{}, err
	}
	return o.profile(found)
}

// ask reads the userinfo document.
func (o *oauth2) ask(ctx context.Context, token string) (document any, err error) {
	address, header := o.userinfo, []string{"Authorization", "Bearer " + token}
	if o.inQuery {
		u, err := url.Parse(address)
		if err != nil {
			return nil, misconfigured("userinfo_url is malformed")
		}
		q := u.Query()
		q.Set("access_token", token)
		u.RawQuery = q.Encode()
		address, header = u.String(), nil
	}
	a, err := get(ctx, o.env.HTTP, address, nil, header...)
	if err != nil {
		return nil, err
	}
	if a.Status != http.StatusOK {
		return nil, refuse("token_refused", "userinfo answered %d", a.Status)
	}
	return parseFields(a)
}

func (o *oauth2) profile(found any) (Profile, error) {
	if o.success != "" && field(found, o.success) != o.successValue {
		return Profile{}, refuse("vendor_error", "userinfo says %.40q", field(found, o.success))
	}
	p := Profile{
		Subject: field(found, o.subject), UnionID: field(found, o.union), Name: field(found, o.name),
		Picture: picture(field(found, o.picture)), Email: field(found, o.email),
		EmailVerified: at(found, o.emailVerified) == true,
	}
	if p.Subject == "" || len(p.Subject) > maxSubject {
		return Profile{}, because(errs.ProviderMisconfigured, "no_subject", "userinfo has no usable %q", o.subject)
	}
	if phone, err := contact.Phone(field(found, o.phone), ""); err == nil && o.phone != "" {
		p.Phone = phone
	}
	return p, nil
}

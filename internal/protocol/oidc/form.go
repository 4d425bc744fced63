package oidc

import (
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

// params are the parameters of a request, each there once.
type params map[string]string

// paramsOf refuses a parameter that stands twice: two readers could take two values
// (RFC 6749 section 3.1).
func paramsOf(text string) (params, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, errs.New(errs.BadRequest, "field", "parameters").Because(err)
	}
	p := make(params, len(values))
	for name, list := range values {
		if len(list) != 1 {
			return nil, errs.New(errs.BadRequest, "field", "parameters")
		}
		p[name] = list[0]
	}
	return p, nil
}

// formOf reads the form in the body. The query is left alone: secrets do not belong
// there. Clients differ in what they call the content type, so it is not looked at.
func formOf(w http.ResponseWriter, r *http.Request) (params, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, web.MaxBody))
	if err != nil {
		return nil, errs.New(errs.BodyTooLarge, "max", strconv.Itoa(web.MaxBody>>10)+" KB").Because(err)
	}
	return paramsOf(string(body))
}

// client finds the application a form comes from, by Basic, by the form, or by its
// name alone when it has no secret. Never by two at once (RFC 6749 section 2.3).
func (p *Protocol) client(r *http.Request, f params) (pool.Client, *http.Request, error) {
	ctx := r.Context()
	id, secret := f["client_id"], f["client_secret"]
	if name, password := web.Basic(ctx); name != "" {
		if secret != "" {
			return pool.Client{}, r, errs.New(errs.BadRequest, "field", "client_secret")
		}
		first, err := url.QueryUnescape(name)
		second, err2 := url.QueryUnescape(password)
		if err != nil || err2 != nil || (id != "" && id != first) {
			return pool.Client{}, r, errs.New(errs.ClientUnknown)
		}
		id, secret = first, second
	}
	if id == "" {
		return pool.Client{}, r, errs.New(errs.ClientUnknown)
	}
	info := caller.From(ctx)
	info.Client = id
	ctx = caller.With(ctx, info)
	c, err := p.oauth.Client(ctx, id, secret)
	return c, r.WithContext(ctx), err
}

// formOfClient reads a form and finds the application it comes from, whom the request it
// returns names.
func (p *Protocol) formOfClient(w http.ResponseWriter, r *http.Request) (params, pool.Client, *http.Request, error) {
	f, err := formOf(w, r)
	if err != nil {
		return nil, pool.Client{}, r, err
	}
	c, r, err := p.client(r, f)
	return f, c, r, err
}

// aboutToken is formOfClient for what an application wants of a token.
func (p *Protocol) aboutToken(w http.ResponseWriter, r *http.Request) (params, pool.Client, *http.Request, error) {
	f, c, r, err := p.formOfClient(w, r)
	if err == nil && f["token"] == "" {
		err = errs.New(errs.FieldMissing, "field", "token")
	}
	return f, c, r, err
}

package federation

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/ticket"
)

const (
	startLife = 10 * time.Minute
	maxState  = 1024
	maxScope  = 512
	maxHint   = 256
)

// What a ticket of ProviderStart is bound to.
const (
	bindPool     = "pool"
	bindProvider = "provider"
	bindRedirect = "redirect"
	bindState    = "state"
	bindScope    = "scope"
	bindLang     = "lang"
	bindHint     = "hint"
	bindDevice   = "device"
)

// Start begins a sign-in at a provider and returns the short address that leads there. It
// remembers for ten minutes which application, page, provider and device asked, and holds
// what comes back against that (SO-01).
//
// Errors: FieldMissing, FieldTooLong, ProviderUnknown, RedirectRefused.
func (s *Service) Start(ctx context.Context, c pool.Client, in StartInput) (Started, error) {
	if err := in.check(); err != nil {
		return Started{}, err
	}
	if !in.Own && !c.App.AllowsPage(in.RedirectURI) {
		return Started{}, errs.New(errs.RedirectRefused)
	}
	if in.SignOutURI != "" && !c.App.AllowsLogout(in.SignOutURI) && !c.App.AllowsPage(in.SignOutURI) {
		return Started{}, errs.New(errs.RedirectRefused)
	}
	v, err := s.open(ctx, c.Pool.ID, in.ProviderID)
	if err != nil {
		return Started{}, err
	}
	device := caller.From(ctx).DeviceID
	t := ticket.Ticket{
		Class: ticket.ProviderStart, ClientID: c.ID, UsesLeft: 1, ExpiresAt: s.Now().Add(startLife),
		Binding: map[string]string{
			bindPool: c.Pool.ID, bindProvider: in.ProviderID, bindRedirect: in.RedirectURI, bindState: in.State,
			bindScope: in.Scope, bindLang: in.Lang, bindHint: in.LoginHint, bindDevice: device,
		},
	}
	var opaque string
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if v.relayed && device != "" {
			if err := s.await(ctx, c, in.ProviderID, device, t); err != nil {
				return err
			}
		}
		opaque, err = s.Tickets.Issue(ctx, t)
		return err
	})
	return Started{URL: s.PublicURL + StartPath + opaque, SignOutURL: in.SignOutURI}, err
}

func (in StartInput) check() error {
	switch {
	case in.ProviderID == "":
		return errs.New(errs.FieldMissing, "field", "provider_id")
	case in.RedirectURI == "":
		return errs.New(errs.FieldMissing, "field", "redirect_uri")
	}
	for _, f := range []struct {
		name, text string
		max        int
	}{{"state", in.State, maxState}, {"scope", in.Scope, maxScope}, {"login_hint", in.LoginHint, maxHint}} {
		if len(f.text) > f.max {
			return errs.New(errs.FieldTooLong, "field", f.name)
		}
	}
	return nil
}

// await notes which page of an application a device expects a relayed code on. There is
// one such page at a time: the last one asked for.
func (s *Service) await(ctx context.Context, c pool.Client, providerID, device string, t ticket.Ticket) error {
	token := s.awaited(c, providerID, device)
	if err := s.Tickets.Discard(ctx, ticket.ProviderStart, "", token); err != nil {
		return err
	}
	_, err := s.Tickets.Note(ctx, token, t)
	return err
}

func (s *Service) awaited(c pool.Client, providerID, device string) string {
	return s.token(ticket.ProviderStart, "awaited", c.Pool.ID, c.ID, providerID, device)
}

// token names what is kept for parts without telling them.
func (s *Service) token(class ticket.Class, purpose string, parts ...string) string {
	list := make([][]byte, len(parts))
	for i, p := range parts {
		list[i] = []byte(p)
	}
	return string(class) + "_" + base64.RawURLEncoding.EncodeToString(s.Ring.MAC("provider "+purpose, list...))
}

// journey is a sign-in on its way.
type journey struct {
	client pool.Client
	vendor opened
	opaque string
	bound  map[string]string
}

// journey finds the sign-in that opaque belongs to.
func (s *Service) journey(ctx context.Context, opaque string) (journey, error) {
	t, err := s.Tickets.Peek(ctx, ticket.ProviderStart, "", opaque)
	if err != nil {
		return journey{}, err
	}
	j := journey{opaque: opaque, bound: t.Binding}
	if j.client, err = s.Pools.Client(ctx, t.ClientID); err != nil {
		return journey{}, err
	}
	if j.client.Pool.ID != t.Binding[bindPool] {
		return journey{}, errs.New(errs.TokenInvalid)
	}
	j.vendor, err = s.open(ctx, j.client.Pool.ID, t.Binding[bindProvider])
	return j, err
}

// secretOf derives what belongs to one journey alone: nothing of it is stored.
func (s *Service) secretOf(opaque, purpose string) string {
	return base64.RawURLEncoding.EncodeToString(s.Ring.MAC("provider "+purpose, []byte(opaque)))
}

func (s *Service) callbackURL(providerID string) string {
	return s.PublicURL + CallbackPath + providerID
}

// Follow returns the address of the provider's page for the end of a short address. When
// the provider does not answer, it is the application's page with an error.
//
// Errors: TokenInvalid, ProviderUnknown.
func (s *Service) Follow(ctx context.Context, opaque string) (string, error) {
	j, err := s.journey(ctx, opaque)
	if err != nil {
		return "", err
	}
	r := AuthorizeRequest{Scope: j.bound[bindScope], Lang: j.bound[bindLang], LoginHint: j.bound[bindHint]}
	if j.vendor.relayed {
		r.RedirectURI, r.State = j.bound[bindRedirect], j.bound[bindState]
	} else {
		verifier := sha256.Sum256([]byte(s.secretOf(opaque, "verifier")))
		r.RedirectURI, r.State = s.callbackURL(j.bound[bindProvider]), opaque
		r.Nonce, r.Challenge = s.secretOf(opaque, "nonce"), base64.RawURLEncoding.EncodeToString(verifier[:])
	}
	page, err := within(ctx, func(ctx context.Context) (string, error) { return j.vendor.Authorize(ctx, r) })
	if err != nil {
		if ctx.Err() != nil {
			return "", errors.Join(err, ctx.Err())
		}
		s.alert(ctx, j.vendor.connection, err)
		return j.failed(err), nil
	}
	return page, nil
}

// failed is the application's page with an error, in the words of RFC 6749 section
// 4.1.2.1 and ours.
func (j journey) failed(err error) string {
	code := errs.CodeOf(err)
	word := "server_error"
	switch code { //nolint:exhaustive // the others have no word of their own.
	case errs.ProviderDenied, errs.ProviderSnapshot:
		word = "access_denied"
	case errs.Unavailable, errs.TooManyRequests:
		word = "temporarily_unavailable"
	}
	return j.page("error", word, "error_description", string(code))
}

// page is the application's page with name, value pairs and its state in the query.
func (j journey) page(pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	if state := j.bound[bindState]; state != "" {
		q.Set("state", state)
	}
	page, glue := j.bound[bindRedirect], "?"
	if strings.Contains(page, "?") {
		glue = "&"
	}
	return page + glue + q.Encode()
}

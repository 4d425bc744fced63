package federation

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/ticket"
)

// ownCodeLife is how long an application has to fetch what our callback found out.
const ownCodeLife = time.Minute

// bindVoucher is what a ticket of ProviderCode stands for.
const bindVoucher = "voucher"

// Callback takes what a provider answered and returns the address of the application's
// page, with a one-time code of ours or an error, and its state. A refusal by the person
// or the provider goes to the page too; an error here has no page to go to.
//
// Errors: TokenInvalid for a state that is not ours, is over, was used or belongs to
// another provider (SO-03); ProviderUnknown.
func (s *Service) Callback(ctx context.Context, in CallbackInput) (redirect string, err error) {
	state := in.Params["state"]
	// One that arrives twice finds its state spent: the answer is the one it got.
	name, browser := "callback|"+in.ProviderID+"|"+state+"|"+vendorCode(in.Params), browserOf(ctx, "", state)
	if again, err := s.again(ctx, "", s.exchangeToken("", name), browser); err == nil {
		return again, nil
	}
	j, err := s.journey(ctx, state)
	if err != nil {
		return "", err
	}
	if j.vendor.connection.ID != in.ProviderID || j.vendor.relayed {
		return "", errs.New(errs.TokenInvalid)
	}
	if vendorCode(in.Params) == "" && in.Params["id_token"] == "" { // refused, by whatever word
		_, err := s.Tickets.Spend(ctx, ticket.ProviderStart, "", state)
		return j.failed(s.refused(ctx, j.client, in.ProviderID, errs.New(errs.ProviderDenied, "reason", "declined"))), err
	}
	redirect, err = s.once(ctx, "", name, browser, func(ctx context.Context) (string, error) {
		// The code may come with no other state either, and with none at all (SO-04).
		code := codeName(GrantInput{ProviderID: in.ProviderID, Code: cmp.Or(vendorCode(in.Params), in.Params["id_token"])})
		return s.once(ctx, j.client.Pool.ID, code, "", func(ctx context.Context) (string, error) {
			return s.arrive(ctx, j, in.Params)
		})
	})
	if err == nil || errs.CodeOf(err) == errs.TokenInvalid {
		return redirect, err
	}
	return j.failed(s.refused(ctx, j.client, in.ProviderID, err)), nil
}

// arrive asks the vendor who came, and gives the application a code for the answer.
func (s *Service) arrive(ctx context.Context, j journey, params map[string]string) (string, error) {
	p, err := s.exchange(ctx, j.vendor, Credential{
		Code: params["code"], IDToken: params["id_token"], RedirectURI: s.callbackURL(j.vendor.connection.ID),
		Verifier: s.secretOf(j.opaque, "verifier"), Nonce: s.secretOf(j.opaque, "nonce"), Params: params,
	})
	if err != nil {
		return "", err
	}
	v, err := s.voucher(j.vendor, p)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("voucher: %w", err)
	}
	var code string
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Tickets.Spend(ctx, ticket.ProviderStart, "", j.opaque); err != nil {
			return err
		}
		code, err = s.Tickets.Issue(ctx, ticket.Ticket{
			Class: ticket.ProviderCode, PoolID: j.client.Pool.ID, ClientID: j.client.ID,
			UsesLeft: 1, ExpiresAt: s.Now().Add(ownCodeLife),
			Binding: map[string]string{
				bindProvider: j.vendor.connection.ID, bindRedirect: j.bound[bindRedirect],
				bindDevice: j.bound[bindDevice], bindVoucher: string(text),
			},
		})
		return err
	})
	if err != nil {
		return "", err
	}
	return j.page("code", code), nil
}

// voucher is what we keep of a profile.
func (s *Service) voucher(v opened, p Profile) (signin.Voucher, error) {
	sealed, err := s.Revocations.Seal(v.identity(p.Subject), p.Revocable)
	if err != nil {
		return signin.Voucher{}, err
	}
	return signin.CanonicalVoucher(signin.Voucher{
		ProviderID: v.connection.ID, Subject: p.Subject, UnionID: p.UnionID, AppID: p.AppID,
		Name: p.Name, Picture: p.Picture, Email: p.Email, EmailVerified: p.EmailVerified, Phone: p.Phone,
		Revocable: sealed, Doubt: v.doubt(p),
	}), nil
}

// vendorCode is the code of a callback, by the names vendors give it.
func vendorCode(params map[string]string) string {
	return cmp.Or(params["code"], params["authCode"], params["auth_code"], params["oauth_verifier"])
}

// browserOf tells one browser from another by its device id and, where a page cannot send
// one, by a secret of its own journey; "" when nothing tells.
func browserOf(ctx context.Context, clientID, secret string) string {
	i := caller.From(ctx)
	switch {
	case secret != "":
		return "state|" + i.Prefix() + "|" + i.UserAgent
	case i.DeviceID != "":
		return "device|" + clientID + "|" + i.DeviceID
	}
	return ""
}

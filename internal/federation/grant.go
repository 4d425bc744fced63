package federation

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/ticket"
)

// maxCredential bounds what is sent on to a vendor; ID tokens are the longest.
const maxCredential = 8 << 10

// codeTypePhone asks a mini-program's vendor for a phone number too.
const codeTypePhone = "phone"

// answer is a Granted as it is kept for a browser that asks again.
type answer struct {
	Token   string         `json:"token"`
	Expires time.Time      `json:"expires"`
	Voucher signin.Voucher `json:"voucher"`
}

// Grant exchanges what an application got from a provider for a provider token, which
// signin.MethodProvider and account.LinkProvider take once. The vendor is asked outside
// any transaction, once for each code: within a minute the same browser is answered again
// what it was answered before; everybody else is refused (SO-04).
//
// Errors: FieldMissing, FieldTooLong, ProviderUnknown, RedirectRefused, TooManyRequests,
// ProviderSnapshot and those of the drivers: ProviderRefused, ProviderDenied,
// ProviderMisconfigured, MethodDisabled for tokens that are not accepted (SO-02),
// Unavailable.
func (s *Service) Grant(ctx context.Context, c pool.Client, in GrantInput) (Granted, error) {
	g, err := s.grant(ctx, c, in)
	return g, s.refused(ctx, c, in.ProviderID, err)
}

func (s *Service) grant(ctx context.Context, c pool.Client, in GrantInput) (Granted, error) {
	v, err := s.begin(ctx, c, in)
	if err != nil {
		return Granted{}, err
	}
	if in.Code == "" { // a token may be shown twice: what it leads to is good once
		return s.ask(ctx, c, v, in)
	}
	exchange, may := s.ask, s.mayRelay
	if ownCode(in.Code) {
		exchange, may = s.redeem, s.mayRedeem
	}
	if err := may(ctx, c, v, in); err != nil {
		return Granted{}, err
	}
	browser := browserOf(ctx, c.ID+"|"+in.RedirectURI, "")
	do := func(ctx context.Context) (string, error) {
		return s.once(ctx, c.Pool.ID, codeName(in), browser, func(ctx context.Context) (string, error) {
			g, err := exchange(ctx, c, v, in)
			if err != nil {
				return "", err
			}
			text, err := json.Marshal(answer{g.Token, s.Now().Add(g.ExpiresIn), g.Profile})
			return string(text), err
		})
	}
	var text string
	if in.PhoneCode == "" {
		text, err = do(ctx)
	} else {
		text, err = s.once(ctx, c.Pool.ID, phoneName(in), browser, do)
	}
	if err != nil {
		return Granted{}, err
	}
	var a answer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return Granted{}, fmt.Errorf("answer: %w", err)
	}
	return Granted{Token: a.Token, ExpiresIn: a.Expires.Sub(s.Now()), Profile: a.Voucher}, nil
}

// begin refuses what needs no vendor to be refused.
func (s *Service) begin(ctx context.Context, c pool.Client, in GrantInput) (opened, error) {
	switch {
	case in.ProviderID == "":
		return opened{}, errs.New(errs.FieldMissing, "field", "provider_id")
	case in.Code+in.AccessToken+in.IDToken+in.RequestToken == "":
		return opened{}, errs.New(errs.FieldMissing, "field", "provider_code")
	}
	for _, text := range []string{
		in.Code, in.AccessToken, in.IDToken, in.RequestToken, in.TokenSecret, in.PhoneCode, in.EncryptedData, in.IV, in.Nonce,
	} {
		if len(text) > maxCredential {
			return opened{}, errs.New(errs.FieldTooLong, "field", "provider_code")
		}
	}
	if c.Pool.Settings.Limits {
		key := limit.Providers.In(c.Pool.ID, caller.From(ctx).Prefix())
		if err := s.Limits.Take(ctx, key, limit.ProviderAddress()); err != nil {
			return opened{}, err
		}
	}
	return s.open(ctx, c.Pool.ID, in.ProviderID)
}

func ownCode(code string) bool { return strings.HasPrefix(code, string(ticket.ProviderCode)+"_") }

// mayRelay refuses a vendor's code that did not come the way it should: an application
// relays codes of vendors that send them to its page, to a page of its own and, if this
// device began the sign-in, to the page it began with; native libraries get theirs from
// the vendor's app (SO-01).
func (s *Service) mayRelay(ctx context.Context, c pool.Client, v opened, in GrantInput) error {
	if !v.relayed && !in.Native {
		return refuse("not_relayed", "connection %s takes codes at our callback only", v.connection.ID)
	}
	if in.RedirectURI != "" && !in.Own && !c.App.AllowsPage(in.RedirectURI) {
		return errs.New(errs.RedirectRefused)
	}
	device := caller.From(ctx).DeviceID
	if in.RedirectURI == "" || device == "" {
		return nil
	}
	t, err := s.Tickets.Peek(ctx, ticket.ProviderStart, "", s.awaited(c, in.ProviderID, device))
	if errs.CodeOf(err) == errs.TokenInvalid {
		return nil
	}
	if err == nil && t.Binding[bindRedirect] != in.RedirectURI {
		return errs.New(errs.RedirectRefused)
	}
	return err
}

// ask sends the credential to the vendor.
func (s *Service) ask(ctx context.Context, c pool.Client, v opened, in GrantInput) (Granted, error) {
	if in.CodeType == codeTypePhone && in.PhoneCode == "" && in.EncryptedData == "" {
		in.CodeType = "" // the phone comes with Amend
	}
	p, err := s.exchange(ctx, v, Credential{
		Code: in.Code, CodeType: in.CodeType, RedirectURI: in.RedirectURI, Nonce: in.Nonce,
		AccessToken: in.AccessToken, IDToken: in.IDToken, RequestToken: in.RequestToken, TokenSecret: in.TokenSecret,
		PhoneCode: in.PhoneCode, EncryptedData: in.EncryptedData, IV: in.IV,
		Session: browserOf(ctx, c.ID, ""),
	})
	if err != nil {
		return Granted{}, err
	}
	if in.AppID != "" && p.AppID != "" && in.AppID != p.AppID {
		return Granted{}, refuse("other_app", "connection %s: the client speaks of another app", v.connection.ID)
	}
	voucher, err := s.voucher(v, p)
	if err != nil {
		return Granted{}, err
	}
	return s.vouch(ctx, c, voucher, in.Bearer)
}

// mayRedeem refuses a code of ours that was made for another application, provider, page
// or device, without using it up.
func (s *Service) mayRedeem(ctx context.Context, c pool.Client, v opened, in GrantInput) error {
	t, err := s.Tickets.Peek(ctx, ticket.ProviderCode, c.Pool.ID, in.Code)
	if errs.CodeOf(err) == errs.TokenInvalid { // it may be one that is answered again
		return nil
	}
	device := t.Binding[bindDevice]
	if err == nil && (t.ClientID != c.ID || t.Binding[bindProvider] != v.connection.ID ||
		t.Binding[bindRedirect] != in.RedirectURI || (device != "" && device != caller.From(ctx).DeviceID)) {
		return refuse("other_place", "the code is for another application, provider, page or device")
	}
	return err
}

// redeem takes a code that our callback has made.
func (s *Service) redeem(ctx context.Context, c pool.Client, _ opened, in GrantInput) (Granted, error) {
	var g Granted
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		t, err := s.Tickets.Spend(ctx, ticket.ProviderCode, c.Pool.ID, in.Code)
		if err != nil {
			return err
		}
		var v signin.Voucher
		if err := json.Unmarshal([]byte(t.Binding[bindVoucher]), &v); err != nil {
			return fmt.Errorf("voucher: %w", err)
		}
		g, err = s.vouch(ctx, c, v, in.Bearer)
		return err
	})
	if errs.CodeOf(err) == errs.TokenInvalid {
		err = refuse("code_spent", "our code: %w", err)
	}
	return g, err
}

// vouch makes the provider token, for one session when the client holds one.
func (s *Service) vouch(ctx context.Context, c pool.Client, v signin.Voucher, bearer string) (Granted, error) {
	if bearer != "" {
		who, err := s.Sessions.VerifyAny(ctx, bearer)
		if err == nil && who.PoolID == c.Pool.ID && who.ClientID == c.ID {
			v.Session, v.User = who.SessionID, who.UserID
		}
	}
	token, err := s.Proofs.Vouch(ctx, c, v)
	return Granted{Token: token, ExpiresIn: signin.VoucherLife, Profile: v}, err
}

// Amend adds to a provider token the phone number that a phone code of the same person is
// for. The token stays the same.
//
// Errors: TokenInvalid, and those of Grant.
func (s *Service) Amend(ctx context.Context, c pool.Client, token string, in GrantInput) (Granted, error) {
	g, err := s.amend(ctx, c, token, in)
	return g, s.refused(ctx, c, in.ProviderID, err)
}

func (s *Service) amend(ctx context.Context, c pool.Client, token string, in GrantInput) (Granted, error) {
	voucher, err := s.Proofs.Voucher(ctx, c, token, in.ProviderID)
	if err != nil {
		return Granted{}, err
	}
	if in.PhoneCode == "" {
		return Granted{}, errs.New(errs.FieldMissing, "field", "provider_params.code")
	}
	in.ProviderID, in.Code = voucher.ProviderID, in.PhoneCode
	v, err := s.begin(ctx, c, in)
	if err != nil {
		return Granted{}, err
	}
	browser := browserOf(ctx, c.ID+"|"+token, "")
	voucher.Phone, err = s.once(ctx, c.Pool.ID, phoneName(in), browser, func(ctx context.Context) (string, error) {
		p, err := s.exchange(ctx, v, Credential{CodeType: in.CodeType, PhoneCode: in.PhoneCode, Subject: voucher.Subject})
		if err == nil && (p.Subject != voucher.Subject || p.Phone == "") {
			err = refuse("other_person", "the phone code is not of the same person")
		}
		return p.Phone, err
	})
	if err != nil {
		return Granted{}, err
	}
	voucher = signin.CanonicalVoucher(voucher)
	if err := s.Proofs.Revouch(ctx, c.Pool.ID, voucher); err != nil {
		return Granted{}, err
	}
	return Granted{Token: token, ExpiresIn: signin.VoucherLife, Profile: voucher}, nil
}

func codeName(in GrantInput) string  { return "grant|" + in.ProviderID + "|" + in.Code }
func phoneName(in GrantInput) string { return "phone|" + in.ProviderID + "|" + in.PhoneCode }

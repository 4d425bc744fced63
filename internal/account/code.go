package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
)

// Audience says whose address a code may go to.
type Audience string

// The audiences.
const (
	Anybody    Audience = ""         // known or not
	UsersOnly  Audience = "user"     // UserNotFound for others
	Strangers  Audience = "not_user" // IdentifierTaken for users
	MyselfOnly Audience = "self"     // an address of Principal; none named picks one
)

// SendInput asks for a code. Phone or Email is as typed.
type SendInput struct {
	Client       pool.Client
	Phone, Email string
	Audience     Audience
	Usage        signin.Usage
	// Principal is who asks, nil for a stranger. The code then proves the address for
	// that person only (TK-06).
	Principal    *Principal
	CaptchaToken string
}

// Sent is a code on its way.
type Sent struct {
	ID        string
	ExpiresIn time.Duration
	IsUser    bool // the address belongs to an account
}

// SendCode sends a verification code: the limits, the captcha, the question whether the
// address is known, then the code and its message in one transaction.
//
// Errors: FieldMissing, PhoneInvalid, PhoneCountry, EmailInvalid, CaptchaRequired,
// CaptchaInvalid, SendTooOften and TooManyRequests with the time to wait, UserNotFound,
// IdentifierTaken, IdentifierMismatch, SessionInvalid, and those of notify.Wait when the
// message certainly or perhaps was not sent.
func (s *Service) SendCode(ctx context.Context, in SendInput) (Sent, error) {
	target, channel, err := s.destination(ctx, in)
	if err != nil {
		return Sent{}, err
	}
	ctx = audit.About(ctx, signin.Typed(target))
	sent, err := s.sendCode(ctx, in, target, channel)
	if err != nil {
		s.noCode(ctx, in.Client, audit.CodeSend, err, map[string]string{"channel": channel, "to": contact.Mask(target)})
	}
	return sent, err
}

func (s *Service) sendCode(ctx context.Context, in SendInput, target, channel string) (Sent, error) {
	if err := s.mayAsk(ctx, in, target); err != nil {
		return Sent{}, err
	}
	owner, err := s.Users.ByTarget(ctx, in.Client.Pool.ID, target)
	known := err == nil
	switch {
	case err != nil && errs.CodeOf(err) != errs.UserNotFound:
		return Sent{}, err
	case in.Audience == UsersOnly && !known:
		return Sent{}, err
	case in.Audience == Strangers && known:
		return Sent{}, errs.New(errs.IdentifierTaken)
	case in.Audience == MyselfOnly && (!known || owner.ID != in.Principal.UserID):
		return Sent{}, errs.New(errs.IdentifierMismatch)
	}
	issued, err := s.send(ctx, in, channel, target, owner)
	if err != nil {
		return Sent{}, err
	}
	return Sent{ID: issued.ID, ExpiresIn: issued.ExpiresIn, IsUser: known}, nil
}

// destination is the canonical address a code shall go to.
func (s *Service) destination(ctx context.Context, in SendInput) (target, channel string, err error) {
	phone, email := in.Phone, in.Email
	if in.Audience == MyselfOnly {
		if in.Principal == nil {
			return "", "", errs.New(errs.SessionInvalid)
		}
		if phone == "" && email == "" {
			me, err := s.Me(ctx, *in.Principal)
			if err != nil {
				return "", "", err
			}
			phone, email = me.Phone, me.Email
		}
	}
	target, channel, err = signin.Target(phone, email)
	if err != nil || channel != code.SMS {
		return target, channel, err
	}
	return target, channel, allowedCountry(in.Client.Pool, target)
}

// allowedCountry refuses numbers the operator does not want to pay messages to (VC-07).
func allowedCountry(p pool.Pool, e164 string) error {
	if len(p.Settings.Countries) == 0 || slices.Contains(p.Settings.Countries, pool.AnyCountry) {
		return nil
	}
	country, _ := contact.SplitPhone(e164)
	for _, allowed := range p.Settings.Countries {
		if "+"+strings.TrimPrefix(allowed, "+") == country {
			return nil
		}
	}
	return errs.New(errs.PhoneCountry)
}

// mayAsk is the captcha policy and the budget for finding out who exists (EN-03).
func (s *Service) mayAsk(ctx context.Context, in SendInput, target string) error {
	wanted := in.Client.Pool.Settings.Captcha == pool.CaptchaAlways
	if !wanted {
		var err error
		if wanted, err = s.suspicious(ctx, in.Client, target); err != nil {
			return err
		}
	}
	if wanted {
		if err := s.Captcha.Check(ctx, in.Client.Pool, in.Client.ID, in.CaptchaToken); err != nil {
			return err
		}
	}
	return s.budget(ctx, in.Client, target, in.CaptchaToken)
}

// budget lets an address prefix ask about a few distinct identifiers, and after a captcha
// about a few more. A device names itself, so its own count only narrows this.
func (s *Service) budget(ctx context.Context, c pool.Client, identifier, captchaToken string) error {
	if !c.Pool.Settings.Limits {
		return nil
	}
	from := caller.From(ctx)
	address := limit.AskedAbout.In(c.Pool.ID, from.Prefix())
	device := limit.AskedByDevice.In(c.Pool.ID, from.DeviceID)
	take := func(ctx context.Context) error {
		if err := s.Limits.TakeDistinct(ctx, address, identifier, limit.ExistsAddress()); err != nil || from.DeviceID == "" {
			return err
		}
		return s.Limits.TakeDistinct(ctx, device, identifier, limit.ExistsDevice())
	}
	err := s.DB.InTx(ctx, take)
	if _, full := limit.Wait(err); !full || c.Pool.Settings.Captcha == pool.CaptchaOff {
		return err
	}
	if err := s.Captcha.Check(ctx, c.Pool, c.ID, captchaToken); err != nil {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Limits.Clear(ctx, address, limit.ExistsAddress()); err != nil {
			return err
		}
		if err := s.Limits.Clear(ctx, device, limit.ExistsDevice()); err != nil {
			return err
		}
		return take(ctx)
	})
}

// wording picks the message that fits a usage.
func wording(u signin.Usage) string {
	switch u {
	case signin.UsageRegister:
		return notify.UsageRegister
	case signin.UsageSignIn, signin.UsageEnter:
		return notify.UsageSignIn
	case signin.UsageReset, signin.UsageRecover:
		return notify.UsageReset
	case signin.UsageContact, signin.UsageJoin:
		return notify.UsageBind
	case signin.UsageSudo, signin.UsageConfirm, signin.UsageMFA:
		return notify.UsageSudo
	case signin.UsageAny, signin.UsageAll:
	}
	return notify.UsageDefault
}

// Granted is a short-lived token and how long it is good.
type Granted struct {
	Token     string
	ExpiresIn time.Duration
}

// VerifyCode exchanges the digits of the code id for a verification token.
//
// Errors: FieldMissing, CodeWrong, CodeAttempts, TooManyRequests.
func (s *Service) VerifyCode(ctx context.Context, c pool.Client, id, digits string) (Granted, error) {
	switch {
	case id == "":
		return Granted{}, errs.New(errs.FieldMissing, "field", "verification_id")
	case digits == "":
		return Granted{}, errs.New(errs.FieldMissing, "field", "verification_code")
	}
	v, err := s.checkCode(ctx, c, id, digits)
	if err != nil {
		s.wrongCode(ctx, c, id, err)
		return Granted{}, err
	}
	ctx = audit.About(ctx, signin.Typed(v.Target))
	var g Granted
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Codes.Spend(ctx, v); err != nil {
			return err
		}
		var err error
		if g.Token, g.ExpiresIn, err = s.Proofs.Issue(ctx, c, v); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: c.Pool.ID, Action: audit.CodeVerify, UserID: v.UserID, ClientID: c.ID,
			Detail: map[string]string{"channel": v.Channel, "to": contact.Mask(v.Target)},
		})
	})
	return g, err
}

func (s *Service) checkCode(ctx context.Context, c pool.Client, id, digits string) (code.Verified, error) {
	if c.Pool.Settings.Limits {
		key := limit.CodesTried.In(c.Pool.ID, caller.From(ctx).Prefix())
		if err := s.Limits.Take(ctx, key, limit.VerifyAddress()); err != nil {
			return code.Verified{}, err
		}
	}
	return s.Codes.Check(ctx, c.Pool.ID, c.ID, id, digits)
}

package signin

import (
	"context"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
)

// proveOneTap signs in the owner of the phone the tokens were made on, or makes an
// account for it: the number is as good as verified, for the carrier vouches for it.
func (s *Service) proveOneTap(ctx context.Context, in Input) (proof, error) {
	if s.OneTap == nil {
		return proof{}, errs.New(errs.MethodDisabled)
	}
	if in.OneTapToken == "" {
		return proof{}, errs.New(errs.FieldMissing, "field", "token")
	}
	p := in.Client.Pool
	if p.Settings.Limits {
		key := limit.Key("one_tap", p.ID, caller.From(ctx).Prefix())
		if err := s.Limits.Take(ctx, key, limit.OneTapAddress()); err != nil {
			return proof{}, err
		}
	}
	number, err := s.OneTap.Phone(ctx, p.ID, in.OneTapToken, in.OneTapAccess)
	if err != nil {
		return proof{}, err
	}
	a := Address{Channel: code.SMS, Target: number}
	found := proof{
		amr: []string{"tel"}, provider: "phone",
		protocol: protocolSocial, body: claim(contact.KindPhone, number),
	}
	u, err := s.Users.ByTarget(ctx, p.ID, number)
	if errs.CodeOf(err) == errs.UserNotFound {
		fresh := blank(ctx, p, "one-tap")
		a.giveTo(&fresh)
		found.newcomer = &newcomer{user: fresh, custom: in.Custom}
		return found, nil
	}
	if err != nil {
		return proof{}, err
	}
	return s.owned(ctx, in, found, u, a), nil
}

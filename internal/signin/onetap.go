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
		key := limit.OneTaps.In(p.ID, caller.From(ctx).Prefix())
		if err := s.Limits.Take(ctx, key, limit.OneTapAddress()); err != nil {
			return proof{}, err
		}
	}
	number, err := s.OneTap.Phone(ctx, p.ID, in.OneTapToken, in.OneTapAccess)
	if err != nil {
		return proof{}, err
	}
	return s.byAddress(ctx, in, proof{
		amr: []string{"tel"}, provider: "phone",
		protocol: protocolSocial, body: claim(contact.KindPhone, number),
	}, Address{Channel: code.SMS, Target: number}, "one-tap")
}

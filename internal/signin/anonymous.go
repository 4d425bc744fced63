package signin

import (
	"context"
	"strings"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/user"
)

// vouchedDevice begins the device of somebody whom a provider token continues. No client
// can name such a one by itself.
const vouchedDevice = "provider:"

// proveDevice continues the anonymous person of a device, or makes one. A device id is
// no secret and proves nothing but continuity: it never leads to a regular account.
func (s *Service) proveDevice(ctx context.Context, in Input) (proof, error) {
	set := in.Client.Pool.Settings
	if !set.Anonymous {
		return proof{}, errs.New(errs.MethodDisabled)
	}
	p := proof{amr: []string{"anonymous"}, provider: user.ProviderAnonymous, scope: ScopeAnonymous}
	device := in.DeviceID
	switch {
	case in.Token != "":
		v, err := s.proofs.Voucher(ctx, in.Client, in.Token, in.ProviderID)
		if err != nil {
			return proof{}, err
		}
		device = vouchedDevice + v.ProviderID + ":" + v.Subject
		p.effect = func(ctx context.Context) error { return s.proofs.SpendVoucher(ctx, in.Client.Pool.ID, v) }
	case device == "":
		device = secret.ID()
	case strings.HasPrefix(device, vouchedDevice):
		return proof{}, errs.New(errs.BadRequest, "field", "device_id")
	}
	fresh := blank(ctx, in.Client.Pool, "")
	fresh.Kind = user.KindAnonymous
	p, err := s.identified(ctx, in, p, device, fresh)
	if err != nil || p.newcomer == nil || !set.Limits {
		return p, err
	}
	key := limit.Anonymous.In(in.Client.Pool.ID, caller.From(ctx).Prefix())
	return p, s.Limits.Take(ctx, key, limit.AnonymousAddress())
}

package account

import (
	"context"
	"errors"
	"log/slog"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
)

// noCode writes down why somebody got no code, or no further with it, unless so many were
// of this address that another would only fill the record (AT-04). That a captcha is asked
// for first is no refusal.
func (s *Service) noCode(ctx context.Context, c pool.Client, action string, refusal error, detail map[string]string) {
	if ctx.Err() != nil || errs.CodeOf(refusal) == errs.CaptchaRequired {
		return
	}
	key := limit.Key("refusal", c.Pool.ID, caller.From(ctx).Prefix())
	if s.Limits.Take(ctx, key, limit.RefusalNote()) != nil {
		return
	}
	if failure := (*driver.Failure)(nil); errors.As(refusal, &failure) {
		detail["vendor"], detail[audit.DetailReason] = failure.Vendor, string(failure.Class)
		if failure.Code != "" {
			detail[audit.DetailReason] = failure.Code
		}
	}
	event := audit.Event{PoolID: c.Pool.ID, Action: action, ClientID: c.ID, Detail: detail}
	if err := s.Audit.Record(ctx, audit.Refused(refusal, event)); err != nil {
		s.Logger.ErrorContext(ctx, "refusal not recorded", slog.String("pool", c.Pool.ID), slog.Any("err", err))
	}
}

// wrongCode writes down a wrong code, by the address it was sent to.
func (s *Service) wrongCode(ctx context.Context, c pool.Client, id string, refusal error) {
	detail := map[string]string{}
	channel, target, err := s.Codes.SentTo(ctx, c.Pool.ID, id)
	if err != nil {
		s.Logger.ErrorContext(ctx, "code not found for the record", slog.String("pool", c.Pool.ID), slog.Any("err", err))
	}
	if target != "" {
		detail["channel"], detail["to"] = channel, contact.Mask(target)
		ctx = audit.About(ctx, signin.Typed(target))
	}
	s.noCode(ctx, c, audit.CodeVerify, refusal, detail)
}

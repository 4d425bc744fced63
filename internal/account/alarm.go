package account

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
)

// watch looks, after a message was asked for, whether the operator should know of it: a
// budget that is nearly or all spent, or codes that hardly anybody uses. That it cannot be
// told changes nothing for who asked.
func (s *Service) watch(ctx context.Context, p pool.Pool, channel, target string) {
	if !p.Settings.Limits {
		return
	}
	if err := s.raise(ctx, p, channel, target); err != nil {
		s.Logger.ErrorContext(ctx, "alarm not raised", slog.String("pool", p.ID), slog.Any("err", err))
	}
}

func (s *Service) raise(ctx context.Context, p pool.Pool, channel, target string) error {
	for _, b := range budgets(p, channel, target) {
		n, _, err := s.Limits.Count(ctx, b.Key, limit.SendBudget(b.most))
		if err != nil {
			return err
		}
		if n < limit.SendNearly(b.most).Max {
			continue
		}
		kind := notify.BudgetNearly
		if n >= b.most {
			kind = notify.BudgetSpent
		}
		detail := map[string]string{"budget": strconv.Itoa(b.most), "sent": strconv.Itoa(n), "country": cmp.Or(b.country, "*")}
		if err := s.alarm(ctx, p, kind, detail); err != nil {
			return err
		}
	}
	if channel != code.SMS {
		return nil
	}
	unused, err := s.Codes.Unused(ctx, p.ID)
	if err != nil || !unused {
		return err
	}
	return s.alarm(ctx, p, notify.CodesUnused, nil)
}

// alarm tells the operator of one thing once a day: in the record, in the log and, if
// there is an address, by mail.
func (s *Service) alarm(ctx context.Context, p pool.Pool, kind string, detail map[string]string) error {
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Limits.Take(ctx, limit.Key("alarm", p.ID, kind, detail["country"]), limit.Alarm()); err != nil {
			return err
		}
		if err := s.Audit.Record(ctx, audit.Event{PoolID: p.ID, Action: audit.Alarm, Result: kind, Actor: "system", Detail: detail}); err != nil {
			return err
		}
		if s.OperatorEmail == "" {
			return nil
		}
		return s.Notify.Alert(ctx, notify.Alert{
			Pool: p, Channel: code.Email, Target: s.OperatorEmail, Kind: kind,
			Params: map[string]string{"pool": p.ID, "budget": detail["budget"], "sent": detail["sent"], "country": detail["country"]},
		})
	})
	if errs.CodeOf(err) == errs.TooManyRequests { // told today
		return nil
	}
	if err == nil {
		s.Logger.ErrorContext(ctx, "alarm", slog.String("pool", p.ID), slog.String("kind", kind),
			slog.String("country", detail["country"]), slog.String("sent", detail["sent"]), slog.String("budget", detail["budget"]))
	}
	return err
}

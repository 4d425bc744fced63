package account

import (
	"context"
	"strconv"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

// send takes the sending limits and makes the code and its message, or nothing; then it
// waits a moment for what the vendor says. An address with a fixed code gets no message.
func (s *Service) send(ctx context.Context, in SendInput, channel, target string, owner user.User) (code.Issued, error) {
	fixed, err := s.Codes.FixedOf(ctx, in.Client.Pool.ID, target)
	if err != nil {
		return code.Issued{}, err
	}
	message := s.Notify.Expect()
	defer message.Forget()
	var issued code.Issued
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		own, err := s.takeSend(ctx, in.Client, channel, target)
		if err != nil {
			return err
		}
		issued, err = s.Codes.Issue(ctx, code.Request{
			Pool: in.Client.Pool, ClientID: in.Client.ID, Channel: channel, Target: target,
			Usage: string(in.Usage), UserID: in.asker(), Digits: fixed,
		})
		if err != nil {
			return err
		}
		if fixed == "" {
			err = s.Notify.Code(ctx, notify.Notice{
				Pool: in.Client.Pool, Channel: channel, Target: target, Code: issued.Code,
				Usage: wording(in.Usage), Lang: caller.From(ctx).Lang, Life: issued.ExpiresIn,
				ID: message.ID(), Charges: own,
			})
			if err != nil {
				return err
			}
		}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: in.Client.Pool.ID, Action: audit.CodeSend, UserID: owner.ID, Actor: in.asker(),
			ClientID: in.Client.ID, Detail: sendDetail(channel, target, fixed != ""),
		})
	})
	if err == nil || errs.CodeOf(err) == errs.SendTooOften {
		s.watch(ctx, in.Client.Pool, channel, target)
	}
	if err != nil || fixed != "" {
		return issued, err
	}
	return issued, s.Notify.Wait(ctx, message)
}

func sendDetail(channel, target string, fixed bool) map[string]string {
	detail := map[string]string{"channel": channel, "to": contact.Mask(target)}
	if fixed {
		detail["fixed"] = "true"
	}
	return detail
}

// asker is the signed-in person the code is for, "" for a stranger.
func (in SendInput) asker() string {
	if in.Principal != nil && in.Principal.PoolID == in.Client.Pool.ID {
		return in.Principal.UserID
	}
	return ""
}

// takeSend counts one message against every limit on sending (VC-07) and returns the
// charges that are the person's own.
func (s *Service) takeSend(ctx context.Context, c pool.Client, channel, target string) ([]limit.Charge, error) {
	if !c.Pool.Settings.Limits {
		return nil, nil
	}
	gap := c.Pool.Settings.SendGap
	if channel == code.Email {
		gap = max(gap, limit.MailGap)
	}
	own := []limit.Charge{
		{Key: limit.Sends.In(c.Pool.ID, target), Rules: limit.SendNumber(gap)},
		{Key: limit.SendsAnywhere.Over(target), Rules: []limit.Rule{limit.NumberAll()}},
	}
	charges := append(s.sendSignals(ctx, c), own...)
	charges = append(charges, limit.Charge{Key: limit.SendsOfApp.Over(c.App.ID), Rules: []limit.Rule{limit.SendApp()}})
	if device := caller.From(ctx).DeviceID; device != "" {
		charges = append(charges, limit.Charge{Key: limit.SendsToDevice.In(c.Pool.ID, device), Rules: limit.SendDevice()})
	}
	for _, b := range budgets(c.Pool, channel, target) {
		charges = append(charges, b.Charge)
	}
	err := s.Limits.TakeAll(ctx, charges...)
	if wait, full := limit.Wait(err); full {
		return nil, errs.New(errs.SendTooOften, "seconds", strconv.Itoa(int(wait.Seconds()))).After(wait)
	}
	if err != nil || channel != code.SMS {
		return own, err
	}
	return own, s.Limits.AddDistinct(ctx, seriesKey(c.Pool, target), target, limit.SendSeries())
}

// budget is what the operator is ready to pay for in a day.
type budget struct {
	limit.Charge

	most    int
	country string // dialling code, "" for all messages of the pool
}

func budgets(p pool.Pool, channel, target string) []budget {
	var all []budget
	if most := p.Settings.DayBudget; most > 0 {
		charge := limit.Charge{Key: limit.SendsBudget.In(p.ID), Rules: []limit.Rule{limit.SendBudget(most)}}
		all = append(all, budget{charge, most, ""})
	}
	if most := p.Settings.CountryBudget; channel == code.SMS && most > 0 {
		country, _ := contact.SplitPhone(target)
		charge := limit.Charge{Key: limit.SendsBudget.In(p.ID, country), Rules: []limit.Rule{limit.SendBudget(most)}}
		all = append(all, budget{charge, most, country})
	}
	return all
}

// sendSignals are the limits of the address a message is asked for from.
func (s *Service) sendSignals(ctx context.Context, c pool.Client) []limit.Charge {
	from := caller.From(ctx)
	signals := []limit.Charge{
		{Key: limit.SendsAsked.In(c.Pool.ID, from.Prefix()), Rules: limit.SendAddress()},
		{Key: limit.SendsOfNetwork.In(c.Pool.ID, from.Network()), Rules: []limit.Rule{limit.SendNetwork()}},
	}
	if group := s.Networks.Group(from.Addr); group != "" {
		signals = append(signals, limit.Charge{
			Key: limit.SendsOfGroup.In(c.Pool.ID, group), Rules: []limit.Rule{limit.SendGroup()},
		})
	}
	return signals
}

// seriesKey is what numbers with the same first seven digits share.
func seriesKey(p pool.Pool, e164 string) string {
	country, national := contact.SplitPhone(e164)
	const digits = 7
	if len(national) > digits {
		national = national[:digits]
	}
	return limit.SendsInSeries.In(p.ID, country, national)
}

// suspicious reports whether messages are asked for in a way that calls for a captcha:
// many from one address or its neighbours, to many numbers in a row, more than the
// operator wants to pay for in a day, or without anybody using the codes.
func (s *Service) suspicious(ctx context.Context, c pool.Client, target string) (bool, error) {
	if !c.Pool.Settings.Limits || c.Pool.Settings.Captcha == pool.CaptchaOff {
		return false, nil
	}
	signals, channel := s.sendSignals(ctx, c), code.Email
	if target != "" && target[0] == '+' {
		channel = code.SMS
		signals = append(signals, limit.Charge{Key: seriesKey(c.Pool, target), Rules: []limit.Rule{limit.SendSeries()}})
	}
	for _, b := range budgets(c.Pool, channel, target) {
		signals = append(signals, limit.Charge{Key: b.Key, Rules: []limit.Rule{limit.SendNearly(b.most)}})
	}
	warned, err := s.Limits.Warned(ctx, signals...)
	if err != nil || warned {
		return warned, err
	}
	return s.Codes.Unused(ctx, c.Pool.ID)
}

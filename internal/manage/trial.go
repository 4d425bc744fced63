package manage

import (
	"cmp"
	"context"
	"errors"
	"strconv"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/secret"
)

// TestMessageDriver sends one real message by one vendor, which need not be switched on,
// and waits for what it says. A pool has so many an hour, whoever asks, and they are not
// counted among those to its people.
//
// Errors: MessageDriverNotFound, TestTooOften, TemplateNotFound, PhoneInvalid,
// EmailInvalid, BadRequest.
func (s *Service) TestMessageDriver(ctx context.Context, p operator.Principal, in api.TestMessage) (out api.TestResult, err error) {
	m, err := s.may(ctx, p, MessageDriverTest, in.Pool)
	if err != nil {
		return out, err
	}
	d, err := s.d.Messages.Channels.Get(ctx, in.Pool, in.ID)
	if err != nil {
		return out, err
	}
	message, err := s.sampleFor(ctx, d, in)
	if err != nil {
		return out, err
	}
	if err := s.countTest(ctx, in.Pool); err != nil {
		return out, err
	}
	detail := map[string]string{"driver": d.ID, "to": contact.Mask(message.To), "message": message.ID}
	if err := s.record(ctx, m, audit.MessageDriverTest, "", detail); err != nil {
		return out, err
	}
	tried, err := s.d.Messages.Carriers.Try(ctx, d, message)
	if err != nil {
		return out, err
	}
	out = api.TestResult{
		Delivery: message.ID, Driver: d.ID, Taken: tried.Failure == nil, VendorID: tried.VendorID, Units: tried.Units,
		Milliseconds: tried.Took.Milliseconds(),
	}
	if f := tried.Failure; f != nil {
		out.Class, out.VendorCode, out.Maybe, out.Detail = string(f.Class), f.Code, f.Maybe, detailOf(f)
	}
	return out, nil
}

// detailOf is what the driver itself says, which names no address and no secret.
func detailOf(f *driver.Failure) string {
	if f.Err == nil {
		return ""
	}
	return f.Err.Error()
}

// sampleFor makes the test message: a template of the pool in its words, with a code that
// nobody asked for and nothing accepts.
func (s *Service) sampleFor(ctx context.Context, d channel.Driver, in api.TestMessage) (notify.Message, error) {
	to, err := addressOf(d.Channel, in.To)
	if err != nil {
		return notify.Message{}, err
	}
	v, err := s.d.Pools.Get(ctx, in.Pool)
	if err != nil {
		return notify.Message{}, err
	}
	ref := api.MessageTemplateRef{
		PoolRef: in.PoolRef, Name: cmp.Or(in.Template, notify.UsageSignIn), Channel: d.Channel, Lang: cmp.Or(in.Lang, v.Settings.DefaultLang),
	}
	t, w, _, err := s.wordsInForce(ctx, ref)
	if err != nil {
		return notify.Message{}, err
	}
	m, err := notify.Sample(t, ref.Channel, ref.Lang, v.Settings.ProductName, w, s.d.Now())
	m.ID, m.PoolID, m.To = secret.ID(), in.Pool, to
	return m, err
}

// addressOf is the canonical form of an address of a channel.
func addressOf(name, typed string) (string, error) {
	if name == channel.Email {
		return contact.Email(typed)
	}
	return contact.Phone(typed, "")
}

// countTest counts a test message of a pool.
func (s *Service) countTest(ctx context.Context, poolID string) error {
	rule := limit.TestSend()
	err := s.d.Limits.Take(ctx, limit.TestSends.In(poolID), rule)
	if wait, full := limit.Wait(err); full {
		return errs.New(errs.TestTooOften, "max", strconv.Itoa(s.d.Limits.Most(rule))).After(wait).Because(errors.Unwrap(err))
	}
	return err
}

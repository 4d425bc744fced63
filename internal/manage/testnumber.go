package manage

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with addresses that get a fixed code.
const (
	TestNumberList   Op = "test-number.list"
	TestNumberPut    Op = "test-number.put"
	TestNumberRemove Op = "test-number.remove"
)

func testNumberOperations() []Operation {
	return []Operation{
		{TestNumberList, operator.MessagesRead, "List numbers and addresses with a fixed code, without the codes"},
		{TestNumberPut, operator.MessagesWrite, "Give a number or address a fixed code, for app reviews and tests"},
		{TestNumberRemove, operator.MessagesWrite, "Send a number or address real codes again"},
	}
}

// TestNumbers lists the addresses with a fixed code. There are few: they are not paged.
func (s *Service) TestNumbers(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.TestNumber], err error) {
	if _, err := s.may(ctx, p, TestNumberList, in.Pool); err != nil {
		return list, err
	}
	all, err := s.d.Messages.Codes.ListFixed(ctx, in.Pool)
	list.Items = make([]api.TestNumber, len(all))
	for i, v := range all {
		list.Items[i] = api.TestNumber{Number: v.Target, Until: v.ExpiresAt.UTC()}
	}
	return list, err
}

// PutTestNumber gives an address a fixed code until a date. Errors: PhoneInvalid,
// EmailInvalid, BadRequest with the field.
func (s *Service) PutTestNumber(ctx context.Context, p operator.Principal, in api.TestNumberPut) (api.TestNumber, error) {
	m, err := s.may(ctx, p, TestNumberPut, in.Pool)
	if err != nil {
		return api.TestNumber{}, err
	}
	target, err := anyAddress(in.Number)
	if err != nil {
		return api.TestNumber{}, err
	}
	until, err := endOf(in.Until)
	if err != nil {
		return api.TestNumber{}, err
	}
	detail := map[string]string{"what": "set", "to": contact.Mask(target)}
	err = s.changed(ctx, m, audit.TestTarget, detail, func(ctx context.Context) error {
		return s.d.Messages.Codes.Fix(ctx, in.Pool, code.Fixed{Target: target, Digits: in.Code, ExpiresAt: until})
	})
	return api.TestNumber{Number: target, Until: until.UTC()}, err
}

// endOf is a moment in RFC 3339, or the end of a day in UTC.
func endOf(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, errs.New(errs.BadRequest, "field", "until")
	}
	return t, nil
}

// RemoveTestNumber sends an address real codes again. One that has no fixed code stays as
// it is. Errors: PhoneInvalid, EmailInvalid.
func (s *Service) RemoveTestNumber(ctx context.Context, p operator.Principal, in api.TestNumberRef) (api.None, error) {
	m, err := s.may(ctx, p, TestNumberRemove, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	target, err := anyAddress(in.Number)
	if err != nil {
		return api.None{}, err
	}
	detail := map[string]string{"what": "remove", "to": contact.Mask(target)}
	return api.None{}, s.changed(ctx, m, audit.TestTarget, detail, func(ctx context.Context) error {
		return s.d.Messages.Codes.Unfix(ctx, in.Pool, target)
	})
}

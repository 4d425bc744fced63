package manage

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/delivery"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with messages that were handed over.
const (
	DeliveryList       Op = "delivery.list"
	DeliveryGet        Op = "delivery.get"
	SuppressionList    Op = "suppression.list"
	SuppressionForgive Op = "suppression.forgive"
)

func deliveryOperations() []Operation {
	return []Operation{
		{DeliveryList, operator.MessagesRead, "List messages and what became of them"},
		{DeliveryGet, operator.MessagesRead, "Show what became of a message"},
		{SuppressionList, operator.MessagesRead, "List addresses that get no mail because mail came back"},
		{SuppressionForgive, operator.MessagesWrite, "Send mail to an address again that mail came back from"},
	}
}

// statusProblem asks for every status that is not good.
const statusProblem = "problem"

// MessageDeliveries lists messages, newest first. Errors: BadRequest, PhoneInvalid,
// EmailInvalid.
func (s *Service) MessageDeliveries(ctx context.Context, p operator.Principal, in api.DeliveryQuery) (list api.List[api.Delivery], err error) {
	if _, err := s.may(ctx, p, DeliveryList, in.Pool); err != nil {
		return list, err
	}
	f, err := deliveryFilter(in)
	if err != nil {
		return list, err
	}
	var after string
	if _, err := openCursor(s.d.Ring, "deliveries", in.Pool, in.Cursor, &after); err != nil {
		return list, err
	}
	found, next, err := s.d.Messages.Deliveries.List(ctx, in.Pool, f, pageSize(in.Page), after)
	if err != nil {
		return list, err
	}
	if next != "" {
		list.NextCursor, err = sealCursor(s.d.Ring, "deliveries", in.Pool, next)
	}
	list.Items = make([]api.Delivery, len(found))
	for i, d := range found {
		list.Items[i] = deliveryView(d)
	}
	return list, err
}

func deliveryFilter(in api.DeliveryQuery) (f delivery.Filter, err error) {
	f.Channel = in.Channel
	if f.From, f.Until, err = between(in.Since, in.Until); err != nil {
		return f, err
	}
	known := []delivery.Status{
		delivery.Sending, delivery.Sent, delivery.Failed, delivery.Unknown, delivery.Delivered, delivery.Undelivered,
	}
	switch status := delivery.Status(in.Status); {
	case status == "":
	case status == statusProblem:
		f.Statuses = []delivery.Status{delivery.Failed, delivery.Unknown, delivery.Undelivered}
	case slices.Contains(known, status):
		f.Statuses = []delivery.Status{status}
	default:
		return f, errs.New(errs.BadRequest, "field", "status")
	}
	if in.To != "" {
		to, err := anyAddress(in.To)
		if err != nil {
			return f, err
		}
		f.Targets = []string{to}
	}
	return f, nil
}

// anyAddress is the canonical form of a phone number or a mail address.
func anyAddress(typed string) (string, error) {
	if strings.ContainsRune(typed, '@') {
		return addressOf(channel.Email, typed)
	}
	return addressOf(channel.SMS, typed)
}

// MessageDelivery shows one. Errors: DeliveryNotFound.
func (s *Service) MessageDelivery(ctx context.Context, p operator.Principal, in api.DeliveryRef) (api.Delivery, error) {
	if _, err := s.may(ctx, p, DeliveryGet, in.Pool); err != nil {
		return api.Delivery{}, err
	}
	d, err := s.d.Messages.Deliveries.Get(ctx, in.ID)
	if errors.Is(err, db.ErrNoRows) || err == nil && d.PoolID != in.Pool {
		return api.Delivery{}, errs.New(errs.DeliveryNotFound)
	}
	return deliveryView(d), err
}

func deliveryView(d delivery.Delivery) api.Delivery {
	return api.Delivery{
		ID: d.ID, Channel: d.Channel, Driver: strings.TrimPrefix(d.Driver, d.PoolID+"/"), VendorID: d.VendorID, Country: d.Country,
		Status: string(d.Status), Reason: d.Reason, Units: d.Units, CreatedAt: d.CreatedAt.UTC(), UpdatedAt: d.UpdatedAt.UTC(),
	}
}

// Suppressions lists addresses that get no mail and that the pool has sent mail to,
// latest first. Errors: EmailInvalid.
func (s *Service) Suppressions(ctx context.Context, p operator.Principal, in api.SuppressionQuery) (list api.List[api.Suppression], err error) {
	if _, err := s.may(ctx, p, SuppressionList, in.Pool); err != nil {
		return list, err
	}
	q := delivery.BlockedQuery{PoolID: in.Pool, Limit: pageSize(in.Page)}
	if in.To != "" {
		if q.Address, err = contact.Email(in.To); err != nil {
			return list, err
		}
	}
	if _, err := openCursor(s.d.Ring, "suppressions", in.Pool, in.Cursor, &q.After); err != nil {
		return list, err
	}
	found, more, err := s.d.Messages.Deliveries.Blocked(ctx, q)
	if err != nil {
		return list, err
	}
	list.Items = make([]api.Suppression, len(found))
	for i, b := range found {
		list.Items[i] = api.Suppression{ID: b.ID, Status: b.Status, Hits: b.Hits, Since: b.BlockedAt.UTC()}
	}
	if more {
		list.NextCursor, err = sealCursor(s.d.Ring, "suppressions", in.Pool, found[len(found)-1].Place())
	}
	return list, err
}

// ForgiveSuppression sends mail to an address again. Errors: DeliveryNotFound when none
// that the pool has sent mail to is suppressed, EmailInvalid.
func (s *Service) ForgiveSuppression(ctx context.Context, p operator.Principal, in api.SuppressionRef) (api.None, error) {
	m, err := s.may(ctx, p, SuppressionForgive, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	q := delivery.BlockedQuery{PoolID: in.Pool, ID: in.ID}
	detail := map[string]string{"suppression": in.ID}
	if strings.ContainsRune(in.ID, '@') {
		if q.Address, err = contact.Email(in.ID); err != nil {
			return api.None{}, err
		}
		q.ID, detail = "", map[string]string{"to": contact.Mask(q.Address)}
	}
	return api.None{}, s.changed(ctx, m, audit.MailForgive, detail, func(ctx context.Context) error {
		found, err := s.d.Messages.Deliveries.ForgiveBlocked(ctx, q)
		if err == nil && !found {
			return errs.New(errs.DeliveryNotFound)
		}
		return err
	})
}

package manage

import (
	"context"
	"slices"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/webhook"
)

// What can be done with webhooks.
const (
	WebhookList       Op = "webhook.list"
	WebhookGet        Op = "webhook.get"
	WebhookCreate     Op = "webhook.create"
	WebhookUpdate     Op = "webhook.update"
	WebhookRemove     Op = "webhook.remove"
	WebhookRotate     Op = "webhook.rotate-secret"
	WebhookTest       Op = "webhook.test"
	WebhookDeliveries Op = "webhook.deliveries"
	WebhookRedeliver  Op = "webhook.redeliver"
)

// webhookOperations are what can be done with webhooks.
func webhookOperations() []Operation {
	return []Operation{
		{WebhookList, operator.WebhooksRead, "List the webhooks of a pool and what they can hear"},
		{WebhookGet, operator.WebhooksRead, "Show a webhook"},
		{WebhookCreate, operator.WebhooksWrite, "Make a webhook and its signing secret"},
		{WebhookUpdate, operator.WebhooksWrite, "Change a webhook, or switch it on or off"},
		{WebhookRemove, operator.WebhooksWrite, "Remove a webhook and the log of its deliveries"},
		{WebhookRotate, operator.WebhooksWrite, "Make a new signing secret for a webhook"},
		{WebhookTest, operator.WebhooksWrite, "Send a made-up event to a webhook and show the answer"},
		{WebhookDeliveries, operator.WebhooksRead, "List what a webhook was sent in the last fourteen days"},
		{WebhookRedeliver, operator.WebhooksWrite, "Send an event of the log again"},
	}
}

// Webhooks lists the webhooks of a pool. There are few: they are not paged.
func (s *Service) Webhooks(ctx context.Context, p operator.Principal, in api.PoolRef) (api.Webhooks, error) {
	if _, err := s.may(ctx, p, WebhookList, in.Pool); err != nil {
		return api.Webhooks{}, err
	}
	all, err := s.d.Webhooks.List(ctx, in.Pool)
	out := api.Webhooks{Items: make([]api.Webhook, len(all)), Events: webhook.Events()}
	for i, h := range all {
		out.Items[i] = hookOf(h)
	}
	return out, err
}

// Webhook shows one. Errors: WebhookNotFound.
func (s *Service) Webhook(ctx context.Context, p operator.Principal, in api.WebhookRef) (api.Webhook, error) {
	if _, err := s.may(ctx, p, WebhookGet, in.Pool); err != nil {
		return api.Webhook{}, err
	}
	h, err := s.d.Webhooks.Get(ctx, in.Pool, in.Webhook)
	return hookOf(h), err
}

// CreateWebhook makes a webhook. Errors: BadRequest, FieldMissing, FieldTooLong,
// WebhookLimit.
func (s *Service) CreateWebhook(ctx context.Context, p operator.Principal, in api.NewWebhook) (out api.MadeWebhook, err error) {
	m, err := s.may(ctx, p, WebhookCreate, in.Pool)
	if err != nil {
		return out, err
	}
	var made webhook.Hook
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		made, out.Secret, err = s.d.Webhooks.Create(ctx, webhook.Hook{
			PoolID: in.Pool, URL: in.URL, Name: in.Name, Events: in.Events, Contacts: in.Contacts,
		})
		if err != nil {
			return err
		}
		return s.record(ctx, m, audit.WebhookCreate, "", map[string]string{"webhook": made.ID})
	})
	out.Webhook = hookOf(made)
	return out, err
}

// UpdateWebhook changes a webhook. Errors: WebhookNotFound, EditConflict and those of
// CreateWebhook.
func (s *Service) UpdateWebhook(ctx context.Context, p operator.Principal, in api.WebhookChange) (api.Webhook, error) {
	m, err := s.may(ctx, p, WebhookUpdate, in.Pool)
	if err != nil {
		return api.Webhook{}, err
	}
	err = s.changed(ctx, m, audit.WebhookChange, map[string]string{"webhook": in.Webhook}, func(ctx context.Context) error {
		h, err := s.d.Webhooks.Get(ctx, in.Pool, in.Webhook)
		if err != nil {
			return err
		}
		if err := match(in.Guarded, hookOf(h)); err != nil {
			return err
		}
		put(&h.URL, in.URL)
		put(&h.Name, in.Name)
		put(&h.Events, in.Events)
		put(&h.Contacts, in.Contacts)
		put(&h.Enabled, in.Enabled)
		return s.d.Webhooks.Update(ctx, h)
	})
	if err != nil {
		return api.Webhook{}, err
	}
	h, err := s.d.Webhooks.Get(ctx, in.Pool, in.Webhook)
	return hookOf(h), err
}

// put sets what a change gives.
func put[T any](field, given *T) {
	if given != nil {
		*field = *given
	}
}

// RemoveWebhook ends a webhook. Errors: WebhookNotFound.
func (s *Service) RemoveWebhook(ctx context.Context, p operator.Principal, in api.WebhookRef) (api.None, error) {
	m, err := s.may(ctx, p, WebhookRemove, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.changed(ctx, m, audit.WebhookRemove, map[string]string{"webhook": in.Webhook}, func(ctx context.Context) error {
		return s.d.Webhooks.Remove(ctx, in.Pool, in.Webhook)
	})
}

// RotateWebhookSecret makes a new secret. Errors: WebhookNotFound, EditConflict.
func (s *Service) RotateWebhookSecret(ctx context.Context, p operator.Principal, in api.RotateWebhookSecret) (out api.Secret, err error) {
	m, err := s.may(ctx, p, WebhookRotate, in.Pool)
	if err != nil {
		return out, err
	}
	err = s.changed(ctx, m, audit.WebhookRotate, map[string]string{"webhook": in.Webhook}, func(ctx context.Context) error {
		out.Secret, err = s.d.Webhooks.Rotate(ctx, in.Pool, in.Webhook, in.Now)
		return err
	})
	return out, err
}

// TestWebhook sends a made-up event and says what came back. Errors: WebhookNotFound.
func (s *Service) TestWebhook(ctx context.Context, p operator.Principal, in api.WebhookRef) (api.WebhookDelivery, error) {
	m, err := s.may(ctx, p, WebhookTest, in.Pool)
	if err != nil {
		return api.WebhookDelivery{}, err
	}
	d, err := s.d.Webhooks.Test(ctx, in.Pool, in.Webhook)
	if err == nil {
		err = s.record(ctx, m, audit.WebhookTest, "", map[string]string{"webhook": in.Webhook})
	}
	return deliveryOf(d), err
}

// WebhookDeliveries lists what a webhook was sent. Errors: WebhookNotFound.
func (s *Service) WebhookDeliveries(ctx context.Context, p operator.Principal, in api.WebhookDeliveries) (list api.List[api.WebhookDelivery], err error) {
	if _, err := s.may(ctx, p, WebhookDeliveries, in.Pool); err != nil {
		return list, err
	}
	if in.State != "" && !slices.Contains([]string{webhook.StateWaiting, webhook.StateDelivered, webhook.StateFailed}, in.State) {
		return list, errs.New(errs.BadRequest, "field", "state")
	}
	name := "webhook " + in.Webhook + " " + in.State
	var place webhook.Place
	given, err := openCursor(s.d.Ring, name, in.Pool, in.Cursor, &place)
	if err != nil {
		return list, err
	}
	after := &place
	if !given {
		after = nil
	}
	all, next, err := s.d.Webhooks.Deliveries(ctx, in.Pool, in.Webhook, in.State, after, pageSize(in.Page))
	if err != nil {
		return list, err
	}
	list.Items = make([]api.WebhookDelivery, len(all))
	for i, d := range all {
		list.Items[i] = deliveryOf(d)
	}
	if next != nil {
		list.NextCursor, err = sealCursor(s.d.Ring, name, in.Pool, next)
	}
	return list, err
}

// RedeliverWebhook sends an event of the log again. Errors: WebhookNotFound.
func (s *Service) RedeliverWebhook(ctx context.Context, p operator.Principal, in api.WebhookDeliveryRef) (api.WebhookDelivery, error) {
	m, err := s.may(ctx, p, WebhookRedeliver, in.Pool)
	if err != nil {
		return api.WebhookDelivery{}, err
	}
	var d webhook.Delivery
	err = s.changed(ctx, m, audit.WebhookResend, map[string]string{"webhook": in.Webhook}, func(ctx context.Context) error {
		d, err = s.d.Webhooks.Redeliver(ctx, in.Pool, in.Webhook, in.Delivery)
		return err
	})
	return deliveryOf(d), err
}

func hookOf(h webhook.Hook) api.Webhook {
	return api.Webhook{
		ID: h.ID, Name: h.Name, URL: h.URL, Events: append([]string{}, h.Events...), Contacts: h.Contacts, Enabled: h.Enabled, Stopped: h.Stopped,
		FailingSince: moment(h.FailingSince), CreatedAt: h.CreatedAt.UTC(), UpdatedAt: h.UpdatedAt.UTC(),
	}
}

func deliveryOf(d webhook.Delivery) api.WebhookDelivery {
	return api.WebhookDelivery{
		ID: d.ID, EventID: d.EventID(), Type: d.Type(), State: d.State, Status: d.Status, Latency: d.Latency.Milliseconds(),
		Answer: d.Answer, Attempts: d.Attempts, UserID: d.UserID(), At: d.HappenedAt().UTC(), CreatedAt: d.CreatedAt.UTC(),
		TriedAt: moment(d.TriedAt), NextAt: moment(d.NextAt),
	}
}

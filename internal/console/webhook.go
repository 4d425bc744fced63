package console

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
)

// webhookRoutes are the pages about webhooks.
func (c *Console) webhookRoutes() []route {
	const hooks, hook = "/pools/{pool}/webhooks", "/pools/{pool}/webhooks/{webhook}"
	return []route{
		{method: http.MethodGet, path: hooks, ops: []manage.Op{manage.WebhookList}, handle: showHooks},
		{method: http.MethodGet, path: hooks + "/new", ops: []manage.Op{manage.WebhookList}, handle: newHook},
		{method: http.MethodPost, path: hooks + "/new", ops: []manage.Op{manage.WebhookCreate}, handle: createHook},
		{method: http.MethodGet, path: hook, ops: []manage.Op{manage.WebhookGet, manage.WebhookDeliveries}, handle: showHook},
		{method: http.MethodGet, path: hook + "/edit", ops: []manage.Op{manage.WebhookGet, manage.WebhookList}, handle: editHook},
		{method: http.MethodPost, path: hook + "/edit", ops: []manage.Op{manage.WebhookUpdate}, handle: changeHook},
		{method: http.MethodPost, path: hook + "/switch", ops: []manage.Op{manage.WebhookUpdate}, handle: switchHook},
		{method: http.MethodPost, path: hook + "/secret", ops: []manage.Op{manage.WebhookRotate}, handle: rotateHook},
		{method: http.MethodPost, path: hook + "/test", ops: []manage.Op{manage.WebhookTest}, handle: testHook},
		{method: http.MethodPost, path: hook + "/resend", ops: []manage.Op{manage.WebhookRedeliver}, handle: resendHook},
		{method: http.MethodPost, path: hook + "/remove", ops: []manage.Op{manage.WebhookRemove}, handle: removeHook},
	}
}

func (p *page) hookRef() api.WebhookRef {
	return api.WebhookRef{PoolRef: p.poolRef(), Webhook: p.r.PathValue("webhook")}
}

func showHooks(ctx context.Context, p *page) error {
	all, err := p.c.Manage.Webhooks(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_webhooks", hooksPage(p, all.Items))
}

func newHook(ctx context.Context, p *page) error { return p.hookForm(ctx, api.Webhook{}, "") }

// hookForm shows the form of a webhook, a new one without an id, as it is or as typed.
func (p *page) hookForm(ctx context.Context, h api.Webhook, tag string) error {
	all, err := p.c.Manage.Webhooks(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	title := "webhook_edit"
	if h.ID == "" {
		title = "webhook_new"
	}
	return p.show(ctx, title, hookForm(p, h, all.Events, tag))
}

// typedHook reads what the form has.
func (p *page) typedHook() api.Webhook {
	f := p.r.PostForm
	h := api.Webhook{ID: p.r.PathValue("webhook"), Name: f.Get("name"), URL: f.Get("url"), Contacts: ticked(f, "contacts"), Events: []string{}}
	if f.Get("what") == "some" {
		h.Events = append(h.Events, f["events"]...)
		if len(h.Events) == 0 {
			h.Events = []string{""} // none of them is not all of them: it is refused
		}
	}
	return h
}

func createHook(ctx context.Context, p *page) error {
	h := p.typedHook()
	made, err := p.c.Manage.CreateWebhook(ctx, p.who, api.NewWebhook{
		PoolRef: p.poolRef(), URL: h.URL, Name: h.Name, Events: h.Events, Contacts: h.Contacts,
	})
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.hookForm(ctx, h, "")
	}
	p.r.SetPathValue("webhook", made.Webhook.ID)
	return p.hookPage(ctx, made.Secret, nil)
}

func showHook(ctx context.Context, p *page) error { return p.hookPage(ctx, "", nil) }

// hookPage shows a webhook and what it was sent, with a secret made just now and the
// answer to a test.
func (p *page) hookPage(ctx context.Context, secret string, tested *api.WebhookDelivery) error {
	h, err := p.c.Manage.Webhook(ctx, p.who, p.hookRef())
	if err != nil {
		return err
	}
	q := p.r.URL.Query()
	sent, err := p.c.Manage.WebhookDeliveries(ctx, p.who, api.WebhookDeliveries{
		WebhookRef: p.hookRef(), State: q.Get("state"), Page: api.Page{Cursor: q.Get("cursor")},
	})
	if err != nil {
		return err
	}
	return p.show(ctx, "webhook", hookPage(p, h, sent, secret, tested))
}

func editHook(ctx context.Context, p *page) error {
	h, err := p.c.Manage.Webhook(ctx, p.who, p.hookRef())
	if err != nil {
		return err
	}
	return p.hookForm(ctx, h, api.ETag(h))
}

func changeHook(ctx context.Context, p *page) error {
	h, tag := p.typedHook(), p.r.PostForm.Get("etag")
	_, err := p.c.Manage.UpdateWebhook(ctx, p.who, api.WebhookChange{
		WebhookRef: p.hookRef(), Guarded: api.Guarded{IfMatch: tag}, URL: &h.URL, Name: &h.Name, Events: &h.Events, Contacts: &h.Contacts,
	})
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.hookForm(ctx, h, tag)
	}
	return p.done(p.link("webhooks", h.ID), "saved")
}

func switchHook(ctx context.Context, p *page) error {
	on := p.r.PostForm.Get("on") == "true"
	if _, err := p.c.Manage.UpdateWebhook(ctx, p.who, api.WebhookChange{WebhookRef: p.hookRef(), Enabled: &on}); err != nil {
		return err
	}
	return p.done(p.link("webhooks", p.hookRef().Webhook), "saved")
}

func rotateHook(ctx context.Context, p *page) error {
	made, err := p.c.Manage.RotateWebhookSecret(ctx, p.who, api.RotateWebhookSecret{WebhookRef: p.hookRef(), Now: p.r.PostForm.Get("now") == "true"})
	if err != nil {
		return err
	}
	return p.hookPage(ctx, made.Secret, nil)
}

func testHook(ctx context.Context, p *page) error {
	d, err := p.c.Manage.TestWebhook(ctx, p.who, p.hookRef())
	if err != nil {
		return err
	}
	return p.hookPage(ctx, "", &d)
}

func resendHook(ctx context.Context, p *page) error {
	_, err := p.c.Manage.RedeliverWebhook(ctx, p.who, api.WebhookDeliveryRef{WebhookRef: p.hookRef(), Delivery: p.r.PostForm.Get("delivery")})
	if err != nil {
		return err
	}
	return p.done(p.link("webhooks", p.hookRef().Webhook), "webhook_resent")
}

func removeHook(ctx context.Context, p *page) error {
	if _, err := p.c.Manage.RemoveWebhook(ctx, p.who, p.hookRef()); err != nil {
		return err
	}
	return p.done(p.link("webhooks"), "webhook_removed")
}

package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) webhookOperations() []Operation {
	const list, one = "/pools/{pool}/webhooks", "/pools/{pool}/webhooks/{webhook}"
	return []Operation{
		operate(p, manage.WebhookList, http.MethodGet, list, p.core.Webhooks),
		operate(p, manage.WebhookGet, http.MethodGet, one, p.core.Webhook),
		operate(p, manage.WebhookCreate, http.MethodPost, list, p.core.CreateWebhook),
		operate(p, manage.WebhookUpdate, http.MethodPatch, one, p.core.UpdateWebhook),
		operate(p, manage.WebhookRemove, http.MethodDelete, one, p.core.RemoveWebhook),
		operate(p, manage.WebhookRotate, http.MethodPost, one+"/rotate-secret", p.core.RotateWebhookSecret),
		operate(p, manage.WebhookTest, http.MethodPost, one+"/test", p.core.TestWebhook),
		operate(p, manage.WebhookDeliveries, http.MethodGet, one+"/deliveries", p.core.WebhookDeliveries),
		operate(p, manage.WebhookRedeliver, http.MethodPost, one+"/deliveries/{delivery}/redeliver", p.core.RedeliverWebhook),
	}
}

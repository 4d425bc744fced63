package audit

// What happened to webhooks.
const (
	WebhookCreate = "webhook.create"
	WebhookChange = "webhook.change"
	WebhookRemove = "webhook.remove"
	WebhookRotate = "webhook.rotate" // a new signing secret
	WebhookStop   = "webhook.stop"   // by the server, because nothing arrived for days
	WebhookResend = "webhook.resend"
	WebhookTest   = "webhook.test"
)

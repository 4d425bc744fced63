package api

import "time"

// Webhook is an address of yours that hears what happened in a pool.
type Webhook struct {
	ID           string     `json:"id" doc:"id of the webhook"`
	Name         string     `json:"name" doc:"for people"`
	URL          string     `json:"url" doc:"where events are posted"`
	Events       []string   `json:"events" doc:"what it hears; none is everything"`
	Contacts     bool       `json:"contacts" doc:"mail addresses and phone numbers are sent in clear"`
	Enabled      bool       `json:"enabled" doc:"it is told"`
	Stopped      string     `json:"stopped,omitempty" enum:"failing,gone" doc:"why the server itself switched it off"`
	FailingSince *time.Time `json:"failing_since,omitempty" doc:"the first failure since the last success"`
	CreatedAt    time.Time  `json:"created_at" doc:"when it was made"`
	UpdatedAt    time.Time  `json:"updated_at" doc:"when it was changed"`
}

// Webhooks are those of a pool and what they can hear.
type Webhooks struct {
	Items  []Webhook `json:"items" doc:"the webhooks, oldest first"`
	Events []string  `json:"events" doc:"everything that can be heard"`
}

// WebhookRef names a webhook.
type WebhookRef struct {
	PoolRef
	Webhook string `path:"webhook" doc:"id of the webhook"`
}

// NewWebhook is a webhook to make.
type NewWebhook struct {
	PoolRef
	URL      string   `json:"url" doc:"where events are posted, https"`
	Name     string   `json:"name,omitempty" doc:"for people"`
	Events   []string `json:"events,omitempty" doc:"what to hear; everything when none is given"`
	Contacts bool     `json:"contacts,omitempty" doc:"send mail addresses and phone numbers in clear instead of masked"`
}

// MadeWebhook is a new webhook with its secret.
type MadeWebhook struct {
	Webhook Webhook `json:"webhook" doc:"the webhook"`
	Secret  string  `json:"secret" doc:"what events are signed with; it is not shown again"`
}

// WebhookChange changes a webhook; what is not given stays.
type WebhookChange struct {
	WebhookRef
	Guarded
	URL      *string   `json:"url,omitempty" doc:"where events are posted, https"`
	Name     *string   `json:"name,omitempty" doc:"for people"`
	Events   *[]string `json:"events,omitempty" doc:"what to hear; none is everything"`
	Contacts *bool     `json:"contacts,omitempty" doc:"send mail addresses and phone numbers in clear instead of masked"`
	Enabled  *bool     `json:"enabled,omitempty" doc:"tell it; what waits is given up when it is switched off"`
}

// RotateWebhookSecret makes a new signing secret.
type RotateWebhookSecret struct {
	WebhookRef
	Now bool `json:"now,omitempty" doc:"end the old secret at once, for one feared lost; otherwise both are signed with for a day"`
}

// WebhookDelivery is one event on its way to a webhook, and what became of it.
type WebhookDelivery struct {
	ID        string     `json:"id" doc:"id of the delivery"`
	EventID   string     `json:"event_id" doc:"id of the event, by which repetitions are told"`
	Type      string     `json:"type" doc:"what happened"`
	State     string     `json:"state" enum:"waiting,delivered,failed" doc:"waiting: a try is under way or will come"`
	Status    int        `json:"status" doc:"HTTP status of the last answer; 0 when there was none"`
	Latency   int64      `json:"latency_ms" doc:"how long the last try took"`
	Answer    string     `json:"answer" doc:"the beginning of the last answer, or why there was none"`
	Attempts  int        `json:"attempts" doc:"how often it was tried"`
	UserID    string     `json:"user_id,omitempty" doc:"whom it is about"`
	At        time.Time  `json:"at" doc:"when it happened"`
	CreatedAt time.Time  `json:"created_at" doc:"when it was queued"`
	TriedAt   *time.Time `json:"tried_at,omitempty" doc:"of the last try"`
	NextAt    *time.Time `json:"next_at,omitempty" doc:"of the next try"`
}

// WebhookDeliveries asks for what a webhook was sent.
type WebhookDeliveries struct {
	WebhookRef
	Page
	State string `query:"state" enum:"waiting,delivered,failed" doc:"only these"`
}

// WebhookDeliveryRef names a delivery.
type WebhookDeliveryRef struct {
	WebhookRef
	Delivery string `path:"delivery" doc:"id of the delivery"`
}

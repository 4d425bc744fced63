package webhook

import (
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
)

// TestEvent is the event of Service.Test. No webhook chooses it: all get it.
const TestEvent = "webhook.test"

// kind is an event webhooks can hear: a record of the audit trail, under a name that is
// ours to keep.
type kind struct {
	name   string
	action string
	result string // the result the record has; "" is audit.OK
}

// kinds is the only place that says what webhooks can hear.
func kinds() []kind {
	return []kind{
		{name: "user.created", action: audit.SignUp},
		{name: "user.updated", action: audit.ProfileUpdate},
		{name: "user.updated", action: audit.CustomUpdate},
		{name: "user.updated", action: audit.UserUpdate},
		{name: "user.merged", action: audit.UserMerge},
		{name: "user.deleted", action: audit.Delete},
		{name: "user.signed_in", action: audit.SignIn},
		{name: "user.signed_out", action: audit.SignOut},
		{name: "session.revoked", action: audit.SessionRevoke},
		{name: "session.stolen", action: audit.RefreshReuse, result: "refresh_invalid"},
		{name: "password.changed", action: audit.PasswordChange},
		{name: "password.changed", action: audit.PasswordReset},
		{name: "contact.bound", action: audit.ContactBind},
		{name: "contact.unbound", action: audit.ContactUnbind},
		{name: "identity.linked", action: audit.IdentityLink},
		{name: "identity.unlinked", action: audit.IdentityUnlink},
	}
}

// Events lists the names of what webhooks can hear.
func Events() []string {
	var all []string
	for _, k := range kinds() {
		if !slices.Contains(all, k.name) {
			all = append(all, k.name)
		}
	}
	return all
}

// eventOf is the name of what a record is for webhooks, "" for what they do not hear.
func eventOf(e audit.Event) string {
	for _, k := range kinds() {
		want := k.result
		if want == "" {
			want = audit.OK
		}
		if k.action == e.Action && want == e.Result {
			return k.name
		}
	}
	return ""
}

// event is one thing that happened, as it is kept until it is sent.
type event struct {
	id, name                    string
	at                          time.Time
	userID, clientID, sessionID string
}

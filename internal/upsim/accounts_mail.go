package upsim

import (
	"encoding/json"
	"fmt"
)

// MailAccounts are who may send mail, and the keys that mail may be signed with.
type MailAccounts struct {
	Mailboxes  map[string]MailAccount `json:"mail"` // by user name
	DKIM       map[string]string      `json:"dkim"` // TXT record by selector.domain
	MailServer MailServer             `json:"mail_server"`
}

// MailAccount is a user of the mail server.
type MailAccount struct {
	Password string   `json:"password"`
	Senders  []string `json:"senders,omitempty"` // domains of envelope senders; none is all
}

// MailServer says what the mail server puts up with. It is strict from the start.
type MailServer struct {
	Plain     bool `json:"plain,omitempty"`     // mail without TLS
	Anonymous bool `json:"anonymous,omitempty"` // mail without a password
}

func (a *MailAccounts) put(kind, id string, raw []byte) error {
	switch kind {
	case "mail":
		return putAccount(a.Mailboxes, id, raw)
	case "dkim":
		return putAccount(a.DKIM, id, raw)
	case "mail_server":
		if err := json.Unmarshal(raw, &a.MailServer); err != nil {
			return fmt.Errorf("upsim: mail server: %w", err)
		}
		return nil
	}
	return errNoSuchAccount
}

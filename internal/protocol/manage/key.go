package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) keyOperations() []Operation {
	const keys, secrets, tickets = "/pools/{pool}/keys", "/pools/{pool}/secrets", "/pools/{pool}/ticket-keys" //nolint:gosec // paths
	return []Operation{
		operate(p, manage.KeyList, http.MethodGet, keys, p.core.SigningKeys),
		operate(p, manage.KeyRotate, http.MethodPost, keys+"/rotate", p.core.RotateKeys),
		operate(p, manage.KeyRevoke, http.MethodDelete, keys+"/{key}", p.core.RevokeKey),
		operate(p, manage.SecretList, http.MethodGet, secrets, p.core.Secrets),
		operate(p, manage.SecretCreate, http.MethodPost, secrets, p.core.CreateSecret),
		operate(p, manage.SecretRevoke, http.MethodDelete, secrets+"/{id}", p.core.RevokeSecret),
		operate(p, manage.TicketKeyList, http.MethodGet, tickets, p.core.TicketKeys),
		operate(p, manage.TicketKeyCreate, http.MethodPost, tickets, p.core.CreateTicketKey),
		operate(p, manage.TicketKeyRevoke, http.MethodDelete, tickets+"/{id}", p.core.RevokeTicketKey),
	}
}

package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) operatorOperations() []Operation {
	const people, one, sessions, keys = "/operators", "/operators/{operator}", "/operators/{operator}/sessions", "/api-keys"
	return []Operation{
		operate(p, manage.OperatorList, http.MethodGet, people, p.core.Administrators),
		operate(p, manage.OperatorCreate, http.MethodPost, people, p.core.AddAdministrator),
		operate(p, manage.OperatorGet, http.MethodGet, one, p.core.Administrator),
		operate(p, manage.OperatorRemove, http.MethodDelete, one, p.core.RemoveAdministrator),
		operate(p, manage.OperatorSetRole, http.MethodPut, one+"/role", p.core.SetAdministratorRole),
		operate(p, manage.OperatorDisable, http.MethodPost, one+"/disable", p.core.DisableAdministrator),
		operate(p, manage.OperatorEnable, http.MethodPost, one+"/enable", p.core.EnableAdministrator),
		operate(p, manage.OperatorSessions, http.MethodGet, sessions, p.core.AdministratorSessions),
		operate(p, manage.OperatorEndSession, http.MethodDelete, sessions+"/{session}", p.core.EndAdministratorSession),
		operate(p, manage.APIKeyList, http.MethodGet, keys, p.core.APIKeys),
		operate(p, manage.APIKeyCreate, http.MethodPost, keys, p.core.CreateAPIKey),
		operate(p, manage.APIKeyRevoke, http.MethodDelete, keys+"/{key}", p.core.RevokeAPIKey),
	}
}

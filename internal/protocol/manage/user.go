package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) userOperations() []Operation {
	const person = "/pools/{pool}/users/{user}"
	return []Operation{
		operate(p, manage.UserList, http.MethodGet, "/pools/{pool}/users", p.core.Users),
		operate(p, manage.UserCreate, http.MethodPost, "/pools/{pool}/users", p.core.CreateUser),
		operate(p, manage.UserGet, http.MethodGet, person, p.core.User),
		operate(p, manage.UserUpdate, http.MethodPatch, person, p.core.UpdateUser),
		operate(p, manage.UserDelete, http.MethodDelete, person, p.core.DeleteUser),
		operate(p, manage.UserBlock, http.MethodPost, person+"/block", p.core.BlockUser),
		operate(p, manage.UserUnblock, http.MethodPost, person+"/unblock", p.core.UnblockUser),
		operate(p, manage.UserForceReset, http.MethodPost, person+"/force-password-change", p.core.ForcePasswordChange),
		operate(p, manage.UserSignOut, http.MethodPost, person+"/sign-out", p.core.SignOutUser),
		operate(p, manage.UserMerge, http.MethodPost, person+"/merge", p.core.MergeUsers),
		operate(p, manage.IdentityLink, http.MethodPost, person+"/identities", p.core.LinkIdentity),
		operate(p, manage.IdentityUnlink, http.MethodDelete, person+"/identities/{provider}", p.core.UnlinkIdentity),
		operate(p, manage.SessionList, http.MethodGet, person+"/sessions", p.core.Sessions),
		operate(p, manage.SessionRevoke, http.MethodDelete, person+"/sessions/{session}", p.core.RevokeSession),
	}
}

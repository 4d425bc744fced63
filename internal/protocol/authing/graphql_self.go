package authing

import (
	"context"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
)

// selfOperations are those of people with a token. Some of them are for managers too, who
// then name somebody of their pool.
func (p *Protocol) selfOperations() map[string]operation {
	return map[string]operation{
		"user":           either(p, query, nil, p.user),
		"updateUser":     either(p, mutation, profileWords(), p.updateUser),
		"refreshToken":   either(p, mutation, nil, p.refreshTokenOf),
		"updatePassword": own(p, mutation, passwordWords(), p.updatePassword),
		"bindPhone":      own(p, mutation, phoneWords(), p.bindPhone),
		"unbindPhone":    own(p, mutation, phoneWords(), p.unbindPhone),
		"updatePhone":    own(p, mutation, phoneWords(), p.updatePhone),
		"bindEmail":      own(p, mutation, emailWords(), p.bindEmail),
		"unbindEmail":    own(p, mutation, emailWords(), p.unbindEmail),
		"updateEmail":    own(p, mutation, emailWords(), p.updateEmail),
	}
}

// userID names a person; "" is the caller.
type userID struct {
	ID text `json:"id"`
}

// self refuses everybody but who. Somebody else and nobody look the same.
func self(who session.Principal, id text) error {
	if id != "" && string(id) != who.UserID {
		return errs.New(errs.PermissionDenied)
	}
	return nil
}

// userWithMemberships is what the root field user may be asked for.
type userWithMemberships struct {
	graphqlUser
	memberships
}

func (p *Protocol) user(ctx context.Context, s speaker, in userID) (any, error) {
	o, err := p.userOf(ctx, s, in.ID)
	if err != nil {
		return nil, err
	}
	u, err := p.graphqlUser(ctx, o)
	return userWithMemberships{u, noMemberships()}, err
}

// userOf is the caller, or, for a manager, a person of the pool.
func (p *Protocol) userOf(ctx context.Context, s speaker, id text) (userObject, error) {
	if s.manager != nil {
		u, err := p.admin.User(ctx, *s.manager, string(id))
		return p.userJSON(u, ""), err
	}
	if err := self(*s.person, id); err != nil {
		return userObject{}, err
	}
	return p.me(ctx, *s.person)
}

type updateUserRequest struct {
	ID    text      `json:"id"`
	Input userInput `json:"input"`
}

// updateUser changes the profile of the caller, or anything of a person of the pool. An
// address, a password or a mark of verification in the input of a person is passed over:
// apps send whole people back.
func (p *Protocol) updateUser(ctx context.Context, s speaker, in updateUserRequest) (any, error) {
	if s.manager != nil {
		return p.changeUser(ctx, *s.manager, string(in.ID), in.Input)
	}
	if err := self(*s.person, in.ID); err != nil {
		return nil, err
	}
	change, err := in.Input.profile.profile()
	if err != nil {
		return nil, err
	}
	u, err := p.account.UpdateProfile(ctx, *s.person, change)
	if err != nil {
		return nil, err
	}
	return p.mine(ctx, *s.person, u)
}

// refreshTokenOf gives the caller another token of their session, and a manager one of a
// new session of a person of the pool.
func (p *Protocol) refreshTokenOf(ctx context.Context, s speaker, in userID) (any, error) {
	if s.manager != nil {
		return p.tokenOf(ctx, *s.manager, string(in.ID))
	}
	if err := self(*s.person, in.ID); err != nil {
		return nil, err
	}
	return p.renewed(ctx, *s.person)
}

func (p *Protocol) tokenOf(ctx context.Context, m admin.Manager, id string) (any, error) {
	c, err := p.appOf(ctx, m)
	if err != nil {
		return nil, err
	}
	t, err := p.admin.SignIn(ctx, m, id, c, p.style(c))
	if err != nil {
		return nil, err
	}
	return tokenAnswer{Token: t.Access, IssuedAt: t.IssuedAt.Unix(), ExpiresAt: t.ExpiresAt.Unix()}, nil
}

package user

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
)

// What the profile of an identity may say besides words about the person.
const (
	// IdentityApp is whose subject it is: the vendor's app or an issuer. The same subject
	// of another is another person.
	IdentityApp = "app_id"
	// IdentityUnionGroup and IdentityUnion name the person over all providers of a group.
	IdentityUnionGroup = "union_group"
	IdentityUnion      = "union_id"
)

// Identity returns the person's identity at a provider by its subject.
func (u User) Identity(provider, subject string) (Identity, bool) {
	for _, i := range u.Identities {
		if i.Provider == provider && i.Subject == subject {
			return i, true
		}
	}
	return Identity{}, false
}

// ByUnion finds the person a union id of a group stands for.
func (s *Service) ByUnion(ctx context.Context, poolID, group, union string) (User, error) {
	if group == "" || union == "" {
		return User{}, errs.New(errs.UserNotFound)
	}
	return s.one(ctx, selectByUnion, poolID, group, union)
}

// Refresh replaces what an identity of the person says, and gives them the union id in
// it. It says IdentifierTaken, and changes nothing, when the union id stands for somebody
// else: two accounts are never made one.
func (s *Service) Refresh(ctx context.Context, poolID, id string, i Identity) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.union(ctx, poolID, id, i); err != nil {
			return err
		}
		return found(s.describe(ctx, poolID, id, i))
	})
}

// union makes the union id of i stand for the person, unless it stands for another.
func (s *Service) union(ctx context.Context, poolID, id string, i Identity) error {
	group, union := i.Profile[IdentityUnionGroup], i.Profile[IdentityUnion]
	if group == "" || union == "" {
		return nil
	}
	if err := s.claimUnion(ctx, poolID, group, union, id); err != nil {
		return err
	}
	owner, err := s.unionOwner(ctx, poolID, group, union)
	if err == nil && owner != id {
		return errs.New(errs.IdentifierTaken)
	}
	return err
}

// forget ends the union ids that no identity of the person but the gone ones stands for.
func (s *Service) forget(ctx context.Context, u User, gone string) error {
	kept := make(map[string]bool)
	for _, i := range u.Identities {
		if i.Provider != gone {
			kept[i.Profile[IdentityUnionGroup]] = true
		}
	}
	for _, i := range u.Identities {
		group := i.Profile[IdentityUnionGroup]
		if i.Provider != gone || group == "" || kept[group] {
			continue
		}
		if err := s.dropUnions(ctx, u.PoolID, u.ID, group); err != nil {
			return err
		}
	}
	return nil
}

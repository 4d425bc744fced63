package user

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// CreateMany is Create for many people of one pool at once. People may bring an ID and a
// CreatedAt of their own. Whoever has an identifier or an identity that is taken, be it by
// another of the same call, is left out, whole: the map says why, by index. It is for
// imports of some hundreds at a time.
func (s *Service) CreateMany(ctx context.Context, people []User) (left map[int]errs.Code, err error) {
	if len(people) == 0 {
		return nil, nil //nolint:nilnil // nothing is nothing.
	}
	cased, err := s.cased(ctx, people[0].PoolID)
	if err != nil {
		return nil, err
	}
	fresh := make([]newcomer, len(people))
	for i, u := range people {
		fresh[i] = newcomer{User: s.fill(u)}
		if u.Username != "" {
			fresh[i].key = contact.UsernameKey(u.Username, cased)
		}
	}
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		left = make(map[int]errs.Code)
		made := make(map[string]bool, len(fresh))
		for chunk := range slices.Chunk(fresh, bulkRows) {
			if err := s.insertMany(ctx, chunk, made); err != nil {
				return err
			}
		}
		lost, err := s.linkMany(ctx, fresh, made)
		if err != nil {
			return err
		}
		if err := s.undoMany(ctx, people[0].PoolID, lost); err != nil {
			return err
		}
		for i, u := range fresh {
			switch {
			case lost[u.ID]:
				left[i] = errs.IdentifierTaken
			case !made[u.ID]:
				if left[i], err = s.whoHas(ctx, u.User, u.key); err != nil {
					return err
				}
				if left[i] == "" { // by the id, or by another of this call that was undone
					left[i] = errs.IdentifierTaken
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create people: %w", err)
	}
	for i := range people {
		if _, out := left[i]; !out {
			people[i] = fresh[i].User
		}
	}
	return left, nil
}

// newcomer is a person with the key their user name is known by.
type newcomer struct {
	User
	key string
}

// fill gives a new person what only we know.
func (s *Service) fill(u User) User {
	now := s.now()
	if u.ID == "" {
		u.ID = secret.ID()
	}
	if u.CreatedAt.IsZero() {
		u.CreatedAt = now
	}
	u.UpdatedAt = now
	if u.HasPassword() && u.PasswordChangedAt.IsZero() {
		u.PasswordChangedAt = now
	}
	u.Custom, u.Attributes = maps.Clone(u.Custom), maps.Clone(u.Attributes)
	u.Identities = slices.Clone(u.Identities)
	for i := range u.Identities {
		if u.Identities[i].CreatedAt.IsZero() {
			u.Identities[i].CreatedAt = now
		}
	}
	return u
}

// linkMany stores the identities of the people who were made, and says who lost one of
// theirs to somebody else.
func (s *Service) linkMany(ctx context.Context, people []newcomer, made map[string]bool) (lost map[string]bool, err error) {
	var all []linking
	lost = map[string]bool{}
	for _, u := range people {
		if !made[u.ID] {
			continue
		}
		for _, i := range u.Identities {
			all = append(all, linking{Identity: i, poolID: u.PoolID, userID: u.ID})
		}
	}
	for chunk := range slices.Chunk(all, bulkRows) {
		if err := s.insertLinks(ctx, chunk, lost); err != nil {
			return nil, err
		}
	}
	for _, l := range all { // few have one
		if lost[l.userID] {
			continue
		}
		err := s.union(ctx, l.poolID, l.userID, l.Identity)
		if errs.CodeOf(err) == errs.IdentifierTaken {
			lost[l.userID] = true
		} else if err != nil {
			return nil, err
		}
	}
	return lost, nil
}

// linking is an identity about to be somebody's.
type linking struct {
	Identity
	poolID, userID string
}

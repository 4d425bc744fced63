package admin

import (
	"context"
	"slices"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// Ref names one person by the first field that is set, in this order. Values are as
// typed.
type Ref struct {
	ID, ExternalID         string
	Email, Phone, Username string
	Provider, Subject      string // a linked identity
}

// Find returns the person ref names, or UserNotFound.
func (s *Service) Find(ctx context.Context, m Manager, ref Ref) (user.User, error) {
	switch {
	case ref.ID != "":
		return s.d.Users.ByID(ctx, m.PoolID, ref.ID)
	case ref.ExternalID != "":
		return s.d.Users.ByExternalID(ctx, m.PoolID, ref.ExternalID)
	case ref.Email != "":
		return s.byIdentifier(ctx, m, contact.KindEmail, user.FieldEmail, ref.Email)
	case ref.Phone != "":
		return s.byIdentifier(ctx, m, contact.KindPhone, user.FieldPhone, ref.Phone)
	case ref.Username != "":
		return s.byIdentifier(ctx, m, contact.KindUsername, user.FieldUsername, ref.Username)
	case ref.Subject != "":
		return s.d.Users.ByIdentity(ctx, m.PoolID, ref.Provider, ref.Subject)
	}
	return user.User{}, errs.New(errs.FieldMissing, "field", "id")
}

func (s *Service) byIdentifier(ctx context.Context, m Manager, kind contact.Kind, by, typed string) (user.User, error) {
	key, ok := stored(by, typed)
	if !ok {
		return user.User{}, errs.New(errs.UserNotFound)
	}
	return s.d.Users.ByIdentifier(ctx, m.PoolID, kind, key)
}

// stored is the form in which a value is looked up; not ok is a value nobody can have.
func stored(by, typed string) (string, bool) {
	var err error
	switch by {
	case user.FieldEmail:
		typed, err = contact.Email(typed)
	case user.FieldPhone:
		typed, err = contact.Phone(typed, "")
	case user.FieldUsername:
		typed, _, err = contact.Username(typed)
	}
	return typed, err == nil && typed != ""
}

// User returns a person by id, or UserNotFound.
func (s *Service) User(ctx context.Context, m Manager, id string) (user.User, error) {
	return s.d.Users.ByID(ctx, m.PoolID, id)
}

// Exists reports whether ref names a person.
func (s *Service) Exists(ctx context.Context, m Manager, ref Ref) (bool, error) {
	_, err := s.Find(ctx, m, ref)
	if errs.CodeOf(err) == errs.UserNotFound {
		return false, nil
	}
	return err == nil, err
}

// Batch returns the people one of whose identifiers is in values, in that order and
// without those nobody has. by is user.FieldID, FieldExternalID, FieldUsername,
// FieldPhone or FieldEmail; "" is FieldID.
func (s *Service) Batch(ctx context.Context, m Manager, values []string, by string) ([]user.User, error) {
	if len(values) > maxBatch {
		return nil, errs.New(errs.FieldTooLong, "field", "ids", "max", "100")
	}
	if by == "" {
		by = user.FieldID
	}
	keys := make([]string, 0, len(values))
	for _, v := range values {
		if key, ok := stored(by, v); ok && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return s.d.Users.ByValues(ctx, m.PoolID, by, keys)
}

// List returns a page of the people of the pool, newest first, and how many there are.
// Pages count from 1; limit is user.MaxPage at most.
func (s *Service) List(ctx context.Context, m Manager, page, limit int) ([]user.User, int64, error) {
	offset, err := offsetOf(page, limit)
	if err != nil {
		return nil, 0, err
	}
	return s.d.Users.List(ctx, m.PoolID, offset, limit)
}

// Search returns a page of the people in whose fields query occurs; see user.Search.
func (s *Service) Search(ctx context.Context, m Manager, query string, fields []string, page, limit int) ([]user.User, int64, error) {
	offset, err := offsetOf(page, limit)
	if err != nil {
		return nil, 0, err
	}
	return s.d.Users.Search(ctx, m.PoolID, query, fields, offset, limit)
}

// offsetOf leaves the bounds of limit to package user.
func offsetOf(page, limit int) (int, error) {
	const deepest = 1 << 30
	if page < 1 || limit < 1 || page > deepest/limit {
		return 0, errs.New(errs.BadRequest, "field", "page")
	}
	return (page - 1) * limit, nil
}

// LoginStatus reports whether a person has a live session, at one application or, with
// "", at any.
func (s *Service) LoginStatus(ctx context.Context, m Manager, id, clientID string) (bool, error) {
	u, err := s.User(ctx, m, id)
	if err != nil {
		return false, err
	}
	sessions, err := s.d.Sessions.List(ctx, u.ID)
	if err != nil {
		return false, err
	}
	for _, v := range sessions {
		if clientID == "" || v.ClientID == clientID {
			return true, nil
		}
	}
	return false, nil
}

package user

import (
	"context"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

// MaxPage bounds one page of List and Search.
const MaxPage = 100

// What Search may look at.
const (
	FieldID         = "id"
	FieldExternalID = "external_id"
	FieldUsername   = "username"
	FieldPhone      = "phone"
	FieldEmail      = "email"
	FieldName       = "name"
	FieldNickname   = "nickname"
)

// maxQuery bounds what is searched for, in bytes.
const maxQuery = 256

// List returns a page of the people of a pool, newest first, and how many there are. It
// walks an index, and counts by it: some 150 ms in a million.
func (s *Service) List(ctx context.Context, poolID string, offset, limit int) ([]User, int64, error) {
	return s.paged(ctx, "", []any{poolID}, offset, limit)
}

// Search returns a page of the people in one of whose fields query occurs, in any case,
// newest first, and how many there are. Ids are compared whole. No fields means all.
//
// Ids alone come from an index, and user names, phone numbers or email addresses alone
// are read through theirs: a quarter of a second in a million. Any other choice reads
// every person of the pool, two seconds in a million, which is for operators and not for
// the path of a sign-in.
func (s *Service) Search(ctx context.Context, poolID, query string, fields []string, offset, limit int) ([]User, int64, error) {
	if query == "" {
		return s.List(ctx, poolID, offset, limit)
	}
	if len(query) > maxQuery {
		return nil, 0, errs.New(errs.BadRequest, "field", "query")
	}
	if len(fields) == 0 {
		fields = []string{
			FieldID, FieldExternalID, FieldUsername, FieldPhone, FieldEmail, FieldName, FieldNickname,
		}
	}
	where, args, err := anyOf(poolID, query, slices.Compact(slices.Sorted(slices.Values(fields))))
	if err != nil {
		return nil, 0, err
	}
	return s.paged(ctx, where, args, offset, limit)
}

func (s *Service) paged(ctx context.Context, where string, args []any, offset, limit int) ([]User, int64, error) {
	if offset < 0 || limit < 1 || limit > MaxPage {
		return nil, 0, errs.New(errs.BadRequest, "field", "limit")
	}
	users, err := s.page(ctx, where, args, offset, limit)
	if err != nil {
		return nil, 0, err
	}
	if n := len(users); n < limit && (n > 0 || offset == 0) { // the last page says how many there are
		return users, int64(offset + n), nil
	}
	total, err := s.count(ctx, where, args)
	return users, total, err
}

// pattern finds text anywhere; nothing in it is a wildcard.
func pattern(text string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(strings.ToLower(text)) + "%"
}

// identifier is the value of a field ByValues knows.
func (u User) identifier(field string, cased bool) string {
	switch field {
	case FieldExternalID:
		return u.ExternalID
	case FieldPhone:
		return u.Phone
	case FieldEmail:
		return u.Email
	case FieldUsername:
		return contact.UsernameKey(u.Username, cased)
	}
	return u.ID
}

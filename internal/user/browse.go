package user

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

// Place is where a page of Browse ended.
type Place struct {
	At time.Time `json:"at"` // when the last person of the page was made
	ID string    `json:"id"`
}

// Browse returns up to limit people of a pool made before a place, newest first, of a
// status or, with "", of any. The zero place is the beginning. It counts nothing and walks
// an index, so a page of a million is as quick as one of a hundred.
func (s *Service) Browse(ctx context.Context, poolID, status string, after Place, limit int) ([]User, error) {
	if limit < 1 || limit > MaxPage+1 {
		return nil, errs.New(errs.BadRequest, "field", "limit")
	}
	return s.browse(ctx, poolID, status, after, limit)
}

// Lookup returns up to limit people whom text may name: by any id whole, by the beginning
// of a user name, phone number, email address or name. Each is found by its index, in
// milliseconds among a million; Search looks inside, and takes its time.
func (s *Service) Lookup(ctx context.Context, poolID, text string, limit int) ([]User, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > maxQuery || limit < 1 || limit > MaxPage {
		return nil, errs.New(errs.BadRequest, "field", "query")
	}
	ids, err := s.lookup(ctx, poolID, beginnings(text), text, limit)
	if err != nil {
		return nil, err
	}
	found, err := s.ByIDs(ctx, poolID, ids)
	slices.SortFunc(found, func(a, b User) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return found[:min(len(found), limit)], err
}

// beginning is a column and what its value may begin with.
type beginning struct{ column, text string }

// beginnings lists what text may be the beginning of. A phone number is found however it
// is written, with its country or, in China's, without.
func beginnings(text string) []beginning {
	all := []beginning{
		{"username_key", contact.UsernameKey(text, false)},
		{"username_key", contact.UsernameKey(text, true)},
		{"email", strings.ToLower(text)},
		{"name", text},
	}
	number := strings.NewReplacer(" ", "", "-", "", "(", "", ")", "").Replace(text)
	if strings.Trim(number, "+0123456789") != "" || len(number) < 3 {
		return slices.Compact(all)
	}
	if strings.HasPrefix(number, "+") {
		return append(all, beginning{"phone", number})
	}
	return append(all, beginning{"phone", "+" + strings.TrimPrefix(number, "00")}, beginning{"phone", "+86" + number})
}

// Deleted says when the account id was deleted, and whose it became when it was merged
// into another; the zero time is an id that no deleted account had.
func (s *Service) Deleted(ctx context.Context, poolID, id string) (at time.Time, mergedTo string, err error) {
	return s.tombstone(ctx, poolID, id)
}

package user

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tigertally/tigertally/internal/db"
)

// bulkRows is how many rows one statement writes: enough that the statement costs little
// beside its rows.
const bulkRows = 100

const bulkColumns = 27

// insertMany writes people and notes in made whom the database took.
func (s *Service) insertMany(ctx context.Context, people []newcomer, made map[string]bool) error {
	args := make([]any, 0, len(people)*bulkColumns)
	for _, u := range people {
		custom, err := object(u.Custom)
		if err != nil {
			return err
		}
		attributes, err := object(u.Attributes)
		if err != nil {
			return err
		}
		args = append(args, u.ID, u.PoolID, u.Kind, u.Status, absent(u.Username), absent(u.key), absent(u.Phone), absent(u.Email),
			u.PhoneVerified, u.EmailVerified, u.PasswordHash, db.NullMillis(u.PasswordChangedAt), u.MustReset,
			u.Name, u.Picture, u.Gender, u.Locale, u.Birthdate, u.Zoneinfo, u.Description, custom,
			u.CreatedFrom, db.Millis(u.CreatedAt), db.Millis(u.UpdatedAt), attributes, absent(u.ExternalID), u.RegisteredBy)
	}
	return s.returned(ctx, func(id string) { made[id] = true }, `INSERT INTO users (id, pool_id, kind, status, username, username_key, phone, email,
		phone_verified, email_verified, password_hash, password_changed_at, must_reset,
		name, picture, gender, locale, birthdate, zoneinfo, description, custom,
		created_from, created_at, updated_at, attributes, external_id, registered_by)
		VALUES `+db.Tuples(len(people), bulkColumns)+` ON CONFLICT DO NOTHING RETURNING id`, args...)
}

// insertLinks writes identities and notes in lost whose were somebody else's.
func (s *Service) insertLinks(ctx context.Context, links []linking, lost map[string]bool) error {
	type subject struct{ provider, subject string }
	owners := make(map[subject]string, len(links))
	args := make([]any, 0, len(links)*7)
	for _, l := range links {
		profile, err := identityProfile(l.Identity)
		if err != nil {
			return err
		}
		key := subject{l.Provider, l.Subject}
		if owner, twice := owners[key]; twice && owner != l.userID {
			lost[l.userID] = true
		} else {
			owners[key] = l.userID
		}
		args = append(args, l.poolID, l.Provider, l.Subject, l.userID, l.Name, profile, db.Millis(l.CreatedAt))
	}
	rows, err := s.db.Query(ctx, `INSERT INTO identities (pool_id, provider, subject, user_id, name, profile, created_at)
		VALUES `+db.Tuples(len(links), 7)+` ON CONFLICT DO NOTHING RETURNING provider, subject`, args...)
	if err != nil {
		return fmt.Errorf("user: link many: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	for rows.Next() {
		var k subject
		if err := rows.Scan(&k.provider, &k.subject); err != nil {
			return fmt.Errorf("user: link many: %w", err)
		}
		delete(owners, k)
	}
	for _, owner := range owners {
		lost[owner] = true
	}
	return rows.Err()
}

// undoMany takes back people who were made in this transaction.
func (s *Service) undoMany(ctx context.Context, poolID string, ids map[string]bool) error {
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(ids)), bulkRows) {
		args := []any{poolID}
		for _, id := range chunk {
			args = append(args, id)
		}
		if _, err := s.db.Exec(ctx, `DELETE FROM users WHERE pool_id = $1 AND id IN (`+db.In(2, len(chunk))+`)`, args...); err != nil {
			return fmt.Errorf("user: take back: %w", err)
		}
	}
	return nil
}

// returned runs a statement and calls each with the texts it returns.
func (s *Service) returned(ctx context.Context, each func(string), query string, args ...any) error {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("user: write many: %w", err)
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return fmt.Errorf("user: write many: %w", err)
		}
		each(text)
	}
	return rows.Err()
}

// Gone says which of the ids belonged to somebody who was deleted; nobody else ever gets
// one of those (DL-02).
func (s *Service) Gone(ctx context.Context, poolID string, ids []string) (map[string]bool, error) {
	gone := map[string]bool{}
	for chunk := range slices.Chunk(ids, bulkRows) {
		args := []any{poolID}
		for _, id := range chunk {
			args = append(args, id)
		}
		err := s.returned(ctx, func(id string) { gone[id] = true }, `SELECT user_id FROM tombstones
			WHERE pool_id = $1 AND user_id IN (`+db.In(2, len(chunk))+`)`, args...)
		if err != nil {
			return nil, err
		}
	}
	return gone, nil
}

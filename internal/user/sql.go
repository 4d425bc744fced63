package user

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
)

// A person and their identities are read by one statement: a row per identity, or one
// row with NULLs.
const userColumns = `SELECT u.id, u.pool_id, u.kind, u.status, u.username, u.phone, u.email,
	u.phone_verified, u.email_verified, u.password_hash, u.password_changed_at, u.must_reset,
	u.name, u.picture, u.gender, u.locale, u.birthdate, u.zoneinfo, u.description, u.custom,
	u.attributes, u.external_id, u.created_from, u.registered_by, u.sign_ins, u.last_ip,
	u.created_at, u.updated_at, u.last_sign_in_at,
	i.provider, i.subject, i.name, i.profile, i.created_at `

const selectUsers = userColumns + `FROM users u LEFT JOIN identities i ON i.user_id = u.id `

const (
	selectByID       = selectUsers + `WHERE u.pool_id = $1 AND u.id = $2`
	selectByPhone    = selectUsers + `WHERE u.pool_id = $1 AND u.phone = $2`
	selectByEmail    = selectUsers + `WHERE u.pool_id = $1 AND u.email = $2`
	selectByUsername = selectUsers + `WHERE u.pool_id = $1 AND u.username_key = $2`
	selectByIdentity = selectUsers + `WHERE u.id = (SELECT x.user_id FROM identities x
	WHERE x.pool_id = $1 AND x.provider = $2 AND x.subject = $3)`
	selectByUnion = selectUsers + `WHERE u.id = (SELECT x.user_id FROM unions x
	WHERE x.pool_id = $1 AND x.union_group = $2 AND x.union_id = $3)`
	selectByExternalID = selectUsers + `WHERE u.pool_id = $1 AND u.external_id = $2`
)

// one reads the single person a query finds.
func (s *Service) one(ctx context.Context, query string, args ...any) (User, error) {
	users, err := s.read(ctx, query, args...)
	if err != nil {
		return User{}, err
	}
	if len(users) == 0 {
		return User{}, errs.New(errs.UserNotFound)
	}
	return users[0], nil
}

// having reads people by one unique column, in the order of values.
func (s *Service) having(ctx context.Context, poolID, field string, values []string) ([]User, error) {
	column, ok := map[string]string{
		FieldID: "u.id", FieldExternalID: "u.external_id", FieldUsername: "u.username_key",
		FieldPhone: "u.phone", FieldEmail: "u.email",
	}[field]
	if !ok {
		return nil, errs.New(errs.BadRequest, "field", "field")
	}
	cased, err := s.cased(ctx, poolID)
	if err != nil {
		return nil, err
	}
	if field == FieldUsername {
		values = slices.Clone(values)
		for i, v := range values {
			values[i] = contact.UsernameKey(v, cased)
		}
	}
	args := []any{poolID}
	for _, v := range values {
		args = append(args, v)
	}
	pool := `u.pool_id`
	if field == FieldID {
		// Concatenation keeps SQLite from reading the whole pool by an index of it: each id
		// is looked up instead.
		pool = `(u.pool_id || '')`
	}
	users, err := s.read(ctx, selectUsers+`WHERE `+pool+` = $1 AND `+column+` IN (`+db.In(2, len(values))+`)`, args...)
	if err != nil {
		return nil, err
	}
	place := func(u User) int { return slices.Index(values, u.identifier(field, cased)) }
	slices.SortStableFunc(users, func(a, b User) int { return cmp.Compare(place(a), place(b)) })
	return users, nil
}

// read returns people in the order of their first rows.
func (s *Service) read(ctx context.Context, query string, args ...any) ([]User, error) {
	rows, err := s.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("user: read: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var users []User
	place := make(map[string]int, 1)
	for rows.Next() {
		u, i, err := scan(rows)
		if err != nil {
			return nil, err
		}
		at, known := place[u.ID]
		if !known {
			at = len(users)
			users, place[u.ID] = append(users, u), at
		}
		if i != nil {
			users[at].Identities = append(users[at].Identities, *i)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("user: read: %w", err)
	}
	return users, nil
}

// scan reads one row; the identity is nil when the person has none.
func scan(rows *sql.Rows) (User, *Identity, error) {
	var u User
	var username, phone, email, external, provider, subject, name, profile sql.NullString
	var changed, signedIn, linked sql.NullInt64
	var created, updated int64
	var custom, attributes string
	err := rows.Scan(&u.ID, &u.PoolID, &u.Kind, &u.Status, &username, &phone, &email,
		&u.PhoneVerified, &u.EmailVerified, &u.PasswordHash, &changed, &u.MustReset,
		&u.Name, &u.Picture, &u.Gender, &u.Locale, &u.Birthdate, &u.Zoneinfo, &u.Description, &custom,
		&attributes, &external, &u.CreatedFrom, &u.RegisteredBy, &u.SignIns, &u.LastIP,
		&created, &updated, &signedIn,
		&provider, &subject, &name, &profile, &linked)
	if err != nil {
		return User{}, nil, fmt.Errorf("user: scan: %w", err)
	}
	u.Username, u.Phone, u.Email, u.ExternalID = username.String, phone.String, email.String, external.String
	u.CreatedAt, u.UpdatedAt = db.Time(created), db.Time(updated)
	u.PasswordChangedAt, u.LastSignInAt = optional(changed), optional(signedIn)
	if err := json.Unmarshal([]byte(custom), &u.Custom); err != nil {
		return User{}, nil, fmt.Errorf("user: custom fields of %s: %w", u.ID, err)
	}
	if err := json.Unmarshal([]byte(attributes), &u.Attributes); err != nil {
		return User{}, nil, fmt.Errorf("user: attributes of %s: %w", u.ID, err)
	}
	if !provider.Valid {
		return u, nil, nil
	}
	i := Identity{Provider: provider.String, Subject: subject.String, Name: name.String, CreatedAt: optional(linked)}
	if err := json.Unmarshal([]byte(profile.String), &i.Profile); err != nil {
		return User{}, nil, fmt.Errorf("user: identity profile of %s: %w", u.ID, err)
	}
	return u, &i, nil
}

func optional(ms sql.NullInt64) time.Time {
	if !ms.Valid {
		return time.Time{}
	}
	return db.Time(ms.Int64)
}

// absent stores an empty identifier as NULL, which no unique index compares.
func absent(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// taken reports whether somebody other than exceptID has one of the identifiers.
func (s *Service) taken(ctx context.Context, poolID, exceptID, usernameKey, phone, email, externalID string) (bool, error) {
	var n int64
	err := s.db.QueryRow(ctx, `SELECT COUNT(*) FROM users
		WHERE pool_id = $1 AND id <> $2 AND (username_key = $3 OR phone = $4 OR email = $5 OR external_id = $6)`,
		poolID, exceptID, absent(usernameKey), absent(phone), absent(email), absent(externalID)).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("user: look for owner: %w", err)
	}
	return n > 0, nil
}

func (s *Service) insert(ctx context.Context, u User) error {
	key, err := s.usernameKey(ctx, u.PoolID, u.Username)
	if err != nil {
		return err
	}
	custom, err := object(u.Custom)
	if err != nil {
		return err
	}
	attributes, err := object(u.Attributes)
	if err != nil {
		return err
	}
	n, err := s.db.Exec(ctx, `INSERT INTO users (id, pool_id, kind, status, username, username_key, phone, email,
		phone_verified, email_verified, password_hash, password_changed_at, must_reset,
		name, picture, gender, locale, birthdate, zoneinfo, description, custom,
		created_from, created_at, updated_at, last_sign_in_at, attributes, external_id, registered_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
		$22, $23, $24, NULL, $25, $26, $27) ON CONFLICT DO NOTHING`,
		u.ID, u.PoolID, u.Kind, u.Status, absent(u.Username), absent(key), absent(u.Phone), absent(u.Email),
		u.PhoneVerified, u.EmailVerified, u.PasswordHash, db.NullMillis(u.PasswordChangedAt), u.MustReset,
		u.Name, u.Picture, u.Gender, u.Locale, u.Birthdate, u.Zoneinfo, u.Description, custom,
		u.CreatedFrom, db.Millis(u.CreatedAt), db.Millis(u.UpdatedAt),
		attributes, absent(u.ExternalID), u.RegisteredBy)
	if err != nil {
		return fmt.Errorf("user: insert: %w", err)
	}
	if n == 1 {
		return nil
	}
	code, err := s.whoHas(ctx, u, key)
	if err != nil {
		return err
	}
	if code == "" { // the owner was deleted since: the caller may try again
		code = errs.IdentifierTaken
	}
	return errs.New(code)
}

// object is how the columns that hold a JSON object are written.
func object[V any](fields map[string]V) (string, error) {
	if len(fields) == 0 {
		return "{}", nil
	}
	b, err := json.Marshal(fields)
	if err != nil {
		return "", fmt.Errorf("user: encode fields: %w", err)
	}
	return string(b), nil
}

// promote is guarded by the kind, so that one of many conversions wins (TK-04).
func (s *Service) promote(ctx context.Context, u User) error {
	key, err := s.usernameKey(ctx, u.PoolID, u.Username)
	if err != nil {
		return err
	}
	attributes, err := object(u.Attributes)
	if err != nil {
		return err
	}
	n, err := s.db.Exec(ctx, `UPDATE users SET kind = $3, username = $4, username_key = $5, phone = $6, email = $7,
		phone_verified = $8, email_verified = $9, password_hash = $10, password_changed_at = $11,
		name = $12, picture = $13, gender = $14, locale = $15, birthdate = $16, zoneinfo = $17, description = $18,
		updated_at = $19, attributes = $20, registered_by = $21
		WHERE pool_id = $1 AND id = $2 AND kind = 'anonymous' AND status = 'active' AND NOT EXISTS (
			SELECT 1 FROM users o WHERE o.pool_id = $1 AND o.id <> $2
			AND (o.username_key = $5 OR o.phone = $6 OR o.email = $7))`,
		u.PoolID, u.ID, u.Kind, absent(u.Username), absent(key), absent(u.Phone), absent(u.Email),
		u.PhoneVerified, u.EmailVerified, u.PasswordHash, db.NullMillis(u.PasswordChangedAt),
		u.Name, u.Picture, u.Gender, u.Locale, u.Birthdate, u.Zoneinfo, u.Description, db.Millis(u.UpdatedAt),
		attributes, u.RegisteredBy)
	if err != nil {
		return fmt.Errorf("user: promote: %w", err)
	}
	if n == 1 {
		return nil
	}
	code, err := s.whoHas(ctx, u, key)
	if err != nil {
		return err
	}
	if code == "" {
		code = errs.AnonymousInvalid
	}
	return errs.New(code)
}

func (s *Service) updateProfile(ctx context.Context, u User) error {
	key, err := s.usernameKey(ctx, u.PoolID, u.Username)
	if err != nil {
		return err
	}
	attributes, err := object(u.Attributes)
	if err != nil {
		return err
	}
	n, err := s.db.Exec(ctx, `UPDATE users SET username = $3, username_key = $4, name = $5, picture = $6, gender = $7,
		locale = $8, birthdate = $9, zoneinfo = $10, description = $11, updated_at = $12, attributes = $13
		WHERE pool_id = $1 AND id = $2 AND NOT EXISTS (
			SELECT 1 FROM users o WHERE o.pool_id = $1 AND o.id <> $2 AND o.username_key = $4)`,
		u.PoolID, u.ID, absent(u.Username), absent(key), u.Name, u.Picture, u.Gender,
		u.Locale, u.Birthdate, u.Zoneinfo, u.Description, db.Millis(u.UpdatedAt), attributes)
	if err != nil {
		return fmt.Errorf("user: update profile: %w", err)
	}
	if n == 0 {
		return errs.New(errs.UsernameTaken)
	}
	return nil
}

func (s *Service) setPassword(ctx context.Context, poolID, id, phc string, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET password_hash = $3, must_reset = $5, updated_at = $4,
		password_changed_at = CASE WHEN password_changed_at >= $4 THEN password_changed_at + 1 ELSE $4 END
		WHERE pool_id = $1 AND id = $2`, poolID, id, phc, db.Millis(at), false)
}

func (s *Service) rehash(ctx context.Context, poolID, id, old, phc string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET password_hash = $4 WHERE pool_id = $1 AND id = $2 AND password_hash = $3`,
		poolID, id, old, phc)
}

func (s *Service) setPhone(ctx context.Context, u User, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET phone = $3, phone_verified = $4, updated_at = $5
		WHERE pool_id = $1 AND id = $2 AND NOT EXISTS (
			SELECT 1 FROM users o WHERE o.pool_id = $1 AND o.id <> $2 AND o.phone = $3)`,
		u.PoolID, u.ID, u.Phone, true, db.Millis(at))
}

func (s *Service) setEmail(ctx context.Context, u User, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET email = $3, email_verified = $4, updated_at = $5
		WHERE pool_id = $1 AND id = $2 AND NOT EXISTS (
			SELECT 1 FROM users o WHERE o.pool_id = $1 AND o.id <> $2 AND o.email = $3)`,
		u.PoolID, u.ID, u.Email, true, db.Millis(at))
}

func (s *Service) verifyPhone(ctx context.Context, u User, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET phone_verified = $4, updated_at = $5
		WHERE pool_id = $1 AND id = $2 AND phone = $3`, u.PoolID, u.ID, u.Phone, true, db.Millis(at))
}

func (s *Service) verifyEmail(ctx context.Context, u User, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET email_verified = $4, updated_at = $5
		WHERE pool_id = $1 AND id = $2 AND email = $3`, u.PoolID, u.ID, u.Email, true, db.Millis(at))
}

// keepOnly leaves the person the contacts and the password of u, as long as they still
// have the one that was proved.
func (s *Service) keepOnly(ctx context.Context, u User, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET phone = $3, phone_verified = $4, email = $5, email_verified = $6,
		password_hash = $7, password_changed_at = $8, must_reset = $9, updated_at = $10
		WHERE pool_id = $1 AND id = $2 AND (phone = $3 OR email = $5)`,
		u.PoolID, u.ID, absent(u.Phone), u.PhoneVerified, absent(u.Email), u.EmailVerified,
		u.PasswordHash, db.NullMillis(u.PasswordChangedAt), u.MustReset, db.Millis(at))
}

func (s *Service) clearPhone(ctx context.Context, poolID, id string, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET phone = NULL, phone_verified = $3, updated_at = $4
		WHERE pool_id = $1 AND id = $2 AND phone IS NOT NULL AND (email IS NOT NULL
			OR EXISTS (SELECT 1 FROM identities i WHERE i.user_id = users.id))`, poolID, id, false, db.Millis(at))
}

func (s *Service) clearEmail(ctx context.Context, poolID, id string, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET email = NULL, email_verified = $3, updated_at = $4
		WHERE pool_id = $1 AND id = $2 AND email IS NOT NULL AND (phone IS NOT NULL
			OR EXISTS (SELECT 1 FROM identities i WHERE i.user_id = users.id))`, poolID, id, false, db.Millis(at))
}

func (s *Service) setCustom(ctx context.Context, poolID, id, custom string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET custom = $3 WHERE pool_id = $1 AND id = $2`, poolID, id, custom)
}

// overwrite stores all an operator may change, unless somebody else has an identifier.
func (s *Service) overwrite(ctx context.Context, u User) (int64, error) {
	key, err := s.usernameKey(ctx, u.PoolID, u.Username)
	if err != nil {
		return 0, err
	}
	attributes, err := object(u.Attributes)
	if err != nil {
		return 0, err
	}
	n, err := s.db.Exec(ctx, `UPDATE users SET status = $3, username = $4, username_key = $5, phone = $6, email = $7,
		phone_verified = $8, email_verified = $9, password_hash = $10, password_changed_at = $11, must_reset = $12,
		name = $13, picture = $14, gender = $15, locale = $16, birthdate = $17, zoneinfo = $18, description = $19,
		attributes = $20, external_id = $21, updated_at = $22
		WHERE pool_id = $1 AND id = $2 AND NOT EXISTS (
			SELECT 1 FROM users o WHERE o.pool_id = $1 AND o.id <> $2
			AND (o.username_key = $5 OR o.phone = $6 OR o.email = $7 OR o.external_id = $21))`,
		u.PoolID, u.ID, u.Status, absent(u.Username), absent(key), absent(u.Phone), absent(u.Email),
		u.PhoneVerified, u.EmailVerified, u.PasswordHash, db.NullMillis(u.PasswordChangedAt), u.MustReset,
		u.Name, u.Picture, u.Gender, u.Locale, u.Birthdate, u.Zoneinfo, u.Description,
		attributes, absent(u.ExternalID), db.Millis(u.UpdatedAt))
	if err != nil {
		return 0, fmt.Errorf("user: update: %w", err)
	}
	return n, nil
}

func (s *Service) setStatus(ctx context.Context, poolID, id, status string, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET status = $3, updated_at = $4 WHERE pool_id = $1 AND id = $2`,
		poolID, id, status, db.Millis(at))
}

// passwordChanged is when the password of u was set, as statements compare it.
func passwordChanged(u User) int64 {
	if u.PasswordChangedAt.IsZero() {
		return 0
	}
	return db.Millis(u.PasswordChangedAt)
}

func (s *Service) hold(ctx context.Context, u User, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET updated_at = $3
		WHERE pool_id = $1 AND id = $2 AND COALESCE(password_changed_at, 0) = $4`,
		u.PoolID, u.ID, db.Millis(at), passwordChanged(u))
}

func (s *Service) touch(ctx context.Context, u User, ip string, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET last_sign_in_at = $3, sign_ins = sign_ins + 1, last_ip = $5
		WHERE pool_id = $1 AND id = $2 AND status = 'active' AND COALESCE(password_changed_at, 0) = $4`,
		u.PoolID, u.ID, db.Millis(at), passwordChanged(u), ip)
}

// await makes two changes of one person take turns, and changes nothing.
func (s *Service) await(ctx context.Context, poolID, id string) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET updated_at = updated_at WHERE pool_id = $1 AND id = $2`, poolID, id)
}

func (s *Service) stamp(ctx context.Context, poolID, id string, at time.Time) (int64, error) {
	return s.db.Exec(ctx, `UPDATE users SET updated_at = $3 WHERE pool_id = $1 AND id = $2`, poolID, id, db.Millis(at))
}

// remove returns the picture the person had.
func (s *Service) remove(ctx context.Context, poolID, id string) (picture string, err error) {
	err = s.db.QueryRow(ctx, `DELETE FROM users WHERE pool_id = $1 AND id = $2 RETURNING picture`, poolID, id).Scan(&picture)
	return picture, err
}

func (s *Service) pictured(ctx context.Context, poolID, picture string) (bool, error) {
	var n int
	err := s.db.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM users WHERE pool_id = $1 AND picture = $2 LIMIT 1) AS one`,
		poolID, picture).Scan(&n)
	return n > 0, err
}

func (s *Service) removeAll(ctx context.Context, poolID string) error {
	_, err := s.db.Exec(ctx, `DELETE FROM users WHERE pool_id = $1`, poolID)
	return err
}

// page reads the people where the condition holds, newest first, with their identities:
// the inner statement walks an index, and only the page's rows are read whole.
func (s *Service) page(ctx context.Context, where string, args []any, offset, limit int) ([]User, error) {
	n, order := len(args), `p.created_at DESC`
	if where != "" {
		// The sign keeps SQLite from walking the people in this order: it reads the index
		// of what is searched instead.
		order = `+p.created_at DESC`
	}
	inner := `SELECT p.id FROM users p WHERE p.pool_id = $1` + where +
		` ORDER BY ` + order + `, p.id DESC LIMIT ` + db.In(n+1, 1) + ` OFFSET ` + db.In(n+2, 1)
	return s.read(ctx, userColumns+`FROM (`+inner+`) q JOIN users u ON u.id = q.id
		LEFT JOIN identities i ON i.user_id = u.id
		ORDER BY u.created_at DESC, u.id DESC, i.created_at, i.provider`, append(slices.Clip(args), limit, offset)...)
}

func (s *Service) count(ctx context.Context, where string, args []any) (int64, error) {
	var n int64
	err := s.db.QueryRow(ctx, `SELECT COUNT(*) FROM users p WHERE p.pool_id = $1`+where, args...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("user: count: %w", err)
	}
	return n, nil
}

// matches maps what may be searched to its condition; ? is the text to find, a LIKE
// pattern except for ids. Of user names and addresses the index holds those there are,
// and json() makes the text a JSON value on both engines.
func matches() map[string]string {
	return map[string]string{
		FieldID:         `p.id = ?`,
		FieldExternalID: `p.external_id = ?`,
		FieldUsername:   `p.username_key IS NOT NULL AND p.username_key LIKE ? ESCAPE '!'`,
		FieldPhone:      `p.phone IS NOT NULL AND p.phone LIKE ? ESCAPE '!'`,
		FieldEmail:      `p.email IS NOT NULL AND LOWER(p.email) LIKE ? ESCAPE '!'`,
		FieldName:       `LOWER(p.name) LIKE ? ESCAPE '!'`,
		FieldNickname:   `LOWER(json(p.attributes) ->> 'nickname') LIKE ? ESCAPE '!'`,
	}
}

// anyOf is the condition that one of the fields is query, for ids, or holds it.
func anyOf(poolID, query string, fields []string) (where string, args []any, err error) {
	args = []any{poolID}
	known := matches()
	var or []string
	for _, f := range fields {
		condition, ok := known[f]
		if !ok {
			return "", nil, errs.New(errs.BadRequest, "field", "fields")
		}
		if f == FieldID || f == FieldExternalID {
			args = append(args, query)
		} else {
			args = append(args, pattern(query))
		}
		or = append(or, strings.Replace(condition, "?", db.In(len(args), 1), 1))
	}
	return ` AND (` + strings.Join(or, " OR ") + `)`, args, nil
}

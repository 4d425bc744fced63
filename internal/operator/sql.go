package operator

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

func (s *Service) countOperators(ctx context.Context) (n int, err error) {
	err = s.d.DB.QueryRow(ctx, `SELECT COUNT(*) FROM operators`).Scan(&n)
	return n, err
}

func (s *Service) countOwners(ctx context.Context) (n int, err error) {
	err = s.d.DB.QueryRow(ctx, `SELECT COUNT(*) FROM operators WHERE role = $1 AND disabled_at IS NULL`,
		string(Owner)).Scan(&n)
	return n, err
}

func (s *Service) lockGuard(ctx context.Context) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE operator_guard SET changes = changes + 1 WHERE id = 1`)
	return err
}

func (s *Service) setBootstrap(ctx context.Context, hash []byte, until time.Time) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE operator_guard SET bootstrap = $1, bootstrap_until = $2
		WHERE id = 1 AND NOT EXISTS (SELECT 1 FROM operators)`, hash, db.Millis(until))
}

func (s *Service) peekBootstrap(ctx context.Context, hash []byte) (bool, error) {
	var n int
	err := s.d.DB.QueryRow(ctx, `SELECT COUNT(*) FROM operator_guard WHERE bootstrap = $1 AND bootstrap_until > $2
		AND NOT EXISTS (SELECT 1 FROM operators)`, hash, db.Millis(s.d.Now())).Scan(&n)
	return n == 1, err
}

func (s *Service) spendBootstrap(ctx context.Context, hash []byte) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE operator_guard SET bootstrap = NULL, changes = changes + 1
		WHERE id = 1 AND bootstrap = $1 AND bootstrap_until > $2
		AND NOT EXISTS (SELECT 1 FROM operators)`, hash, db.Millis(s.d.Now()))
}

func (s *Service) insertOperator(ctx context.Context, a account) (int64, error) {
	pools, err := list(a.pools)
	if err != nil {
		return 0, err
	}
	now := db.Millis(s.d.Now())
	return s.d.DB.Exec(ctx, `INSERT INTO operators (id, name, name_key, role, pools, password, totp_step, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $7) ON CONFLICT DO NOTHING`,
		a.id, a.name, a.key, string(a.role), pools, a.phc, now)
}

const accountColumns = `o.id, o.name, o.name_key, o.role, o.pools, o.password, o.totp, o.totp_fresh, o.disabled_at`

// accountRow receives accountColumns.
type accountRow struct {
	account
	poolList   *string
	disabledAt *int64
}

func (r *accountRow) dest() []any {
	return []any{
		&r.id, &r.name, &r.key, &r.role, &r.poolList, &r.phc, &r.seed, &r.fresh, &r.disabledAt,
	}
}

func (r *accountRow) read() (account, error) {
	r.disabled = r.disabledAt != nil
	err := parse(r.poolList, &r.pools)
	return r.account, err
}

func (s *Service) findByName(ctx context.Context, key string) (account, error) {
	var r accountRow
	err := s.d.DB.QueryRow(ctx, `SELECT `+accountColumns+` FROM operators o WHERE o.name_key = $1`, key).Scan(r.dest()...)
	if err != nil {
		return account{}, err
	}
	return r.read()
}

func (s *Service) findByID(ctx context.Context, id string) (account, error) {
	var r accountRow
	err := s.d.DB.QueryRow(ctx, `SELECT `+accountColumns+` FROM operators o WHERE o.id = $1`, id).Scan(r.dest()...)
	if err != nil {
		return account{}, err
	}
	return r.read()
}

// listOperators lists all of them, or the one with an id.
func (s *Service) listOperators(ctx context.Context, id string) ([]Person, error) {
	rows, err := s.d.DB.Query(ctx, `SELECT o.id, o.name, o.role, o.pools, o.disabled_at, o.totp IS NOT NULL,
		(SELECT COUNT(*) FROM operator_recovery r WHERE r.operator_id = o.id AND r.used_at IS NULL), o.created_at, o.seen_at
		FROM operators o WHERE $1 = '' OR o.id = $1 ORDER BY o.name_key`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var all []Person
	for rows.Next() {
		var p Person
		var pools *string
		var disabled, seen *int64
		var created int64
		if err := rows.Scan(&p.ID, &p.Name, &p.Role, &pools, &disabled, &p.Factor, &p.Recovery, &created, &seen); err != nil {
			return nil, err
		}
		if err := parse(pools, &p.Pools); err != nil {
			return nil, err
		}
		p.Disabled, p.CreatedAt, p.LastSignIn = disabled != nil, db.Time(created), optional(seen)
		all = append(all, p)
	}
	return all, rows.Err()
}

func (s *Service) listNames(ctx context.Context) (map[string]string, error) {
	rows, err := s.d.DB.Query(ctx, `SELECT 'operator:' || id, name FROM operators UNION ALL SELECT 'key:' || id, name FROM operator_keys`)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	names := map[string]string{}
	for rows.Next() {
		var actor, name string
		if err := rows.Scan(&actor, &name); err != nil {
			return nil, err
		}
		names[actor] = name
	}
	return names, rows.Err()
}

// touchPassword notes a sign-in, and replaces the password when fresh is not empty, while
// it is still the one that was compared.
func (s *Service) touchPassword(ctx context.Context, a account, fresh string) (int64, error) {
	if fresh == "" {
		fresh = a.phc
	}
	return s.d.DB.Exec(ctx, `UPDATE operators SET password = $1, seen_at = $2 WHERE id = $3 AND password = $4 AND disabled_at IS NULL`,
		fresh, db.Millis(s.d.Now()), a.id, a.phc)
}

func (s *Service) updatePassword(ctx context.Context, id, phc string) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE operators SET password = $1, updated_at = $2 WHERE id = $3`, phc, db.Millis(s.d.Now()), id)
	return err
}

func (s *Service) updateRole(ctx context.Context, id string, role Role, pools []string) error {
	text, err := list(pools)
	if err != nil {
		return err
	}
	_, err = s.d.DB.Exec(ctx, `UPDATE operators SET role = $1, pools = $2, updated_at = $3 WHERE id = $4`,
		string(role), text, db.Millis(s.d.Now()), id)
	return err
}

func (s *Service) setDisabled(ctx context.Context, id string, disabled bool) error {
	now := db.Millis(s.d.Now())
	var at any
	if disabled {
		at = now
	}
	_, err := s.d.DB.Exec(ctx, `UPDATE operators SET disabled_at = $1, updated_at = $2 WHERE id = $3`, at, now, id)
	return err
}

func (s *Service) deleteOperator(ctx context.Context, id string) error {
	_, err := s.d.DB.Exec(ctx, `DELETE FROM operators WHERE id = $1`, id)
	return err
}

func (s *Service) offerSeed(ctx context.Context, id string, sealed []byte) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE operators SET totp_fresh = $1 WHERE id = $2`, sealed, id)
	return err
}

// takeSeed takes the authenticator that was shown into use, unless another was shown since.
// sealed is the same in the form it is kept in.
func (s *Service) takeSeed(ctx context.Context, live liveSession, sealed []byte, step int64) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE operators SET totp = $1, totp_fresh = NULL, totp_step = $2, updated_at = $3
		WHERE id = $4 AND totp_fresh = $5 AND disabled_at IS NULL`,
		sealed, step, db.Millis(s.d.Now()), live.account.id, live.fresh)
}

func (s *Service) clearSeed(ctx context.Context, id string) error {
	_, err := s.d.DB.Exec(ctx, `UPDATE operators SET totp = NULL, totp_fresh = NULL, updated_at = $1 WHERE id = $2`,
		db.Millis(s.d.Now()), id)
	return err
}

// spendStep takes a time step once: neither its code nor an older one is good again.
func (s *Service) spendStep(ctx context.Context, id string, sealed []byte, step int64) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE operators SET totp_step = $1
		WHERE id = $2 AND totp = $3 AND totp_step < $1 AND disabled_at IS NULL`, step, id, sealed)
}

func (s *Service) spendRecovery(ctx context.Context, id string, hash []byte) (int64, error) {
	return s.d.DB.Exec(ctx, `UPDATE operator_recovery SET used_at = $1
		WHERE operator_id = $2 AND hash = $3 AND used_at IS NULL`, db.Millis(s.d.Now()), id, hash)
}

func (s *Service) insertRecovery(ctx context.Context, id string, hash []byte) error {
	_, err := s.d.DB.Exec(ctx, `INSERT INTO operator_recovery (operator_id, hash) VALUES ($1, $2)`, id, hash)
	return err
}

func (s *Service) deleteRecovery(ctx context.Context, id string) error {
	_, err := s.d.DB.Exec(ctx, `DELETE FROM operator_recovery WHERE operator_id = $1`, id)
	return err
}

// list writes a list that may be nil, which is NULL.
func list[T any](items []T) (any, error) {
	if items == nil {
		return nil, nil //nolint:nilnil // NULL is the value.
	}
	raw, err := json.Marshal(items)
	return string(raw), err
}

func parse[T any](text *string, into *[]T) error {
	if text == nil {
		return nil
	}
	*into = []T{}
	return json.Unmarshal([]byte(*text), into)
}

func optional(ms *int64) time.Time {
	if ms == nil {
		return time.Time{}
	}
	return db.Time(*ms)
}

func (s *Service) insertSession(ctx context.Context, o Opened, from caller.Info, now time.Time) error {
	_, err := s.d.DB.Exec(ctx, `INSERT INTO operator_sessions
		(id, hash, operator_id, sudo_until, ip, user_agent, created_at, seen_at, expires_at)
		VALUES ($1, $2, $3, 0, $4, $5, $6, $6, $7)`,
		o.Principal.SessionID, secret.Hash(o.Token), o.Principal.ID, from.IP(), from.UserAgent, db.Millis(now), db.Millis(o.ExpiresAt))
	return err
}

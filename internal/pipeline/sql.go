package pipeline

import (
	"context"
	"database/sql"
	"errors"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
)

const columns = `f.id, f.pool_id, f.point, f.name, f.description, f.position, f.enabled, f.background, f.version, f.created_at, f.updated_at`

// active reads the sources that run.
func (s *Service) active(ctx context.Context, into *snapshot) error {
	rows, err := s.db.Query(ctx, `SELECT f.pool_id, f.point, f.name, f.version, f.background, v.source
		FROM functions f JOIN function_versions v ON v.function_id = f.id AND v.version = f.version
		WHERE f.enabled ORDER BY f.pool_id, f.point, f.position, f.id`)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	for rows.Next() {
		var poolID string
		var p Point
		var f step
		if err := rows.Scan(&poolID, &p, &f.name, &f.version, &f.background, &f.source); err != nil {
			return err
		}
		if _, there := into.pools[poolID]; !there {
			into.pools[poolID] = set{chains: make(map[Point][]step)}
		}
		into.pools[poolID].chains[p] = append(into.pools[poolID].chains[p], f)
	}
	return rows.Err()
}

func (s *Service) list(ctx context.Context, poolID string) ([]Function, error) {
	rows, err := s.db.Query(ctx, `SELECT `+columns+`, v.author
		FROM functions f JOIN function_versions v ON v.function_id = f.id AND v.version = f.version
		WHERE f.pool_id = $1 ORDER BY f.position, f.id`, poolID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var list []Function
	for rows.Next() {
		var f Function
		if err := rows.Scan(f.scan(&f.Author)...); err != nil {
			return nil, err
		}
		list = append(list, f.timed())
	}
	return list, rows.Err()
}

// scan names where the columns go.
func (f *Function) scan(more ...any) []any {
	return append([]any{
		&f.ID, &f.PoolID, &f.Point, &f.Name, &f.Description, &f.Position, &f.Enabled, &f.Background, &f.Version,
		&f.created, &f.updated,
	}, more...)
}

func (f Function) timed() Function {
	f.CreatedAt, f.UpdatedAt = db.Time(f.created), db.Time(f.updated)
	f.created, f.updated = 0, 0
	return f
}

// find reads one function by id or name.
func (s *Service) find(ctx context.Context, poolID, ref string) (Function, error) {
	var f Function
	err := s.db.QueryRow(ctx, `SELECT `+columns+`, v.author, v.source
		FROM functions f JOIN function_versions v ON v.function_id = f.id AND v.version = f.version
		WHERE f.pool_id = $1 AND (f.id = $2 OR f.name = $2)`, poolID, ref).Scan(f.scan(&f.Author, &f.Source)...)
	if errors.Is(err, db.ErrNoRows) {
		err = errs.New(errs.FunctionNotFound)
	}
	return f.timed(), err
}

// insert adds a function at the end of its chain and says whether the name was free.
func (s *Service) insert(ctx context.Context, f Function) (bool, error) {
	n, err := s.db.Exec(ctx, `INSERT INTO functions (id, pool_id, point, name, description, position, enabled, background,
			version, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, (SELECT COALESCE(MAX(position), -1) + 1 FROM functions WHERE pool_id = $2 AND point = $3),
			$6, $7, $8, $9, $9) ON CONFLICT DO NOTHING`,
		f.ID, f.PoolID, string(f.Point), f.Name, f.Description, f.Enabled, f.Background, f.Version, db.Millis(f.UpdatedAt))
	return n == 1, err
}

// advance makes the next version the one that runs and returns its number.
func (s *Service) advance(ctx context.Context, f Function) (int64, error) {
	n, err := s.db.Exec(ctx, `UPDATE functions SET version = version + 1, description = $1, background = $2, updated_at = $3
		WHERE pool_id = $4 AND id = $5`, f.Description, f.Background, db.Millis(f.UpdatedAt), f.PoolID, f.ID)
	if err != nil || n == 0 {
		return 0, found(n, err)
	}
	var version int64
	err = s.db.QueryRow(ctx, `SELECT version FROM functions WHERE pool_id = $1 AND id = $2`, f.PoolID, f.ID).Scan(&version)
	return version, err
}

func (s *Service) insertVersion(ctx context.Context, f Function) error {
	_, err := s.db.Exec(ctx, `INSERT INTO function_versions (function_id, version, source, author, created_at)
		VALUES ($1, $2, $3, $4, $5)`, f.ID, f.Version, f.Source, f.Author, db.Millis(f.UpdatedAt))
	return err
}

func (s *Service) versions(ctx context.Context, f Function) ([]Function, error) {
	rows, err := s.db.Query(ctx, `SELECT version, author, source, created_at FROM function_versions
		WHERE function_id = $1 ORDER BY version DESC`, f.ID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	var list []Function
	for rows.Next() {
		var at int64
		if err := rows.Scan(&f.Version, &f.Author, &f.Source, &at); err != nil {
			return nil, err
		}
		f.CreatedAt, f.UpdatedAt = db.Time(at), db.Time(at)
		list = append(list, f)
	}
	return list, rows.Err()
}

func (s *Service) setEnabled(ctx context.Context, f Function, on bool) error {
	n, err := s.db.Exec(ctx, `UPDATE functions SET enabled = $1, updated_at = $2 WHERE pool_id = $3 AND id = $4`,
		on, db.Millis(s.now()), f.PoolID, f.ID)
	return found(n, err)
}

func (s *Service) setPosition(ctx context.Context, f Function, position int) error {
	_, err := s.db.Exec(ctx, `UPDATE functions SET position = $1 WHERE pool_id = $2 AND id = $3`, position, f.PoolID, f.ID)
	return err
}

func (s *Service) remove(ctx context.Context, f Function) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM function_versions WHERE function_id = $1`, f.ID); err != nil {
		return err
	}
	n, err := s.db.Exec(ctx, `DELETE FROM functions WHERE pool_id = $1 AND id = $2`, f.PoolID, f.ID)
	return found(n, err)
}

func found(n int64, err error) error {
	if err == nil && n == 0 {
		return errs.New(errs.FunctionNotFound)
	}
	return err
}

// sealedEnv reads env as it is stored.
func (s *Service) sealedEnv(ctx context.Context, poolID string) (map[string][]byte, error) {
	rows, err := s.db.Query(ctx, `SELECT name, sealed FROM function_env WHERE pool_id = $1`, poolID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says it all.
	env := map[string][]byte{}
	for rows.Next() {
		var name string
		var sealed sql.RawBytes
		if err := rows.Scan(&name, &sealed); err != nil {
			return nil, err
		}
		env[name] = append([]byte(nil), sealed...)
	}
	return env, rows.Err()
}

func (s *Service) setEnv(ctx context.Context, poolID, name string, sealed []byte) error {
	_, err := s.db.Exec(ctx, `INSERT INTO function_env (pool_id, name, sealed, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (pool_id, name) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at`,
		poolID, name, sealed, db.Millis(s.now()))
	return err
}

func (s *Service) removeEnv(ctx context.Context, poolID, name string) (int64, error) {
	return s.db.Exec(ctx, `DELETE FROM function_env WHERE pool_id = $1 AND name = $2`, poolID, name)
}

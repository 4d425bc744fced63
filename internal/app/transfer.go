package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/backup"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/migrate"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

// migrator is what brings people in and out of a running server.
func (s *services) migrator() *migrate.Service {
	return migrate.New(migrate.Deps{
		DB: s.db, Pools: s.Pools, Users: s.users, Fields: s.Fields, Audit: s.audit,
		Sessions: s.sessions, Hasher: s.hasher, Now: s.now,
	})
}

// Transfer calls fn with what brings people in and out of a server that does not run.
func (s *Store) Transfer(workers int, fn func(*migrate.Service) error) error {
	hasher := newHasher(workers)
	defer hasher.Close()
	users := user.New(s.db, time.Now)
	users.CasedNames = func(ctx context.Context, poolID string) (bool, error) {
		p, err := s.Pools.Get(ctx, poolID)
		return p.Settings.CasedUsernames, err
	}
	// Sessions are only listed, so nobody sees an issuer.
	sessions := session.New(s.db, s.Keys, s.ring, time.Now, func(poolID string) string { return poolID })
	return fn(migrate.New(migrate.Deps{
		DB: s.db, Pools: s.Pools, Users: users, Fields: s.Fields, Audit: s.audit,
		Sessions: sessions, Hasher: hasher, Now: time.Now,
	}))
}

// Backup writes a backup of the server of conf to a new file, whether it is running or
// not, and proves it. With a passphrase the file holds the master key too.
func Backup(ctx context.Context, conf config.Config, path, passphrase string) (sum backup.Summary, err error) {
	ring, err := secret.LoadKeyring(conf.KeyFile(), false)
	if err != nil {
		return sum, err
	}
	lock := backup.Lock{Ring: ring}
	if passphrase != "" {
		lock = backup.Lock{Passphrase: passphrase}
	}
	err = db.View(ctx, db.Options{URL: conf.Database()}, func(s *db.Snapshot) error {
		if err := checkSnapshot(ctx, s, ring); err != nil {
			return err
		}
		sum, err = backup.WriteFile(ctx, s, path, lock, ring, time.Now())
		return err
	})
	return sum, err
}

// checkSnapshot refuses to seal a database with the key of another.
func checkSnapshot(ctx context.Context, s *db.Snapshot, ring *secret.Keyring) error {
	meta := db.Table{Name: "meta", Columns: []db.Column{{Name: "name", Kind: db.Text}, {Name: "value", Kind: db.Text}}}
	return s.Rows(ctx, meta, func(row []any) error {
		if row[0] == keyCheckName && row[1] != keyCheck(ring) {
			return errWrongKey
		}
		return nil
	})
}

// VerifyBackup reads a whole backup and says what it holds.
func VerifyBackup(ctx context.Context, conf config.Config, path, passphrase string) (sum backup.Summary, err error) {
	err = withBackup(conf, path, passphrase, func(f *os.File, lock backup.Lock) error {
		sum, err = backup.Verify(ctx, f, lock)
		return err
	})
	return sum, err
}

// Restore makes the server of conf of a backup; there must be none yet. It opens it once,
// so that what it returns is a server that starts, and records what happened. With
// endSessions nobody stays signed in.
func Restore(ctx context.Context, conf config.Config, path, passphrase string, endSessions bool) (sum backup.Summary, err error) {
	if err := os.MkdirAll(conf.DataDir, 0o700); err != nil {
		return sum, fmt.Errorf("make the data directory: %w", err)
	}
	err = withBackup(conf, path, passphrase, func(f *os.File, lock backup.Lock) error {
		to := backup.Target{Database: conf.Database(), KeyFile: conf.KeyFile()}
		if endSessions {
			to.EndSessions = time.Now()
		}
		sum, err = backup.Restore(ctx, f, lock, to)
		return err
	})
	if err != nil {
		return sum, err
	}
	store, err := OpenStore(ctx, conf, nil)
	if err != nil {
		return sum, fmt.Errorf("the restored server does not open: %w", err)
	}
	return sum, errors.Join(store.audit.Record(ctx, audit.Event{
		Action: audit.BackupRestore, Actor: byCommand,
		Detail: map[string]string{
			"taken_at": sum.TakenAt.Format(time.RFC3339), "epoch": strconv.FormatInt(sum.Epoch, 10),
			"users": strconv.FormatInt(sum.Users, 10), "sessions_ended": strconv.FormatBool(endSessions),
		},
	}), store.Close())
}

// withBackup opens a backup with the passphrase or, without one, the server's key.
func withBackup(conf config.Config, path, passphrase string, fn func(*os.File, backup.Lock) error) (err error) {
	f, err := os.Open(path) //nolint:gosec // the path is the operator's.
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	lock := backup.Lock{Passphrase: passphrase}
	if passphrase == "" {
		if lock.Ring, err = secret.LoadKeyring(conf.KeyFile(), false); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return fn(f, lock)
}

package app

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// keyCheckName is the row whose value only the right master key can make.
const keyCheckName = "master_key_check"

// openKeyring reads the master key at path, making one only for a database that never
// had one, and refuses any but the one the database was made with before anything is
// sealed or verified under it.
func openKeyring(ctx context.Context, d *db.DB, path string) (*secret.Keyring, error) {
	check, err := d.Meta(ctx, keyCheckName)
	if err != nil {
		return nil, fmt.Errorf("read the key check: %w", err)
	}
	ring, err := secret.LoadKeyring(path, check == "")
	if err != nil {
		return nil, err
	}
	return ring, checkKey(ctx, d, ring)
}

var errWrongKey = errors.New("the master key is not the one this database was made with")

// keyCheck is what only the right master key can make.
func keyCheck(ring *secret.Keyring) string {
	return base64.StdEncoding.EncodeToString(ring.MAC(keyCheckName, []byte(keyCheckName)))
}

func checkKey(ctx context.Context, d *db.DB, ring *secret.Keyring) error {
	want := keyCheck(ring)
	return d.InTx(ctx, func(ctx context.Context) error {
		_, err := d.Exec(ctx,
			`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, keyCheckName, want)
		if err != nil {
			return fmt.Errorf("store the key check: %w", err)
		}
		have, err := d.Meta(ctx, keyCheckName)
		if err != nil {
			return fmt.Errorf("read the key check: %w", err)
		}
		if have != want {
			return errWrongKey
		}
		return nil
	})
}

// wipe deletes people and all that belongs to them. Pools, applications and keys stay.
func (s *Store) wipe(ctx context.Context) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		for _, statement := range []string{
			`DELETE FROM sessions`, `DELETE FROM identities`, `DELETE FROM users`,
			`DELETE FROM codes`, `DELETE FROM tickets`, `DELETE FROM app_tokens`, `DELETE FROM device_grants`,
			`DELETE FROM counters`, `DELETE FROM revocations`, `DELETE FROM bounces`, `DELETE FROM deliveries`,
			`UPDATE audit_horizon SET until = 9223372036854775807`, // development keeps nothing
			`DELETE FROM audit`, `DELETE FROM audit_checkpoints`, `DELETE FROM audit_bases`,
			`UPDATE audit_horizon SET until = 0`,
			`DELETE FROM webhook_deliveries`, `DELETE FROM jobs WHERE kind NOT LIKE 'every.%'`,
		} {
			if _, err := s.db.Exec(ctx, statement); err != nil {
				return fmt.Errorf("wipe: %w", err)
			}
		}
		return nil
	})
}

// devSecret reads a value development keeps in the database, making it on first use.
// These are the emulator's throw-away credentials, not secrets of people.
func (s *Store) devSecret(ctx context.Context, name string, fresh func() string) (string, error) {
	var value string
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx,
			`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, "dev_"+name, fresh())
		if err != nil {
			return err
		}
		return s.db.QueryRow(ctx, `SELECT value FROM meta WHERE name = $1`, "dev_"+name).Scan(&value)
	})
	if errors.Is(err, db.ErrNoRows) {
		return "", fmt.Errorf("development value %s: %w", name, err)
	}
	return value, err
}

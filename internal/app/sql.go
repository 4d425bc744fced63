package app

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/tigertally/tigertally/internal/db"
)

// keyCheckName is the row whose value only the right master key can make.
const keyCheckName = "master_key_check"

// checkKey refuses a master key that is not the one the database was made with, before
// anything is sealed or verified under it.
func (s *Store) checkKey(ctx context.Context) error {
	want := s.ring.MAC(keyCheckName, []byte(keyCheckName))
	return s.db.InTx(ctx, func(ctx context.Context) error {
		_, err := s.db.Exec(ctx,
			`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
			keyCheckName, base64.StdEncoding.EncodeToString(want))
		if err != nil {
			return fmt.Errorf("store the key check: %w", err)
		}
		var text string
		if err := s.db.QueryRow(ctx, `SELECT value FROM meta WHERE name = $1`, keyCheckName).Scan(&text); err != nil {
			return fmt.Errorf("read the key check: %w", err)
		}
		have, err := base64.StdEncoding.DecodeString(text)
		if err != nil || !bytes.Equal(have, want) {
			return errors.New("the master key is not the one this database was made with")
		}
		return nil
	})
}

// wipe deletes people and all that belongs to them. Pools, applications and keys stay.
func (s *Store) wipe(ctx context.Context) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		for _, statement := range []string{
			`DELETE FROM sessions`, `DELETE FROM identities`, `DELETE FROM users`,
			`DELETE FROM codes`, `DELETE FROM tickets`, `DELETE FROM device_grants`,
			`DELETE FROM counters`, `DELETE FROM audit`,
			`DELETE FROM jobs WHERE kind NOT LIKE 'every.%'`,
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

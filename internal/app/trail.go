package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/operator"
)

// checkpointFile is where, below the data directory, checkpoints of the audit trail are
// copied to. Ship it to another machine: there it also shows what whoever has this one did.
const checkpointFile = "audit-checkpoints.jsonl"

// notarize makes the notary of a store, who copies checkpoints into the file and the log.
func (s *Store) notarize(ctx context.Context, dataDir string, log *slog.Logger) (err error) {
	s.checkpoints = filepath.Join(dataDir, checkpointFile)
	s.Notary, err = audit.NewNotary(s.audit, s.ring, func(line []byte) error {
		log.InfoContext(ctx, "audit checkpoint", "checkpoint", string(line[:len(line)-1]))
		return appendFile(s.checkpoints, line)
	})
	if err != nil {
		return err
	}
	return s.audit.Adopt(ctx)
}

// appendFile adds a line to a file of ours and makes it durable.
func appendFile(path string, line []byte) (err error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600) //nolint:gosec // our own data directory.
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(line); err != nil {
		return err
	}
	return f.Sync()
}

// Audit is the record of the installation.
func (s *Store) Audit() *audit.Service { return s.audit }

// VerifyAudit checks the chain of a pool against the checkpoints in the database, in the
// data directory, and in further files kept elsewhere.
func (s *Store) VerifyAudit(ctx context.Context, poolID string, files []string) (audit.Report, error) {
	var copies []audit.Checkpoint
	for i, path := range append([]string{s.checkpoints}, files...) {
		some, err := readCheckpoints(path)
		if errors.Is(err, fs.ErrNotExist) && i == 0 { // nothing was ever due
			continue
		}
		if err != nil {
			return audit.Report{}, fmt.Errorf("%s: %w", path, err)
		}
		copies = append(copies, some...)
	}
	return s.Notary.Verify(ctx, poolID, copies)
}

func readCheckpoints(path string) ([]audit.Checkpoint, error) {
	f, err := os.Open(path) //nolint:gosec // whoever runs the command says which.
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read.
	return audit.ReadCheckpoints(f)
}

// ExportedAudit records that somebody took records away.
func (s *Store) ExportedAudit(ctx context.Context, poolID, format string) error {
	return s.audit.Record(ctx, audit.Event{
		PoolID: poolID, Action: audit.Export, Actor: byCommand, Detail: map[string]string{"format": format},
	})
}

// AuditPools lists the pools that have records, the installation itself among them.
func (s *Store) AuditPools(ctx context.Context) ([]string, error) { return s.Notary.Pools(ctx) }

// WithOperators lends the operators to a command on the host, which alone may help who
// lost a password or a second factor.
func (s *Store) WithOperators(run func(o *operator.Service, by operator.Principal) error) error {
	hasher := newHasher(1)
	defer hasher.Close()
	return run(operator.New(operator.Deps{
		DB: s.db, Ring: s.ring, Hasher: hasher, Limits: s.limits, Audit: s.audit, Now: s.now, Issuer: issuerName,
	}), operator.Local(byCommand))
}

// firstLinkFile is where the link of the first administrator is written, for those who do
// not see the terminal. It is deleted once it is of no use.
const firstLinkFile = "first-administrator.txt"

// FirstLink makes the one-time link with which the first administrator is made, while there
// is none, and writes it into a file that only the server's user can read. Without a need
// for it url is "".
func (a *App) FirstLink(ctx context.Context) (url, file string, err error) {
	file = filepath.Join(a.conf.DataDir, firstLinkFile)
	empty, err := a.operators.Empty(ctx)
	if err != nil {
		return "", "", err
	}
	if !empty {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", "", err
		}
		return "", "", nil
	}
	token, _, err := a.operators.NewBootstrap(ctx)
	if err != nil {
		return "", "", err
	}
	url = FirstLink(a.publicURL, token)
	return url, file, os.WriteFile(file, []byte(url+"\n"), 0o600)
}

// FirstLink is where a bootstrap token is used.
func FirstLink(publicURL, token string) string { return publicURL + "/console/welcome?token=" + token }

package manage

import (
	"context"
	"fmt"
	"io"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/keeper"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with backups.
const (
	BackupList        Op = "backup.list"
	BackupCreate      Op = "backup.create"
	BackupCheck       Op = "backup.check"
	BackupDownload    Op = "backup.download"
	BackupRemove      Op = "backup.remove"
	BackupSchedule    Op = "backup.schedule"
	BackupSetSchedule Op = "backup.set-schedule"
)

// backupOperations are what can be done with backups. A restore is none of them: it makes
// a server where there is none, so it is a command on that machine (docs/backup.md).
func backupOperations() []Operation {
	return []Operation{
		{BackupList, operator.BackupsRead, "List the backups in the server's directory of backups"},
		{BackupCreate, operator.BackupsWrite, "Write and prove a backup now; one that takes long goes on by itself"},
		{BackupCheck, operator.BackupsWrite, "Read a whole backup and keep what was found"},
		{BackupDownload, operator.BackupsWrite, "Download a backup, sealed as it is"},
		{BackupRemove, operator.BackupsWrite, "Remove a backup for good"},
		{BackupSchedule, operator.BackupsRead, "Show when backups are made by themselves"},
		{BackupSetSchedule, operator.BackupsWrite, "Change when backups are made by themselves"},
	}
}

// Backups lists the backups there are. There are few: they are not paged.
func (s *Service) Backups(ctx context.Context, p operator.Principal, _ api.None) (list api.List[api.Backup], err error) {
	if _, err := s.may(ctx, p, BackupList, ""); err != nil {
		return list, err
	}
	files, err := s.d.Backups.List()
	list.Items = make([]api.Backup, len(files))
	for i, f := range files {
		list.Items[i] = backupView(f)
	}
	return list, err
}

// CreateBackup writes a backup and proves it. One that is not ready soon has the state
// "writing" and goes on.
func (s *Service) CreateBackup(ctx context.Context, p operator.Principal, _ api.None) (api.Backup, error) {
	m, err := s.may(ctx, p, BackupCreate, "")
	if err != nil {
		return api.Backup{}, err
	}
	f, err := s.d.Backups.Create(ctx, m.Actor)
	return backupView(f), err
}

// CheckBackup reads a whole backup. What is wrong with it is its state. BackupNotFound.
func (s *Service) CheckBackup(ctx context.Context, p operator.Principal, in api.BackupRef) (api.Backup, error) {
	if _, err := s.may(ctx, p, BackupCheck, ""); err != nil {
		return api.Backup{}, err
	}
	f, err := s.d.Backups.Check(ctx, in.File)
	return backupView(f), err
}

// DownloadBackup opens a backup to be taken away, and records that first: what cannot be
// recorded does not leave. The caller closes it. BackupNotFound.
func (s *Service) DownloadBackup(ctx context.Context, p operator.Principal, in api.BackupRef) (io.ReadSeekCloser, api.Backup, error) {
	m, err := s.may(ctx, p, BackupDownload, "")
	if err != nil {
		return nil, api.Backup{}, err
	}
	file, about, err := s.d.Backups.Open(in.File)
	if err != nil {
		return nil, api.Backup{}, err
	}
	if err := s.record(ctx, m, audit.BackupFetch, "", map[string]string{"file": in.File}); err != nil {
		_ = file.Close() // only read
		return nil, api.Backup{}, err
	}
	return file, backupView(about), nil
}

// RemoveBackup removes a backup for good. It is recorded first, so that no backup is ever
// missing without a word. BackupNotFound.
func (s *Service) RemoveBackup(ctx context.Context, p operator.Principal, in api.BackupRef) (api.None, error) {
	m, err := s.may(ctx, p, BackupRemove, "")
	if err != nil {
		return api.None{}, err
	}
	file, _, err := s.d.Backups.Open(in.File)
	if err != nil {
		return api.None{}, err
	}
	_ = file.Close() // nothing was read
	if err := s.record(ctx, m, audit.BackupRemove, "", map[string]string{"file": in.File}); err != nil {
		return api.None{}, err
	}
	return api.None{}, s.d.Backups.Remove(in.File)
}

// BackupSchedule says when backups are made by themselves.
func (s *Service) BackupSchedule(ctx context.Context, p operator.Principal, _ api.None) (api.BackupSchedule, error) {
	if _, err := s.may(ctx, p, BackupSchedule, ""); err != nil {
		return api.BackupSchedule{}, err
	}
	return s.schedule(ctx)
}

// SetBackupSchedule changes what is given. Errors: EditConflict, BadRequest.
func (s *Service) SetBackupSchedule(ctx context.Context, p operator.Principal, in api.BackupScheduleChange) (out api.BackupSchedule, err error) {
	m, err := s.may(ctx, p, BackupSetSchedule, "")
	if err != nil {
		return out, err
	}
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		ctx, err := turn(ctx, s.d.DB, m.PoolID)
		if err != nil {
			return err
		}
		now, err := s.schedule(ctx)
		if err != nil {
			return err
		}
		if err := match(in.Guarded, now); err != nil {
			return err
		}
		next := keeper.Schedule{Hours: now.Hours, Keep: now.Keep}
		if in.Hours != nil {
			next.Hours = *in.Hours
		}
		if in.Keep != nil {
			next.Keep = *in.Keep
		}
		if err := s.d.Backups.SetSchedule(ctx, next); err != nil {
			return err
		}
		detail := map[string]string{"hours": fmt.Sprint(next.Hours), "keep": fmt.Sprint(next.Keep)}
		if err := s.record(ctx, m, audit.BackupPlan, "", detail); err != nil {
			return err
		}
		out, err = s.schedule(ctx)
		return err
	})
	return out, err
}

func (s *Service) schedule(ctx context.Context) (api.BackupSchedule, error) {
	v, err := s.d.Backups.State(ctx)
	out := api.BackupSchedule{
		Hours: v.Hours, Keep: v.Keep, Directory: s.d.Backups.Dir(), Sealed: "master_key", DoneAt: moment(v.Done), FailedAt: moment(v.Failed),
	}
	if s.d.Backups.Sealed() {
		out.Sealed = "passphrase"
	}
	return out, err
}

func backupView(f keeper.File) api.Backup {
	return api.Backup{
		File: f.Name, State: f.State, TakenAt: f.TakenAt, Bytes: f.Bytes, Rows: f.Rows, Users: f.Users, CheckedAt: moment(f.CheckedAt),
	}
}

package manage

import (
	"context"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with backups.
const (
	BackupList   Op = "backup.list"
	BackupCreate Op = "backup.create"
	BackupVerify Op = "backup.check"
)

// backupOperations are what can be done with backups. A restore needs a server that does
// not run, so it is a command only.
func backupOperations() []Operation {
	return []Operation{
		{BackupList, operator.BackupsRead, "List the backups in the server's directory of backups"},
		{BackupCreate, operator.BackupsWrite, "Write and prove a backup now"},
		{BackupVerify, operator.BackupsWrite, "Read a whole backup and say what it holds"},
	}
}

// Backups are the server's own, in the directory it is configured to keep them in. Each
// says BadRequest about backup.dir when there is none.
type Backups struct {
	List   func(ctx context.Context) ([]api.Backup, error) // newest first
	Create func(ctx context.Context, actor string) (api.Backup, error)
	Verify func(ctx context.Context, file string) (api.Backup, error)
}

// Backups lists the backups there are. There are few: they are not paged.
func (s *Service) Backups(ctx context.Context, p operator.Principal, _ api.None) (list api.List[api.Backup], err error) {
	if _, err := s.may(ctx, p, BackupList, ""); err != nil {
		return list, err
	}
	list.Items, err = s.d.Backups.List(ctx)
	return list, err
}

// CreateBackup writes a backup and proves it before it returns.
func (s *Service) CreateBackup(ctx context.Context, p operator.Principal, _ api.None) (api.Backup, error) {
	m, err := s.may(ctx, p, BackupCreate, "")
	if err != nil {
		return api.Backup{}, err
	}
	return s.d.Backups.Create(ctx, m.Actor)
}

// VerifyBackup reads a whole backup. BadRequest says that there is none of the name, or
// that it is damaged.
func (s *Service) VerifyBackup(ctx context.Context, p operator.Principal, in api.BackupRef) (api.Backup, error) {
	if _, err := s.may(ctx, p, BackupVerify, ""); err != nil {
		return api.Backup{}, err
	}
	return s.d.Backups.Verify(ctx, in.File)
}

package manage

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/manage"
)

func (p *Protocol) backupOperations() []Operation {
	return []Operation{
		operate(p, manage.BackupList, http.MethodGet, "/backups", p.core.Backups),
		operate(p, manage.BackupCreate, http.MethodPost, "/backups", p.core.CreateBackup),
		operate(p, manage.BackupVerify, http.MethodPost, "/backups/{file}/check", p.core.VerifyBackup),
	}
}

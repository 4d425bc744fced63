package manage

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/web"
)

// binary is the media type of a file nobody is to open in a browser.
const binary = "application/octet-stream"

func (p *Protocol) backupOperations() []Operation {
	const backups, backup, schedule = "/backups", "/backups/{file}", "/backups/schedule"
	return []Operation{
		operate(p, manage.BackupList, http.MethodGet, backups, p.core.Backups),
		operate(p, manage.BackupCreate, http.MethodPost, backups, p.core.CreateBackup),
		operate(p, manage.BackupSchedule, http.MethodGet, schedule, p.core.BackupSchedule),
		operate(p, manage.BackupSetSchedule, http.MethodPatch, schedule, p.core.SetBackupSchedule),
		operate(p, manage.BackupCheck, http.MethodPost, backup+"/check", p.core.CheckBackup),
		download(p, manage.BackupDownload, backup+"/download", binary, p.sendBackup),
		operate(p, manage.BackupRemove, http.MethodDelete, backup, p.core.RemoveBackup),
	}
}

// sendBackup sends a backup, or the parts of it that a client which was cut off still
// needs.
func (p *Protocol) sendBackup(ctx context.Context, who operator.Principal, in api.BackupRef) (send, error) {
	file, about, err := p.core.DownloadBackup(ctx, who, in)
	if err != nil {
		return nil, err
	}
	return func(w http.ResponseWriter, r *http.Request) error {
		web.Attach(w, about.File, binary)
		http.ServeContent(w, r, about.File, about.TakenAt, file)
		return file.Close()
	}, nil
}

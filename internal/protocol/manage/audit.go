package manage

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/web"
)

// The media types of an export.
const (
	auditLines = "application/x-ndjson"
	auditTable = "text/csv; charset=utf-8"
)

func (p *Protocol) auditOperations() []Operation {
	const records, attempts = "/pools/{pool}/audit", "/pools/{pool}/attempts"
	return []Operation{
		operate(p, manage.AttemptList, http.MethodGet, attempts, p.core.Attempts),
		operate(p, manage.AttemptExplain, http.MethodGet, attempts+"/{request_id}", p.core.ExplainAttempt),
		operate(p, manage.AuditList, http.MethodGet, records, p.core.Audit),
		operate(p, manage.AuditGet, http.MethodGet, records+"/{record}", p.core.AuditRecord),
		download(p, manage.AuditExport, "/pools/{pool}/audit-export", auditLines, p.sendAudit),
		operate(p, manage.AuditVerify, http.MethodGet, "/pools/{pool}/audit-verify", p.core.VerifyAudit),
		operate(p, manage.AuditListInstallation, http.MethodGet, "/audit", p.core.InstallationAudit),
		operate(p, manage.AuditVerifyInstallation, http.MethodGet, "/audit-verify", p.core.VerifyInstallationAudit),
	}
}

// sendAudit sends records as a file.
func (p *Protocol) sendAudit(ctx context.Context, who operator.Principal, in api.AuditExport) (send, error) {
	name, media := "audit.jsonl", auditLines
	if in.Format == "csv" {
		name, media = "audit.csv", auditTable
	}
	return func(w http.ResponseWriter, _ *http.Request) error {
		return web.Stream(w, name, media, func(out *web.Streamed) error { return p.core.ExportAudit(ctx, who, in, out) })
	}, nil
}

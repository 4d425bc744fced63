package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/web"
)

// auditRoutes are the pages about the audit trail and about attempts to sign in.
func (c *Console) auditRoutes() []route {
	const trail, attempts = "/pools/{pool}/audit", "/pools/{pool}/attempts"
	return []route{
		{method: http.MethodGet, path: trail, ops: []manage.Op{manage.AuditList}, handle: showAudit},
		{method: http.MethodGet, path: trail + "/verify", ops: []manage.Op{manage.AuditVerify}, handle: verifyAudit},
		{method: http.MethodGet, path: trail + "/export", ops: []manage.Op{manage.AuditExport}, handle: exportAudit},
		{method: http.MethodGet, path: trail + "/records/{record}", ops: []manage.Op{manage.AuditGet}, handle: showRecord},
		{method: http.MethodGet, path: "/audit", ops: []manage.Op{manage.AuditListInstallation}, handle: showInstallationAudit},
		{method: http.MethodGet, path: "/audit/verify", ops: []manage.Op{manage.AuditVerifyInstallation}, handle: verifyInstallationAudit},
		{method: http.MethodGet, path: attempts, ops: []manage.Op{manage.AttemptList}, handle: showAttempts},
		{method: http.MethodGet, path: attempts + "/{request}", ops: []manage.Op{manage.AttemptExplain}, handle: explainAttempt},
	}
}

// auditTerms are the terms of a search that the address has.
func (p *page) auditTerms() api.AuditTerms {
	q := func(name string) string { return strings.TrimSpace(p.r.FormValue(name)) }
	return api.AuditTerms{
		Action: q("action"), Result: q("result"), User: q("user"), Actor: q("actor"), Client: q("client"), IP: q("ip"),
		RequestID: q("request_id"), Since: q("since"), Until: q("until"),
	}
}

func showAudit(ctx context.Context, p *page) error {
	in := api.AuditQuery{PoolRef: p.poolRef(), Page: p.asked(), AuditTerms: p.auditTerms()}
	in.Limit = auditPageSize
	list, err := p.c.Manage.Audit(ctx, p.who, in)
	if err := p.refuse(err); err != nil {
		return err
	}
	return p.show(ctx, "menu_audit", auditPage(p, in.AuditTerms, list))
}

// auditPageSize is how many records one page shows.
const auditPageSize = 50

func showInstallationAudit(ctx context.Context, p *page) error {
	in := api.InstallationAuditQuery{Page: p.asked(), AuditTerms: p.auditTerms()}
	in.Limit = auditPageSize
	list, err := p.c.Manage.InstallationAudit(ctx, p.who, in)
	if err := p.refuse(err); err != nil {
		return err
	}
	return p.show(ctx, "menu_audit_installation", auditPage(p, in.AuditTerms, list))
}

func verifyAudit(ctx context.Context, p *page) error {
	proof, err := p.c.Manage.VerifyAudit(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "audit_verify", proofPage(p, proof))
}

func verifyInstallationAudit(ctx context.Context, p *page) error {
	proof, err := p.c.Manage.VerifyInstallationAudit(ctx, p.who, api.None{})
	if err != nil {
		return err
	}
	return p.show(ctx, "audit_verify", proofPage(p, proof))
}

func exportAudit(ctx context.Context, p *page) error {
	in := api.AuditExport{PoolRef: p.poolRef(), AuditTerms: p.auditTerms(), Format: p.r.FormValue("format")}
	name, media := p.pool.ID+"-audit.jsonl", "application/x-ndjson"
	if in.Format == "csv" {
		name, media = p.pool.ID+"-audit.csv", "text/csv; charset=utf-8"
	}
	return web.Stream(p.w, name, media, func(w *web.Streamed) error { return p.c.Manage.ExportAudit(ctx, p.who, in, w) })
}

func showRecord(ctx context.Context, p *page) error {
	r, err := p.c.Manage.AuditRecord(ctx, p.who, api.AuditRef{PoolRef: p.poolRef(), Record: p.r.PathValue("record")})
	if err != nil {
		return err
	}
	return p.show(ctx, "audit_record", recordPage(p, r))
}

// trail is the address of a page about the audit trail the page is about.
func (p *page) trail(parts ...string) string {
	parts = append([]string{"audit"}, parts...)
	if p.pool.ID == "" {
		return p.global(parts...)
	}
	return p.link(parts...)
}

// exported is the address of an export of what the page shows.
func (p *page) exported(format string) string {
	q := p.r.URL.Query()
	q.Del("cursor")
	q.Set("format", format)
	return p.trail("export") + "?" + q.Encode()
}

// did says what was done, "" stands for nothing.
func (p *page) did(action string) string {
	key := strings.ReplaceAll(action, ".", "_")
	if words := p.said("act_", key); words != key {
		return words
	}
	return action
}

// came says what came of something: it worked, was refused, or something else came first.
func (p *page) came(result string, params map[string]string) string {
	if words, ok := p.c.words[p.lang].Lookup("result_"+result, params); ok {
		return words
	}
	if known(result) {
		return i18n.Text(p.lang, errs.Code(result), params)
	}
	return result
}

// tone is the colour of a result.
func tone(result string) string {
	switch {
	case result == "ok":
		return "good"
	case known(result):
		return "bad"
	}
	return "warn"
}

// known reports whether a result is a refusal.
func known(result string) bool {
	code := errs.Code(result)
	return code == errs.Unexpected || code.Kind() != errs.KindUnexpected
}

// actionGroups are what people look for in the trail: the beginnings of actions.
func actionGroups() []string {
	return []string{
		"user.sign_in", "user.sign_up", "code.", "user.", "password.", "session.", "identity.", "app.", "pool.", "provider.", "function.",
		"key.", "webhook.", "audit.",
	}
}

// installationGroups are the same for what concerns the installation.
func installationGroups() []string { return []string{"operator.", "backup.", "pool.", "audit."} }

func (p *page) groups() []string {
	if p.pool.ID == "" {
		return installationGroups()
	}
	return actionGroups()
}

// eventsShown is how many records the page of a person shows.
const eventsShown = 8

// events are the last records about a person, none for who may not see them.
func (p *page) events(ctx context.Context, user string) ([]api.AuditRecord, error) {
	if !p.may(manage.AuditList) {
		return nil, nil
	}
	list, err := p.c.Manage.Audit(ctx, p.who, api.AuditQuery{
		PoolRef: p.poolRef(), Page: api.Page{Limit: eventsShown}, AuditTerms: api.AuditTerms{User: user},
	})
	return list.Items, err
}

// searched is the address of the trail narrowed by one term.
func (p *page) searched(name, value string) string {
	return p.trail() + "?" + url.Values{name: {value}}.Encode()
}

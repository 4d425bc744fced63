package manage

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with the audit trail.
const (
	AuditList               Op = "audit.list"
	AuditGet                Op = "audit.get"
	AuditExport             Op = "audit.export"
	AuditVerify             Op = "audit.verify"
	AuditListInstallation   Op = "audit.list-installation"
	AuditVerifyInstallation Op = "audit.verify-installation"
)

// auditOperations are what can be done with the audit trail.
func auditOperations() []Operation {
	return append(attemptOperations(), []Operation{
		{AuditList, operator.AuditRead, "Look for records of who did what"},
		{AuditGet, operator.AuditRead, "Show a record"},
		{AuditExport, operator.AuditExport, "Take records away as a file"},
		{AuditVerify, operator.AuditRead, "Prove that no record was changed, deleted or added"},
		{AuditListInstallation, operator.AdminsRead, "Look for records of what concerns the installation, such as administrators"},
		{AuditVerifyInstallation, operator.AdminsRead, "Prove the records of the installation"},
	}...)
}

// Audit looks for records of a pool, newest first. BadRequest for a time that is none.
func (s *Service) Audit(ctx context.Context, p operator.Principal, in api.AuditQuery) (api.List[api.AuditRecord], error) {
	if _, err := s.may(ctx, p, AuditList, in.Pool); err != nil {
		return api.List[api.AuditRecord]{}, err
	}
	return s.auditList(ctx, in.Pool, in.Page, in.AuditTerms)
}

// InstallationAudit looks for records that belong to no pool, newest first.
func (s *Service) InstallationAudit(ctx context.Context, p operator.Principal, in api.InstallationAuditQuery,
) (api.List[api.AuditRecord], error) {
	if _, err := s.may(ctx, p, AuditListInstallation, ""); err != nil {
		return api.List[api.AuditRecord]{}, err
	}
	return s.auditList(ctx, audit.Installation, in.Page, in.AuditTerms)
}

func (s *Service) auditList(ctx context.Context, poolID string, page api.Page, terms api.AuditTerms) (list api.List[api.AuditRecord], err error) {
	q, err := s.auditQuery(terms)
	if err != nil {
		return list, err
	}
	var place string
	if _, err := openCursor(s.d.Ring, string(AuditList), poolID, page.Cursor, &place); err != nil {
		return list, err
	}
	found, next, err := s.d.Audit.Search(ctx, poolID, q, pageSize(page), place)
	if err != nil {
		return list, err
	}
	if list.Items, err = s.auditViews(ctx, found...); err != nil {
		return list, err
	}
	if next != "" {
		list.NextCursor, err = sealCursor(s.d.Ring, string(AuditList), poolID, next)
	}
	return list, err
}

// AuditRecord returns one record. Errors: RecordNotFound.
func (s *Service) AuditRecord(ctx context.Context, p operator.Principal, in api.AuditRef) (api.AuditRecord, error) {
	if _, err := s.may(ctx, p, AuditGet, in.Pool); err != nil {
		return api.AuditRecord{}, err
	}
	r, err := s.d.Audit.Get(ctx, in.Pool, in.Record)
	if err != nil {
		return api.AuditRecord{}, err
	}
	views, err := s.auditViews(ctx, r)
	if err != nil {
		return api.AuditRecord{}, err
	}
	return views[0], nil
}

// auditViews shows records with the names of who acted, which one question tells.
func (s *Service) auditViews(ctx context.Context, found ...audit.Record) ([]api.AuditRecord, error) {
	named := func(r audit.Record) bool {
		kind, _, ok := strings.Cut(r.Event.Actor, ":")
		return ok && (kind == operator.KindOperator || kind == operator.KindKey)
	}
	var names map[string]string
	if slices.ContainsFunc(found, named) {
		var err error
		if names, err = s.d.Operators.Names(ctx); err != nil {
			return nil, err
		}
	}
	views := make([]api.AuditRecord, len(found))
	for i, r := range found {
		views[i] = auditView(r)
		views[i].ActorName = names[r.Event.Actor]
	}
	return views, nil
}

// ExportAudit writes the records that in names to w, newest first. That they were taken is
// recorded before; nothing is written when it is refused. BadRequest for an unknown format
// or a time that is none.
func (s *Service) ExportAudit(ctx context.Context, p operator.Principal, in api.AuditExport, w io.Writer) error {
	m, err := s.may(ctx, p, AuditExport, in.Pool)
	if err != nil {
		return err
	}
	q, err := s.auditQuery(in.AuditTerms)
	if err != nil {
		return err
	}
	switch in.Format {
	case "":
		in.Format = "jsonl"
	case "jsonl", "csv":
	default:
		return errs.New(errs.BadRequest, "field", "format")
	}
	if err := s.record(ctx, m, audit.Export, "", map[string]string{"format": in.Format}); err != nil {
		return err
	}
	out := audit.NewJSONLines(w)
	if in.Format == "csv" {
		if out, err = audit.NewCSV(w); err != nil {
			return err
		}
	}
	if err := s.d.Audit.Each(ctx, in.Pool, q, out.Write); err != nil {
		return err
	}
	return out.Close()
}

// VerifyAudit reads the whole chain of a pool. What is wrong is an answer, not an error.
func (s *Service) VerifyAudit(ctx context.Context, p operator.Principal, in api.PoolRef) (api.AuditProof, error) {
	if _, err := s.may(ctx, p, AuditVerify, in.Pool); err != nil {
		return api.AuditProof{}, err
	}
	return s.verify(ctx, in.Pool)
}

// VerifyInstallationAudit reads the whole chain of what belongs to no pool.
func (s *Service) VerifyInstallationAudit(ctx context.Context, p operator.Principal, _ api.None) (api.AuditProof, error) {
	if _, err := s.may(ctx, p, AuditVerifyInstallation, ""); err != nil {
		return api.AuditProof{}, err
	}
	return s.verify(ctx, audit.Installation)
}

func (s *Service) verify(ctx context.Context, poolID string) (api.AuditProof, error) {
	r, err := s.d.VerifyAudit(ctx, poolID)
	if err != nil {
		return api.AuditProof{}, err
	}
	proof := api.AuditProof{
		Whole: r.Bad == nil, Records: r.Records, Lanes: r.Lanes, Checkpoints: r.Checkpoints, CheckedAt: s.d.Now().UTC(),
	}
	if bad := r.Bad; bad != nil {
		proof.Finding = &api.AuditFinding{Kind: bad.Kind, Lane: bad.Lane, Place: bad.Seq, Record: bad.RecordID}
	}
	return proof, nil
}

func (s *Service) auditQuery(t api.AuditTerms) (q audit.Query, err error) {
	q = audit.Query{
		Action: t.Action, Result: t.Result, UserID: t.User, Actor: t.Actor, ClientID: t.Client, IP: t.IP, RequestID: t.RequestID,
	}
	q.Since, q.Until, err = between(t.Since, t.Until)
	return q, err
}

// between reads the two ends of a stretch of time; "" is no end.
func between(since, until string) (from, to time.Time, err error) {
	if from, err = readTime("since", since); err != nil {
		return from, to, err
	}
	to, err = readTime("until", until)
	return from, to, err
}

// readTime reads a time as people and programs write it.
func readTime(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errs.New(errs.BadRequest, "field", field)
}

func auditView(r audit.Record) api.AuditRecord {
	e := r.Event
	return api.AuditRecord{
		ID: r.ID, At: r.At.UTC(), Action: e.Action, Result: e.Result, User: e.UserID, Actor: e.Actor, Client: e.ClientID,
		Session: e.SessionID, Device: r.DeviceID, IP: r.IP, UserAgent: r.UserAgent, RequestID: r.RequestID, Detail: e.Detail,
	}
}

package manage

import (
	"bytes"
	"context"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/migrate"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with bringing people in and out.
const (
	UserImport       Op = "user.import"
	UserExport       Op = "user.export"
	UserExportPerson Op = "user.export-person"
)

// transferOperations are what can be done with bringing people in and out.
func transferOperations() []Operation {
	return []Operation{
		{UserImport, operator.UsersImport, "Bring people in from a file"},
		{UserExport, operator.UsersExport, "Take people out, in the form an import takes"},
		{UserExportPerson, operator.UsersExport, "Write everything that is kept of one person"},
	}
}

// ImportUsers makes people of a small file. What becomes of each is in the answer; see
// migrate.Service.Import for the errors.
func (s *Service) ImportUsers(ctx context.Context, p operator.Principal, in api.ImportUsers) (out api.Imported, err error) {
	m, err := s.may(ctx, p, UserImport, in.Pool)
	if err != nil {
		return out, err
	}
	report, err := s.d.Migrate.Import(ctx, m, strings.NewReader(in.Data), migrate.Options{
		From: in.From, Format: in.Format, OnConflict: in.OnConflict, DryRun: in.DryRun, BatchSize: 100,
	})
	out = api.Imported{
		Rows: report.Rows, Created: report.Created, Updated: report.Updated, Skipped: report.Skipped, Refused: report.Refused,
		Problems: make([]api.ImportProblem, len(report.Problems)),
	}
	for i, v := range report.Problems {
		out.Problems[i] = api.ImportProblem(v)
	}
	return out, err
}

// exportPlace is where a page of an export ended.
type exportPlace struct {
	At int64  `json:"at"`
	ID string `json:"id"`
}

// ExportUsers writes a page of the people of a pool, oldest first.
func (s *Service) ExportUsers(ctx context.Context, p operator.Principal, in api.ExportUsers) (list api.List[api.ExportedUser], err error) {
	m, err := s.may(ctx, p, UserExport, in.Pool)
	if err != nil {
		return list, err
	}
	place := exportPlace{At: -1 << 62}
	if _, err := openCursor(s.d.Ring, string(UserExport), in.Pool, in.Cursor, &place); err != nil {
		return list, err
	}
	page, err := s.d.Migrate.ExportPage(ctx, m, migrate.ExportOptions{Full: in.Full, Hashes: in.Hashes}, place.At, place.ID, pageSize(in.Page))
	if err != nil {
		return list, err
	}
	list.Items = make([]api.ExportedUser, len(page.People))
	for i, v := range page.People {
		list.Items[i] = api.ExportedUser{ID: v.ID, Record: v.Line}
	}
	if page.More {
		list.NextCursor, err = sealCursor(s.d.Ring, string(UserExport), in.Pool, exportPlace{page.At, page.ID})
	}
	return list, err
}

// ExportPerson writes everything that is kept of one person. UserNotFound.
func (s *Service) ExportPerson(ctx context.Context, p operator.Principal, in api.UserRef) (out api.PersonExport, err error) {
	m, err := s.may(ctx, p, UserExportPerson, in.Pool)
	if err != nil {
		return out, err
	}
	var text bytes.Buffer
	err = s.d.Migrate.ExportPerson(ctx, m, in.User, &text)
	out.Document = text.Bytes()
	return out, err
}

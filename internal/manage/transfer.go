package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/migrate"
	"github.com/tigertally/tigertally/internal/operator"
)

// What can be done with bringing people in and out.
const (
	UserImport       Op = "user.import"
	UserExport       Op = "user.export"
	UserExportFile   Op = "user.export-file"
	UserExportPerson Op = "user.export-person"
)

// transferOperations are what can be done with bringing people in and out.
func transferOperations() []Operation {
	return []Operation{
		{UserImport, operator.UsersImport, "Bring people in from a file"},
		{UserExport, operator.UsersExport, "Take people out, in the form an import takes"},
		{UserExportFile, operator.UsersExport, "Take people out as one file, JSON lines or CSV"},
		{UserExportPerson, operator.UsersExport, "Write everything that is kept of one person"},
	}
}

// The bounds of one import by the API, whose answer somebody waits for. The command line
// has none of them.
const (
	maxImportRows  = 10_000
	maxImportBytes = 8 << 20
	maxProblems    = 1000
)

// ImportUsers makes people of a small file, or of a part of a large one. What becomes of
// each is in the answer; see migrate.Service.Import for the errors.
func (s *Service) ImportUsers(ctx context.Context, p operator.Principal, in api.ImportUsers) (out api.Imported, err error) {
	m, err := s.may(ctx, p, UserImport, in.Pool)
	if err != nil {
		return out, err
	}
	if (in.Data == "") == (len(in.Rows) == 0) { // one of them
		return out, errs.New(errs.BadRequest, "field", "data")
	}
	if len(in.Rows) > 0 {
		in.Data, in.Format = string(bytes.Join(texts(in.Rows), []byte("\n"))), migrate.JSONL
	}
	var found problems
	report, err := s.d.Migrate.Import(ctx, m, strings.NewReader(in.Data), migrate.Options{
		From: in.From, Format: in.Format, OnConflict: in.OnConflict, DryRun: in.DryRun, IgnoreUnknown: in.IgnoreUnknown,
		BatchSize: 100, MaxRows: maxImportRows, MaxBytes: maxImportBytes, Report: &found,
	})
	out = api.Imported{
		Rows: report.Rows, Created: report.Created, Updated: report.Updated, Skipped: report.Skipped, Refused: report.Refused,
		DryRun: in.DryRun, Problems: []api.ImportProblem{},
	}
	if err != nil {
		return out, err
	}
	out.Problems, err = found.first(maxProblems)
	return out, err
}

// texts are rows on one line each.
func texts(rows []json.RawMessage) [][]byte {
	all := make([][]byte, len(rows))
	for i, row := range rows {
		var line bytes.Buffer
		if json.Compact(&line, row) == nil { // else an empty line, which the report counts
			all[i] = line.Bytes()
		}
	}
	return all
}

// problems is a migrate.ReportFile in memory: a line of JSON for each person who was not
// imported, of whom one import here has few.
type problems struct{ text []byte }

// WriteAt puts b at off.
func (f *problems) WriteAt(b []byte, off int64) (int, error) {
	f.text = append(f.text[:off], b...)
	return len(b), nil
}

// Truncate forgets everything from size on.
func (f *problems) Truncate(size int64) error {
	f.text = f.text[:size]
	return nil
}

// first reads at most n of them.
func (f *problems) first(n int) ([]api.ImportProblem, error) {
	list := []api.ImportProblem{}
	for line := range bytes.Lines(f.text) {
		if len(list) == n {
			break
		}
		var v api.ImportProblem
		if err := json.Unmarshal(line, &v); err != nil {
			return list, err
		}
		list = append(list, v)
	}
	return list, nil
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

// ExportUsersFile writes the people of a pool to w, oldest first, and records that before
// the first byte.
func (s *Service) ExportUsersFile(ctx context.Context, p operator.Principal, in api.ExportFile, w io.Writer) error {
	m, err := s.may(ctx, p, UserExportFile, in.Pool)
	if err != nil {
		return err
	}
	_, err = s.d.Migrate.Export(ctx, m, w, migrate.ExportOptions{Format: in.Format, Full: in.Full, Hashes: in.Hashes})
	return err
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

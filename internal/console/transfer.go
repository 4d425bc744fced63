package console

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/web"
)

// maxImportFile is how large a file the page takes. It travels twice, once to be checked
// and once, in base64, to be stored, and the answer to both is waited for.
const maxImportFile = 6 << 20

// transferRoutes are the pages about bringing people in and out.
func (c *Console) transferRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/pools/{pool}/import", handle: askImport},
		{method: http.MethodPost, path: "/pools/{pool}/import", ops: []manage.Op{manage.UserImport}, handle: importUsers},
		{method: http.MethodGet, path: "/pools/{pool}/export", handle: askExport},
		{method: http.MethodPost, path: "/pools/{pool}/export", ops: []manage.Op{manage.UserExport, manage.UserExportFile}, handle: exportUsers},
		{method: http.MethodPost, path: "/pools/{pool}/users/{user}/export", ops: []manage.Op{manage.UserExportPerson}, handle: exportPerson},
	}
}

// before refuses who may not do op, and asks for fresh proof before a form is filled in
// rather than after, when a file would have to be chosen again.
func (p *page) before(op manage.Op) error {
	if !p.may(op) {
		return errs.New(errs.PermissionDenied)
	}
	if !p.c.Manage.Fresh(p.who, op) {
		return errs.New(errs.SudoRequired)
	}
	return nil
}

func askImport(ctx context.Context, p *page) error {
	if err := p.before(manage.UserImport); err != nil {
		return err
	}
	return p.show(ctx, "menu_import", importPage(p, api.ImportUsers{}, nil))
}

// importUsers checks a file that is sent, and stores the one that was checked before.
func importUsers(ctx context.Context, p *page) error {
	web.Patient(p.w)
	f := p.r.PostForm
	in := api.ImportUsers{
		PoolRef: p.poolRef(), From: f.Get("from"), OnConflict: f.Get("on_conflict"), IgnoreUnknown: ticked(f, "ignore_unknown"),
		DryRun: f.Get("do") != "store",
	}
	var err error
	if in.Data, err = uploaded(p.r); err == nil {
		var out api.Imported
		if out, err = p.c.Manage.ImportUsers(ctx, p.who, in); err == nil {
			return p.show(ctx, "menu_import", importPage(p, in, &out))
		}
	}
	if err := p.refuse(err); err != nil {
		return err
	}
	in.Data = ""
	return p.show(ctx, "menu_import", importPage(p, in, nil))
}

// uploaded is the file of a form: one that is sent, typed, or was checked before.
func uploaded(r *http.Request) (string, error) {
	if checked := r.PostFormValue("checked"); checked != "" {
		text, err := base64.StdEncoding.DecodeString(checked)
		if err != nil {
			return "", errs.New(errs.BadRequest, "field", "checked").Because(err)
		}
		return string(text), nil
	}
	file, about, err := r.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) || err == nil && about.Size == 0 {
		if text := r.PostFormValue("text"); strings.TrimSpace(text) != "" {
			return text, nil
		}
		return "", errs.New(errs.BadRequest, "field", "file")
	}
	if err != nil {
		return "", errs.New(errs.BadRequest, "field", "file").Because(err)
	}
	defer file.Close() //nolint:errcheck // only read
	if about.Size > maxImportFile {
		return "", errs.New(errs.FieldTooLong, "field", "file", "max", volume(maxImportFile))
	}
	text, err := io.ReadAll(file)
	return string(text), err
}

// carried is a file as the second form holds it: line ends and quotes would not survive
// a field of text.
func carried(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func askExport(ctx context.Context, p *page) error {
	if err := p.before(manage.UserExport); err != nil {
		return err
	}
	return p.show(ctx, "menu_export", exportPage(p))
}

func exportUsers(ctx context.Context, p *page) error {
	f := p.r.PostForm
	in := api.ExportFile{PoolRef: p.poolRef(), Format: f.Get("format"), Full: ticked(f, "full"), Hashes: ticked(f, "hashes")}
	name, media := in.Pool+".jsonl", "application/x-ndjson"
	if in.Format == "csv" {
		name, media = in.Pool+".csv", "text/csv; charset=utf-8"
	}
	return web.Stream(p.w, name, media, func(to *web.Streamed) error { return p.c.Manage.ExportUsersFile(ctx, p.who, in, to) })
}

// exportPerson sends everything that is kept of one person.
func exportPerson(ctx context.Context, p *page) error {
	out, err := p.c.Manage.ExportPerson(ctx, p.who, p.userRef())
	if err != nil {
		return err
	}
	web.Attach(p.w, p.r.PathValue("user")+".json", "application/json")
	_, err = p.w.Write(out.Document)
	return err
}

// problemWords says why somebody was not imported.
func problemWords(p *page, v api.ImportProblem) string {
	all := []string{i18n.Text(p.lang, errs.Code(v.Reason), map[string]string{"field": v.Field})}
	for _, more := range []string{v.Field, v.Detail} {
		if more != "" && !strings.Contains(all[0], more) {
			all = append(all, more)
		}
	}
	return strings.Join(all, " · ")
}

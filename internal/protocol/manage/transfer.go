package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/web"
)

// MaxImport is how much of the body of an import is read.
const MaxImport = 10 << 20

func (p *Protocol) transferOperations() []Operation {
	const export = "/pools/{pool}/export"
	in := operate(p, manage.UserImport, http.MethodPost, "/pools/{pool}/import", p.core.ImportUsers)
	in.handler = p.files(in.handler)
	return []Operation{
		in,
		operate(p, manage.UserExport, http.MethodGet, export, p.core.ExportUsers),
		download(p, manage.UserExportFile, export+"/file", jsonLines, p.sendPeople),
		operate(p, manage.UserExportPerson, http.MethodGet, "/pools/{pool}/users/{user}/export", p.core.ExportPerson),
	}
}

// The media types of files of people.
const (
	jsonLines = "application/x-ndjson"
	csvTable  = "text/csv; charset=utf-8"
)

// sendPeople sends the people of a pool.
func (p *Protocol) sendPeople(ctx context.Context, who operator.Principal, in api.ExportFile) (send, error) {
	return func(w http.ResponseWriter, _ *http.Request) error {
		name, media := in.Pool+".jsonl", jsonLines
		if in.Format == "csv" {
			name, media = in.Pool+".csv", csvTable
		}
		return web.Stream(w, name, media, func(to *web.Streamed) error { return p.core.ExportUsersFile(ctx, who, in, to) })
	}, nil
}

// files lets an import be sent as a file instead of JSON, so that curl can send one as it
// is. No web page can send these types without asking the server first, no more than JSON
// (WB-01).
func (p *Protocol) files(next http.Handler) http.Handler {
	return web.Handle(p, func(w http.ResponseWriter, r *http.Request) error {
		if _, err := p.principal(r.Context()); err != nil { // nobody else may take his time
			return err
		}
		web.Patient(w) // passwords in plain text take a while
		var format string
		switch media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media {
		case "text/csv":
			format = "csv"
		case jsonLines, "application/jsonl":
			format = "jsonl"
		default:
			next.ServeHTTP(w, r)
			return nil
		}
		text, err := io.ReadAll(r.Body)
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			return tooLarge()
		}
		if err != nil {
			return errs.New(errs.BadRequest, "field", "body").Because(err)
		}
		q := r.URL.Query()
		body, err := json.Marshal(api.ImportUsers{
			Data: string(text), Format: format, From: q.Get("from"), OnConflict: q.Get("on_conflict"),
			DryRun: q.Get("dry_run") == "true", IgnoreUnknown: q.Get("ignore_unknown") == "true",
		})
		if err != nil {
			return err
		}
		if len(body) > MaxImport {
			return tooLarge()
		}
		r.Header.Set("Content-Type", "application/json")
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		next.ServeHTTP(w, r)
		return nil
	})
}

func tooLarge() error {
	return errs.New(errs.BodyTooLarge, "max", strconv.Itoa(MaxImport>>20)+" MB")
}

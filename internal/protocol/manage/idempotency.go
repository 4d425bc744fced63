package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"

	"github.com/tigertally/tigertally/internal/idempotency"
	"github.com/tigertally/tigertally/internal/web"
)

// answer is a response that is kept.
type answer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// once runs next a single time for every Idempotency-Key of a caller. Only answers of
// success are kept: what was refused had no effect and may be tried again.
func (p *Protocol) once(next http.Handler) http.Handler {
	return web.Handle(p, func(w http.ResponseWriter, r *http.Request) error {
		key := r.Header.Get("Idempotency-Key")
		if key == "" || r.Method != http.MethodPost {
			next.ServeHTTP(w, r)
			return nil
		}
		who, err := p.principal(r.Context())
		if err != nil {
			return err
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		request := idempotency.Request{Owner: who.Actor(), Key: key, Method: r.Method, Path: r.URL.RequestURI(), Body: body}
		kept, err := p.answers.Begin(r.Context(), request)
		if err != nil {
			return err
		}
		if kept == nil {
			return p.first(w, r, next, request)
		}
		var a answer
		if err := json.Unmarshal(kept, &a); err != nil {
			return err
		}
		w.Header().Set("Idempotent-Replayed", "true")
		return a.send(w)
	})
}

// first does a request and keeps its answer, even when the client has gone meanwhile.
func (p *Protocol) first(w http.ResponseWriter, r *http.Request, next http.Handler, request idempotency.Request) error {
	ctx := context.WithoutCancel(r.Context())
	rec := &recorder{answer: answer{Header: http.Header{}}}
	next.ServeHTTP(rec, r)
	if rec.Status < 200 || rec.Status > 299 {
		if err := p.answers.Forget(ctx, request); err != nil {
			return err
		}
		return rec.send(w)
	}
	kept, err := json.Marshal(rec.answer)
	if err != nil {
		return err
	}
	if err := p.answers.Finish(ctx, request, kept); err != nil {
		return err
	}
	return rec.send(w)
}

func (a answer) send(w http.ResponseWriter) error {
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
	_, err := w.Write(a.Body)
	return err
}

// recorder is a response that is not sent yet.
type recorder struct{ answer }

func (r *recorder) Header() http.Header { return r.answer.Header }

func (r *recorder) WriteHeader(status int) {
	if r.Status == 0 {
		r.Status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	r.Body = append(r.Body, p...)
	return len(p), nil
}

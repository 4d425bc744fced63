package manage

import (
	"context"
	"mime"
	"net/http"
	"reflect"
	"time"

	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/web"
)

// send answers with a file. Before its first byte it may still fail like any operation.
type send func(w http.ResponseWriter, r *http.Request) error

// download makes the endpoint of an operation whose answer is a file of any length.
func download[In any](p *Protocol, op manage.Op, path, media string,
	fn func(context.Context, operator.Principal, In) (send, error),
) Operation {
	run := func(ctx context.Context, in In) (send, error) {
		who, err := p.principal(ctx)
		if err != nil {
			return nil, err
		}
		return fn(ctx, who, in)
	}
	write := func(w http.ResponseWriter, r *http.Request, answer send) error {
		patient(w)
		return answer(w, r)
	}
	return Operation{
		Op: op, Method: http.MethodGet, Path: path, In: reflect.TypeFor[In](), Out: reflect.TypeFor[struct{}](), Media: media,
		handler: web.Endpoint(p, run, write),
	}
}

// patient lifts the limits on how long an answer may take. Only administrators get here.
func patient(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // a caller in this process has none
	_ = c.SetWriteDeadline(time.Time{})
}

// attach says that the answer is a file to be stored under a name, never to be shown.
func attach(w http.ResponseWriter, name, media string) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Cache-Control", "no-store")
}

// Stream sends what fn writes as a file. When fn fails before it has written anything,
// that is the error; later the connection is broken, so that half a file is not taken for
// a whole one.
func Stream(w http.ResponseWriter, name, media string, fn func(*Streamed) error) error {
	s := &Streamed{w: w, name: name, media: media}
	err := fn(s)
	switch {
	case err == nil:
		s.begin()
	case s.begun:
		_ = http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
	}
	return err
}

// Streamed is the writer of Stream.
type Streamed struct {
	w           http.ResponseWriter
	name, media string
	begun       bool
}

// Write sends p.
func (s *Streamed) Write(p []byte) (int, error) {
	s.begin()
	return s.w.Write(p)
}

func (s *Streamed) begin() {
	if !s.begun {
		s.begun = true
		attach(s.w, s.name, s.media)
		s.w.WriteHeader(http.StatusOK)
	}
}

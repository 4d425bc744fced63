package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/web"
)

const (
	longestWait = 30 * time.Second
	largestBody = 64 << 10
)

// Handler serves everything below /emulator/. It lets pages of any origin in.
func (e *Emulator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /emulator/v1/project", answer(e, e.project))
	mux.HandleFunc("GET /emulator/v1/messages", e.messages)
	mux.Handle("GET /emulator/v1/clock", answer(e, e.readClock))
	mux.Handle("POST /emulator/v1/clock", answer(e, e.moveClock))
	mux.Handle("POST /emulator/v1/reset", answer(e, e.reset))
	mux.Handle("POST /emulator/v1/users", answer(e, e.createUser))
	mux.Handle("GET /emulator/v1/settings", answer(e, e.readSettings))
	mux.Handle("PUT /emulator/v1/settings", answer(e, e.changeSettings))
	mux.Handle("POST /emulator/v1/ticket-keys", answer(e, e.ticketKey))
	mux.HandleFunc("/emulator/v1/", func(w http.ResponseWriter, r *http.Request) {
		e.fail(w, r, errs.New(errs.RouteNotFound))
	})
	mux.Handle("/emulator/", page())
	return openCORS(mux)
}

type none struct{}

func (e *Emulator) project(ctx context.Context, _ none) (Project, error) { return e.o.Project(ctx) }

func (e *Emulator) ticketKey(ctx context.Context, _ none) (TicketKey, error) {
	return e.o.TicketKey(ctx)
}

type created struct {
	ID string `json:"id"`
}

func (e *Emulator) createUser(ctx context.Context, u NewUser) (created, error) {
	switch u.Status {
	case "", "active", "pending", "blocked":
	default:
		return created{}, errs.New(errs.BadRequest, "field", "status")
	}
	id, err := e.o.CreateUser(ctx, u)
	return created{ID: id}, err
}

func (e *Emulator) readSettings(ctx context.Context, _ none) (Settings, error) {
	return e.o.Settings(ctx, Settings{})
}

func (e *Emulator) changeSettings(ctx context.Context, s Settings) (Settings, error) {
	if s.Captcha != nil && *s.Captcha != "off" && *s.Captcha != "always" {
		return Settings{}, errs.New(errs.BadRequest, "field", "captcha")
	}
	if s.AccessTokenSeconds != nil && *s.AccessTokenSeconds < 1 {
		return Settings{}, errs.New(errs.BadRequest, "field", "accessTokenSeconds")
	}
	return e.o.Settings(ctx, s)
}

type resetRequest struct {
	Clock bool `json:"clock"` // return to the real time as well
}

func (e *Emulator) reset(ctx context.Context, in resetRequest) (none, error) {
	if err := e.o.Wipe(ctx); err != nil {
		return none{}, err
	}
	if in.Clock {
		e.o.Clock.Reset()
	}
	e.o.Inbox.Clear()
	return none{}, nil
}

type clockRequest struct {
	Advance string `json:"advance"`
	Reset   bool   `json:"reset"`
}

type clockState struct {
	Now           time.Time `json:"now"`
	OffsetSeconds float64   `json:"offsetSeconds"`
}

func (e *Emulator) readClock(context.Context, none) (clockState, error) {
	return clockState{Now: e.o.Clock.Now().UTC(), OffsetSeconds: e.o.Clock.Offset().Seconds()}, nil
}

func (e *Emulator) moveClock(ctx context.Context, in clockRequest) (clockState, error) {
	if in.Reset {
		e.o.Clock.Reset()
	}
	if in.Advance != "" {
		d, err := parseDuration(in.Advance)
		if err != nil {
			return clockState{}, err
		}
		if err := e.o.Clock.Advance(d); err != nil {
			return clockState{}, err
		}
	} else if !in.Reset {
		return clockState{}, errs.New(errs.FieldMissing, "field", "advance")
	}
	return e.readClock(ctx, none{})
}

// messages lists the inbox. With wait it holds the request until there is something to
// say, so it takes the server's write deadline off this connection.
func (e *Emulator) messages(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit, _ := strconv.Atoi(q.Get("limit"))
	f := Filter{Channel: q.Get("channel"), To: q.Get("to"), After: q.Get("after"), Limit: max(limit, 0)}
	var wait time.Duration
	if s := q.Get("wait"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			e.fail(w, r, errs.New(errs.BadRequest, "field", "wait").Because(err))
			return
		}
		wait = min(d, longestWait)
	}
	// Not every connection has deadlines; then there is none to take off.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if f.After == "" {
		e.o.Settle(r.Context())
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	write(w, http.StatusOK, e.o.Inbox.Wait(ctx, f))
}

// answer serves fn: a strict JSON body in, JSON out. An empty body is the zero value.
func answer[In, Out any](e *Emulator, fn func(context.Context, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, largestBody))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&in); err != nil && !errors.Is(err, io.EOF) {
			e.fail(w, r, errs.New(errs.BadRequest, "field", "body").Because(err))
			return
		}
		out, err := fn(r.Context(), in)
		if err != nil {
			e.fail(w, r, err)
			return
		}
		write(w, http.StatusOK, out)
	})
}

type errorBody struct {
	Error struct {
		Code    errs.Code `json:"code"`
		Message string    `json:"message"`
	} `json:"error"`
}

func (e *Emulator) fail(w http.ResponseWriter, r *http.Request, err error) {
	refusal := errs.From(err)
	status := web.Status(refusal.Code.Kind())
	e.o.Logger.WarnContext(r.Context(), "emulator refused", "path", r.URL.Path, "status", status, "err", refusal)
	var body errorBody
	body.Error.Code = refusal.Code
	body.Error.Message = i18n.Text(i18n.Match(r.Header.Get("Accept-Language")), refusal.Code, refusal.Params)
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}

// openCORS lets test pages of every origin use the emulator.
func openCORS(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "content-type, accept-language")
			h.Set("Access-Control-Max-Age", "7200")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

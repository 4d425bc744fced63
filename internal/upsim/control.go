package upsim

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const longestWait = 30 * time.Second

// badRequest is a mistake in a call of the control API.
type badRequest struct{ error }

// control is the API below /_sim, for clients that are not in this process.
func (s *Server) control() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, serve func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			out, err := serve(r)
			status := http.StatusOK
			if err != nil {
				status, out = http.StatusBadRequest, object{"error": err.Error()}
			}
			writeJSON(w, status, out)
		})
	}
	handle("POST /_sim/reset", func(*http.Request) (any, error) { s.Reset(); return object{}, nil })
	handle("GET /_sim/clock", func(*http.Request) (any, error) { return s.clockState(), nil })
	handle("POST /_sim/clock", s.moveClock)
	handle("GET /_sim/bases", func(*http.Request) (any, error) { return s.Bases(), nil })
	handle("GET /_sim/apps", s.listAccounts)
	handle("PUT /_sim/apps/{rest...}", s.putAccount)
	handle("GET /_sim/users", func(*http.Request) (any, error) { return s.Users(), nil })
	handle("GET /_sim/users/{subject}", s.getUser)
	handle("PUT /_sim/users/{subject}", s.putUser)
	handle("POST /_sim/codes", s.mintCode)
	handle("POST /_sim/faults", s.armFault)
	handle("DELETE /_sim/faults/{id}", s.disarmFault)
	handle("GET /_sim/journal", s.readJournal)
	handle("GET /_sim/sms", s.readSMS)
	handle("GET /_sim/wait", s.wait)
	handle("POST /_sim/deliver", s.deliver)
	s.controlMore(handle)
	handle("GET /_sim/expect", func(*http.Request) (any, error) { return s.Unexpected(), nil })
	handle("POST /_sim/expect", s.expect)
	mux.HandleFunc("GET /_sim/ca.pem", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-pem-file")
		_, _ = w.Write(s.CA()) // the caller may be gone
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if subtle.ConstantTimeCompare([]byte(given), []byte(s.token)) != 1 {
			writeJSON(w, http.StatusUnauthorized, object{"error": "the control API wants the token as a bearer"})
			return
		}
		if !s.enter() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer s.leave()
		mux.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", kindJSON)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller may be gone
}

// read decodes a body strictly, so that a misspelt field is not a call that did nothing.
func read[T any](r *http.Request) (T, error) {
	var v T
	d := json.NewDecoder(io.LimitReader(r.Body, largestRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		return v, badRequest{fmt.Errorf("body: %w", err)}
	}
	return v, nil
}

// since reads the id after which a list begins.
func since(r *http.Request) (int, error) {
	text := r.URL.Query().Get("since")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, badRequest{fmt.Errorf("since: %w", err)}
	}
	return n, nil
}

func (s *Server) clockState() object {
	return object{"now": s.Now().UTC().Format(time.RFC3339Nano)}
}

func (s *Server) moveClock(r *http.Request) (any, error) {
	in, err := read[struct {
		Set     *time.Time `json:"set"`
		Advance string     `json:"advance"`
		Freeze  *bool      `json:"freeze"`
	}](r)
	if err != nil {
		return nil, err
	}
	if in.Set != nil {
		s.SetTime(*in.Set)
	}
	if in.Advance != "" {
		d, err := time.ParseDuration(in.Advance)
		if err != nil {
			return nil, badRequest{err}
		}
		s.Advance(d)
	}
	if in.Freeze != nil {
		s.Freeze(*in.Freeze)
	}
	return s.clockState(), nil
}

// listAccounts is encoded under the mutex: the maps inside belong to it.
func (s *Server) listAccounts(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := json.Marshal(s.accounts)
	return json.RawMessage(text), err
}

func (s *Server) putAccount(r *http.Request) (any, error) {
	rest := r.PathValue("rest")
	at := strings.LastIndexByte(rest, '/')
	if at < 1 || at == len(rest)-1 {
		return nil, badRequest{fmt.Errorf("%q names no vendor and id", rest)}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, largestRequest))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return object{}, s.accounts.put(rest[:at], rest[at+1:], body)
}

func (s *Server) getUser(r *http.Request) (any, error) {
	if !isSubject(r.PathValue("subject")) {
		return nil, badRequest{fmt.Errorf("%q is no subject", r.PathValue("subject"))}
	}
	return s.User(r.PathValue("subject")), nil
}

func (s *Server) putUser(r *http.Request) (any, error) {
	u, err := read[User](r)
	if err != nil {
		return nil, err
	}
	u.Subject = r.PathValue("subject")
	return object{}, s.PutUser(u)
}

func (s *Server) mintCode(r *http.Request) (any, error) {
	in, err := read[NewCode](r)
	if err != nil {
		return nil, err
	}
	code, err := s.Mint(in)
	return object{"code": code}, err
}

func (s *Server) armFault(r *http.Request) (any, error) {
	in, err := read[Fault](r)
	if err != nil {
		return nil, err
	}
	id, err := s.Arm(in)
	return object{"id": id}, err
}

func (s *Server) disarmFault(r *http.Request) (any, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !s.Disarm(id) {
		return nil, badRequest{fmt.Errorf("no fault %q", r.PathValue("id"))}
	}
	return object{}, nil
}

func (s *Server) readJournal(r *http.Request) (any, error) {
	from, err := since(r)
	if err != nil {
		return nil, err
	}
	return s.journalSince(r.URL.Query().Get("upstream"), from), nil
}

func (s *Server) readSMS(r *http.Request) (any, error) {
	from, err := since(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.smsSince(r.URL.Query().Get("phone"), from), nil
}

// wait answers with the next message, or with null when none came in time.
func (s *Server) wait(r *http.Request) (any, error) {
	q := r.URL.Query()
	if q.Get("inbox") != "sms" && q.Get("inbox") != "mail" {
		return nil, badRequest{fmt.Errorf("no inbox %q", q.Get("inbox"))}
	}
	from, err := since(r)
	if err != nil {
		return nil, err
	}
	timeout := longestWait
	if text := q.Get("timeout"); text != "" {
		if timeout, err = time.ParseDuration(text); err != nil || timeout > longestWait {
			return nil, badRequest{fmt.Errorf("timeout is at most %v", longestWait)}
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	if q.Get("inbox") == "mail" {
		m, err := s.WaitMail(ctx, q.Get("to"), from)
		if err != nil {
			return nil, nil
		}
		return m, nil
	}
	m, err := s.WaitSMS(ctx, q.Get("to"), from)
	if err != nil {
		return nil, nil // nothing came, which is an answer
	}
	return m, nil
}

func (s *Server) deliver(r *http.Request) (any, error) {
	in, err := read[Delivery](r)
	if err != nil {
		return nil, err
	}
	return s.Deliver(r.Context(), in)
}

func (s *Server) expect(r *http.Request) (any, error) {
	in, err := read[struct {
		Matches []Match `json:"matches"`
	}](r)
	if err != nil {
		return nil, err
	}
	s.Expect(in.Matches...)
	return object{}, nil
}

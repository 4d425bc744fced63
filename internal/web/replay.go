package web

import (
	"bytes"
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"net/http"
	"sync"
	"time"
)

// maxReplay bounds the body of an answer that is kept.
const maxReplay = 16 << 10

// Replays answers a request that is sent again with the answer it had. CloudBase
// clients send a POST up to three times when they get no readable answer, under the
// same x-request-id; without this the second one would find its code spent.
//
// Two requests are the same when id, method, URL, body and Authorization all are: the
// id alone comes again with another URL after a captcha. Only answers of 2xx are kept,
// in memory, so this is a help to clients and no guarantee.
type Replays struct {
	now  func() time.Time
	life time.Duration
	max  int

	mu     sync.Mutex
	calls  map[replayKey]*call
	oldest *list.List // of *call that are done, in the order they ended
}

type replayKey [sha256.Size]byte

// call is one request: running until done is closed, then an answer.
type call struct {
	key    replayKey
	done   chan struct{}
	kept   bool // set before done is closed
	until  time.Time
	status int
	header http.Header
	body   []byte
}

// NewReplays keeps at most size answers, each for life.
func NewReplays(now func() time.Time, life time.Duration, size int) *Replays {
	return &Replays{
		now: now, life: life, max: size,
		calls: make(map[replayKey]*call), oldest: list.New(),
	}
}

// Handler runs next once for each request with an x-request-id that changes something.
// Of the same request sent twice at a time, the second waits for the first.
func (s *Replays) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := first(r.Header, "X-Request-Id")
		if !changes(r.Method) || !safeID(id) {
			next.ServeHTTP(w, r)
			return
		}
		size := min(max(r.ContentLength, 511), MaxBody)
		body, err := readBody(make([]byte, 0, size+1), r)
		// The endpoint sees what was read, and the error at the same place.
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
		if err != nil {
			next.ServeHTTP(w, r)
			return
		}
		s.serve(w, r, next, keyOf(r, id, body))
	})
}

func (s *Replays) serve(w http.ResponseWriter, r *http.Request, next http.Handler, key replayKey) {
	for {
		c, mine := s.enter(key)
		if mine {
			s.run(c, w, r, next)
			return
		}
		select {
		case <-c.done:
		case <-r.Context().Done():
			return // the client is gone
		}
		if c.kept {
			c.write(w)
			return
		}
	}
}

// enter finds the call of key, or starts one.
func (s *Replays) enter(key replayKey) (c *call, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	for e := s.oldest.Front(); e != nil; e = s.oldest.Front() {
		old, ok := e.Value.(*call)
		if ok && now.Before(old.until) && s.oldest.Len() <= s.max {
			break
		}
		s.oldest.Remove(e)
		if ok {
			delete(s.calls, old.key)
		}
	}
	if c := s.calls[key]; c != nil {
		return c, false
	}
	c = &call{key: key, done: make(chan struct{})}
	s.calls[key] = c
	return c, true
}

// run serves the request and keeps its answer. It lets the waiting go also when next
// panics.
func (s *Replays) run(c *call, w http.ResponseWriter, r *http.Request, next http.Handler) {
	rec := &recorder{ResponseWriter: w}
	finished := false
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if finished && rec.whole() {
			c.kept, c.status, c.body = true, rec.status, rec.body
			c.header = http.Header{
				"Content-Type":  w.Header()["Content-Type"],
				"Cache-Control": w.Header()["Cache-Control"],
			}
			c.until = s.now().Add(s.life)
			s.oldest.PushBack(c)
		} else {
			delete(s.calls, c.key)
		}
		close(c.done)
	}()
	next.ServeHTTP(rec, r)
	finished = true
}

func (c *call) write(w http.ResponseWriter) {
	for name, v := range c.header {
		if v != nil {
			w.Header()[name] = v
		}
	}
	w.WriteHeader(c.status)
	_, _ = w.Write(c.body) //nolint:gosec // what an endpoint wrote under the same content type
}

// recorder copies an answer while it is written.
type recorder struct {
	http.ResponseWriter

	status int
	body   []byte
	over   bool
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if len(r.body)+len(p) > maxReplay {
		r.over = true
	} else {
		r.body = append(r.body, p...)
	}
	return r.ResponseWriter.Write(p)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// whole reports whether the answer may be given again.
func (r *recorder) whole() bool {
	return r.status >= 200 && r.status < 300 && !r.over
}

func changes(method string) bool {
	switch method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

// keyOf hashes what makes a request the same, each part behind its length.
func keyOf(r *http.Request, id string, body []byte) replayKey {
	b := make([]byte, 0, 512)
	for _, part := range []string{id, r.Method, r.Host, r.URL.RequestURI()} {
		b = appendPart(b, part)
	}
	for _, part := range r.Header["Authorization"] {
		b = appendPart(b, part)
	}
	sum := sha256.Sum256(body)
	return sha256.Sum256(append(b, sum[:]...))
}

func appendPart(b []byte, part string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(part))), part...)
}

// failing is a reader that only has an error; without one it is at its end.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err == nil {
		return 0, io.EOF
	}
	return 0, f.err
}

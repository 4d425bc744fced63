package web

import (
	"mime"
	"net/http"
	"time"
)

// Patient lifts the limits on how long a request and its answer may take. It is for
// callers who have proved who they are: anybody else could hold connections open.
func Patient(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Time{}) // a caller in this process has none
	_ = c.SetWriteDeadline(time.Time{})
}

// Attach says that the answer is a file to be stored under a name, never to be shown.
func Attach(w http.ResponseWriter, name, media string) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Cache-Control", "no-store")
}

// Stream sends what fn writes as a file, however long it takes. When fn fails before it
// has written anything, that is the error; later the connection is broken, so that half a
// file is not taken for a whole one.
func Stream(w http.ResponseWriter, name, media string, fn func(*Streamed) error) error {
	Patient(w)
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
		Attach(s.w, s.name, s.media)
		s.w.WriteHeader(http.StatusOK)
	}
}

package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
)

// Header values that never change; net/http only reads them.
var (
	jsonType = []string{"application/json; charset=utf-8"}
	noStore  = []string{"no-store"}
)

type encoder struct {
	buf bytes.Buffer
	enc *json.Encoder
}

var encoders = sync.Pool{New: func() any {
	e := new(encoder)
	e.enc = json.NewEncoder(&e.buf)
	e.enc.SetEscapeHTML(false) // the content type and nosniff keep it from being HTML
	return e
}}

// maxKept keeps a rare large answer from staying in the pool.
const maxKept = 64 << 10

// WriteJSON answers with status and v as JSON. It is for the protocols' WriteError and
// for handlers that choose their status; nothing may have been written before.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	if err := writeJSON(w, status, v); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// writeJSON fails only before it has written anything.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	e, ok := encoders.Get().(*encoder)
	if !ok {
		return fmt.Errorf("web: no encoder")
	}
	defer func() {
		if e.buf.Cap() <= maxKept {
			encoders.Put(e)
		}
	}()
	e.buf.Reset()
	if err := e.enc.Encode(v); err != nil {
		return fmt.Errorf("web: encode the answer: %w", err)
	}
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Cache-Control"] = noStore
	w.WriteHeader(status)
	// If this fails the client is gone; the access log shows the bytes.
	_, _ = w.Write(bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")))
	return nil
}

package upsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const largestRequest = 1 << 20

// exchange is one request to a vendor, with everything its endpoint may ask.
type exchange struct {
	req    *http.Request
	raw    []byte // the body as received
	at     time.Time
	query  url.Values
	form   url.Values     // the body of a form, else empty
	isForm bool           // the request says that it is a form, and reads as one
	json   map[string]any // the body when it is a JSON object, else nil
	params map[string]string
	flags  flags
	action string // what the caller wanted, for vendors with one path
}

// readExchange takes r in whole, so that a signature can be checked over what was
// received and not over what was understood.
func readExchange(r *http.Request) (*exchange, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, largestRequest+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > largestRequest {
		return nil, errors.New("the request is too large")
	}
	x := &exchange{req: r, raw: raw, query: r.URL.Query(), form: url.Values{}, action: r.URL.Path}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err == nil && kind == "application/x-www-form-urlencoded" {
		if form, err := url.ParseQuery(string(raw)); err == nil {
			x.form, x.isForm = form, true
		}
	}
	if !x.isForm {
		x.json = readObject(raw)
	}
	x.params = x.flatten()
	return x, nil
}

// readObject reads a JSON object whose numbers keep their text, nil if raw is none.
func readObject(raw []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var o map[string]any
	if d.Decode(&o) != nil || d.More() {
		return nil
	}
	return o
}

// flatten names every value of the query, the form or the JSON body.
func (x *exchange) flatten() map[string]string {
	all := make(map[string]string)
	for _, from := range []url.Values{x.query, x.form} {
		for name, values := range from {
			all[name] = strings.Join(values, ",")
		}
	}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				walk(name+"."+key, inner)
			}
		case []any:
			for i, inner := range v {
				walk(name+"."+strconv.Itoa(i), inner)
			}
		case string:
			all[name[1:]] = v
		case json.Number:
			all[name[1:]] = v.String()
		case bool:
			all[name[1:]] = strconv.FormatBool(v)
		}
	}
	if x.json != nil {
		walk("", x.json)
	}
	return all
}

// param is a parameter of the form or, without one there, of the query.
func (x *exchange) param(name string) string {
	if x.form.Has(name) {
		return x.form.Get(name)
	}
	return x.query.Get(name)
}

// text is a string of the JSON body, "" when it is missing or something else.
func (x *exchange) text(name string) string {
	s, _ := x.json[name].(string)
	return s
}

// handle runs one endpoint of v: faults, answer, journal.
func (s *Server) handle(v vendor, serve endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		defer s.leave()
		x, err := readExchange(r)
		if err != nil {
			http.Error(w, "unreadable request", http.StatusBadRequest)
			return
		}
		a := s.answer(v, serve, x)
		s.send(w, x, a)
	})
}

// answer decides under the mutex what v says, and writes it down.
func (s *Server) answer(v vendor, serve endpoint, x *exchange) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.at = s.clock.now()
	x.flags = s.faults.strike(v, x)
	a, ready := s.failEarly(v, x)
	if !ready {
		a = spoil(serve(x), x.flags)
	}
	if a.verdict == "" {
		a.verdict = verdictOK
	}
	s.journal.add(s.entry(v, x, a))
	return a
}

package upsim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	bigBody  = 2 << 20
	bombBody = 10 << 20
	dripRate = time.Second
	foreign  = "http://198.51.100.7/elsewhere" // TEST-NET-2: nobody is there
)

// failEarly answers for faults that keep the endpoint from running at all, so that a
// code in the request stays good.
func (s *Server) failEarly(v vendor, x *exchange) (answer, bool) {
	f := x.flags
	switch {
	case f.has("HANG"):
		return answer{manner: mannerNever, verdict: "fault"}, true
	case f.has("RST"):
		return answer{manner: mannerReset, verdict: "fault"}, true
	case f.has("HTML"):
		return fault(http.StatusOK, kindHTML, []byte("<!doctype html><title>gateway</title><p>Please try again later.</p>")), true
	case f.has("NOERR"):
		return fault(http.StatusOK, kindJSON, []byte("{}")), true
	case f.has("REDIR"):
		a := fault(http.StatusFound, kindText, nil)
		a.location = foreign
		return a, true
	case f.has("BIG"):
		return fault(http.StatusOK, kindJSON, []byte(`{"filler":"`+strings.Repeat("x", bigBody)+`"}`)), true
	case f.has("GZIP"):
		a := fault(http.StatusOK, kindJSON, bomb())
		a.encoding = "gzip"
		return a, true
	}
	if text, ok := f.with("H"); ok {
		if status, err := strconv.Atoi(text); err == nil {
			return fault(status, kindText, []byte(http.StatusText(status)+"\n")), true
		}
	}
	if code, ok := f.with("ERR:"); ok {
		return v.refuse(x, code).as("fault"), true
	}
	for _, flag := range f {
		if code, ok := v.codes[flag]; ok {
			return v.refuse(x, code).as("fault"), true
		}
	}
	return answer{}, false
}

func fault(status int, kind string, body []byte) answer {
	return answer{status: status, kind: kind, body: body, verdict: "fault"}
}

// bomb is small on the wire and large in memory.
func bomb() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(bytes.Repeat([]byte{' '}, bombBody)) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// spoil changes an answer that the endpoint meant well.
func spoil(a answer, f flags) answer {
	if f.has("ERRSTR") {
		a.body = edit(a.body, "errcode", false)
	}
	if field, ok := f.with("TYPE:"); ok {
		a.body = edit(a.body, field, false)
	}
	if field, ok := f.with("DROP:"); ok {
		a.body = edit(a.body, field, true)
	}
	if f.has("CHARSET") {
		a.kind = "text/plain; charset=gb2312"
	}
	switch {
	case f.has("TRUNC"):
		a.manner = mannerCut
	case f.has("DRIP"):
		a.manner = mannerDrip
	}
	return a
}

// edit drops a field of a JSON body at every depth, or turns text into a number or the
// other way round.
func edit(body []byte, field string, drop bool) []byte {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return body
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if value, ok := v[field]; ok {
				if drop {
					delete(v, field)
				} else {
					v[field] = retyped(value)
				}
			}
			for _, inner := range v {
				walk(inner)
			}
		case []any:
			for _, inner := range v {
				walk(inner)
			}
		}
	}
	walk(v)
	changed, err := json.Marshal(v)
	if err != nil {
		return body
	}
	return changed
}

func retyped(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case string:
		if _, err := strconv.ParseInt(v, 10, 64); err == nil {
			return json.Number(v)
		}
		return 1
	default:
		return "x"
	}
}

// send writes a in its manner.
func (s *Server) send(w http.ResponseWriter, x *exchange, a answer) {
	if ms := x.flags.slowness(); ms > 0 && !s.pause(x, time.Duration(ms)*time.Millisecond) {
		a.manner = mannerReset // returning would send an empty answer
	}
	h := w.Header()
	switch a.manner {
	case mannerNever:
		s.pause(x, time.Duration(1<<62))
		cut(w, answer{manner: mannerReset})
		return
	case mannerReset, mannerCut:
		cut(w, a)
		return
	case mannerWhole, mannerDrip:
	}
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-store")
	if a.kind == kindHTML {
		guardPage(h)
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.encoding != "" {
		h.Set("Content-Encoding", a.encoding)
	}
	if a.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Basic realm="simulator"`)
	}
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if a.manner == mannerDrip {
		s.drip(w, x, a.body)
		return
	}
	_, _ = w.Write(a.body) // the caller may be gone
}

// pause waits and reports whether anyone is still there to answer.
func (s *Server) pause(x *exchange, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-x.req.Context().Done():
		return false
	case <-s.closed:
		return false
	}
}

func (s *Server) drip(w http.ResponseWriter, x *exchange, body []byte) {
	flush := http.NewResponseController(w)
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil || flush.Flush() != nil || !s.pause(x, dripRate) {
			return
		}
	}
}

// cut takes the connection from net/http, which would not let go of it halfway.
func cut(w http.ResponseWriter, a answer) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	if a.manner == mannerReset {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // closing then sends a reset
		}
		return
	}
	_, _ = buffered.WriteString("HTTP/1.1 " + strconv.Itoa(a.status) + " " + http.StatusText(a.status) +
		"\r\nContent-Type: " + a.kind + "\r\nContent-Length: " + strconv.Itoa(len(a.body)) + "\r\n\r\n")
	_, _ = buffered.Write(a.body[:len(a.body)/2])
	_ = buffered.Flush()
}

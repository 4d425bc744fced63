package web

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/errs"
)

// MaxBody is how much of a request body is read where Options.MaxBody says nothing else.
const MaxBody = 64 << 10

var bodies = sync.Pool{New: func() any {
	b := make([]byte, 0, 2<<10)
	return &b
}}

// fill sets the fields of *in, a pointer to the plan's type, from r.
func (p *plan) fill(in any, r *http.Request) error {
	v := reflect.ValueOf(in).Elem()
	if p.body != nil || p.raw != nil {
		if err := p.fromBody(v, r); err != nil {
			return err
		}
	}
	for i := range p.params {
		if err := p.params[i].fill(v, r); err != nil {
			return err
		}
	}
	if p.validate {
		if val, ok := in.(validator); ok {
			return val.Validate()
		}
	}
	return nil
}

func (p *plan) fromBody(v reflect.Value, r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	room, ok := bodies.Get().(*[]byte)
	if !ok {
		return errors.New("web: no buffer")
	}
	defer func() {
		if cap(*room) <= 4*MaxBody { // else one large body would stay in memory
			bodies.Put(room)
		}
	}()
	data, err := readBody((*room)[:0], r)
	*room = data
	if err != nil {
		return err
	}
	if len(bytes.TrimLeft(data, " \t\r\n")) == 0 {
		return nil
	}
	if err := decode(data, p.body, v); err != nil {
		return err
	}
	if p.raw != nil {
		v.FieldByIndex(p.raw).SetBytes(bytes.Clone(data))
	}
	return nil
}

// readBody reads the body of r into b, as much of it as the request may have.
func readBody(b []byte, r *http.Request) ([]byte, error) {
	most := int64(MaxBody)
	if s := stateOf(r.Context()); s != nil && s.maxBody > 0 {
		most = s.maxBody
	}
	tooLarge := errs.New(errs.BodyTooLarge, "max", strconv.FormatInt(most>>10, 10)+" KB")
	if r.ContentLength > most {
		return b, tooLarge
	}
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > most {
			return b, tooLarge
		}
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if _, over := errors.AsType[*http.MaxBytesError](err); over {
			return b, tooLarge
		}
		if err == nil {
			continue
		}
		if _, ours := errors.AsType[*errs.Error](err); ours { // from somebody who read it before
			return b, err
		}
		return b, errs.New(errs.BadRequest, "field", "body").Because(err)
	}
}

func (q *param) fill(v reflect.Value, r *http.Request) error {
	var value string
	found := false
	switch q.source {
	case "path":
		value = r.PathValue(q.name)
		found = value != ""
	case "header":
		switch h := r.Header[q.name]; len(h) {
		case 0:
		case 1:
			value, found = h[0], true
		default:
			return refused(q.name, "stands twice")
		}
	default:
		return q.fromQuery(v, r.URL.RawQuery)
	}
	if !found {
		return nil
	}
	return q.set(v.FieldByIndex(q.index), value, false)
}

// fromQuery looks for the parameter in a raw query. Pairs nobody asked for are not
// even unescaped.
func (q *param) fromQuery(v reflect.Value, raw string) error {
	seen := false
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		rawKey, rawValue, _ := strings.Cut(pair, "=")
		key, err := unescape(rawKey)
		if err != nil {
			continue // it cannot be a name we know
		}
		inner, ok := q.match(key)
		if !ok {
			continue
		}
		value, err := unescape(rawValue)
		if err != nil {
			return refused(q.name, "bad escape")
		}
		field := v.FieldByIndex(q.index)
		if q.prefix != "" {
			if err := q.put(field, inner, value); err != nil {
				return err
			}
			continue
		}
		if err := q.set(field, value, seen); err != nil {
			return err
		}
		seen = true
	}
	return nil
}

// match reports whether key names the parameter, and which member of it.
func (q *param) match(key string) (inner string, ok bool) {
	if q.prefix == "" {
		return "", key == q.name
	}
	inner, ok = strings.CutPrefix(key, q.prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(inner, "]")
}

// put adds a member of a bracketed map.
func (q *param) put(field reflect.Value, key, value string) error {
	if !storable(key) || !storable(value) {
		return refused(q.name, "not text")
	}
	m, ok := reflect.TypeAssert[map[string]string](field)
	if !ok || m == nil {
		m = make(map[string]string)
		field.Set(reflect.ValueOf(m))
	}
	if _, twice := m[key]; twice || len(m) == maxMembers {
		return refused(q.name, "stands twice, or has too many members")
	}
	m[key] = value
	return nil
}

// set stores one value. A parameter that is no list stands once, and does not
// contradict the body.
func (q *param) set(field reflect.Value, value string, again bool) error {
	if !storable(value) {
		return refused(q.name, "not text")
	}
	if q.typ == stringList {
		if field.Len() == maxMembers {
			return refused(q.name, "too many values")
		}
		field.Set(reflect.Append(field, reflect.ValueOf(value)))
		return nil
	}
	if again {
		return refused(q.name, "stands twice")
	}
	switch q.typ.Kind() {
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(value, 10, q.typ.Bits())
		if err != nil {
			return refused(q.name, "not an integer")
		}
		field.SetInt(n)
	case reflect.Bool:
		if value != "true" && value != "false" {
			return refused(q.name, "not a boolean")
		}
		field.SetBool(value == "true")
	default:
		if old := field.String(); old != "" && old != value {
			return refused(q.name, "differs from the body")
		}
		field.SetString(value)
	}
	return nil
}

// storable reports whether s is text both databases keep.
func storable(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// unescape is url.QueryUnescape without its cost for plain text.
func unescape(s string) (string, error) {
	if !strings.ContainsAny(s, "%+") {
		return s, nil
	}
	return url.QueryUnescape(s)
}

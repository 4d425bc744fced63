package migrate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/errs"
)

// The bounds of one person in a file (ID-05).
const (
	maxRecord = 64 << 10 // bytes
	maxDepth  = 8        // of JSON
	maxColumn = 256
)

// record is one person of a file, as it was written.
type record struct {
	line   int64          // where it begins, from 1
	fields map[string]any // texts, json.Number, bool, maps and lists
	err    error          // why it cannot be read; others after it may
}

// source reads the people of a file one by one. Its next is io.EOF at the end, and any
// other error ends the import.
type source interface {
	next() (record, error)
	bytes() int64 // read so far
}

// open looks at the beginning of a file and returns the source of its format.
func open(r io.Reader, format string) (source, error) {
	in := &reader{Reader: bufio.NewReaderSize(r, 256<<10), line: 1}
	if head, _ := in.Peek(3); bytes.Equal(head, []byte("\xef\xbb\xbf")) { // a byte order mark
		in.discard(3)
	}
	if format == Auto {
		format = in.guess()
	}
	switch format {
	case CSV:
		return newCSV(in)
	case JSONL:
		return &jsonLines{in}, nil
	case JSON:
		return &jsonList{in: in}, nil
	}
	return nil, errs.New(errs.BadRequest, "field", "format")
}

// reader counts lines and bytes.
type reader struct {
	*bufio.Reader
	line, read int64
}

func (r *reader) bytes() int64 { return r.read }

func (r *reader) discard(n int) {
	n, _ = r.Discard(n)
	r.read += int64(n)
}

func (r *reader) guess() string {
	for n := 1; n < 4096; n++ {
		head, err := r.Peek(n)
		if err != nil {
			break
		}
		switch head[n-1] {
		case ' ', '\t', '\r', '\n':
			continue
		case '{':
			return JSONL
		case '[':
			return JSON
		}
		break
	}
	return CSV
}

// readLine appends the next line, with its end, to b. A line that is too long is read to
// its end but not kept. It is io.EOF when there is nothing left.
func (r *reader) readLine(b []byte) (_ []byte, tooLong bool, err error) {
	began := false
	for {
		part, err := r.ReadSlice('\n')
		r.read += int64(len(part))
		began = began || len(part) > 0
		if len(b)+len(part) > maxRecord {
			tooLong = true
		} else {
			b = append(b, part...)
		}
		switch {
		case err == nil:
			r.line++
			return b, tooLong, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && began:
			return b, tooLong, nil
		default:
			return b, tooLong, err
		}
	}
}

// jsonLines has one object a line.
type jsonLines struct{ *reader }

func (s *jsonLines) next() (record, error) {
	for {
		rec := record{line: s.line}
		text, tooLong, err := s.readLine(nil)
		if err != nil {
			return rec, err
		}
		if tooLong {
			rec.err = tooLarge()
			return rec, nil
		}
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		rec.fields, rec.err = object(text)
		return rec, nil
	}
}

// jsonList has one list of objects.
type jsonList struct {
	in    *reader
	began bool
}

func (s *jsonList) bytes() int64 { return s.in.read }

func (s *jsonList) next() (record, error) {
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			if s.began && errors.Is(err, io.EOF) {
				err = errors.New("the list in the file has no end")
			}
			return record{}, err
		}
		s.in.read++
		switch {
		case c == '\n':
			s.in.line++
		case c == ' ' || c == '\t' || c == '\r' || c == ',' && s.began:
		case c == '[' && !s.began:
			s.began = true
		case c == ']' && s.began:
			return record{}, io.EOF
		case c == '{' && s.began:
			return s.element()
		default:
			return record{}, fmt.Errorf("line %d: the file is not a JSON list of objects", s.in.line)
		}
	}
}

// element reads the rest of an object whose brace was read.
func (s *jsonList) element() (record, error) {
	rec := record{line: s.in.line}
	text := []byte{'{'}
	depth, quoted, escaped, tooLong := 1, false, false, false
	for depth > 0 {
		c, err := s.in.ReadByte()
		if err != nil {
			return rec, errors.New("the list in the file has no end")
		}
		s.in.read++
		if c == '\n' {
			s.in.line++
		}
		if tooLong = tooLong || len(text) == maxRecord; !tooLong {
			text = append(text, c)
		}
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	if tooLong {
		rec.err = tooLarge()
		return rec, nil
	}
	rec.fields, rec.err = object(text)
	return rec, nil
}

// object reads one JSON object with exact numbers.
func object(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, notUTF8()
	}
	if deeper(text, maxDepth) {
		return nil, malformed("nested too deeply")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		return nil, malformed("no JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed("something follows the JSON object")
	}
	return fields, nil
}

// deeper reports whether brackets nest more than limit deep.
func deeper(text []byte, limit int) bool {
	depth, quoted, escaped := 0, false, false
	for _, c := range text {
		switch {
		case escaped:
			escaped = false
		case quoted:
			escaped, quoted = c == '\\', c != '"'
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// table is a CSV file (RFC 4180) whose first record names the columns.
type table struct {
	in      *reader
	columns []string
}

func newCSV(in *reader) (source, error) {
	s := &table{in: in}
	head, err := s.record()
	if err != nil || head.err != nil {
		return nil, errors.Join(errors.New("the file has no line with the names of its columns"), head.err)
	}
	for _, name := range head.values {
		s.columns = append(s.columns, strings.TrimSpace(name))
	}
	if len(s.columns) > maxColumn {
		return nil, fmt.Errorf("the file has %d columns, at most %d are read", len(s.columns), maxColumn)
	}
	return s, nil
}

// known refuses a column that would be refused in every row.
func (s *table) known() error {
	for _, name := range s.columns {
		if known, _ := new(person).set(name, ""); !known {
			return errs.New(errs.BadRequest, "field", name).Because(fmt.Errorf("no column %q is known", name))
		}
	}
	return nil
}

func (s *table) bytes() int64 { return s.in.read }

func (s *table) next() (record, error) {
	for {
		row, err := s.record()
		if err != nil {
			return row.record, err
		}
		if row.err == nil && len(row.values) == 1 && row.values[0] == "" { // an empty line
			continue
		}
		if row.err == nil && len(row.values) != len(s.columns) {
			row.err = malformed(fmt.Sprintf("%d values for %d columns", len(row.values), len(s.columns)))
		}
		if row.err != nil {
			return row.record, nil //nolint:nilerr // it is in the record: only this one cannot be read.
		}
		row.fields = make(map[string]any, len(s.columns))
		for i, v := range row.values {
			if v != "" { // nothing is what an empty cell says
				row.fields[s.columns[i]] = unescape(v)
			}
		}
		return row.record, nil
	}
}

type tableRow struct {
	record
	values []string
}

// record reads lines until every quote is closed.
func (s *table) record() (tableRow, error) {
	row := tableRow{record: record{line: s.in.line}}
	var text []byte
	for {
		var tooLong bool
		var err error
		before := len(text)
		if text, tooLong, err = s.in.readLine(text); err != nil {
			if before > 0 && errors.Is(err, io.EOF) {
				row.err = malformed("a quote is not closed")
				return row, nil
			}
			return row, err
		}
		if tooLong {
			row.err = tooLarge()
			return row, nil
		}
		if !unclosed(text) {
			break
		}
	}
	if !utf8.Valid(text) {
		row.err = notUTF8()
		return row, nil
	}
	row.values, row.err = split(strings.TrimRight(string(text), "\r\n"))
	return row, nil
}

// unclosed reports whether a record goes on in the next line: a value that began with a
// quote has not ended. Quotes elsewhere are a flaw of their own line.
func unclosed(text []byte) bool {
	begins, quoted := true, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quoted && c == '"' && i+1 < len(text) && text[i+1] == '"':
			i++
		case c == '"' && (quoted || begins):
			quoted = !quoted
			begins = false
		case !quoted:
			begins = c == ','
		}
	}
	return quoted
}

// split cuts one record into its values.
func split(text string) ([]string, error) {
	var values []string
	for {
		rest, quoted := strings.CutPrefix(text, `"`)
		if !quoted {
			value, after, more := strings.Cut(text, ",")
			if strings.Contains(value, `"`) {
				return nil, malformed("a quote inside a value without quotes")
			}
			if values = append(values, value); !more {
				return values, nil
			}
			text = after
			continue
		}
		var value strings.Builder
		for {
			part, after, ok := strings.Cut(rest, `"`)
			if !ok {
				return nil, malformed("a quote is not closed")
			}
			value.WriteString(part)
			if rest = after; !strings.HasPrefix(rest, `"`) {
				break
			}
			value.WriteByte('"')
			rest = rest[1:]
		}
		values = append(values, value.String())
		if rest == "" {
			return values, nil
		}
		if rest[0] != ',' {
			return nil, malformed("something follows a closing quote")
		}
		text = rest[1:]
	}
}

// flaw is why a record cannot be read.
type flaw string

func (f flaw) Error() string { return string(f) }

func malformed(why string) error { return errs.New(errs.BadRequest).Because(flaw(why)) }

func notUTF8() error { return malformed("not UTF-8; save the file as UTF-8") }

func tooLarge() error {
	return errs.New(errs.FieldTooLong, "max", "65536").Because(flaw("longer than 64 KiB"))
}

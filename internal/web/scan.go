package web

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/errs"
)

// text reads a string. Without escapes the result is a part of the body.
func (d *decoder) text() ([]byte, error) {
	d.pos++
	start := d.pos
	for ; d.pos < len(d.data); d.pos++ {
		switch c := d.data[d.pos]; {
		case c == '"':
			d.pos++
			return d.data[start : d.pos-1], nil
		case c == '\\':
			return d.escaped(append([]byte(nil), d.data[start:d.pos]...))
		case c < ' ':
			return nil, d.malformed("control character in a string")
		}
	}
	return nil, d.malformed("string without an end")
}

// escaped reads the rest of a string that has escapes onto b.
func (d *decoder) escaped(b []byte) ([]byte, error) {
	for d.pos < len(d.data) {
		c := d.data[d.pos]
		d.pos++
		switch {
		case c == '"':
			return b, nil
		case c < ' ':
			return nil, d.malformed("control character in a string")
		case c != '\\':
			b = append(b, c)
			continue
		}
		r, err := d.escape()
		if err != nil {
			return nil, err
		}
		b = utf8.AppendRune(b, r)
	}
	return nil, d.malformed("string without an end")
}

// escape reads what follows a backslash.
func (d *decoder) escape() (rune, error) {
	c := d.peek()
	d.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return d.unicode()
	}
	return 0, d.malformed("unknown escape")
}

// unicode reads the digits of \uXXXX, and the second half of a pair. Halves that stand
// alone have no UTF-8 form; U+0000 has one that PostgreSQL does not store.
func (d *decoder) unicode() (rune, error) {
	r, ok := d.hex()
	switch {
	case !ok:
		return 0, d.malformed("bad \\u escape")
	case r == 0:
		return 0, d.malformed("U+0000 in a string")
	case !utf16.IsSurrogate(r):
		return r, nil
	}
	if d.peek() == '\\' {
		if d.pos++; d.peek() == 'u' {
			d.pos++
			if low, ok := d.hex(); ok {
				if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
					return full, nil
				}
			}
		}
	}
	return 0, d.malformed("half a surrogate pair")
}

func (d *decoder) hex() (rune, bool) {
	if d.pos+4 > len(d.data) {
		return 0, false
	}
	var r rune
	for _, c := range d.data[d.pos : d.pos+4] {
		switch {
		case digit(c):
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	d.pos += 4
	return r, true
}

// number checks a number (RFC 8259 section 6).
func (d *decoder) number() error {
	if d.peek() == '-' {
		d.pos++
	}
	zero := d.peek() == '0'
	if n := d.digits(); n == 0 || (zero && n > 1) {
		return d.malformed("bad number")
	}
	if d.peek() == '.' {
		d.pos++
		if d.digits() == 0 {
			return d.malformed("bad number")
		}
	}
	if c := d.peek(); c == 'e' || c == 'E' {
		d.pos++
		if c := d.peek(); c == '+' || c == '-' {
			d.pos++
		}
		if d.digits() == 0 {
			return d.malformed("bad number")
		}
	}
	return nil
}

func (d *decoder) digits() int {
	start := d.pos
	for digit(d.peek()) {
		d.pos++
	}
	return d.pos - start
}

func (d *decoder) literal(word string) error {
	end := d.pos + len(word)
	if end > len(d.data) || string(d.data[d.pos:end]) != word {
		return d.malformed("unknown word")
	}
	d.pos = end
	return nil
}

func (d *decoder) space() {
	for d.pos < len(d.data) {
		switch d.data[d.pos] {
		case ' ', '\t', '\r', '\n':
			d.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end; no JSON text has a 0 outside strings.
func (d *decoder) peek() byte {
	if d.pos < len(d.data) {
		return d.data[d.pos]
	}
	return 0
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func (d *decoder) malformed(why string) error {
	return errs.New(errs.BadRequest, "field", "body").
		Because(fmt.Errorf("json: %s at byte %d", why, d.pos))
}

func refused(field, why string) error {
	return errs.New(errs.BadRequest, "field", field).Because(errors.New(why))
}

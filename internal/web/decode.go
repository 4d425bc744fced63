package web

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/errs"
)

// The limits of a JSON body.
const (
	maxDepth   = 32
	maxMembers = 100 // of one object
)

// decoder reads one JSON text. Unlike encoding/json it matches member names exactly,
// refuses a name that stands twice, and has limits: there is only one way to read what
// it accepts. It checks the members nobody asked for just the same.
type decoder struct {
	data []byte
	pos  int
}

// decode fills v from data, which is one JSON object.
func decode(data []byte, o *object, v reflect.Value) error {
	d := decoder{data: data}
	if !utf8.Valid(data) {
		return d.malformed("not UTF-8")
	}
	d.space()
	if d.peek() != '{' {
		return d.malformed("not an object")
	}
	if err := d.object(o, v, 1); err != nil {
		return err
	}
	d.space()
	if d.pos != len(d.data) {
		return d.malformed("text after the object")
	}
	return nil
}

// object reads an object into v; a nil o only checks it.
func (d *decoder) object(o *object, v reflect.Value, depth int) error {
	if depth > maxDepth {
		return d.malformed("nested too deeply")
	}
	var room [16][]byte
	seen := room[:0]
	d.pos++
	for first := true; ; first = false {
		more, err := d.more('}', first)
		if err != nil || !more {
			return err
		}
		name, err := d.text()
		if err != nil {
			return err
		}
		for _, s := range seen {
			if string(s) == string(name) {
				return refused(string(name), "stands twice")
			}
		}
		if len(seen) == maxMembers {
			return d.malformed("too many members")
		}
		seen = append(seen, name)
		if d.space(); d.peek() != ':' {
			return d.malformed("no colon")
		}
		d.pos++
		d.space()
		if err := d.member(o, name, v, depth); err != nil {
			return err
		}
	}
}

func (d *decoder) member(o *object, name []byte, v reflect.Value, depth int) error {
	if o != nil {
		if m := o.members[string(name)]; m != nil {
			return d.into(m, v.FieldByIndex(m.index), depth)
		}
	}
	return d.skip(depth)
}

// into reads the next value into v. null leaves v as it is, as if it were absent.
func (d *decoder) into(m *member, v reflect.Value, depth int) error {
	c := d.peek()
	if c == 'n' {
		return d.literal("null")
	}
	start := d.pos
	switch m.kind {
	case kindString:
		if c != '"' {
			return refused(m.path, "not a string")
		}
		text, err := d.text()
		if err != nil {
			return err
		}
		v.SetString(string(text))
		return nil
	case kindStruct:
		if c != '{' {
			return refused(m.path, "not an object")
		}
		return d.object(m.object, v, depth+1)
	case kindPointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.into(m.elem, v.Elem(), depth)
	case kindList:
		return d.list(m, v, depth)
	case kindBool, kindInt, kindOther:
	}
	if err := d.skip(depth); err != nil {
		return err
	}
	return scalar(m, v, d.data[start:d.pos])
}

// scalar puts the checked value in text into v.
func scalar(m *member, v reflect.Value, text []byte) error {
	switch m.kind {
	case kindBool:
		if text[0] != 't' && text[0] != 'f' {
			return refused(m.path, "not a boolean")
		}
		v.SetBool(text[0] == 't')
	case kindInt:
		n, err := strconv.ParseInt(string(text), 10, v.Type().Bits())
		if err != nil {
			return refused(m.path, "not an integer")
		}
		v.SetInt(n)
	default:
		if err := json.Unmarshal(text, v.Addr().Interface()); err != nil {
			if _, ours := errors.AsType[*errs.Error](err); ours {
				return err
			}
			return errs.New(errs.BadRequest, "field", m.path).Because(err)
		}
	}
	return nil
}

func (d *decoder) list(m *member, v reflect.Value, depth int) error {
	if d.peek() != '[' {
		return refused(m.path, "not a list")
	}
	if depth+1 > maxDepth {
		return d.malformed("nested too deeply")
	}
	v.Set(reflect.MakeSlice(v.Type(), 0, 4))
	d.pos++
	for first := true; ; first = false {
		more, err := d.more(']', first)
		if err != nil || !more {
			return err
		}
		item := reflect.New(v.Type().Elem()).Elem()
		if err := d.into(m.elem, item, depth+1); err != nil {
			return err
		}
		v.Set(reflect.Append(v, item))
	}
}

// skip checks the next value and steps over it.
func (d *decoder) skip(depth int) error {
	switch c := d.peek(); {
	case c == '{':
		return d.object(nil, reflect.Value{}, depth+1)
	case c == '[':
		return d.array(depth + 1)
	case c == '"':
		_, err := d.text()
		return err
	case c == 't':
		return d.literal("true")
	case c == 'f':
		return d.literal("false")
	case c == 'n':
		return d.literal("null")
	case c == '-' || digit(c):
		return d.number()
	}
	return d.malformed("no value")
}

func (d *decoder) array(depth int) error {
	if depth > maxDepth {
		return d.malformed("nested too deeply")
	}
	d.pos++
	for first := true; ; first = false {
		more, err := d.more(']', first)
		if err != nil || !more {
			return err
		}
		if err := d.skip(depth); err != nil {
			return err
		}
	}
}

// more steps to the next item of a list or object, or over its end.
func (d *decoder) more(end byte, first bool) (bool, error) {
	d.space()
	switch c := d.peek(); {
	case c == end:
		d.pos++
		return false, nil
	case first:
	case c == ',':
		d.pos++
		d.space()
	default:
		return false, d.malformed("no comma")
	}
	if end == '}' && d.peek() != '"' {
		return false, d.malformed("no name")
	}
	return true, nil
}

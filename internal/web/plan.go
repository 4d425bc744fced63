package web

import (
	"encoding"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
)

// A plan says where each field of an input type comes from. It is made once per
// endpoint, so that a request costs no look at struct tags.
type plan struct {
	body     *object // nil when nothing comes from the body
	raw      []int   // index of the field that takes the whole body
	params   []param
	query    bool // some param comes from the query
	validate bool // the type has Validate() error
}

// object is the JSON side of a struct: its members by exact name.
type object struct {
	members map[string]*member
}

type member struct {
	path   string // dotted, for the error
	index  []int
	kind   kind
	object *object // of a structure
	elem   *member // of a pointer or list
}

// kind is how a JSON value is put into a Go one.
type kind int

const (
	kindOther kind = iota // by encoding/json
	kindString
	kindBool
	kindInt
	kindStruct
	kindPointer
	kindList
)

// param is a field that comes from outside the body.
type param struct {
	source string // "query", "path" or "header"
	name   string
	prefix string // "name[" of a bracketed map
	index  []int
	typ    reflect.Type
}

// maxNesting bounds the structs in structs of an input type, so that one that holds
// itself is reported instead of followed for ever.
const maxNesting = 8

var (
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	rawMessage      = reflect.TypeFor[json.RawMessage]()
	stringList      = reflect.TypeFor[[]string]()
	stringMap       = reflect.TypeFor[map[string]string]()
)

// planFor makes the plan of In, or says what in it cannot be filled.
func planFor[In any]() (*plan, error) {
	t := reflect.TypeFor[In]()
	p := new(plan)
	_, p.validate = any(new(In)).(validator)
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("web: input %s is not a struct", t)
	}
	o := &object{members: make(map[string]*member)}
	if err := p.scan(o, t, nil, "", 0); err != nil {
		return nil, fmt.Errorf("web: input %s: %w", t, err)
	}
	if len(o.members) > 0 {
		p.body = o
	}
	return p, nil
}

type validator interface{ Validate() error }

// scan adds the fields of t to the plan; base and path lead to t.
func (p *plan) scan(o *object, t reflect.Type, base []int, path string, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("%s is nested too deeply", t)
	}
	for f := range t.Fields() {
		index := append(append([]int(nil), base...), f.Index...)
		if f.Anonymous && f.Tag == "" && f.Type.Kind() == reflect.Struct {
			if err := p.scan(o, f.Type, index, path, depth+1); err != nil {
				return err
			}
			continue
		}
		if !f.IsExported() {
			continue
		}
		if err := p.add(o, f, index, path, depth); err != nil {
			return fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	return nil
}

func (p *plan) add(o *object, f reflect.StructField, index []int, path string, depth int) error {
	if f.Tag.Get("body") == "raw" {
		if f.Type != rawMessage {
			return fmt.Errorf(`body:"raw" needs a json.RawMessage`)
		}
		p.raw = index
		return nil
	}
	outside := false
	for _, source := range []string{"query", "path", "header"} {
		tag, ok := f.Tag.Lookup(source)
		if !ok {
			continue
		}
		outside = true
		if err := p.addParam(source, tag, f.Type, index); err != nil {
			return err
		}
	}
	tag, tagged := f.Tag.Lookup("json")
	name, options, _ := strings.Cut(tag, ",")
	if name == "-" || (outside && !tagged) {
		return nil
	}
	if strings.Contains(options, "string") {
		return fmt.Errorf(`the json option "string" is not supported`)
	}
	if name == "" {
		name = f.Name
	}
	m, err := memberFor(p, f.Type, join(path, name), depth)
	if err != nil {
		return err
	}
	m.index = index
	o.members[name] = m
	return nil
}

func (p *plan) addParam(source, tag string, t reflect.Type, index []int) error {
	name, option, _ := strings.Cut(tag, ",")
	q := param{source: source, name: name, index: index, typ: t}
	p.query = p.query || source == "query"
	switch {
	case source == "header":
		q.name = http.CanonicalHeaderKey(name)
	case option == "brackets" && source == "query" && t == stringMap:
		q.prefix = name + "["
		p.params = append(p.params, q)
		return nil
	}
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int64, reflect.Bool:
	default:
		if t != stringList || source != "query" {
			return fmt.Errorf("%s cannot come from the %s", t, source)
		}
	}
	p.params = append(p.params, q)
	return nil
}

// memberFor says how a JSON value becomes a t.
func memberFor(p *plan, t reflect.Type, path string, depth int) (*member, error) {
	m := &member{path: path}
	if reflect.PointerTo(t).Implements(jsonUnmarshaler) ||
		reflect.PointerTo(t).Implements(textUnmarshaler) {
		return m, nil
	}
	switch t.Kind() {
	case reflect.String:
		m.kind = kindString
	case reflect.Bool:
		m.kind = kindBool
	case reflect.Int, reflect.Int64:
		m.kind = kindInt
	case reflect.Struct:
		m.kind = kindStruct
		m.object = &object{members: make(map[string]*member)}
		return m, p.scan(m.object, t, nil, path, depth+1)
	case reflect.Pointer, reflect.Slice:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return m, nil
		}
		m.kind = kindPointer
		if t.Kind() == reflect.Slice {
			m.kind = kindList
		}
		elem, err := memberFor(p, t.Elem(), path, depth+1)
		m.elem = elem
		return m, err
	default: // maps, floats and any are encoding/json's
	}
	return m, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

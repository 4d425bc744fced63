package authing

import (
	"strings"
)

// The bounds of a document. The longest one the published clients send is 2 KB and
// nests four levels.
const (
	maxDocument = 16 << 10
	maxSelected = 12 // levels of selections
	maxListed   = 8  // levels of a list type
)

// document is what we read of a GraphQL request: one operation with one root field,
// whose arguments are all variables. That is all the published clients send, so
// nothing here executes a query; the root field names the operation and the answer
// holds more than was selected.
type document struct {
	kind  string            // "query" or "mutation"
	field string            // of the root
	key   string            // the answer stands under it: the alias, or the field
	args  map[string]string // argument of the root field to variable
}

// readDocument reads a document, or says with a documentError what we do not take.
func readDocument(text string) (document, error) {
	if len(text) > maxDocument {
		return document{}, documentError("the document is too long")
	}
	r := documentReader{text: strings.TrimPrefix(text, "\ufeff"), vars: make(map[string]bool)}
	r.next()
	return r.document()
}

// documentError says in English what is wrong with a document; it is for developers.
type documentError string

func (e documentError) Error() string { return string(e) }

// token is a lexical token: a name, one punctuation mark, or nothing at the end.
type token struct {
	kind tokenKind
	text string
}

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenMark
	tokenLiteral // a number, a string, or anything that is no GraphQL at all
)

// documentReader reads a document token by token (GraphQL October 2021, section 2).
type documentReader struct {
	text string
	pos  int
	cur  token
	vars map[string]bool // declared ones
}

func (r *documentReader) document() (document, error) {
	d := document{kind: "query"}
	if r.cur.kind == tokenName {
		switch r.cur.text {
		case "query", "mutation":
			d.kind = r.cur.text
		case "fragment":
			return document{}, documentError("fragments are not supported")
		default:
			return document{}, documentError("expected a query or a mutation")
		}
		r.next()
		if r.cur.kind == tokenName {
			r.next() // the name of the operation means nothing here
		}
		if err := r.declarations(); err != nil {
			return document{}, err
		}
	}
	if err := r.root(&d); err != nil {
		return document{}, err
	}
	if r.cur.kind != tokenEnd {
		return document{}, documentError("expected one operation and nothing after it")
	}
	return d, nil
}

// declarations reads ($name: Type, …) when it is there.
func (r *documentReader) declarations() error {
	if !r.take("(") {
		return nil
	}
	for !r.take(")") {
		name, err := r.variable()
		if err != nil {
			return err
		}
		if r.vars[name] {
			return documentError("variable $" + name + " is declared twice")
		}
		r.vars[name] = true
		if !r.take(":") {
			return documentError("expected the type of $" + name)
		}
		if err := r.typ(0); err != nil {
			return err
		}
		if r.is("=") {
			return documentError("default values are not supported")
		}
		if r.is("@") {
			return documentError("directives are not supported")
		}
	}
	if len(r.vars) == 0 {
		return documentError("expected a variable")
	}
	return nil
}

// typ reads a type; what it says is the business of the operation's own input.
func (r *documentReader) typ(depth int) error {
	switch {
	case r.take("["):
		if depth == maxListed {
			return documentError("the type of a variable is nested too deeply")
		}
		if err := r.typ(depth + 1); err != nil {
			return err
		}
		if !r.take("]") {
			return documentError("expected ]")
		}
	case r.cur.kind == tokenName:
		r.next()
	default:
		return documentError("expected a type")
	}
	r.take("!")
	return nil
}

// root reads { field(arguments) { … } }.
func (r *documentReader) root(d *document) error {
	if !r.take("{") {
		return documentError("expected {")
	}
	var err error
	if d.key, d.field, err = r.name(); err != nil {
		return err
	}
	if d.args, err = r.arguments(); err != nil {
		return err
	}
	if err := r.selection(1); err != nil {
		return err
	}
	if !r.take("}") {
		return documentError("expected one root field only")
	}
	return nil
}

// name reads a field name and the alias before it.
func (r *documentReader) name() (key, field string, err error) {
	if r.is(".") {
		return "", "", documentError("fragments are not supported")
	}
	if r.cur.kind != tokenName {
		return "", "", documentError("expected a field")
	}
	field = r.cur.text
	key = field
	r.next()
	if r.take(":") {
		if r.cur.kind != tokenName {
			return "", "", documentError("expected a field after the alias " + key)
		}
		field = r.cur.text
		r.next()
	}
	if r.is("@") {
		return "", "", documentError("directives are not supported")
	}
	return key, field, nil
}

// arguments reads (name: $variable, …) when it is there.
func (r *documentReader) arguments() (map[string]string, error) {
	if !r.take("(") {
		return nil, nil
	}
	args := make(map[string]string)
	for !r.take(")") {
		if r.cur.kind != tokenName {
			return nil, documentError("expected an argument")
		}
		name := r.cur.text
		r.next()
		if !r.take(":") {
			return nil, documentError("expected the value of argument " + name)
		}
		if !r.is("$") {
			return nil, documentError("argument " + name + " has to be a variable")
		}
		variable, err := r.variable()
		if err != nil {
			return nil, err
		}
		if _, twice := args[name]; twice {
			return nil, documentError("argument " + name + " stands twice")
		}
		if !r.vars[variable] {
			return nil, documentError("variable $" + variable + " is not declared")
		}
		args[name] = variable
	}
	if len(args) == 0 {
		return nil, documentError("expected an argument")
	}
	if r.is("@") {
		return nil, documentError("directives are not supported")
	}
	return args, nil
}

// selection checks { … } when it is there and forgets it.
func (r *documentReader) selection(depth int) error {
	if !r.take("{") {
		return nil
	}
	if depth == maxSelected {
		return documentError("the selection is nested too deeply")
	}
	for first := true; first || !r.take("}"); first = false {
		if _, _, err := r.name(); err != nil {
			return err
		}
		if _, err := r.arguments(); err != nil {
			return err
		}
		if err := r.selection(depth + 1); err != nil {
			return err
		}
	}
	return nil
}

func (r *documentReader) variable() (string, error) {
	if !r.take("$") || r.cur.kind != tokenName {
		return "", documentError("expected a variable")
	}
	name := r.cur.text
	r.next()
	return name, nil
}

// is reports whether the current token is the punctuation mark.
func (r *documentReader) is(mark string) bool {
	return r.cur.kind == tokenMark && r.cur.text == mark
}

// take steps over the punctuation mark when it is the current token.
func (r *documentReader) take(mark string) bool {
	if !r.is(mark) {
		return false
	}
	r.next()
	return true
}

// next steps to the next token.
func (r *documentReader) next() {
	r.ignore()
	if r.pos == len(r.text) {
		r.cur = token{}
		return
	}
	start := r.pos
	switch c := r.text[r.pos]; {
	case nameStart(c):
		for r.pos < len(r.text) && (nameStart(r.text[r.pos]) || '0' <= r.text[r.pos] && r.text[r.pos] <= '9') {
			r.pos++
		}
		r.cur = token{tokenName, r.text[start:r.pos]}
	case strings.IndexByte("!$&().:=@[]{|}", c) >= 0:
		r.pos++
		r.cur = token{tokenMark, r.text[start:r.pos]}
	default:
		r.pos++
		r.cur = token{tokenLiteral, r.text[start:r.pos]}
	}
}

// ignore steps over white space, commas and comments.
func (r *documentReader) ignore() {
	for r.pos < len(r.text) {
		switch r.text[r.pos] {
		case ' ', '\t', '\r', '\n', ',':
			r.pos++
		case '#':
			end := strings.IndexAny(r.text[r.pos:], "\r\n")
			if end < 0 {
				r.pos = len(r.text)
				return
			}
			r.pos += end
		default:
			return
		}
	}
}

func nameStart(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

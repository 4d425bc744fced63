package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/manage"
	protocol "github.com/tigertally/tigertally/internal/protocol/manage"
)

// addOperations gives root a command for every operation of the management API, noun by
// noun, made from the same types as the server's. A command somebody wrote by hand under
// the same name stays.
func addOperations(p Process, root *cobra.Command) {
	known := manage.ByName()
	for _, o := range protocol.New(protocol.Options{}).Operations() {
		name, verb, _ := strings.Cut(string(o.Op), ".")
		noun := child(root, name)
		if noun == nil {
			noun = &cobra.Command{Use: name, Short: "Operations on: " + name}
			root.AddCommand(noun)
		}
		if child(noun, verb) == nil {
			noun.AddCommand(operationCommand(p, o, verb, known[o.Op].Summary))
		}
	}
}

func child(c *cobra.Command, name string) *cobra.Command {
	for _, sub := range c.Commands() {
		if sub.Name() == name {
			return sub
		}
	}
	return nil
}

// operationCommand makes the command of one operation. What is in the path, but for the
// pool, is an argument; everything else is a flag.
func operationCommand(p Process, o protocol.Operation, verb, summary string) *cobra.Command {
	var f manageFlags
	var body string
	in := newInput(o)
	use := []string{verb}
	for _, name := range in.args {
		use = append(use, strings.ToUpper(strings.ReplaceAll(name, "_", "-")))
	}
	c := &cobra.Command{
		Use: strings.Join(use, " "), Short: summary, Args: exactly(len(in.args)),
		RunE: func(c *cobra.Command, args []string) error {
			return withManage(c, p, &f, func(do doer) error {
				request, err := in.request(p, c, &f, args, body)
				if err != nil {
					return err
				}
				text, err := call(c.Context(), do, o.Method, request.path, request.query, request.header, request.body)
				if err != nil {
					return err
				}
				return show(p.Stdout, o, f.json, text)
			})
		},
	}
	f.add(c)
	in.flags(c)
	if in.hasBody {
		c.Flags().StringVar(&body, "body", "", "JSON `FILE` of the request, - for standard input, instead of the flags that fill it")
	}
	return c
}

// input is what a command takes for an operation.
type input struct {
	o       protocol.Operation
	fields  []protocol.Field
	args    []string // of the path
	hasBody bool
}

func newInput(o protocol.Operation) *input {
	in := &input{o: o, fields: protocol.Fields(o.In)}
	for _, f := range in.fields {
		switch {
		case f.Source == protocol.SourceBody:
			in.hasBody = true
		case f.Source == protocol.SourcePath && f.Name != "pool":
			in.args = append(in.args, f.Name)
		}
	}
	return in
}

// flags declares a flag for each value. They are all texts: request turns them into what
// the value is.
func (in *input) flags(c *cobra.Command) {
	for _, f := range in.fields {
		if f.Source == protocol.SourcePath {
			continue
		}
		doc := f.Doc
		if f.Enum != nil {
			doc += ": " + strings.Join(f.Enum, ", ")
		}
		name := flagName(f)
		switch kindOf(f.Type) {
		case reflect.Bool:
			c.Flags().Bool(name, false, doc)
		case reflect.Slice:
			c.Flags().StringArray(name, nil, doc+"; may be repeated")
		case reflect.Map, reflect.Struct, reflect.Interface:
			c.Flags().String(name, "", doc+"; as JSON, or @FILE")
		default:
			c.Flags().String(name, "", doc)
		}
	}
}

// flagName is how a value is called on the command line.
func flagName(f protocol.Field) string {
	return strings.ToLower(strings.ReplaceAll(f.Name, "_", "-"))
}

// kindOf is the kind of a value, lists of anything but texts counting as structures.
func kindOf(t reflect.Type) reflect.Kind {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == reflect.TypeFor[json.RawMessage]() || t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.String {
		return reflect.Struct
	}
	return t.Kind()
}

// request is an operation filled in.
type request struct {
	path   string
	query  url.Values
	header http.Header
	body   []byte
}

func (in *input) request(p Process, c *cobra.Command, f *manageFlags, args []string, bodyFile string) (request, error) {
	r := request{path: in.o.Path, query: url.Values{}, header: http.Header{}}
	r.path = strings.ReplaceAll(r.path, "{pool}", url.PathEscape(f.pool))
	for i, name := range in.args {
		r.path = strings.ReplaceAll(r.path, "{"+name+"}", url.PathEscape(args[i]))
	}
	body := map[string]any{}
	for _, field := range in.fields {
		flag := c.Flags().Lookup(flagName(field))
		if flag == nil || !flag.Changed || field.Source == protocol.SourcePath {
			continue
		}
		text := flag.Value.String()
		switch field.Source {
		case protocol.SourceQuery:
			r.query.Set(field.Name, text)
		case protocol.SourceHeader:
			r.header.Set(field.Name, text)
		default:
			value, err := bodyValue(p, c, field, text)
			if err != nil {
				return r, err
			}
			body[field.Name] = value
		}
	}
	return r, in.fill(&r, p, body, bodyFile)
}

// fill makes the body of the request.
func (in *input) fill(r *request, p Process, body map[string]any, bodyFile string) (err error) {
	switch {
	case !in.hasBody:
	case bodyFile != "" && len(body) > 0:
		return usageError{errors.New("--body and flags that fill the body do not go together")}
	case bodyFile != "":
		r.body, err = readFile(p, bodyFile)
	default:
		r.body, err = json.Marshal(body)
	}
	return err
}

// bodyValue turns the text of a flag into what the body has.
func bodyValue(p Process, c *cobra.Command, f protocol.Field, text string) (any, error) {
	switch kindOf(f.Type) {
	case reflect.Bool:
		return text == "true", nil
	case reflect.Int, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, usageError{fmt.Errorf("--%s takes a number", flagName(f))}
		}
		return n, nil
	case reflect.Slice:
		return c.Flags().GetStringArray(flagName(f))
	case reflect.Map, reflect.Struct, reflect.Interface:
		return jsonValue(p, text)
	default:
		return text, nil
	}
}

// jsonValue is JSON, @FILE with JSON, or a time as it is.
func jsonValue(p Process, text string) (any, error) {
	raw := []byte(text)
	if name, ok := strings.CutPrefix(text, "@"); ok {
		var err error
		if raw, err = readFile(p, name); err != nil {
			return nil, err
		}
	}
	if !json.Valid(raw) {
		return text, nil // a bare word; the server says what it does not take
	}
	return json.RawMessage(raw), nil
}

package manage

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// schema is a JSON Schema, as far as the types of package api need it.
type schema struct {
	Ref         string             `json:"$ref,omitempty"`
	Type        string             `json:"type,omitempty"`
	Format      string             `json:"format,omitempty"`
	Description string             `json:"description,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Additional  *schema            `json:"additionalProperties,omitempty"`
	Required    []string           `json:"required,omitempty"`
}

// Where a field of an input travels.
const (
	SourcePath   = "path"
	SourceQuery  = "query"
	SourceHeader = "header"
	SourceBody   = "body"
)

// Field is one value of an input.
type Field struct {
	Name, Source, Doc string
	Enum              []string
	Type              reflect.Type
	Optional          bool
	Index             []int // of the field in its structure, for reflect
}

// Fields lists the values of an input in their order.
func Fields(t reflect.Type) []Field {
	var all []Field
	for f := range t.Fields() {
		if f.Anonymous && f.Tag == "" && f.Type.Kind() == reflect.Struct {
			for _, inner := range Fields(f.Type) {
				inner.Index = append(append([]int(nil), f.Index...), inner.Index...)
				all = append(all, inner)
			}
			continue
		}
		if !f.IsExported() || f.Tag.Get("json") == "-" {
			continue
		}
		all = append(all, fieldOf(f))
	}
	return all
}

func fieldOf(f reflect.StructField) Field {
	field := Field{Name: f.Name, Source: SourceBody, Doc: f.Tag.Get("doc"), Type: f.Type, Index: f.Index}
	if enum := f.Tag.Get("enum"); enum != "" {
		field.Enum = strings.Split(enum, ",")
	}
	for _, source := range []string{SourcePath, SourceQuery, SourceHeader} {
		if tag, ok := f.Tag.Lookup(source); ok {
			field.Source = source
			field.Name, _, _ = strings.Cut(tag, ",")
			field.Optional = source != SourcePath
			return field
		}
	}
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	if name != "" {
		field.Name = name
	}
	field.Optional = strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
	return field
}

// schemas are the named schemas of a document.
type schemas map[string]*schema

// of is the schema of t; a structure is named and referred to.
func (c schemas) of(t reflect.Type) *schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return &schema{}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return c.of(t.Elem())
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int, reflect.Int64:
		return &schema{Type: "integer"}
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return &schema{Type: "string", Format: "byte"}
		}
		return &schema{Type: "array", Items: c.of(t.Elem())}
	case reflect.Map:
		return &schema{Type: "object", Additional: c.of(t.Elem())}
	case reflect.Struct:
		return c.named(t)
	default: // any
		return &schema{}
	}
}

func (c schemas) named(t reflect.Type) *schema {
	name := strings.Trim(unsafeName.ReplaceAllString(shortName(t), "."), ".")
	if _, done := c[name]; !done {
		c[name] = &schema{} // a structure may hold itself
		c[name] = c.object(t)
	}
	return &schema{Ref: "#/components/schemas/" + name}
}

// shortName is the name of t, and of its type arguments, without their packages.
func shortName(t reflect.Type) string {
	name := t.Name()
	if i := strings.LastIndex(name, "/"); i >= 0 {
		head, _, _ := strings.Cut(name, "[")
		name = head + "[" + name[i+1:]
	}
	return strings.ReplaceAll(name, "api.", "")
}

// body is the schema of what an input has in its body, nil for nothing.
func (c schemas) body(t reflect.Type) *schema {
	s := c.object(t)
	if len(s.Properties) == 0 {
		return nil
	}
	return s
}

// object is the schema of the JSON members of a structure.
func (c schemas) object(t reflect.Type) *schema {
	s := &schema{Type: "object", Properties: map[string]*schema{}}
	for _, f := range Fields(t) {
		if f.Source != SourceBody {
			continue
		}
		s.Properties[f.Name] = c.described(f)
		if !f.Optional {
			s.Required = append(s.Required, f.Name)
		}
	}
	return s
}

// described is the schema of a member with its description. One beside a reference counts
// since OpenAPI 3.1.
func (c schemas) described(f Field) *schema {
	s := *c.field(f.Type, f.Enum)
	s.Description = f.Doc
	return &s
}

func (c schemas) field(t reflect.Type, enum []string) *schema {
	s := *c.of(t)
	s.Enum = enum
	return &s
}

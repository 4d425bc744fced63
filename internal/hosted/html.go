package hosted

import (
	"html"
	"slices"
	"strings"
)

// node is a piece of a page. Only this file writes marks: names come from our own code,
// and every text and value is escaped, so that no word can become a mark.
type node interface{ write(b *strings.Builder) }

type text string

func (t text) write(b *strings.Builder) { b.WriteString(html.EscapeString(string(t))) }

// group is several nodes in a row; nil leaves nothing.
type group []node

func (g group) write(b *strings.Builder) {
	for _, n := range g {
		if n != nil {
			n.write(b)
		}
	}
}

// attrs are names and values in turn. An attribute that is on or off has its own name as
// its value, and one without a name is left out.
type attrs []string

type element struct {
	name  string
	attrs attrs
	inner group
}

func el(name string, a attrs, inner ...node) node { return element{name, a, inner} }

func (e element) write(b *strings.Builder) {
	b.WriteString("<" + e.name)
	for i := 0; i+1 < len(e.attrs); i += 2 {
		if e.attrs[i] != "" {
			b.WriteString(" " + e.attrs[i] + `="` + html.EscapeString(e.attrs[i+1]) + `"`)
		}
	}
	b.WriteString(">")
	if slices.Contains([]string{"input", "img", "link", "meta"}, e.name) {
		return
	}
	e.inner.write(b)
	b.WriteString("</" + e.name + ">")
}

// when returns name when on, for an attribute that is on or off.
func when(on bool, name string) string {
	if on {
		return name
	}
	return ""
}

// hidden is a value that travels with a form.
func hidden(name, value string) node {
	return el("input", attrs{"type", "hidden", "name", name, "value", value})
}

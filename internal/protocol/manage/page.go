package manage

import (
	_ "embed"
	"fmt"
	"html"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/web"
)

//go:embed docs.css
var pageStyle string

// serveDocument answers with the OpenAPI document.
func (p *Protocol) serveDocument(w http.ResponseWriter, _ *http.Request) {
	web.WriteJSON(w, http.StatusOK, p.describe())
}

// servePage answers with the same for people: one page that a browser can search.
func (p *Protocol) servePage(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte(p.page()))
}

// serveStyle answers with the style sheet of the page.
func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write([]byte(pageStyle))
}

func (p *Protocol) page() string {
	var b strings.Builder
	b.WriteString(`<!doctype html><html lang="en"><head><meta charset="utf-8">` +
		`<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">` +
		`<title>Tigertally management API</title><link rel="stylesheet" href="docs.css"></head><body><header>` +
		`<h1>Management API</h1><p>` + html.EscapeString(p.describe().Info.Description) +
		` <a href="openapi.json">OpenAPI document</a></p></header>`)
	known := manage.ByName()
	var nouns []string
	byNoun := map[string][]Operation{}
	for _, o := range p.Operations() {
		noun, _, _ := strings.Cut(string(o.Op), ".")
		if !slices.Contains(nouns, noun) {
			nouns = append(nouns, noun)
		}
		byNoun[noun] = append(byNoun[noun], o)
	}
	b.WriteString("<nav>")
	for _, noun := range nouns {
		fmt.Fprintf(&b, `<a href="#%[1]s">%[1]s</a> `, noun)
	}
	b.WriteString("</nav><main>")
	for _, noun := range nouns {
		fmt.Fprintf(&b, `<section id="%[1]s"><h2>%[1]s</h2>`, noun)
		for _, o := range byNoun[noun] {
			explain(&b, o, known[o.Op])
		}
		b.WriteString("</section>")
	}
	b.WriteString("</main></body></html>")
	return b.String()
}

// explain writes one operation.
func explain(b *strings.Builder, o Operation, rule manage.Operation) {
	fmt.Fprintf(b, `<article id="%s"><h3>%s</h3><p class="call"><b>%s</b> <code>%s</code></p><p class="scope">scope <code>%s</code>`,
		o.Op, html.EscapeString(rule.Summary), o.Method, html.EscapeString(Prefix+o.Path), rule.Scope)
	if rule.Scope.Sudo() {
		b.WriteString(" · asks people at the console to prove again who they are")
	}
	b.WriteString("</p>")
	table(b, "Takes", o.In)
	if o.Out != reflect.TypeFor[api.None]() {
		out := o.Out
		if items, ok := out.FieldByName("Items"); ok {
			out = items.Type.Elem()
			table(b, "Answers a list of", out)
		} else {
			table(b, "Answers", out)
		}
	}
	b.WriteString("</article>")
}

func table(b *strings.Builder, title string, t reflect.Type) {
	if t.Kind() != reflect.Struct {
		return
	}
	fields := Fields(t)
	if len(fields) == 0 {
		return
	}
	fmt.Fprintf(b, "<h4>%s</h4><table>", title)
	for _, f := range fields {
		kind := schemas{}.of(f.Type)
		name := kind.Type
		if kind.Ref != "" {
			name = kind.Ref[strings.LastIndex(kind.Ref, "/")+1:]
		}
		where := ""
		if f.Source != SourceBody {
			where = " in the " + f.Source
		}
		doc := html.EscapeString(f.Doc)
		if f.Enum != nil {
			doc += " (" + html.EscapeString(strings.Join(f.Enum, ", ")) + ")"
		}
		fmt.Fprintf(b, "<tr><td><code>%s</code></td><td>%s%s</td><td>%s</td></tr>", f.Name, name, where, doc)
	}
	b.WriteString("</table>")
}

package manage

import (
	"net/http"
	"reflect"
	"regexp"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
)

// The part of OpenAPI 3.1 that the document uses (https://spec.openapis.org/oas/v3.1.0).
type (
	document struct {
		OpenAPI    string                           `json:"openapi"`
		Info       docInfo                          `json:"info"`
		Servers    []docServer                      `json:"servers"`
		Security   []map[string][]string            `json:"security"`
		Paths      map[string]map[string]*docAction `json:"paths"`
		Components docComponents                    `json:"components"`
	}
	docInfo struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	}
	docServer struct {
		URL string `json:"url"`
	}
	docAction struct {
		ID         string                 `json:"operationId"`
		Summary    string                 `json:"summary"`
		Tags       []string               `json:"tags"`
		Scope      string                 `json:"x-scope"`
		Parameters []docParameter         `json:"parameters,omitempty"`
		Body       *docBody               `json:"requestBody,omitempty"`
		Responses  map[string]docResponse `json:"responses"`
	}
	docParameter struct {
		Name        string  `json:"name"`
		In          string  `json:"in"`
		Required    bool    `json:"required,omitempty"`
		Description string  `json:"description,omitempty"`
		Schema      *schema `json:"schema"`
	}
	docBody struct {
		Required bool                `json:"required"`
		Content  map[string]docMedia `json:"content"`
	}
	docMedia struct {
		Schema *schema `json:"schema"`
	}
	docResponse struct {
		Description string              `json:"description"`
		Content     map[string]docMedia `json:"content,omitempty"`
	}
	docComponents struct {
		Schemas         map[string]*schema           `json:"schemas"`
		SecuritySchemes map[string]map[string]string `json:"securitySchemes"`
	}
)

// describe writes the document of the operations. It is made from the types the server
// decodes and encodes, so that it cannot say anything else.
func (p *Protocol) describe() document {
	d := document{
		OpenAPI: "3.1.0",
		Info: docInfo{
			Title: "Tigertally management API", Version: p.version,
			Description: "Send an API key as a bearer token. Refusals are application/problem+json (RFC 9457). " +
				"Lists are paged by cursor. A POST with an Idempotency-Key that is sent again gets the first answer again. " +
				"Answers have an ETag; a change with If-Match is refused with 412 when somebody else was faster.",
		},
		Servers: []docServer{{URL: Prefix}}, Security: []map[string][]string{{"key": {}}},
		Paths: map[string]map[string]*docAction{},
		Components: docComponents{
			Schemas:         map[string]*schema{},
			SecuritySchemes: map[string]map[string]string{"key": {"type": "http", "scheme": "bearer"}},
		},
	}
	known := manage.ByName()
	c := schemas(d.Components.Schemas)
	refusal := docResponse{"refused", map[string]docMedia{problemType: {c.of(reflect.TypeFor[api.Problem]())}}}
	for _, o := range p.Operations() {
		path := d.Paths[o.Path]
		if path == nil {
			path = map[string]*docAction{}
			d.Paths[o.Path] = path
		}
		path[strings.ToLower(o.Method)] = action(c, o, known[o.Op], refusal)
	}
	return d
}

func action(c schemas, o Operation, rule manage.Operation, refusal docResponse) *docAction {
	noun, _, _ := strings.Cut(string(o.Op), ".")
	a := &docAction{
		ID: string(o.Op), Summary: rule.Summary, Tags: []string{noun}, Scope: string(rule.Scope),
		Responses: map[string]docResponse{"default": refusal},
	}
	for _, f := range Fields(o.In) {
		if f.Source == SourceBody {
			continue
		}
		a.Parameters = append(a.Parameters, docParameter{
			Name: f.Name, In: f.Source, Required: f.Source == SourcePath, Description: f.Doc, Schema: c.field(f.Type, f.Enum),
		})
	}
	if body := c.body(o.In); body != nil {
		a.Body = &docBody{true, map[string]docMedia{"application/json": {body}}}
	}
	switch {
	case o.Out == reflect.TypeFor[api.None]():
		a.Responses["204"] = docResponse{Description: "done"}
	case o.Media != "":
		a.Responses["200"] = docResponse{"done", map[string]docMedia{o.Media: {&schema{Type: "string"}}}}
	default:
		a.Responses["200"] = docResponse{"done", map[string]docMedia{"application/json": {c.of(o.Out)}}}
	}
	return a
}

// unsafeName is what a component's name may not have (OpenAPI 3.1 section 4.8.7.1).
var unsafeName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// documents are the pages that describe the API. They tell nothing about what is kept, so
// anybody may read them.
func (p *Protocol) documents() map[string]http.Handler {
	return map[string]http.Handler{
		"/openapi.json": http.HandlerFunc(p.serveDocument),
		"/docs":         http.HandlerFunc(p.servePage),
		"/docs.css":     http.HandlerFunc(serveStyle),
	}
}

package authing

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

// graphqlRoutes are the two addresses of the GraphQL half.
func (p *Protocol) graphqlRoutes() []route {
	h := p.graphql()
	return []route{post("/graphql/v2", h), post("/graphql", h)}
}

// graphqlRequest is what clients send; they name no operation.
type graphqlRequest struct {
	Query     string          `json:"query"`
	Variables json.RawMessage `json:"variables"`
}

// graphqlAnswer is a success: the value under the name of the root field.
type graphqlAnswer struct {
	Data map[string]any `json:"data"`
}

// graphqlFailure is a refusal. Clients read the number out of a message that is an
// object, and take anything with another status for a broken connection.
type graphqlFailure struct {
	Errors []graphqlError `json:"errors"`
	Data   any            `json:"data"` // null
}

type graphqlError struct {
	Message envelope `json:"message"`
	Path    []string `json:"path,omitempty"`
}

// graphql answers every document.
func (p *Protocol) graphql() http.Handler {
	operations := p.operations()
	return web.JSON(graphqlVoice{p}, func(ctx context.Context, in graphqlRequest) (any, error) {
		d, err := readDocument(in.Query)
		if err != nil {
			return nil, errs.New(errs.QueryInvalid, "reason", err.Error())
		}
		op := operations[d.field]
		out, err := op.answer(ctx, d, in.Variables)
		if err == nil {
			out, err = p.shown(ctx, out)
		}
		if err != nil {
			web.SetLogError(ctx, err)
			return failure(refusal(caller.From(ctx).Lang, op.words, errs.From(err)), d.key), nil
		}
		if e, ok := out.(envelope); ok && e.Code != codeOK {
			return failure(e, d.key), nil
		}
		return graphqlAnswer{map[string]any{d.key: out}}, nil
	})
}

// answer runs the operation a document asks for; the zero operation is one there is not.
func (op operation) answer(ctx context.Context, d document, variables json.RawMessage) (any, error) {
	if op.run == nil {
		return nil, errs.New(errs.NotImplemented)
	}
	if op.kind != d.kind {
		return nil, errs.New(errs.QueryInvalid, "reason", d.field+" is a "+op.kind)
	}
	args, err := argumentsOf(d, variables)
	if err != nil {
		return nil, err
	}
	return op.run(ctx, args)
}

// shown is the answer of an operation in the form GraphQL clients read.
func (p *Protocol) shown(ctx context.Context, out any) (any, error) {
	switch v := out.(type) {
	case nil:
		return envelope{Code: codeOK, Message: messageOK}, nil
	case userObject:
		return p.graphqlUser(ctx, v)
	}
	return out, nil
}

// argumentsOf makes the object of a root field's arguments out of the variables.
func argumentsOf(d document, variables json.RawMessage) ([]byte, error) {
	var values map[string]json.RawMessage
	if len(variables) > 0 {
		if err := json.Unmarshal(variables, &values); err != nil {
			return nil, errs.New(errs.BadRequest, "field", "variables").Because(err)
		}
	}
	args := make(map[string]json.RawMessage, len(d.args))
	for arg, variable := range d.args {
		if v, given := values[variable]; given {
			args[arg] = v
		}
	}
	return json.Marshal(args)
}

// failure is the answer for a refusal, in the words of an envelope.
func failure(e envelope, path ...string) graphqlFailure {
	return graphqlFailure{Errors: []graphqlError{{Message: e, Path: path}}}
}

// graphqlVoice words what is wrong with a request before there is an operation.
type graphqlVoice struct{ *Protocol }

// WriteError answers r with e.
func (d graphqlVoice) WriteError(w http.ResponseWriter, r *http.Request, e *errs.Error) {
	web.WriteJSON(w, http.StatusOK, failure(refusal(caller.From(r.Context()).Lang, nil, e)))
}

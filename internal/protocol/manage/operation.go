package manage

import (
	"context"
	"net/http"
	"reflect"
	"slices"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/web"
)

// Operation is the wire form of one manage.Op.
type Operation struct {
	Op           manage.Op
	Method, Path string       // as http.ServeMux takes it, below Prefix
	In, Out      reflect.Type // structures of package api
	Media        string       // of an answer that is a file

	handler http.Handler
}

// Operations lists the wire form of everything an administrator can do.
func (p *Protocol) Operations() []Operation {
	return slices.Concat(
		p.poolOperations(), p.userOperations(), p.appOperations(), p.fieldOperations(), p.providerOperations(), p.pipelineOperations(),
		p.messageOperations(), p.webhookOperations(), p.keyOperations(), p.limitOperations(), p.auditOperations(),
		p.metricOperations(), p.doctorOperations(), p.operatorOperations(), p.backupOperations(), p.transferOperations(),
	)
}

// operate makes the endpoint of an operation. What it answers has an entity tag, so that
// a client can ask whether it has changed and guard its own changes.
func operate[In, Out any](p *Protocol, op manage.Op, method, path string,
	fn func(context.Context, operator.Principal, In) (Out, error),
) Operation {
	run := func(ctx context.Context, in In) (out Out, err error) {
		who, err := p.principal(ctx)
		if err != nil {
			return out, err
		}
		return fn(ctx, who, in)
	}
	return Operation{
		Op: op, Method: method, Path: path, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
		handler: p.jsonOnly(p.once(web.Endpoint(p, run, write[Out]))),
	}
}

// write sends out, or that the client has it already.
func write[Out any](w http.ResponseWriter, r *http.Request, out Out) error {
	w.Header().Set("Cache-Control", "no-store")
	if _, ok := any(out).(api.None); ok {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	tag := api.ETag(out)
	w.Header().Set("ETag", tag)
	if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	web.WriteJSON(w, http.StatusOK, out)
	return nil
}

// jsonOnly refuses bodies that a web page could send without being asked (WB-01).
func (p *Protocol) jsonOnly(next http.Handler) http.Handler {
	return web.Handle(p, func(w http.ResponseWriter, r *http.Request) error {
		if r.ContentLength != 0 && !isJSON(r.Header.Get("Content-Type")) {
			return errs.New(errs.BadRequest, "field", "Content-Type")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// Package manage owns the wire form of the management API below /manage/v1: paths,
// problems, entity tags and the document that describes them. It translates requests for
// the manage flow and decides nothing itself; its types are package api's.
package manage

import (
	"context"
	"net/http"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/idempotency"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/web"
)

// Prefix begins the path of every operation.
const Prefix = "/manage/v1"

// Options are the services the protocol speaks for.
type Options struct {
	Manage    *manage.Service
	Operators *operator.Service
	Answers   *idempotency.Service
	Version   string // of the program, for the document
}

// Protocol is the edge of the management API.
type Protocol struct {
	core      *manage.Service
	operators *operator.Service
	answers   *idempotency.Service
	version   string
}

// New makes the edge.
func New(o Options) *Protocol {
	return &Protocol{core: o.Manage, operators: o.Operators, answers: o.Answers, version: o.Version}
}

// Name is the protocol's name in the log and the audit.
func (p *Protocol) Name() string { return "manage" }

// Handler serves everything below Prefix. Whoever calls needs an API key, but for the
// document.
func (p *Protocol) Handler() http.Handler {
	router := web.NewRouter(p)
	for _, o := range p.Operations() {
		router.Handle(o.Method, Prefix+o.Path, o.handler)
	}
	for path, h := range p.documents() {
		router.Handle(http.MethodGet, Prefix+path, h)
	}
	return router.Mux()
}

// principalKey is where WithPrincipal keeps its value.
type principalKey struct{}

// WithPrincipal says in ctx who asks, for callers in this process, such as the command
// line, that have no API key. A request from outside cannot carry it.
func WithPrincipal(ctx context.Context, p operator.Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// principal finds out who asks. Errors: SessionInvalid.
func (p *Protocol) principal(ctx context.Context) (operator.Principal, error) {
	if known, ok := ctx.Value(principalKey{}).(operator.Principal); ok {
		return known, nil
	}
	key := web.Bearer(ctx)
	if key == "" {
		return operator.Principal{}, errs.New(errs.SessionInvalid)
	}
	return p.operators.Authenticate(ctx, key, caller.From(ctx).Addr)
}

// Package console owns the pages administrators work with below /console: what they
// look like, the forms they send and the cookie that says who sent them. Everything it
// shows and does is an operation of the manage flow; it decides nothing itself. Pages
// work without a script, which only makes them more comfortable.
package console

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/manage"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/web"
)

// Prefix begins the path of every page.
const Prefix = "/console"

// Options are the services the console works on.
type Options struct {
	Manage    *manage.Service
	Operators *operator.Service
	// PublicURL is where apps reach this server, without a slash at the end. Pages name it
	// in what is pasted into an app.
	PublicURL string
	// Secure says that the console is reached by TLS.
	Secure bool
	// DevKey is the API key a development server lets people in with who have no account;
	// "" in production.
	DevKey string
	Now    func() time.Time
}

// Console serves the pages.
type Console struct {
	Options

	words map[string]i18n.Catalog
}

// New makes the console. It fails only when its words cannot be read.
func New(o Options) (*Console, error) {
	words, err := catalogs()
	if err != nil {
		return nil, err
	}
	return &Console{Options: o, words: words}, nil
}

// Name is the protocol's name in the log and the audit.
func (c *Console) Name() string { return "console" }

// route is one page or one thing a form of a page does.
type route struct {
	method, path string // below Prefix
	// ops are the operations that the route calls, so that a test can tell whether
	// everything the management API does can be done here.
	ops    []manage.Op
	open   bool // reached without being signed in
	handle func(ctx context.Context, p *page) error
}

// routes lists every page.
func (c *Console) routes() []route {
	return slices.Concat(
		c.entryRoutes(), c.overviewRoutes(), c.poolRoutes(), c.userRoutes(), c.appRoutes(), c.fieldRoutes(), c.providerRoutes(),
		c.pipelineRoutes(), c.messageRoutes(), c.webhookRoutes(), c.keyRoutes(), c.limitRoutes(),
		c.auditRoutes(), c.metricRoutes(), c.doctorRoutes(), c.operatorRoutes(), c.backupRoutes(), c.transferRoutes(),
	)
}

// Operations lists what can be done here.
func (c *Console) Operations() []manage.Op {
	var all []manage.Op
	for _, r := range c.routes() {
		for _, op := range r.ops {
			if !slices.Contains(all, op) {
				all = append(all, op)
			}
		}
	}
	return all
}

// Handler serves everything below Prefix.
func (c *Console) Handler() http.Handler {
	router := web.NewRouter(c)
	for _, r := range c.routes() {
		router.Handle(r.method, Prefix+r.path, web.Handle(c, func(w http.ResponseWriter, req *http.Request) error {
			return c.serve(w, req, r)
		}))
	}
	router.Handle(http.MethodGet, Prefix+"/assets/{file}", web.Handle(c, serveAsset))
	return router.Mux()
}

// serve finds out who asks and whether they may be here at all, and lets the route answer.
func (c *Console) serve(w http.ResponseWriter, r *http.Request, to route) error {
	p, err := c.newPage(w, r)
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost {
		if err := p.checkForm(); err != nil {
			return err
		}
	}
	if !to.open {
		if away := p.missing(p.wanted()); away != "" {
			return p.redirect(away)
		}
		if err := p.choosePool(r.Context()); err != nil {
			return err
		}
	}
	return p.answer(r.Context(), to.handle)
}

// address is where a request came from.
func address(ctx context.Context) netip.Addr { return callerOf(ctx).Addr }

package cloudbase

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

// route is one endpoint. once marks the ones a client's repetition must not run twice.
type route struct {
	method, path string
	once         bool
	later        bool // answers unimplemented until its upstream is built
	handler      http.Handler
}

// routes lists every endpoint by topic.
func (p *Protocol) routes() []route {
	var all []route
	for _, topic := range [][]route{
		p.signinRoutes(), p.tokenRoutes(), p.verificationRoutes(), p.userRoutes(),
		p.contactRoutes(), p.captchaRoutes(), p.deviceRoutes(), p.providerRoutes(),
		p.federationRoutes(), p.journeyRoutes(), p.dataRoutes(), p.laterRoutes(),
	} {
		all = append(all, topic...)
	}
	return all
}

// The constructors of the table's rows.

func get(path string, h http.Handler) route {
	return route{method: http.MethodGet, path: path, handler: h}
}

func post(path string, h http.Handler) route {
	return route{method: http.MethodPost, path: path, handler: h}
}

func once(method, path string, h http.Handler) route {
	return route{method: method, path: path, once: true, handler: h}
}

// laterRoutes are the paths that need a third party. They answer unimplemented, so
// that an app sees a clear error and not a missing page.
func (p *Protocol) laterRoutes() []route {
	h := web.Handle(p, func(http.ResponseWriter, *http.Request) error {
		return errs.New(errs.NotImplemented)
	})
	var all []route
	for _, r := range []struct{ method, path string }{
		{http.MethodPost, "/auth/v1/signin/wechat/noauth"},
		{http.MethodPost, "/auth/v1/signin/token"},
		{http.MethodPost, "/auth/v1/token/clientCredential"},
		{http.MethodPost, "/auth/v1/user/authorize"},
		{http.MethodPost, "/auth/v1/qrcode/generate"},
		{http.MethodPost, "/auth/v1/qrcode/get/status"},
	} {
		all = append(all, route{method: r.method, path: r.path, later: true, handler: h})
	}
	return all
}

package authing

import (
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

// route is one endpoint.
type route struct {
	method, path string
	later        bool // answers that it is not supported until its upstream is built
	handler      http.Handler
}

// routes lists every endpoint by topic.
func (p *Protocol) routes() []route {
	var all []route
	for _, topic := range [][]route{
		p.configRoutes(), p.registerRoutes(), p.loginRoutes(), p.captchaRoutes(),
		p.peopleRoutes(), p.contactRoutes(), p.passwordRoutes(), p.sessionRoutes(), p.customRoutes(),
		p.uploadRoutes(), p.graphqlRoutes(), p.manageRoutes(),
		p.socialRoutes(), p.bindRoutes(), p.screenRoutes(), p.laterRoutes(),
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

// laterRoutes are the paths that need a third party or a second factor. They say so, so
// that an app sees a clear error and not a missing page.
func (p *Protocol) laterRoutes() []route {
	h := web.Handle(p, func(http.ResponseWriter, *http.Request) error {
		return errs.New(errs.NotImplemented)
	})
	var all []route
	for line := range strings.Lines(laterPaths) {
		method, path, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok {
			all = append(all, route{method: method, path: path, later: true, handler: h})
		}
	}
	return all
}

const laterPaths = `
POST /api/v2/ecConn/{connection}/authByRequestToken
POST /api/v2/applications/mfa/check
POST /api/v2/applications/mfa/sms/verify
POST /api/v2/applications/mfa/email/verify
GET /api/v2/mfa/authenticator
POST /api/v2/mfa/totp/associate
POST /api/v2/mfa/totp/associate/confirm
DELETE /api/v2/mfa/totp/associate
POST /api/v2/mfa/totp/verify
POST /api/v2/mfa/totp/recovery
POST /api/v2/mfa/face/associate
POST /api/v2/mfa/face/verify
POST /api/v2/mfa/phone/unbind
POST /api/v2/mfa/email/unbind
POST /api/v3/reset-factor
POST /api/v3/enroll-factor
POST /api/v3/send-enroll-factor-request
POST /api/v3/change-pushcode-status
POST /api/v3/create-device
GET /api/v3/mydevices/list
POST /api/v3/mydevices/unbind
POST /api/v3/mydevices/revoke-session
POST /api/v3/user-bind-app
POST /api/v3/user-unbind-app
GET /api/v3/webauthn/registration
POST /api/v3/webauthn/registration
GET /api/v3/webauthn/authentication
POST /api/v3/webauthn/authentication
POST /api/v3/pub-userEvent
GET /api/v3/get-fastpass-client-apps
GET /api/v3/get-pushlogin-relation-apps
GET /api/v2/applications/{id}/related-client-apps
POST /api/v2/ldap/verify-user
POST /api/v2/ad/verify-user
POST /api/v3/signin
`

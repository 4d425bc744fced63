package console

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"rsc.io/qr"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/operator"
)

// entryRoutes are the ways in and out.
func (c *Console) entryRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/welcome", open: true, handle: welcome},
		{method: http.MethodPost, path: "/welcome", open: true, handle: makeFirst},
		{method: http.MethodGet, path: "/signin", open: true, handle: askPassword},
		{method: http.MethodPost, path: "/signin", open: true, handle: signIn},
		{method: http.MethodPost, path: "/local", open: true, handle: signInLocally},
		{method: http.MethodPost, path: "/first", open: true, handle: inviteFirst},
		{method: http.MethodGet, path: "/factor", open: true, handle: askFactor},
		{method: http.MethodPost, path: "/factor", open: true, handle: showFactor},
		{method: http.MethodGet, path: "/enrol", open: true, handle: enrol},
		{method: http.MethodPost, path: "/enrol", open: true, handle: confirmEnrol},
		{method: http.MethodGet, path: "/sudo", handle: askSudo},
		{method: http.MethodPost, path: "/sudo", handle: sudo},
		{method: http.MethodPost, path: "/signout", open: true, handle: signOut},
		{method: http.MethodPost, path: "/preferences", open: true, handle: prefer},
	}
}

// welcome is where the one-time link leads.
func welcome(ctx context.Context, p *page) error {
	empty, err := p.c.Operators.Empty(ctx)
	if err != nil {
		return err
	}
	if !empty {
		return p.redirect(p.global("signin"))
	}
	return p.show(ctx, "welcome", welcomePage(p, p.r.FormValue("token"), ""))
}

func makeFirst(ctx context.Context, p *page) error {
	name := p.r.PostFormValue("name")
	opened, err := p.c.Operators.Bootstrap(ctx, p.r.PostFormValue("token"), operator.NewPerson{
		Name: name, Password: p.r.PostFormValue("password"), Role: operator.Owner,
	})
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "welcome", welcomePage(p, p.r.PostFormValue("token"), name))
	}
	return p.entered(opened)
}

// entered gives the browser its session and leads on.
func (p *page) entered(opened operator.Opened) error {
	p.signIn(opened.Token)
	p.step = opened.Step
	return p.forward()
}

func askPassword(ctx context.Context, p *page) error {
	if p.token != "" { // back from a page that came after
		return p.forward()
	}
	return p.showSignIn(ctx, "")
}

// forward leads on somebody who has signed in, or has begun to.
func (p *page) forward() error {
	if away := p.missing(p.back()); away != "" {
		return p.redirect(away)
	}
	return p.redirect(p.back())
}

func (p *page) showSignIn(ctx context.Context, name string) error {
	empty, err := p.c.Operators.Empty(ctx)
	if err != nil {
		return err
	}
	return p.show(ctx, "sign_in", signInPage(p, name, empty))
}

func signIn(ctx context.Context, p *page) error {
	name := p.r.PostFormValue("name")
	opened, err := p.c.Operators.SignIn(ctx, name, p.r.PostFormValue("password"))
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.showSignIn(ctx, name)
	}
	return p.entered(opened)
}

// signInLocally lets the developer in whose machine this is: only a browser on it, and
// only a development server (its key was printed to the same person's terminal).
func signInLocally(ctx context.Context, p *page) error {
	if !p.local(ctx) {
		return errs.New(errs.PermissionDenied)
	}
	p.signIn(p.c.DevKey)
	return p.redirect(p.back())
}

// local reports whether the browser is on the machine of a development server.
func (p *page) local(ctx context.Context) bool {
	from := address(ctx)
	return p.c.DevKey != "" && (from.IsLoopback() || from == netip.Addr{})
}

// inviteFirst makes the one-time link of a development server and follows it, so that its
// developer can see what administrators will. In production the terminal shows the link.
func inviteFirst(ctx context.Context, p *page) error {
	if !p.local(ctx) {
		return errs.New(errs.PermissionDenied)
	}
	token, _, err := p.c.Operators.NewBootstrap(ctx)
	if err != nil {
		return err
	}
	return p.redirect(p.global("welcome") + "?" + url.Values{"token": {token}}.Encode())
}

func askFactor(ctx context.Context, p *page) error {
	if p.step != operator.Factor {
		return p.forward()
	}
	return p.show(ctx, "factor", factorPage(p))
}

func showFactor(ctx context.Context, p *page) error {
	if p.step != operator.Factor { // it took too long, or was done in another tab
		return p.forward()
	}
	opened, err := p.c.Operators.SecondFactor(ctx, p.token, digits(p.r.PostFormValue("code")))
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "factor", factorPage(p))
	}
	return p.entered(opened)
}

func enrol(ctx context.Context, p *page) error {
	if p.token == "" || p.step == operator.Factor || p.step == operator.Done && p.r.FormValue("replace") == "" {
		return p.forward() // also when somebody goes back to a page that is done with
	}
	app, err := p.c.Operators.BeginTOTP(ctx, p.token)
	if err != nil {
		return err
	}
	return p.showEnrolment(ctx, app)
}

func (p *page) showEnrolment(ctx context.Context, app operator.Authenticator) error {
	code, err := qr.Encode(app.URI, qr.M)
	if err != nil {
		return err
	}
	return p.show(ctx, "enrol", enrolPage(p, app, code))
}

func confirmEnrol(ctx context.Context, p *page) error {
	if p.token == "" || p.step == operator.Factor {
		return p.forward()
	}
	opened, recovery, err := p.c.Operators.ConfirmTOTP(ctx, p.token, digits(p.r.PostFormValue("code")))
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		app, err := p.c.Operators.BeginTOTP(ctx, p.token)
		if err != nil {
			return err
		}
		return p.showEnrolment(ctx, app)
	}
	p.signIn(opened.Token)
	return p.show(ctx, "recovery", recoveryPage(p, recovery))
}

func askSudo(ctx context.Context, p *page) error {
	return p.show(ctx, "sudo", sudoPage(p, p.back()))
}

func sudo(ctx context.Context, p *page) error {
	if _, err := p.c.Operators.Sudo(ctx, p.token, digits(p.r.PostFormValue("code"))); err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "sudo", sudoPage(p, p.back()))
	}
	return p.redirect(p.back())
}

func signOut(ctx context.Context, p *page) error {
	if p.who.Kind == operator.KindOperator {
		if err := p.c.Operators.SignOut(ctx, p.token); err != nil {
			return err
		}
	}
	p.signOut()
	return p.redirect(p.global("signin"))
}

// prefer keeps the reader's language and colours.
func prefer(_ context.Context, p *page) error {
	if lang := p.r.PostFormValue("lang"); slices.Contains(i18n.Languages(), lang) {
		p.prefer(langCookie, lang)
	}
	if theme := p.r.PostFormValue("theme"); slices.Contains([]string{"auto", "light", "dark"}, theme) {
		p.prefer(themeCookie, theme)
	}
	return p.redirect(p.back())
}

// digits takes the spaces away that people type, and authenticator apps show, in a code.
func digits(code string) string { return strings.Join(strings.Fields(code), "") }

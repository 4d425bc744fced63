package console

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"rsc.io/qr"

	"github.com/tigertally/tigertally/internal/errs"
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
	if away := p.missing(); away != "" {
		return p.redirect(away)
	}
	return p.redirect(p.back())
}

func askPassword(ctx context.Context, p *page) error {
	return p.show(ctx, "sign_in", signInPage(p, ""))
}

func signIn(ctx context.Context, p *page) error {
	name := p.r.PostFormValue("name")
	opened, err := p.c.Operators.SignIn(ctx, name, p.r.PostFormValue("password"))
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "sign_in", signInPage(p, name))
	}
	return p.entered(opened)
}

// signInLocally lets the developer in whose machine this is: only a browser on it, and
// only a development server (its key was printed to the same person's terminal).
func signInLocally(ctx context.Context, p *page) error {
	if p.c.DevKey == "" || !address(ctx).IsLoopback() && address(ctx) != (netip.Addr{}) {
		return errs.New(errs.PermissionDenied)
	}
	p.signIn(p.c.DevKey)
	return p.redirect(p.back())
}

func askFactor(ctx context.Context, p *page) error {
	if p.step != operator.Factor {
		return p.redirect(p.global())
	}
	return p.show(ctx, "factor", factorPage(p))
}

func showFactor(ctx context.Context, p *page) error {
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
	if p.token == "" {
		return p.redirect(p.global("signin"))
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
	if lang := p.r.PostFormValue("lang"); lang != "" {
		p.prefer(langCookie, lang)
	}
	if theme := p.r.PostFormValue("theme"); theme != "" {
		p.prefer(themeCookie, theme)
	}
	return p.redirect(p.back())
}

// digits takes the spaces away that people type, and authenticator apps show, in a code.
func digits(code string) string { return strings.Join(strings.Fields(code), "") }

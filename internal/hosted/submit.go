package hosted

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/oauth"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/signin"
)

// What the buttons of a form say they do.
const (
	doPassword = "password"
	doSend     = "send"
	doCode     = "code"
	doRenew    = "renew"
	doCancel   = "cancel"
	doCreate   = "create"
	doChoose   = "choose"
	doShow     = "show"
)

// visit is one request for the page: the authorization request behind it, and what the
// answer will show.
type visit struct {
	request string
	pending oauth.Pending
	view
}

// begin finds the authorization request of r and how its page looks untouched.
func (p *Protocol) begin(r *http.Request) (context.Context, *visit, error) {
	id, err := p.requestOf(r)
	if err != nil {
		return nil, nil, err
	}
	pending, err := p.OAuth.Request(r.Context(), id)
	if err != nil {
		return nil, nil, err
	}
	v := &visit{request: id, pending: pending, view: view{
		words: p.words, lang: p.language(r, pending.Locales), app: nameOf(pending.Client), tab: r.URL.Query().Get("tab"), form: formProof(id),
		path: prefix + handleOf(id),
	}}
	kind, _, err := contact.Classify(pending.LoginHint)
	if err == nil {
		v.account = pending.LoginHint
	}
	if !slices.Contains([]string{tabPassword, tabPhone, tabEmail}, v.tab) {
		v.tab = tabPassword
	}
	if fits := v.tab == tabPassword || string(kind) == v.tab; !fits {
		v.account = ""
	}
	if v.ways, err = p.waysOf(r.Context(), pending.Client.Pool.ID, v.lang); err != nil {
		return nil, nil, err
	}
	info := caller.From(r.Context())
	info.Lang, info.Client = v.lang, pending.Client.ID
	return caller.With(r.Context(), info), v, nil
}

// nameOf is what people know the application by.
func nameOf(c pool.Client) string {
	for _, name := range []string{c.App.Name, c.Pool.Settings.ProductName, c.Pool.Name} {
		if name != "" {
			return name
		}
	}
	return c.ID
}

// show answers with the untouched page.
func (p *Protocol) show(w http.ResponseWriter, r *http.Request) error {
	ctx, v, err := p.begin(r)
	if err != nil {
		return err
	}
	if v.tab != tabPassword && v.pending.Client.Pool.Settings.Captcha == pool.CaptchaAlways {
		if err := p.draw(ctx, v); err != nil {
			return err
		}
	}
	writePage(w, http.StatusOK, source(v.pending.RedirectURI), v.page())
	return nil
}

// submit does what a form asks for: it ends with the way back to the app or with the
// page again.
func (p *Protocol) submit(w http.ResponseWriter, r *http.Request) error {
	ctx, v, err := p.begin(r)
	if err != nil {
		return err
	}
	if err := ownForm(r); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.BadRequest, "field", "form").Because(err)
	}
	if !secret.Equal([]byte(r.PostForm.Get("form")), []byte(v.form)) {
		return errs.New(errs.OriginRefused)
	}
	if r.PostForm.Get("do") == doCancel {
		to, err := p.OAuth.Cancel(ctx, v.request)
		return p.leave(w, v, to, err)
	}
	out, err := p.act(ctx, v, fields(r.PostForm))
	if err != nil || out.Session == nil {
		return p.again(ctx, w, v, err)
	}
	to, err := p.finish(ctx, v, out)
	return p.leave(w, v, to, err)
}

// fields are the values of a form.
type fields map[string][]string

// get returns a value without the spaces around it that pasting leaves.
func (f fields) get(name string) string { return strings.TrimSpace(f.raw(name)) }

// raw returns a value as it is: spaces may belong to a password.
func (f fields) raw(name string) string {
	if len(f[name]) == 0 {
		return ""
	}
	return f[name][0]
}

// act takes one step. An outcome without a session means that the page goes on.
func (p *Protocol) act(ctx context.Context, v *visit, f fields) (signin.Outcome, error) {
	v.account, v.solved, v.key = f.get("account"), f.raw("captcha_token"), f.raw("key")
	v.create = v.key != "" && f.raw("may_create") != ""
	if err := p.solve(ctx, v, f); err != nil {
		v.keepStep(f)
		return signin.Outcome{}, err
	}
	switch f.raw("do") {
	case doPassword:
		out, err := p.enter(ctx, v, signin.Input{Method: signin.MethodPassword, Password: f.raw("password")})
		return out, alike(err)
	case doSend:
		return signin.Outcome{}, p.send(ctx, v)
	case doCode:
		v.step = stepCode
		digits := strings.Join(strings.Fields(f.raw("code")), "")
		if len(digits) < 4 || strings.Trim(digits, "0123456789") != "" {
			return signin.Outcome{}, errs.New(errs.CodeWrong)
		}
		return p.enter(ctx, v, signin.Input{Method: signin.MethodVerification, Token: digits})
	case doRenew:
		return p.renew(ctx, v, f)
	case doShow:
		return signin.Outcome{}, nil
	case doCreate, doChoose:
		return p.answer(ctx, v, f)
	}
	return signin.Outcome{}, errs.New(errs.BadRequest, "field", "do")
}

// alike gives one answer to whoever has no such account, no password or another one, so
// that the page does not tell who is known (EN-01).
func alike(err error) error {
	switch errs.CodeOf(err) { //nolint:exhaustive // every other reason is told as it is
	case errs.UserNotFound, errs.PasswordNotSet:
		return errs.New(errs.PasswordWrong).Because(err)
	}
	return err
}

// keepStep shows the form again that f came from.
func (v *visit) keepStep(f fields) {
	if f.raw("do") == doCode || f["code"] != nil {
		v.step = stepCode
	}
}

// enter signs in; a first password that has to be replaced is the next step.
func (p *Protocol) enter(ctx context.Context, v *visit, in signin.Input) (signin.Outcome, error) {
	in.Client, in.Identifier, in.CaptchaToken, in.Link = v.pending.Client, v.account, v.solved, v.key
	out, err := p.Signin.SignIn(ctx, in)
	if err == nil && out.Next != nil {
		v.next(*out.Next)
	}
	return out, err
}

// send sends a code to anybody, known or not, so that the page does not tell who is.
func (p *Protocol) send(ctx context.Context, v *visit) error {
	in := account.SendInput{Client: v.pending.Client, Usage: signin.UsageSignIn, CaptchaToken: v.solved}
	if v.tab == tabPhone {
		in.Phone = v.account
	} else {
		in.Email = v.account
	}
	if _, err := p.Account.SendCode(ctx, in); err != nil {
		return err
	}
	v.step, v.notice = stepCode, v.say("sent", "to", shown(v.account))
	return nil
}

// shown is an address as it may stand on a screen.
func shown(typed string) string {
	if _, canonical, err := contact.Classify(typed); err == nil {
		return contact.Mask(canonical)
	}
	return contact.Mask(typed)
}

// renew replaces a first password and signs in with the new one.
func (p *Protocol) renew(ctx context.Context, v *visit, f fields) (signin.Outcome, error) {
	v.step, v.renewal = stepRenew, f.raw("renewal")
	if f.raw("password") != f.raw("again") {
		v.problem = v.say("differ")
		return signin.Outcome{}, nil
	}
	err := p.Account.ResetByFirstLogin(ctx, v.pending.Client, v.renewal, f.raw("password"))
	if errs.CodeOf(err) == errs.TokenInvalid {
		v.step = stepBegin
	}
	if err != nil {
		return signin.Outcome{}, err
	}
	v.step, v.notice = stepBegin, v.say("renewed")
	return p.enter(ctx, v, signin.Input{Method: signin.MethodPassword, Password: f.raw("password")})
}

// finish turns a session into the way back. A session that leads nowhere is ended.
func (p *Protocol) finish(ctx context.Context, v *visit, out signin.Outcome) (to string, err error) {
	who, err := p.Sessions.Verify(ctx, out.Session.Access)
	if err == nil {
		to, err = p.OAuth.Finish(ctx, v.request, who)
	}
	if err != nil {
		err = errors.Join(err, p.Account.SignOut(ctx, out.Session.Access))
	}
	return to, err
}

// leave sends the person back to the app. http.Redirect would rewrite the address, which
// has to stay as registered.
func (p *Protocol) leave(w http.ResponseWriter, v *visit, to string, err error) error {
	if err != nil {
		return err
	}
	p.forget(w, v.request)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// again shows the page with what went wrong.
func (p *Protocol) again(ctx context.Context, w http.ResponseWriter, v *visit, err error) error {
	status := http.StatusOK
	if err != nil {
		e := errs.From(err)
		if e.Code == errs.CaptchaInvalid {
			v.solved = ""
		}
		switch e.Code { //nolint:exhaustive // only these three are about the picture
		case errs.CaptchaRequired, errs.CaptchaInvalid, errs.CaptchaWrong:
			if err := p.draw(ctx, v); err != nil {
				return err
			}
		}
		v.problem, v.notice, status = i18n.Text(v.lang, e.Code, e.Params), "", statusOf(e)
		if e.Code == errs.PasswordWrong {
			v.problem = v.say("mismatch")
		}
	}
	writePage(w, status, source(v.pending.RedirectURI), v.page())
	return nil
}

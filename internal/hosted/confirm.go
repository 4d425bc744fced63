package hosted

import (
	"net/http"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/web"
)

// ConfirmPath is where Handler serves the page behind the links of mails.
const ConfirmPath = account.ConfirmPath

const (
	doConfirm = "confirm" // with the password, or when there is nothing to prove
	doClaim   = "claim"   // without
)

// confirmPage shows what a link is about. Opening it changes nothing: programs that look
// at a mail open its links too.
func (p *Protocol) confirmPage(w http.ResponseWriter, r *http.Request) error {
	web.HidePath(r.Context())
	return p.askToConfirm(w, r, "")
}

// confirm takes the answer. The address of the page is the proof that whoever posts it
// has read the mail, so that no other page can.
func (p *Protocol) confirm(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	web.HidePath(ctx)
	if err := ownForm(r); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return errs.New(errs.BadRequest, "field", "form").Because(err)
	}
	f := fields(r.PostForm)
	password := ""
	if f.raw("do") == doConfirm {
		password = f.raw("password")
	}
	c, err := p.Account.Confirmation(ctx, r.PathValue("token"))
	if err != nil {
		return err
	}
	v := view{words: p.words, lang: p.language(r, ""), app: c.Product}
	if f.raw("do") == doConfirm && password == "" && c.HasPassword && !c.Confirmed {
		return p.askToConfirm(w, r, v.say("confirm_needs"))
	}
	switch err := p.Account.Confirm(ctx, r.PathValue("token"), password); errs.CodeOf(err) {
	case "":
	case errs.PasswordWrong:
		return p.askToConfirm(w, r, v.say("confirm_wrong"))
	default:
		return err
	}
	v.notice = v.say("confirmed", "email", contact.Mask(c.Email))
	writePage(w, http.StatusOK, "", v.document(v.say("confirm_title"), group{
		v.brand(), el("h1", nil, text(v.say("confirm_title"))), v.messages(),
	}, nil))
	return nil
}

func (p *Protocol) askToConfirm(w http.ResponseWriter, r *http.Request, problem string) error {
	c, err := p.Account.Confirmation(r.Context(), r.PathValue("token"))
	if err != nil {
		return err
	}
	v := view{words: p.words, lang: p.language(r, ""), app: c.Product, problem: problem, path: r.URL.Path}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusBadRequest
	}
	writePage(w, status, "", v.confirmation(c))
	return nil
}

// confirmation asks for the password of the account: who knows it has made the account.
// Whoever does not gets it without what others have put there.
func (v view) confirmation(c account.Confirmation) string {
	body := group{
		v.brand(), el("h1", nil, text(v.say("confirm_title"))), v.messages(),
		el("p", nil, text(v.say("confirm", "email", c.Email))),
	}
	form := func(inner ...node) node { return el("form", attrs{"method", "post", "action", v.path}, inner...) }
	switch {
	case c.Confirmed:
		body = append(body, form(button(doConfirm, v.say("confirm_do"), "primary")))
	case !c.HasPassword:
		body = append(body, form(button(doClaim, v.say("confirm_do"), "primary")))
	default:
		body = append(body,
			form(
				v.field("account", v.say("email"), attrs{"type", "text", "value", c.Email, "autocomplete", "username", "readonly", ""}),
				v.field("password", v.say("password"), attrs{"type", "password", "autocomplete", "current-password", "autofocus", ""}),
				button(doConfirm, v.say("confirm_do"), "primary")),
			el("p", attrs{"class", "aside"}, text(v.say("confirm_claim"))),
			form(button(doClaim, v.say("confirm_claim_do"), "quiet")))
	}
	return v.document(v.say("confirm_title"), body, nil)
}

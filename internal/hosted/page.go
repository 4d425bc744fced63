package hosted

import (
	"net/url"
	"strings"

	"github.com/tigertally/tigertally/internal/i18n"
)

// The ways to sign in, each a page of its own, so that none needs a script.
const (
	tabPassword = "password"
	tabPhone    = "phone"
	tabEmail    = "email"
)

// The steps of a page.
const (
	stepBegin = ""      // who are you
	stepCode  = "code"  // a code is on its way
	stepRenew = "renew" // the password was right but has to be replaced
)

// view is all a page shows.
type view struct {
	words     map[string]i18n.Catalog
	lang      string
	app       string // name of the application
	tab, step string
	form      string // the proof that a form is of this page
	account   string // as typed
	problem   string // what went wrong, in the person's language
	notice    string
	solved    string // a captcha token
	challenge string // of the picture
	picture   string // data URI of a captcha to solve
	renewal   string // token a new password is set with

	ways    []way  // providers to sign in with
	path    string // of the page
	key     string // a provider token to link to whoever signs in
	offered []way  // accounts it may mean
	create  bool   // it may be a new account
}

// way is something to choose: a provider or an account.
type way struct{ id, name string }

// page writes the whole document.
func (v view) page() string {
	title := v.say("title_for", "app", v.app)
	body := group{v.brand(), el("h1", nil, text(v.say(v.heading())))}
	if v.step != stepRenew {
		body = append(body, v.tabs())
	}
	var foot node
	if v.step == stepBegin { // a link would leave any other step behind
		foot = v.languages()
	}
	return v.document(title, append(body, v.messages(), v.entry(), v.providers()), foot)
}

func (v view) heading() string {
	if v.step == stepRenew {
		return "renew_title"
	}
	return "title"
}

// document is the frame of every page.
func (v view) document(title string, body group, foot node) string {
	var b strings.Builder
	b.WriteString("<!doctype html>")
	el("html", attrs{"lang", v.lang},
		el("head", nil,
			el("meta", attrs{"charset", "utf-8"}),
			el("meta", attrs{"name", "viewport", "content", "width=device-width, initial-scale=1"}),
			el("meta", attrs{"name", "color-scheme", "content", "light dark"}),
			el("title", nil, text(title)),
			el("link", attrs{"rel", "stylesheet", "href", stylePath})),
		el("body", nil, el("main", nil, body), group{foot}),
	).write(&b)
	return b.String()
}

func (v view) brand() node { return el("p", attrs{"class", "brand"}, text(v.app)) }

func (v view) tabs() node {
	links := group{}
	for _, tab := range []string{tabPassword, tabPhone, tabEmail} {
		label := text(v.say("by_" + tab))
		if v.key != "" { // a link would leave it behind
			links = append(links, v.askAt(tab, el("button", attrs{
				"name", "do", "value", doShow, "class", "tab", when(tab == v.tab, "aria-current"), "page",
			}, label)))
			continue
		}
		links = append(links, el("a", attrs{
			"href", v.link(tab, v.lang), when(tab == v.tab, "aria-current"), "page",
		}, label))
	}
	return el("nav", attrs{"class", "tabs", "aria-label", v.say("methods")}, links)
}

// languages leads to the same page in each language, in its own words.
func (v view) languages() node {
	links := group{}
	for _, lang := range i18n.Languages() {
		links = append(links, el("a", attrs{
			"href", v.link(v.tab, lang), "lang", lang, "hreflang", lang, when(lang == v.lang, "aria-current"), "true",
		}, text(view{words: v.words, lang: lang}.say("language_name"))))
	}
	return el("footer", nil, el("nav", attrs{"aria-label", v.say("language")}, links))
}

// link stays on this page.
func (v view) link(tab, lang string) string {
	return v.path + "?" + url.Values{"tab": {tab}, "lang": {lang}}.Encode()
}

func (v view) messages() node {
	var g group
	if v.problem != "" {
		g = append(g, el("p", attrs{"class", "problem", "role", "alert", "id", "problem"}, text(v.problem)))
	}
	if v.notice != "" {
		g = append(g, el("p", attrs{"class", "notice", "role", "status"}, text(v.notice)))
	}
	return g
}

// entry is the form of the step.
func (v view) entry() node {
	var fields group
	switch {
	case v.step == stepRenew:
		fields = v.renewFields()
	case v.step == stepCode:
		fields = v.codeFields()
	case v.tab == tabPassword:
		fields = v.passwordFields()
	default:
		fields = v.addressFields()
	}
	return group{
		v.choices(),
		v.ask(hidden("captcha_token", v.solved), fields),
		v.ask(button(doCancel, v.say("cancel"), "cancel")),
	}
}

// ask is a form that comes back to this page.
func (v view) ask(inner ...node) node { return v.askAt(v.tab, inner...) }

func (v view) askAt(tab string, inner ...node) node {
	return el("form", attrs{"method", "post", "action", v.link(tab, v.lang)}, hidden("form", v.form), v.carried(), group(inner))
}

func (v view) passwordFields() group {
	return group{
		v.field("account", v.say("account"), attrs{
			"type", "text", "value", v.account, "autocomplete", "username", "autocapitalize", "none",
			"spellcheck", "false", "maxlength", "254", when(v.account == "", "autofocus"), "",
		}),
		v.field("password", v.say("password"), attrs{
			"type", "password", "autocomplete", "current-password", when(v.account != "", "autofocus"), "",
		}),
		v.captchaField(),
		button(doPassword, v.say("sign_in"), "primary"),
	}
}

// addressFields ask where a code should go.
func (v view) addressFields() group {
	kind, hint := attrs{"type", "email", "autocomplete", "email"}, node(nil)
	if v.tab == tabPhone {
		kind, hint = attrs{"type", "tel", "autocomplete", "tel", "aria-describedby", "hint"},
			el("p", attrs{"class", "hint", "id", "hint"}, text(v.say("phone_hint")))
	}
	return group{
		v.field("account", v.say(v.tab), append(kind, "value", v.account, "maxlength", "254",
			when(v.account == "", "autofocus"), "")),
		hint,
		v.captchaField(),
		button(doSend, v.say("send"), "primary"),
	}
}

// codeFields ask for the code that was sent. The first button is what Enter presses.
func (v view) codeFields() group {
	return group{
		hidden("account", v.account),
		v.field("code", v.say("code"), attrs{
			"type", "text", "inputmode", "numeric", "autocomplete", "one-time-code", "maxlength", "8",
			"spellcheck", "false", "autofocus", "",
		}),
		v.captchaField(),
		button(doCode, v.say("sign_in"), "primary"),
		el("button", attrs{"name", "do", "value", doSend, "class", "quiet", "formnovalidate", ""}, text(v.say("resend"))),
		el("a", attrs{"class", "other", "href", v.link(v.tab, v.lang)}, text(v.say("other_"+v.tab))),
	}
}

// renewFields name the account too, so that password managers know whose it is.
func (v view) renewFields() group {
	return group{
		el("p", nil, text(v.say("renew_why"))),
		hidden("renewal", v.renewal),
		v.field("account", v.say("account"), attrs{"type", "text", "value", v.account, "autocomplete", "username", "readonly", ""}),
		v.field("password", v.say("new_password"), attrs{"type", "password", "autocomplete", "new-password", "autofocus", ""}),
		v.field("again", v.say("again"), attrs{"type", "password", "autocomplete", "new-password"}),
		button(doRenew, v.say("renew"), "primary"),
	}
}

// captchaField shows a picture to read, when the core has asked for one.
func (v view) captchaField() node {
	if v.picture == "" {
		return nil
	}
	return group{
		hidden("challenge", v.challenge),
		el("img", attrs{"class", "captcha", "src", v.picture, "alt", v.say("captcha_picture")}),
		v.field("captcha", v.say("captcha"), attrs{
			"type", "text", "autocomplete", "off", "autocapitalize", "none", "spellcheck", "false", "maxlength", "8",
			when(v.account != "" && v.tab != tabPassword, "autofocus"), "",
		}),
	}
}

// field is a required input under its label.
func (v view) field(name, label string, a attrs) node {
	described := ""
	if v.problem != "" {
		described = "aria-describedby"
	}
	a = append(attrs{"id", name, "name", name, "required", "", described, "problem"}, a...)
	return el("div", attrs{"class", "field"}, el("label", attrs{"for", name}, text(label)), el("input", a))
}

func button(do, label, class string) node {
	return el("button", attrs{"name", "do", "value", do, "class", class}, text(label))
}

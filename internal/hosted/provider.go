package hosted

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// Kinds of providers that are not for every browser: a mini-program has no page, and
// official accounts have one that opens inside WeChat alone, where the page for the others,
// a QR code, is no use.
const (
	kindMini = "wechat_mini"
	kindMP   = "wechat_mp"
	kindOpen = "wechat_open"

	insideWeChat = "MicroMessenger"
)

// waysOf lists the providers of a pool that have a page in the browser of the request, by
// their names in lang.
func (p *Protocol) waysOf(ctx context.Context, poolID, lang string) ([]way, error) {
	list, err := p.Vendors.Ways(ctx, poolID)
	if err != nil {
		return nil, err
	}
	inside := strings.Contains(caller.From(ctx).UserAgent, insideWeChat)
	ways := make([]way, 0, len(list))
	for _, c := range list {
		if c.Kind == kindMini || c.Kind == kindMP && !inside || c.Kind == kindOpen && inside {
			continue
		}
		ways = append(ways, way{c.ID, c.Title(lang)})
	}
	return ways, nil
}

// depart sends a browser to a provider. It is a link and no form, for a page says where
// its forms may lead and cannot say it of providers. The proof in the link shows that the
// person pressed it on our page.
func (p *Protocol) depart(w http.ResponseWriter, r *http.Request) error {
	ctx, v, err := p.begin(r)
	if err != nil {
		return err
	}
	if !secret.Equal([]byte(r.URL.Query().Get("form")), []byte(v.form)) {
		return errs.New(errs.OriginRefused)
	}
	id := r.PathValue("provider")
	started, err := p.Vendors.Start(ctx, v.pending.Client, federation.StartInput{
		ProviderID: id, RedirectURI: p.landing(v, id), State: stateOf(v.request, id), Lang: v.lang, Own: true,
	})
	if err != nil {
		return p.again(ctx, w, v, err)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, started.URL, http.StatusSeeOther)
	return nil
}

// landing is the page people come back to from a provider.
func (p *Protocol) landing(v *visit, provider string) string {
	return p.PublicURL + v.path + "/from/" + provider
}

// stateOf ties what comes back to the request that left.
func stateOf(requestID, provider string) string { return derive("state:"+provider+":", requestID) }

// arrive signs in who comes back from a provider.
func (p *Protocol) arrive(w http.ResponseWriter, r *http.Request) error {
	ctx, v, err := p.begin(r)
	if err != nil {
		return err
	}
	id, q := r.PathValue("provider"), r.URL.Query()
	if !secret.Equal([]byte(q.Get("state")), []byte(stateOf(v.request, id))) {
		return errs.New(errs.OriginRefused)
	}
	code := cmp.Or(q.Get("code"), q.Get("authCode"), q.Get("auth_code"))
	if code == "" {
		v.problem = v.say("provider_failed", "provider", v.providerName(id))
		if q.Get("error") == "" || q.Get("error") == "access_denied" {
			v.problem = v.say("provider_cancelled", "provider", v.providerName(id))
		}
		return p.again(ctx, w, v, nil)
	}
	out, err := p.enterBy(ctx, v, id, code)
	switch {
	case err != nil && fails(err):
		v.problem = v.say("provider_failed", "provider", v.providerName(id))
		return p.again(ctx, w, v, nil)
	case err != nil || out.Session == nil:
		return p.again(ctx, w, v, err)
	}
	to, err := p.finish(ctx, v, out)
	return p.leave(w, v, to, err)
}

// fails reports whether the provider is to blame, in words no person can use.
func fails(err error) bool {
	switch errs.CodeOf(err) { //nolint:exhaustive // the others are told as they are.
	case errs.ProviderRefused, errs.ProviderMisconfigured, errs.TokenInvalid:
		return true
	}
	return false
}

// enterBy exchanges the code of a provider and signs in. Somebody nobody knows is asked
// what they want.
func (p *Protocol) enterBy(ctx context.Context, v *visit, id, code string) (signin.Outcome, error) {
	granted, err := p.Vendors.Grant(ctx, v.pending.Client, federation.GrantInput{
		ProviderID: id, Code: code, RedirectURI: p.landing(v, id), Own: true,
	})
	if err != nil {
		return signin.Outcome{}, err
	}
	return p.enter(ctx, v, signin.Input{
		Method: signin.MethodProvider, Token: granted.Token, ProviderID: id, Ask: true,
	})
}

// answer is what somebody chose whom a provider vouches for.
func (p *Protocol) answer(ctx context.Context, v *visit, f fields) (signin.Outcome, error) {
	in := signin.Input{Method: signin.MethodProvider, Token: v.key, Create: f.raw("do") == doCreate}
	if !in.Create {
		in.AccountID = f.raw("chosen")
	}
	return p.enter(ctx, v, in)
}

// next shows the step that a sign-in goes on with.
func (v *visit) next(step signin.Step) {
	switch step.Kind {
	case signin.StepBindIdentity, signin.StepChooseAccount:
		v.key, v.create, v.notice = step.Token, step.MayCreate, v.say("bind")
		for _, u := range step.Accounts {
			v.offered = append(v.offered, way{u.ID, accountName(u)})
		}
		if len(v.offered) > 0 {
			v.notice = v.say("choose")
		}
	case signin.StepResetPassword:
		v.step, v.renewal = stepRenew, step.Token
	}
}

// accountName is by what somebody knows an account of theirs.
func accountName(u user.User) string {
	for _, address := range []string{u.Phone, u.Email} {
		if address != "" {
			return contact.Mask(address)
		}
	}
	return cmp.Or(u.Name, u.Username)
}

func (v *visit) providerName(id string) string {
	i := slices.IndexFunc(v.ways, func(w way) bool { return w.id == id })
	if i < 0 {
		return id
	}
	return v.ways[i].name
}

// providers are links to the providers. While one is being linked there are none.
func (v view) providers() node {
	if len(v.ways) == 0 || v.step != stepBegin || v.key != "" {
		return nil
	}
	links := group{}
	for _, w := range v.ways {
		to := v.path + "/to/" + w.id + "?" + url.Values{"form": {v.form}, "lang": {v.lang}}.Encode()
		links = append(links, el("a", attrs{"class", "provider", "href", to, "rel", "nofollow"},
			text(v.say("with_provider", "provider", w.name))))
	}
	return el("section", attrs{"class", "providers", "aria-label", v.say("providers")},
		el("p", attrs{"class", "divider"}, text(v.say("providers"))), links)
}

// choices are the accounts somebody may continue as, and a new one.
func (v view) choices() node {
	if v.key == "" || v.step != stepBegin || (len(v.offered) == 0 && !v.create) {
		return nil
	}
	var g group
	for _, o := range v.offered {
		g = append(g, v.ask(hidden("chosen", o.id),
			button(doChoose, v.say("choose_account", "account", o.name), "quiet")))
	}
	if v.create {
		g = append(g, v.ask(button(doCreate, v.say("create"), "quiet")))
	}
	return el("div", attrs{"class", "choices"}, g)
}

// carried is what goes along with every form: whom a provider vouched for.
func (v view) carried() node {
	if v.key == "" {
		return nil
	}
	g := group{hidden("key", v.key)}
	if v.create {
		g = append(g, hidden("may_create", "yes"))
	}
	return g
}

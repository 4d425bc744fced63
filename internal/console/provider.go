package console

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/manage"
)

// providerRoutes are the pages about identity providers, and the one to try signing in.
func (c *Console) providerRoutes() []route {
	const all, one = "/pools/{pool}/providers", "/pools/{pool}/providers/{provider}"
	return append([]route{
		{method: http.MethodGet, path: all, ops: []manage.Op{manage.ProviderList}, handle: showProviders},
		{method: http.MethodGet, path: all + "/new", ops: []manage.Op{manage.ProviderKinds}, handle: newProvider},
		{method: http.MethodPost, path: all + "/new", ops: []manage.Op{manage.ProviderPut}, handle: createProvider},
		{method: http.MethodGet, path: one, ops: []manage.Op{manage.ProviderGet}, handle: showProvider},
		{method: http.MethodGet, path: one + "/edit", ops: []manage.Op{manage.ProviderGet}, handle: editProvider},
		{method: http.MethodPost, path: one + "/edit", ops: []manage.Op{manage.ProviderPut}, handle: changeProvider},
		{method: http.MethodPost, path: one + "/do", ops: []manage.Op{
			manage.ProviderTest, manage.ProviderEnable, manage.ProviderDisable, manage.ProviderRemove,
		}, handle: doProvider},
	}, c.tryRoutes()...)
}

func (p *page) providerRef(id string) api.ProviderRef {
	return api.ProviderRef{PoolRef: p.poolRef(), Provider: id}
}

// proven asks for fresh proof before somebody fills in a form that op would refuse without.
func (p *page) proven(op manage.Op) error {
	if !p.c.Manage.Fresh(p.who, op) {
		return errs.New(errs.SudoRequired)
	}
	return nil
}

// refuseKept is refuse for a form whose content must not be lost, not even for want of
// fresh proof: the page says where to give it.
func (p *page) refuseKept(err error) error {
	if errs.CodeOf(err) == errs.SudoRequired {
		p.problem = p.say("provider_prove")
		return nil
	}
	return p.refuse(err)
}

// providerTitle is what people who read the page call a provider.
func (p *page) providerTitle(v api.Provider) string {
	return cmp.Or(v.Name, p.kindName(v.Kind), v.ID)
}

// kindName is what a vendor is called.
func (p *page) kindName(kind string) string {
	if name, ok := p.c.words[p.lang].Lookup("provider_kind_"+kind, nil); ok {
		return name
	}
	return cmp.Or(i18n.Vendor(p.lang, kind), kind)
}

// words are those of a key, "" for none.
func (p *page) word(key string) string {
	text, _ := p.c.words[p.lang].Lookup(key, nil)
	return text
}

// kindWord is what the page says about a setting of a vendor, or of any vendor.
func (p *page) kindWord(kind, name, what string) string {
	return cmp.Or(p.word("provider_set_"+kind+"_"+name+what), p.word("provider_set_"+name+what))
}

func showProviders(ctx context.Context, p *page) error {
	list, err := p.c.Manage.Providers(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_providers", providersPage(p, list.Items))
}

// kind finds the vendor called name.
func (p *page) kind(ctx context.Context, name string) (api.ProviderKind, error) {
	list, err := p.c.Manage.Kinds(ctx, p.who, p.poolRef())
	if err != nil {
		return api.ProviderKind{}, err
	}
	i := slices.IndexFunc(list.Items, func(k api.ProviderKind) bool { return k.Kind == name })
	if i < 0 {
		return api.ProviderKind{}, errs.New(errs.ProviderUnknown)
	}
	return list.Items[i], nil
}

// newProvider shows the vendors to choose from, or the form for the chosen one.
func newProvider(ctx context.Context, p *page) error {
	name := p.r.FormValue("kind")
	if name == "" {
		list, err := p.c.Manage.Kinds(ctx, p.who, p.poolRef())
		if err != nil {
			return err
		}
		return p.show(ctx, "provider_new", vendorsPage(p, list.Items))
	}
	if err := p.proven(manage.ProviderPut); err != nil {
		return err
	}
	k, err := p.kind(ctx, name)
	if err != nil {
		return err
	}
	id, err := p.freeID(ctx, name)
	if err != nil {
		return err
	}
	v := api.Provider{ID: id, Kind: name, Enabled: true, SignUp: true}
	return p.show(ctx, "provider_new", providerForm(p, k, v, "", true))
}

// freeID is an id for a new provider that none has yet. Those of WeChat are what CloudBase
// apps call it; a mini-program is called by its AppID.
func (p *page) freeID(ctx context.Context, kind string) (string, error) {
	usual := map[string]string{"wechat_open": "wx_open", "wechat_mp": "wx_mp", "wechat_mini": ""}
	id, ok := usual[kind]
	if !ok {
		id = kind
	}
	list, err := p.c.Manage.Providers(ctx, p.who, p.poolRef())
	if err != nil || id == "" {
		return id, err
	}
	taken := func(id string) bool {
		return slices.ContainsFunc(list.Items, func(v api.ListedProvider) bool { return v.ID == id })
	}
	free := id
	for n := 2; taken(free); n++ {
		free = fmt.Sprintf("%s-%d", id, n)
	}
	return free, nil
}

// typedProvider is what a form says. An empty secret stays as it is.
func typedProvider(k api.ProviderKind, f url.Values) api.ProviderPut {
	on := func(name string) *bool { v := ticked(f, name); return &v }
	name, group := f.Get("name"), f.Get("union_group")
	in := api.ProviderPut{
		Name: &name, UnionGroup: &group, SignUp: on("sign_up"), TrustEmail: on("trust_email"), LinkPhone: on("link_phone"),
		Settings: map[string]string{},
	}
	for _, s := range k.Settings {
		value := strings.TrimSpace(f.Get("set_" + s.Name))
		if value != "" || !s.Secret {
			in.Settings[s.Name] = value
		}
	}
	if k.Callback == api.CallbackApp {
		in.Settings[federation.SettingCallback] = ""
		if ticked(f, "callback") {
			in.Settings[federation.SettingCallback] = "server"
		}
	}
	return in
}

// againProvider is a provider as the form has it, for showing the form again; secrets are not.
func againProvider(k api.ProviderKind, in api.ProviderPut, kept map[string]string) api.Provider {
	v := api.Provider{
		ID: in.Provider, Kind: k.Kind, Name: *in.Name, UnionGroup: *in.UnionGroup, SignUp: *in.SignUp,
		TrustEmail: *in.TrustEmail, LinkPhone: *in.LinkPhone, Settings: in.Settings,
	}
	for _, s := range k.Settings {
		if s.Secret {
			v.Settings[s.Name] = kept[s.Name]
		}
	}
	return v
}

func createProvider(ctx context.Context, p *page) error {
	f := p.r.PostForm
	k, err := p.kind(ctx, f.Get("kind"))
	if err != nil {
		return err
	}
	in := typedProvider(k, f)
	in.Kind = &k.Kind
	in.ProviderRef = p.providerRef(cmp.Or(strings.TrimSpace(f.Get("id")), in.Settings["appid"]))
	switch _, err := p.c.Manage.Provider(ctx, p.who, in.ProviderRef); {
	case err == nil:
		p.problem = p.say("provider_taken", "id", in.Provider)
	case errs.CodeOf(err) != errs.ProviderUnknown:
		return err
	default:
		if _, err = p.c.Manage.PutProvider(ctx, p.who, in); err == nil {
			return p.done(p.link("providers", in.Provider), "provider_made")
		}
		if err := p.refuseKept(err); err != nil {
			return err
		}
	}
	return p.show(ctx, "provider_new", providerForm(p, k, againProvider(k, in, nil), "", true))
}

func showProvider(ctx context.Context, p *page) error { return p.providerPage(ctx, nil) }

// providerPage shows a provider, with what came of a test just now.
func (p *page) providerPage(ctx context.Context, test *api.ProviderTest) error {
	v, err := p.c.Manage.Provider(ctx, p.who, p.providerRef(p.r.PathValue("provider")))
	if err != nil {
		return err
	}
	k, err := p.kind(ctx, v.Kind)
	if err != nil {
		return err
	}
	return p.show(ctx, "provider", providerPage(p, k, v, test))
}

func editProvider(ctx context.Context, p *page) error {
	if err := p.proven(manage.ProviderPut); err != nil {
		return err
	}
	v, err := p.c.Manage.Provider(ctx, p.who, p.providerRef(p.r.PathValue("provider")))
	if err != nil {
		return err
	}
	k, err := p.kind(ctx, v.Kind)
	if err != nil {
		return err
	}
	return p.show(ctx, "provider_edit", providerForm(p, k, v, api.ETag(v), false))
}

func changeProvider(ctx context.Context, p *page) error {
	f := p.r.PostForm
	old, err := p.c.Manage.Provider(ctx, p.who, p.providerRef(p.r.PathValue("provider")))
	if err != nil {
		return err
	}
	k, err := p.kind(ctx, old.Kind)
	if err != nil {
		return err
	}
	in := typedProvider(k, f)
	in.ProviderRef, in.IfMatch = p.providerRef(old.ID), f.Get("etag")
	if _, err := p.c.Manage.PutProvider(ctx, p.who, in); err != nil {
		if err := p.refuseKept(err); err != nil {
			return err
		}
		return p.show(ctx, "provider_edit", providerForm(p, k, againProvider(k, in, old.Settings), f.Get("etag"), false))
	}
	return p.done(p.link("providers", old.ID), "saved")
}

// doProvider does what a button of the provider's page says.
func doProvider(ctx context.Context, p *page) error {
	ref := p.providerRef(p.r.PathValue("provider"))
	var err error
	switch p.r.PostForm.Get("do") {
	case "test":
		var test api.ProviderTest
		if test, err = p.c.Manage.TestProvider(ctx, p.who, ref); err == nil {
			return p.providerPage(ctx, &test)
		}
	case "enable":
		_, err = p.c.Manage.EnableProvider(ctx, p.who, ref)
	case "disable":
		_, err = p.c.Manage.DisableProvider(ctx, p.who, ref)
	case "remove":
		if _, err = p.c.Manage.RemoveProvider(ctx, p.who, ref); err == nil {
			return p.done(p.link("providers"), "provider_removed")
		}
	default:
		err = errs.New(errs.BadRequest, "field", "do")
	}
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.providerPage(ctx, nil)
	}
	return p.done(p.link("providers", ref.Provider), "saved")
}

// split parts the settings of a vendor into those to fill in and those to leave alone.
func split(k api.ProviderKind) (needed, more []api.ProviderSetting) {
	for _, s := range k.Settings {
		if s.Required || s.Name == "client_secret" {
			needed = append(needed, s)
		} else {
			more = append(more, s)
		}
	}
	return needed, more
}

// testTone is how the result of a test looks.
func testTone(t api.ProviderTest) string {
	switch t.Result {
	case api.TestGood, api.TestAnswers:
		return "good"
	case api.TestRefused:
		return "bad"
	}
	return "warn"
}

// reason is what a test's result means, and what to do about it; "" when nobody knows.
func (p *page) reason(t api.ProviderTest) string {
	if t.Reason == "" {
		return ""
	}
	return p.word("provider_why_" + t.Reason)
}

// callback is the address a vendor's console must name for a provider called id.
func (p *page) callback(id string) string {
	return p.c.PublicURL + federation.CallbackPath + cmp.Or(id, "…")
}

// host is the name of this server as vendors want a domain.
func (p *page) host() string {
	if u, err := url.Parse(p.c.PublicURL); err == nil {
		return u.Hostname()
	}
	return p.c.PublicURL
}

package hosted_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
)

// vendor vouches for whom a code names: SUBJECT, or SUBJECT PHONE EMAIL.
type vendor struct{ relayed bool }

func (v vendor) Relayed() bool { return v.relayed }

func (vendor) Authorize(_ context.Context, r federation.AuthorizeRequest) (string, error) {
	return "https://vendor.test/?" + url.Values{"redirect_uri": {r.RedirectURI}, "state": {r.State}}.Encode(), nil
}

func (vendor) Exchange(_ context.Context, c federation.Credential) (federation.Profile, error) {
	parts := strings.Fields(c.Code)
	if parts[0] == "bad" {
		return federation.Profile{}, errs.New(errs.ProviderRefused)
	}
	p := federation.Profile{Subject: parts[0]}
	if len(parts) == 3 {
		p.Phone, p.Email, p.EmailVerified = parts[1], parts[2], true
	}
	return p, nil
}

// vendors configures two providers and one that no page can use.
func (k *kit) vendors(t *testing.T, edit func(*connection.Connection)) {
	t.Helper()
	k.Vendor = func(c connection.Connection, _ map[string]string) (federation.Vendor, error) {
		return vendor{c.ID == "wx"}, nil
	}
	for id, kind := range map[string]string{"gh": "github", "wx": "wechat_open", "mini": "wechat_mini", "mp": "wechat_mp"} {
		c := connection.Connection{PoolID: "p", ID: id, Kind: kind, Name: "<" + id + ">", Enabled: true, SignUp: true}
		edit(&c)
		_, err := k.Connections.Put(t.Context(), c, nil)
		must(t, err)
	}
}

func plain(*connection.Connection) {}

// buttons are the links to providers.
func (p page) buttons() (links []*html.Node) {
	for _, a := range p.all("a") {
		if attr(a, "class") == "provider" {
			links = append(links, a)
		}
	}
	return links
}

// via presses the button of a provider, whose page answers with code or, without one, an
// error, and comes back.
func (b *browser) via(t *testing.T, p page, id, code string) page {
	t.Helper()
	for _, a := range p.buttons() {
		if strings.Contains(attr(a, "href"), "/to/"+id+"?") {
			return b.get(t, b.vendor(t, b.get(t, attr(a, "href")), id, code))
		}
	}
	t.Fatalf("no button for %s: %s", id, p.raw)
	return page{}
}

// vendor is where a vendor's page sends the browser in the end.
func (b *browser) vendor(t *testing.T, left page, id, code string) string {
	t.Helper()
	opaque, ok := strings.CutPrefix(left.header.Get("Location"), origin+federation.StartPath)
	if !ok || left.status != http.StatusSeeOther {
		t.Fatalf("%d %q", left.status, left.header.Get("Location"))
	}
	page, err := b.kit.Federation.Follow(t.Context(), opaque)
	must(t, err)
	q := mustURL(t, page).Query()
	to, params := q.Get("redirect_uri"), map[string]string{"state": q.Get("state")}
	if code != "" {
		params["code"] = code
	} else {
		params["error"] = "access_denied"
	}
	if id == "wx" {
		back := url.Values{}
		for name, value := range params {
			back.Set(name, value)
		}
		to += "?" + back.Encode()
	} else {
		to, err = b.kit.Federation.Callback(t.Context(), federation.CallbackInput{ProviderID: id, Params: params})
		must(t, err)
	}
	return strings.Replace(to, origin, b.kit.url, 1)
}

// A provider nobody has named goes by its vendor's name in the language of the page.
func TestVendorsGoByTheirNamesInTheLanguageOfThePage(t *testing.T) {
	k := one(t)
	k.vendors(t, func(c *connection.Connection) { c.Name = "" })
	for lang, want := range map[string]string{"zh-CN": "使用 微信 登录", "en": "Continue with WeChat"} {
		b := k.browser(t)
		b.lang = lang
		var shown []string
		for _, a := range b.open(t).buttons() {
			shown = append(shown, inner(a))
		}
		if !slices.Contains(shown, want) {
			t.Errorf("%s: %q", lang, shown)
		}
	}
}

func TestThePageOffersProviders(t *testing.T) {
	k := one(t)
	if p := k.browser(t).open(t); len(p.buttons()) != 0 {
		t.Error("buttons without providers")
	}
	k.vendors(t, plain)
	for agent, want := range map[string][]string{
		"Mozilla/5.0":                       {"Continue with <gh>", "Continue with <wx>"},
		"Mozilla/5.0 MicroMessenger/8.0.49": {"Continue with <gh>", "Continue with <mp>"},
	} {
		b := k.browser(t)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.open(t).at.String(), nil)
		must(t, err)
		r.Header.Set("User-Agent", agent)
		var names []string
		for _, a := range b.do(t, r).buttons() {
			names = append(names, inner(a))
		}
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Errorf("%s: %q", agent, names)
		}
	}
}

func TestSignInWithAProvider(t *testing.T) {
	for _, id := range []string{"gh", "wx"} {
		t.Run(id, func(t *testing.T) {
			each(t, func(t *testing.T, k *kit) {
				k.vendors(t, plain)
				b := k.browser(t)
				back := b.via(t, b.open(t), id, "zoe").back(t)
				if back.Get("code") == "" || back.Get("state") != "st<a>te" {
					t.Errorf("%v", back)
				}
				u, err := k.Users.ByIdentity(t.Context(), "p", id, "zoe")
				must(t, err)
				b.via(t, b.open(t), id, "zoe again").back(t)
				if again, err := k.Users.ByIdentity(t.Context(), "p", id, "zoe"); err != nil || again.ID != u.ID || again.SignIns != 2 {
					t.Errorf("%v %v", again, err)
				}
			})
		})
	}
}

// What comes back belongs to the browser and the request that left (SO-01), and nobody is
// sent away who did not press our button.
func TestOnlyTheBrowserThatLeftComesBack(t *testing.T) {
	k := one(t)
	k.vendors(t, plain)
	b, other := k.browser(t), k.browser(t)
	p := b.open(t)
	to := attr(p.buttons()[0], "href")
	bare, _, _ := strings.Cut(to, "?")
	for name, got := range map[string]page{
		"a link from elsewhere": b.get(t, bare), "another browser": other.get(t, to),
	} {
		if got.status != http.StatusForbidden || got.header.Get("Location") != "" {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	left := b.get(t, "/oidc/signin/"+strings.Split(bare, "/")[3]+"/to/wx?"+mustURL(t, to).RawQuery)
	landing := b.vendor(t, left, "wx", "zoe")
	stolen := mustURL(t, landing)
	if got := other.get(t, landing); got.status != http.StatusForbidden {
		t.Errorf("another browser comes back: %d", got.status)
	}
	q := stolen.Query()
	q.Set("state", "made-up")
	stolen.RawQuery = q.Encode()
	if got := b.get(t, stolen.String()); got.status != http.StatusForbidden {
		t.Errorf("another state: %d", got.status)
	}
	b.get(t, landing).back(t)
}

func TestAProviderThatSaysNo(t *testing.T) {
	k := one(t)
	k.vendors(t, plain)
	b := k.browser(t)
	if p := b.via(t, b.open(t), "gh", ""); p.status != http.StatusOK || !strings.Contains(p.problem(), "<gh>") {
		t.Errorf("refused: %d %q", p.status, p.problem())
	}
	p := b.via(t, b.open(t), "wx", "bad")
	if !strings.Contains(p.problem(), "did not work") {
		t.Errorf("bad: %d %q", p.status, p.problem())
	}
	ann(t, k)
	b.submit(t, p, "account", "ann", "password", accounttest.Password).back(t)
}

// Somebody nobody knows signs in otherwise once, and is known from then on.
func TestAProviderIsLinkedOnThePage(t *testing.T) {
	each(t, func(t *testing.T, k *kit) {
		who := k.User(t, admin.NewUser{Username: "ann", Password: accounttest.Password})
		k.vendors(t, func(c *connection.Connection) { c.SignUp = false })
		b := k.browser(t)
		p := b.via(t, b.open(t), "gh", "zoe")
		if p.notice() == "" || p.input("key") == "" || len(p.buttons()) != 0 {
			t.Fatalf("%d %q %s", p.status, p.problem(), p.raw)
		}
		p = b.submit(t, p, "do", "password", "account", "ann", "password", "wrong password")
		if p.problem() == "" || p.input("key") == "" {
			t.Fatalf("%d %q", p.status, p.problem())
		}
		p = b.submit(t, p, "do", "show")
		b.submit(t, p, "do", "password", "account", "ann", "password", accounttest.Password).back(t)
		u, err := k.Users.ByIdentity(t.Context(), "p", "gh", "zoe")
		if err != nil || u.ID != who.ID {
			t.Errorf("%v %v", u, err)
		}
		b.via(t, b.open(t), "gh", "zoe again").back(t)
	})
}

// Somebody who has the addresses of two accounts chooses one, or makes another.
func TestChooseAnAccountOnThePage(t *testing.T) {
	k := one(t)
	phoned, mailed := k.User(t, admin.NewUser{Phone: phone}), k.User(t, admin.NewUser{Email: email})
	k.vendors(t, func(c *connection.Connection) { c.LinkPhone, c.TrustEmail = true, true })
	b := k.browser(t)
	p := b.via(t, b.open(t), "wx", "zoe "+phone+" "+email)
	var offered []string
	for _, n := range p.all("input") {
		if attr(n, "name") == "chosen" {
			offered = append(offered, attr(n, "value"))
		}
	}
	if !slices.Equal(offered, []string{phoned.ID, mailed.ID}) || strings.Contains(p.raw, email) || p.notice() == "" {
		t.Fatalf("%v\n%s", offered, p.raw)
	}
	b.submit(t, p, "do", "choose", "chosen", mailed.ID).back(t)
	if u, err := k.Users.ByIdentity(t.Context(), "p", "wx", "zoe"); err != nil || u.ID != mailed.ID {
		t.Errorf("%v %v", u, err)
	}
	p = b.via(t, b.open(t), "wx", "leo "+phone+" "+email)
	b.submit(t, p, "do", "create").back(t)
	if u, err := k.Users.ByIdentity(t.Context(), "p", "wx", "leo"); err != nil || u.ID == mailed.ID || u.ID == phoned.ID {
		t.Errorf("%v %v", u, err)
	}
}

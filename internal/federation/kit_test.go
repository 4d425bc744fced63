package federation_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

const (
	phone  = "+8613800000000"
	email  = "alice@example.com"
	page   = "https://app.example.com/callback"
	device = "0123456789abcdef0123456789abcdef"
)

// double is a vendor that knows who is behind a code. As real ones do, it takes a code
// once and checks what the code was given out for.
type double struct {
	relayed bool

	mu     sync.Mutex
	people map[string]federation.Profile // by code, until it is used
	phones map[string]federation.Profile // by phone code: the number, and whose it is
	fails  error                         // instead of an answer
	slow   time.Duration
	last   federation.Credential

	asked atomic.Int64
}

func (d *double) Relayed() bool { return d.relayed }

func (d *double) Authorize(_ context.Context, r federation.AuthorizeRequest) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	q := url.Values{"redirect_uri": {r.RedirectURI}, "state": {r.State}, "nonce": {r.Nonce}, "code_challenge": {r.Challenge}, "scope": {r.Scope}}
	return "https://idp.test/authorize?" + q.Encode(), d.fails
}

func (d *double) Exchange(_ context.Context, c federation.Credential) (federation.Profile, error) {
	d.asked.Add(1)
	time.Sleep(d.slow)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = c
	if d.fails != nil {
		return federation.Profile{}, d.fails
	}
	who := federation.Profile{Subject: c.Subject}
	if key := c.Code + c.AccessToken; key != "" {
		p, ok := d.people[key]
		if !ok {
			return federation.Profile{}, errs.New(errs.ProviderRefused)
		}
		delete(d.people, c.Code)
		who = p
	}
	if c.PhoneCode != "" {
		p, ok := d.phones[c.PhoneCode]
		if !ok || p.Subject != who.Subject {
			return federation.Profile{}, errs.New(errs.ProviderRefused)
		}
		delete(d.phones, c.PhoneCode)
		who.Phone = p.Phone
	}
	return who, nil
}

// knows makes code good for p.
func (d *double) knows(code string, p federation.Profile) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.people[code] = p
}

func (d *double) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails = err
}

// kit is the flows with doubles for vendors, by the id of the connection.
type kit struct {
	*accounttest.Kit
	vendors map[string]*double
}

func newKit(t *testing.T, d *db.DB) *kit {
	t.Helper()
	k := &kit{accounttest.New(t, d), map[string]*double{}}
	k.Vendor = func(c connection.Connection, _ map[string]string) (federation.Vendor, error) {
		v, ok := k.vendors[c.ID]
		if !ok {
			return nil, errs.New(errs.ProviderMisconfigured)
		}
		return v, nil
	}
	for _, id := range []string{"p", "other"} {
		if id == "other" {
			wantCode(t, k.Pools.CreateApp(t.Context(), pool.App{ID: id, PoolID: "p", Name: id}), "")
		}
		wantCode(t, k.Pools.SetRedirects(t.Context(), id, []string{page, "https://app.example.com/second"}, nil), "")
		wantCode(t, k.Pools.SetOrigins(t.Context(), id, []string{"https://spa.example.com"}), "")
	}
	var err error
	k.Client, err = k.Pools.Client(t.Context(), "p")
	wantCode(t, err, "")
	k.vendor(t, connection.Connection{ID: "wx_open", UnionGroup: "acme"}, true)
	k.vendor(t, connection.Connection{ID: "wx_mini", UnionGroup: "acme"}, true)
	k.vendor(t, connection.Connection{ID: "oidc"}, false)
	return k
}

// vendor makes a connection, enabled and open to strangers, and its double.
func (k *kit) vendor(t *testing.T, c connection.Connection, relayed bool) {
	t.Helper()
	c.Enabled, c.SignUp = true, true
	k.put(t, c)
	if k.vendors[c.ID] == nil {
		k.vendors[c.ID] = &double{
			relayed: relayed, people: map[string]federation.Profile{}, phones: map[string]federation.Profile{},
		}
	}
}

func (k *kit) put(t *testing.T, c connection.Connection) {
	t.Helper()
	c.PoolID, c.Kind = "p", "double"
	_, err := k.Connections.Put(t.Context(), c, map[string]string{"issuer": ""})
	wantCode(t, err, "")
}

func wantCode(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != want {
		t.Fatalf("error = %v, want %q", err, want)
	}
}

func (k *kit) other(t *testing.T) pool.Client {
	t.Helper()
	c, err := k.Pools.Client(t.Context(), "other")
	wantCode(t, err, "")
	return c
}

// here is a request of the browser that most tests use.
func here(t *testing.T) context.Context {
	t.Helper()
	return accounttest.From(t, "192.0.2.1", device)
}

// elsewhere is a request of another browser.
func elsewhere(t *testing.T) context.Context {
	t.Helper()
	return accounttest.From(t, "192.0.2.2", strings.Repeat("f", 32))
}

// token returns a provider token for p.
func (k *kit) token(t *testing.T, provider string, p federation.Profile) string {
	t.Helper()
	code := "code-" + p.Subject + "-" + provider + "-" + time.Now().String()
	v := k.vendors[provider]
	v.knows(code, p)
	g, err := k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: provider, Code: code, Native: true})
	wantCode(t, err, "")
	return g.Token
}

func (k *kit) in(token string) signin.Input {
	return signin.Input{Client: k.Client, Method: signin.MethodProvider, Token: token}
}

// enter signs in whom a provider vouches for.
func (k *kit) enter(t *testing.T, provider string, p federation.Profile) (signin.Outcome, error) {
	t.Helper()
	return k.Signin.SignIn(here(t), k.in(k.token(t, provider, p)))
}

// mustEnter is enter for who must get in.
func (k *kit) mustEnter(t *testing.T, provider string, p federation.Profile) user.User {
	t.Helper()
	out, err := k.enter(t, provider, p)
	wantCode(t, err, "")
	if out.Session == nil {
		t.Fatalf("no session: %+v", out)
	}
	return k.user(t, out.User.ID)
}

func (k *kit) user(t *testing.T, id string) user.User {
	t.Helper()
	u, err := k.Users.ByID(t.Context(), "p", id)
	wantCode(t, err, "")
	return u
}

// principal returns a session of whoever provider vouches for.
func (k *kit) principal(t *testing.T, out signin.Outcome) session.Principal {
	t.Helper()
	return k.Principal(t, *out.Session)
}

func (k *kit) count(t *testing.T, query string) int {
	t.Helper()
	var n int
	if err := k.DB.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// newNode is a second server on the same database.
func newNode(t *testing.T, k *kit) *federation.Service {
	t.Helper()
	second := accounttest.New(t, k.DB)
	second.Vendor = k.Vendor
	return second.Federation
}

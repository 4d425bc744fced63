package federation_test

import (
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
)

var zhang = federation.Profile{Subject: "zhang", Name: "Zhang", Picture: "https://img.example.com/1"}

// begin starts a journey and returns the query of the vendor's page.
func (k *kit) begin(t *testing.T, provider, state string) (opaque string, at url.Values) {
	t.Helper()
	started, err := k.Federation.Start(here(t), k.Client, federation.StartInput{ProviderID: provider, RedirectURI: page, State: state})
	wantCode(t, err, "")
	decoded, err := url.PathUnescape(started.URL)
	if err != nil || decoded != started.URL {
		t.Errorf("%q does not survive decodeURIComponent", started.URL)
	}
	opaque, ok := strings.CutPrefix(started.URL, "https://id.test"+federation.StartPath)
	if !ok || strings.ContainsAny(opaque, "/?&#%") {
		t.Fatalf("start address %q", started.URL)
	}
	vendorURL, err := k.Federation.Follow(t.Context(), opaque)
	wantCode(t, err, "")
	u, err := url.Parse(vendorURL)
	if err != nil {
		t.Fatal(err)
	}
	return opaque, u.Query()
}

// callback returns the query the application's page gets.
func (k *kit) callback(t *testing.T, provider string, params map[string]string) url.Values {
	t.Helper()
	redirect, err := k.Federation.Callback(t.Context(), federation.CallbackInput{ProviderID: provider, Params: params})
	wantCode(t, err, "")
	if !strings.HasPrefix(redirect, page+"?") {
		t.Fatalf("callback leads to %q", redirect)
	}
	u, err := url.Parse(redirect)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// arrived is a code of ours for who, after a whole journey.
func (k *kit) arrived(t *testing.T, who federation.Profile) string {
	t.Helper()
	_, at := k.begin(t, "oidc", "app-state")
	k.vendors["oidc"].knows("vendor-code-"+at.Get("state"), who)
	q := k.callback(t, "oidc", map[string]string{"state": at.Get("state"), "code": "vendor-code-" + at.Get("state")})
	if q.Get("state") != "app-state" || q.Get("error") != "" {
		t.Fatalf("callback: %v", q)
	}
	return q.Get("code")
}

// G1, G2: to the provider and back by our own callback.
func TestRoundTripThroughOurCallback(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		opaque, at := k.begin(t, "oidc", "app-state")
		if at.Get("redirect_uri") != "https://id.test/auth/v1/provider/callback/oidc" || at.Get("nonce") == "" || len(at.Get("code_challenge")) != 43 {
			t.Errorf("vendor's page gets %v", at)
		}
		if strings.Contains(at.Encode(), "app-state") {
			t.Error("the vendor is told the state of the application")
		}
		v := k.vendors["oidc"]
		v.knows("vc", zhang)
		q := k.callback(t, "oidc", map[string]string{"state": opaque, "code": "vc", "iss": "https://idp.test"})
		if v.last.Verifier == "" || v.last.Nonce != at.Get("nonce") || v.last.Params["iss"] != "https://idp.test" ||
			v.last.RedirectURI != at.Get("redirect_uri") {
			t.Errorf("the vendor was asked with %+v", v.last)
		}
		in := federation.GrantInput{ProviderID: "oidc", Code: q.Get("code"), RedirectURI: page}
		g, err := k.Federation.Grant(here(t), k.Client, in)
		wantCode(t, err, "")
		if g.Profile.Subject != "zhang" || g.ExpiresIn <= 0 || g.ExpiresIn > 10*time.Minute {
			t.Errorf("granted %+v", g)
		}
		out, err := k.Signin.SignIn(here(t), k.in(g.Token))
		wantCode(t, err, "")
		if u := k.user(t, out.User.ID); u.Name != "Zhang" || u.Email != "" || u.Phone != "" || len(u.Identities) != 1 {
			t.Errorf("stored %+v", u)
		}
		_, err = k.Signin.SignIn(here(t), k.in(g.Token)) // G6
		wantCode(t, err, errs.TokenInvalid)
	})
}

// SO-01, OA-02, TK-03: our own code is for one application, page, provider, device and
// minute.
func TestOwnCodeIsBound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.vendor(t, connection.Connection{ID: "oidc2"}, false)
		good := federation.GrantInput{ProviderID: "oidc", Code: k.arrived(t, zhang), RedirectURI: page}
		changed := func(edit func(*federation.GrantInput)) federation.GrantInput {
			in := good
			edit(&in)
			return in
		}
		_, err := k.Federation.Grant(here(t), k.other(t), good)
		wantCode(t, err, errs.ProviderRefused)
		_, err = k.Federation.Grant(elsewhere(t), k.Client, good)
		wantCode(t, err, errs.ProviderRefused)
		for name, in := range map[string]federation.GrantInput{
			"another registered page": changed(func(in *federation.GrantInput) { in.RedirectURI = "https://app.example.com/second" }),
			"no page":                 changed(func(in *federation.GrantInput) { in.RedirectURI = "" }),
			"another provider":        changed(func(in *federation.GrantInput) { in.ProviderID = "oidc2" }),
			"a changed code":          changed(func(in *federation.GrantInput) { in.Code += "A" }),
		} {
			if _, err := k.Federation.Grant(here(t), k.Client, in); errs.CodeOf(err) != errs.ProviderRefused {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err = k.Federation.Grant(here(t), k.Client, good) // and none of it was used up
		wantCode(t, err, "")
		late := federation.GrantInput{ProviderID: "oidc", Code: k.arrived(t, zhang), RedirectURI: page}
		k.Advance(61 * time.Second)
		_, err = k.Federation.Grant(here(t), k.Client, late)
		wantCode(t, err, errs.ProviderRefused)
	})
}

// OA-01: people are sent to registered pages only.
func TestRedirectsAreRegistered(t *testing.T) {
	d := dbtest.Open(t, "sqlite")
	k := newKit(t, d)
	for uri, want := range map[string]errs.Code{
		page:                                     "",
		"https://spa.example.com/any/page":       "",
		"https://spa.example.com/?next=x":        errs.RedirectRefused,
		"https://spa.example.com/#x":             errs.RedirectRefused,
		"https://spa.example.com.evil.test/":     errs.RedirectRefused,
		"https://user@spa.example.com/":          errs.RedirectRefused,
		"https://spa.example.com\\@evil.test/":   errs.RedirectRefused,
		"http://spa.example.com/":                errs.RedirectRefused,
		"https://app.example.com/callback/":      errs.RedirectRefused,
		"https://app.example.com/callback?x=1":   errs.RedirectRefused,
		"https://app.example.com/other":          errs.RedirectRefused,
		"javascript:alert(1)":                    errs.RedirectRefused,
		"":                                       errs.FieldMissing,
		"https://spa.example.com:8443/":          errs.RedirectRefused,
		"https://SPA.example.com/":               errs.RedirectRefused,
		"https://spa.example.com/%2e%2e/" + "\n": errs.RedirectRefused,
	} {
		_, err := k.Federation.Start(here(t), k.Client, federation.StartInput{ProviderID: "oidc", RedirectURI: uri})
		if errs.CodeOf(err) != want {
			t.Errorf("%q: %v, want %q", uri, err, want)
		}
	}
	_, err := k.Federation.Start(here(t), k.Client, federation.StartInput{ProviderID: "oidc", RedirectURI: page, SignOutURI: "https://evil.test/"})
	wantCode(t, err, errs.RedirectRefused)
	_, err = k.Federation.Start(here(t), k.Client, federation.StartInput{ProviderID: "nobody", RedirectURI: page})
	wantCode(t, err, errs.ProviderUnknown)
}

// SO-03: a state is good once, for its provider, until it is over.
func TestStateIsBound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.vendor(t, connection.Connection{ID: "evil"}, false)
		opaque, _ := k.begin(t, "evil", "s")
		refused := func(provider string, params map[string]string) {
			t.Helper()
			_, err := k.Federation.Callback(t.Context(), federation.CallbackInput{ProviderID: provider, Params: params})
			wantCode(t, err, errs.TokenInvalid)
		}
		// Mix-up: the honest provider's code arrives with the other's state.
		k.vendors["oidc"].knows("honest", zhang)
		refused("oidc", map[string]string{"state": opaque, "code": "honest"})
		if n := k.vendors["evil"].asked.Load() + k.vendors["oidc"].asked.Load(); n != 0 {
			t.Errorf("a vendor was asked %d times", n)
		}
		refused("evil", map[string]string{"code": "x"})
		refused("evil", map[string]string{"state": opaque + "A", "code": "x"})
		k.vendors["evil"].knows("x", zhang)
		k.callback(t, "evil", map[string]string{"state": opaque, "code": "x"})
		refused("evil", map[string]string{"state": opaque, "code": "y"}) // used
		opaque, _ = k.begin(t, "oidc", "s")
		k.Advance(11 * time.Minute)
		refused("oidc", map[string]string{"state": opaque, "code": "x"})
		_, err := k.Federation.Follow(t.Context(), opaque)
		wantCode(t, err, errs.TokenInvalid)
	})
}

func TestRefusalsReachThePage(t *testing.T) {
	tests := []struct {
		name  string
		fails error
		param map[string]string
		want  string
	}{
		{"the person refused", nil, map[string]string{"error": "access_denied"}, "access_denied"},
		{"the vendor sends no code", nil, nil, "access_denied"},
		{"the vendor is down", errs.New(errs.Unavailable), map[string]string{"code": "c"}, "temporarily_unavailable"},
		{"the vendor knows no such code", errs.New(errs.ProviderRefused), map[string]string{"code": "c"}, "server_error"},
		{"the secret is wrong", errs.New(errs.ProviderMisconfigured), map[string]string{"code": "c"}, "server_error"},
	}
	k := newKit(t, dbtest.Open(t, "sqlite"))
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opaque, _ := k.begin(t, "oidc", "s&t")
			k.vendors["oidc"].fail(test.fails)
			defer k.vendors["oidc"].fail(nil)
			params := map[string]string{"state": opaque}
			maps.Copy(params, test.param)
			q := k.callback(t, "oidc", params)
			if q.Get("error") != test.want || q.Get("state") != "s&t" || q.Has("code") {
				t.Errorf("page gets %v, want %s", q, test.want)
			}
		})
	}
	// Nothing is burnt by an outage: the same callback works afterwards.
	opaque, _ := k.begin(t, "oidc", "s")
	k.vendors["oidc"].knows("c2", zhang)
	k.vendors["oidc"].fail(errs.New(errs.Unavailable))
	params := map[string]string{"state": opaque, "code": "c2"}
	k.callback(t, "oidc", params)
	k.vendors["oidc"].fail(nil)
	if q := k.callback(t, "oidc", params); q.Get("code") == "" {
		t.Errorf("after the outage: %v", q)
	}
	if q := k.callback(t, "oidc", params); q.Get("code") == "" { // the same browser once more
		t.Errorf("again: %v", q)
	}
}

// W6, SO-04: the browser that shows a code twice gets one answer and the vendor one
// question; everybody else is refused, also when the vendor would take it again.
func TestCodeIsExchangedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		v := k.vendors["wx_open"]
		v.slow = 20 * time.Millisecond
		v.knows("c1", zhang)
		in := federation.GrantInput{ProviderID: "wx_open", Code: "c1", RedirectURI: page}
		tokens := make([]string, 10)
		won, lost := accounttest.Race(10, func(i int) error {
			g, err := k.Federation.Grant(here(t), k.Client, in)
			tokens[i] = g.Token
			return err
		})
		if won != 10 || v.asked.Load() != 1 {
			t.Fatalf("%d answers, %d questions, %v", won, v.asked.Load(), lost)
		}
		for _, token := range tokens {
			if token == "" || token != tokens[0] {
				t.Fatalf("answers differ: %v", tokens)
			}
		}
		v.knows("c1", zhang) // a vendor that takes a code twice
		_, err := k.Federation.Grant(elsewhere(t), k.Client, in)
		wantCode(t, err, errs.ProviderRefused)
		_, err = k.Federation.Grant(here(t), k.other(t), in)
		wantCode(t, err, errs.ProviderRefused)
		_, err = k.Federation.Grant(t.Context(), k.Client, in) // a browser that says nothing of itself
		wantCode(t, err, errs.ProviderRefused)
		k.Advance(61 * time.Second)
		_, err = k.Federation.Grant(here(t), k.Client, in)
		wantCode(t, err, errs.ProviderRefused)
		if n := v.asked.Load(); n != 1 {
			t.Errorf("the vendor was asked %d times", n)
		}
		// Another node remembers as well.
		node := newNode(t, k)
		v.knows("c2", zhang)
		in.Code = "c2"
		first, err := k.Federation.Grant(here(t), k.Client, in)
		wantCode(t, err, "")
		second, err := node.Grant(here(t), k.Client, in)
		wantCode(t, err, "")
		if first.Token != second.Token {
			t.Error("another node gives another answer")
		}
		_, err = node.Grant(elsewhere(t), k.Client, in)
		wantCode(t, err, errs.ProviderRefused)
	})
}

// A code that an outage kept from being used is as good as before.
func TestOutageBurnsNoCode(t *testing.T) {
	k := newKit(t, dbtest.Open(t, "sqlite"))
	v := k.vendors["wx_open"]
	in := federation.GrantInput{ProviderID: "wx_open", Code: "c1", RedirectURI: page}
	v.knows("c1", zhang)
	for _, code := range []errs.Code{errs.Unavailable, errs.TooManyRequests, errs.ProviderMisconfigured} {
		v.fail(errs.New(code))
		_, err := k.Federation.Grant(here(t), k.Client, in)
		wantCode(t, err, code)
	}
	v.fail(nil)
	_, err := k.Federation.Grant(here(t), k.Client, in)
	wantCode(t, err, "")
	if n := k.count(t, `SELECT COUNT(*) FROM users`); n != 0 {
		t.Errorf("%d half-made users", n)
	}
}

// SO-01: relayed codes come from a registered page, the one this device began with.
func TestRelayedCodesComeFromTheirPage(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		_, at := k.begin(t, "wx_open", "app-state")
		if at.Get("redirect_uri") != page || at.Get("state") != "app-state" {
			t.Errorf("vendor's page gets %v", at)
		}
		k.vendors["wx_open"].knows("c1", zhang)
		in := federation.GrantInput{ProviderID: "wx_open", Code: "c1", RedirectURI: "https://app.example.com/second"}
		_, err := k.Federation.Grant(here(t), k.Client, in)
		wantCode(t, err, errs.RedirectRefused)
		in.RedirectURI = "https://evil.test/"
		_, err = k.Federation.Grant(here(t), k.Client, in)
		wantCode(t, err, errs.RedirectRefused)
		in.RedirectURI = page
		_, err = k.Federation.Grant(here(t), k.Client, in)
		wantCode(t, err, "")
		// A vendor that knows our callback hands codes to nobody else.
		k.vendors["oidc"].knows("c2", zhang)
		_, err = k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: "oidc", Code: "c2", RedirectURI: page})
		wantCode(t, err, errs.ProviderRefused)
		_, err = k.Federation.Callback(t.Context(), federation.CallbackInput{ProviderID: "wx_open", Params: map[string]string{"state": "x", "code": "c"}})
		wantCode(t, err, errs.TokenInvalid)
	})
}

// SettingCallback: a vendor that would relay goes through our callback instead.
func TestRelayingVendorThroughOurCallback(t *testing.T) {
	k := newKit(t, dbtest.Open(t, "sqlite"))
	_, err := k.Connections.Put(t.Context(), connection.Connection{PoolID: "p", ID: "wx_open", Kind: "double", Enabled: true, SignUp: true},
		map[string]string{federation.SettingCallback: "server"})
	wantCode(t, err, "")
	opaque, at := k.begin(t, "wx_open", "app-state")
	if at.Get("redirect_uri") != "https://id.test/auth/v1/provider/callback/wx_open" || at.Get("state") != opaque {
		t.Errorf("vendor's page gets %v", at)
	}
	k.vendors["wx_open"].knows("c1", zhang)
	q := k.callback(t, "wx_open", map[string]string{"state": opaque, "code": "c1"})
	_, err = k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: "wx_open", Code: q.Get("code"), RedirectURI: page})
	wantCode(t, err, "")
}

// SO-04: a vendor's code is good for one callback, and not for an application besides,
// even where the vendor takes it twice.
func TestReplayedVendorCode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		first, _ := k.begin(t, "oidc", "s")
		second, _ := k.begin(t, "oidc", "s")
		v := k.vendors["oidc"]
		v.knows("vc", zhang)
		if q := k.callback(t, "oidc", map[string]string{"state": first, "code": "vc"}); q.Get("code") == "" {
			t.Fatalf("page gets %v", q)
		}
		v.knows("vc", zhang)
		if q := k.callback(t, "oidc", map[string]string{"state": second, "code": "vc"}); q.Get("error") == "" {
			t.Errorf("with another state: %v", q)
		}
		_, err := k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: "oidc", Code: "vc", Native: true})
		wantCode(t, err, errs.ProviderRefused)
		if n := v.asked.Load(); n != 1 {
			t.Errorf("the vendor was asked %d times", n)
		}
	})
}

// SO-06: a provider that is switched off or removed lets nobody in, at once.
func TestDisabledProviderLetsNobodyIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		opaque, _ := k.begin(t, "oidc", "s")
		token := k.token(t, "oidc", zhang)
		k.put(t, connection.Connection{ID: "oidc", SignUp: true})
		_, err := k.Signin.SignIn(here(t), k.in(token))
		wantCode(t, err, errs.ProviderUnknown)
		_, err = k.Federation.Follow(t.Context(), opaque)
		wantCode(t, err, errs.ProviderUnknown)
		_, err = k.Federation.Callback(t.Context(), federation.CallbackInput{ProviderID: "oidc", Params: map[string]string{"state": opaque, "code": "c"}})
		wantCode(t, err, errs.ProviderUnknown)
		_, err = k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: "oidc", Code: "c", Native: true})
		wantCode(t, err, errs.ProviderUnknown)
	})
}

// W7: a made-up person of a preview page is refused.
func TestSnapshotUserIsRefused(t *testing.T) {
	k := newKit(t, dbtest.Open(t, "sqlite"))
	k.vendors["wx_open"].knows("c1", federation.Profile{Subject: "virtual", Snapshot: true})
	_, err := k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: "wx_open", Code: "c1"})
	wantCode(t, err, errs.ProviderSnapshot)
	k.vendors["wx_open"].knows("c2", federation.Profile{})
	_, err = k.Federation.Grant(here(t), k.Client, federation.GrantInput{ProviderID: "wx_open", Code: "c2"})
	wantCode(t, err, errs.Unavailable)
}

package provider_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/provider"
)

const tokenPath = "/cgi-bin/stable_token"

func askPhone(t *testing.T, d provider.Driver) error {
	t.Helper()
	_, err := d.Exchange(t.Context(), provider.Credential{Subject: aliceID, PhoneCode: "phone"})
	return err
}

func TestAppTokenIsFetchedOnceForAllWhoHaveTheSecret(t *testing.T) {
	w := newWeixin(t)
	set := map[string]string{"appid": wxApp, "secret": wxSecret, "base": w.base}
	cache := &tokenCache{}
	for range 3 {
		w.phones["phone"] = number()
		if err := askPhone(t, openWith(t, cache, "wechat_mini", set)); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.calls(tokenPath); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	if got := cache.lives["SIMAT-1"]; got != 115*time.Minute {
		t.Errorf("kept for %v, want five minutes less than the vendor says", got)
	}
	// The same app in another pool, with a secret somebody made up, must not get it.
	set["secret"] = "x"
	wantRefusal(t, askPhone(t, openWith(t, cache, "wechat_mini", set)), errs.ProviderMisconfigured, "bad_secret")
	for name := range cache.kept {
		if strings.Contains(name, wxSecret) || !strings.Contains(name, wxApp) {
			t.Errorf("kept as %s", name)
		}
	}
}

func TestStaleAppTokenIsReplacedOnce(t *testing.T) {
	w := newWeixin(t)
	cache := &tokenCache{}
	d := openWith(t, cache, "wechat_mini", map[string]string{"appid": wxApp, "secret": wxSecret, "base": w.base})
	w.phones["phone"] = number()
	if err := askPhone(t, d); err != nil {
		t.Fatal(err)
	}
	w.tokens["SIMAT-1"] = false
	w.phones["phone"] = number()
	if err := askPhone(t, d); err != nil {
		t.Errorf("after the token was replaced elsewhere: %v", err)
	}
	if cache.drops != 1 || w.calls(tokenPath) != 2 {
		t.Errorf("dropped %d, fetched %d", cache.drops, w.calls(tokenPath))
	}
	for _, code := range []string{"40001", "40014", "41001", "42001"} {
		w.fixed["/wxa/business/getuserphonenumber"] = says(`{"errcode":` + code + `}`)
		before := w.calls("/wxa/business/getuserphonenumber")
		wantRefusal(t, askPhone(t, d), errs.Unavailable, "app_token_refused")
		if n := w.calls("/wxa/business/getuserphonenumber") - before; n != 2 {
			t.Errorf("%s: asked %d times", code, n)
		}
	}
}

func TestAppTokenEndpointFails(t *testing.T) {
	for _, tt := range []struct {
		name, answer string
		want         outcome
		calls        int
	}{
		{"busy", `{"errcode":-1,"errmsg":"system error"}`, refusal(errs.Unavailable, "vendor_busy"), 2},
		{"a wrong secret", `{"errcode":40001}`, refusal(errs.ProviderMisconfigured, "bad_secret"), 1},
		{"a frozen secret", `{"errcode":40243}`, refusal(errs.ProviderMisconfigured, "secret_frozen"), 1},
		{"a forbidden call", `{"errcode":50004}`, refusal(errs.ProviderMisconfigured, "app_limited"), 1},
		{"a quota", `{"errcode":45009}`, refusal(errs.TooManyRequests, "vendor_quota"), 1},
		{"no token", `{"expires_in":7200}`, refusal(errs.Unavailable, "incomplete_answer"), 1},
		{"an address that is not listed", `{"errcode":40164,"errmsg":"invalid ip 203.0.113.9, not in whitelist"}`, refusal(errs.ProviderMisconfigured, "ip_refused"), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWeixin(t)
			w.fixed[tokenPath] = says(tt.answer)
			err := askPhone(t, w.open("wechat_mini"))
			tt.want.check(t, provider.Profile{}, err)
			if n := w.calls(tokenPath); n != tt.calls {
				t.Errorf("asked %d times", n)
			}
			if tt.want.reason == "ip_refused" && !strings.Contains(err.Error(), "203.0.113.9") {
				t.Errorf("%v does not tell which address to list", err)
			}
		})
	}
}

func TestAppTokenLivesAtLeastAMinute(t *testing.T) {
	for life, want := range map[string]time.Duration{"7200": 115 * time.Minute, `"7200"`: 115 * time.Minute, "300": time.Minute, "0": time.Minute, "-5": time.Minute} {
		w := newWeixin(t)
		w.fixed[tokenPath] = says(`{"access_token":"T","expires_in":` + life + `}`)
		cache := &tokenCache{}
		_ = askPhone(t, openWith(t, cache, "wechat_mini", map[string]string{"appid": wxApp, "secret": wxSecret, "base": w.base}))
		// The fixture does not know T, so that it is dropped; how long it was kept for stays.
		if got := cache.lives["T"]; got != want {
			t.Errorf("%s is kept for %v, want %v", life, got, want)
		}
	}
}

// An app token that is busy for a moment is asked for again, a code is not.
func TestOnlyTokenCallsAreRepeated(t *testing.T) {
	w := newWeixin(t)
	var asked []string
	w.fixed[tokenPath] = func(rw http.ResponseWriter, _ *http.Request) {
		if asked = append(asked, "token"); slices.Equal(asked, []string{"token"}) {
			says(`{"errcode":-1}`)(rw, nil)
			return
		}
		w.mu.Lock()
		w.tokens["T"] = true
		w.mu.Unlock()
		says(`{"access_token":"T","expires_in":7200}`)(rw, nil)
	}
	w.phones["phone"] = number()
	if err := askPhone(t, w.open("wechat_mini")); err != nil {
		t.Error(err)
	}
	w.fixed["/wxa/business/getuserphonenumber"] = says(`{"errcode":-1}`)
	wantRefusal(t, askPhone(t, w.open("wechat_mini")), errs.Unavailable, "vendor_busy")
	if n := w.calls("/wxa/business/getuserphonenumber"); n != 2 {
		t.Errorf("the codes were sent %d times", n)
	}
}

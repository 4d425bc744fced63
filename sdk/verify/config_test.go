package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/verify"
)

func TestNewSaysWhatIsWrong(t *testing.T) {
	good := verify.Config{Issuer: "https://id.example.com/oidc", Audience: []string{"shop"}}
	if _, err := verify.New(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(c *verify.Config){
		"Issuer is empty":       func(c *verify.Config) { c.Issuer = "" },
		"Audience is empty":     func(c *verify.Config) { c.Audience = nil },
		"both set":              func(c *verify.Config) { c.AnyAudience = true },
		"empty entry":           func(c *verify.Config) { c.Audience = []string{"shop", ""} },
		"is not an address":     func(c *verify.Config) { c.Issuer = "id.example.com/oidc" },
		"not https":             func(c *verify.Config) { c.Issuer = "http://id.example.com/oidc" },
		"neither https":         func(c *verify.Config) { c.KeysURL = "file://host/keys" },
		"Leeway":                func(c *verify.Config) { c.Leeway = 11 * time.Minute },
		"cannot be read off":    func(c *verify.Config) { c.Issuer, c.Introspection = "https://id.example.com", &verify.Introspection{} },
		"10.0.0.1 is not https": func(c *verify.Config) { c.Introspection = &verify.Introspection{URL: "http://10.0.0.1"} },
	} {
		c := good
		change(&c)
		if _, err := verify.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	for _, change := range []func(c *verify.Config){
		func(c *verify.Config) { c.Issuer = "http://localhost:9009/oidc" },
		func(c *verify.Config) { c.Issuer = "http://[::1]:9009/oidc" },
		func(c *verify.Config) {
			c.KeysURL, c.PlainHTTP = "http://tigertally:9009/oidc/.well-known/jwks.json", true
		},
		func(c *verify.Config) { c.Audience, c.AnyAudience = nil, true },
	} {
		c := good
		change(&c)
		if _, err := verify.New(c); err != nil {
			t.Error(err)
		}
	}
}

// A negative leeway is none.
func TestLeewayCanBeNone(t *testing.T) {
	f := newForger(t)
	conf := f.config(f.clock)
	conf.Leeway = -1
	f.v = newVerifier(t, conf)
	f.refused(t, f.ec.sign(t, f.ec.head(), with(f.access(), "exp", moment.Unix()-1)), verify.ErrExpired)
}

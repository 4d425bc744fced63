package authing_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tigertally/tigertally/sdk/authing"
)

// forms are the ways a public key is written.
func forms(t *testing.T, key *rsa.PublicKey) map[string]string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block := string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	return map[string]string{
		"Base64":          base64.StdEncoding.EncodeToString(der),
		"PEM":             block,
		"PEM of one line": strings.ReplaceAll(block, "\n", ""),
		"PEM of PKCS #1":  string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(key)})),
	}
}

func TestPasswordsAreEncrypted(t *testing.T) {
	key, _ := transportKey(t)
	for name, form := range forms(t, &key.PublicKey) {
		t.Run(name, func(t *testing.T) {
			for given := range map[bool]struct{}{true: {}, false: {}} {
				var sent string
				var asked atomic.Int64
				c := served(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/api/v2/.well-known" {
						asked.Add(1)
						raw, _ := json.Marshal(map[string]any{"code": 200, "data": map[string]string{"publicKey": form}})
						_, _ = w.Write(raw)
						return
					}
					var in struct{ Password string }
					if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
						t.Error(err)
					}
					sent = in.Password
					_, _ = io.WriteString(w, `{"code":200,"data":{"id":"u1","token":"t"}}`)
				})
				if given {
					tap := &tap{}
					c = newClient(t, authing.Config{AppID: "app", Host: "http://id.test", PublicKey: form, HTTPClient: &http.Client{Transport: tap}})
					_, _ = c.LoginByAccount(t.Context(), "ann", "pässword 密码", nil)
					if got := tap.sent[0].as(t, key).Body["password"]; got != "pässword 密码" {
						t.Errorf("got %q", got)
					}
					continue
				}
				for range 2 {
					if _, err := c.LoginByAccount(t.Context(), "ann", "pässword 密码", nil); err != nil {
						t.Fatal(err)
					}
					if got := opened(t, key, sent); got != "pässword 密码" {
						t.Errorf("got %q", got)
					}
				}
				if asked.Load() != 1 {
					t.Errorf("the key was fetched %d times", asked.Load())
				}
			}
		})
	}
}

// A password that does not fit into the key is an error and not a weaker request.
func TestPasswordsThatAreTooLong(t *testing.T) {
	_, public := transportKey(t)
	tap := &tap{}
	c := newClient(t, authing.Config{AppID: "app", Host: "http://id.test", PublicKey: public, HTTPClient: &http.Client{Transport: tap}})
	long := strings.Repeat("x", 300)
	ctx := t.Context()
	calls := map[string]func() error{
		"RegisterByEmail":      func() error { _, err := c.RegisterByEmail(ctx, "a@example.com", long, nil); return err },
		"RegisterByUserName":   func() error { _, err := c.RegisterByUserName(ctx, "ann", long, nil); return err },
		"RegisterByPhoneCode":  func() error { _, err := c.RegisterByPhoneCode(ctx, "1", "1", long, nil); return err },
		"LoginByAccount":       func() error { _, err := c.LoginByAccount(ctx, "ann", long, nil); return err },
		"ResetPasswordByPhone": func() error { return c.ResetPasswordByPhone(ctx, "1", "1", long, nil) },
		"ResetPasswordByEmail": func() error { return c.ResetPasswordByEmail(ctx, "a@example.com", "1", long) },
		"ResetPasswordByFirstTimeLoginToken": func() error {
			return c.ResetPasswordByFirstTimeLoginToken(ctx, "t", long)
		},
		"UpdatePassword, new": func() error { _, err := c.UpdatePassword(ctx, long, "old"); return err },
		"UpdatePassword, old": func() error { _, err := c.UpdatePassword(ctx, "new", long); return err },
	}
	for name, run := range calls {
		if err := run(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if len(tap.sent) != 0 {
		t.Errorf("%d requests were sent", len(tap.sent))
	}
}

// A server that got another key refuses what is encrypted with the old one; the client
// then fetches the new one.
func TestKeyIsFetchedAgain(t *testing.T) {
	key, public := transportKey(t)
	_, old := transportKey(t)
	var fetched atomic.Int64
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v2/.well-known" {
			form := old
			if fetched.Add(1) > 1 {
				form = public
			}
			_, _ = io.WriteString(w, `{"code":200,"data":{"publicKey":"`+form+`"}}`)
			return
		}
		var in struct{ Password string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		raw, err := base64.StdEncoding.DecodeString(in.Password)
		if err != nil {
			t.Error(err)
		}
		if _, err := rsa.DecryptPKCS1v15(nil, key, raw); err != nil { //nolint:staticcheck // the clients' padding
			_, _ = io.WriteString(w, `{"code":2016,"message":"another key"}`)
			return
		}
		_, _ = io.WriteString(w, `{"code":200,"data":{"id":"u1","token":"t"}}`)
	})
	if _, err := c.RegisterByUserName(t.Context(), "ann", password, nil); err == nil {
		t.Fatal("the old key was good")
	}
	if _, err := c.RegisterByUserName(t.Context(), "ann", password, nil); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestServersWithoutAKey(t *testing.T) {
	for _, answer := range []string{`{"code":404,"message":"none"}`, `{"code":200,"data":{}}`, `{"code":200,"data":[]}`} {
		c := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		if _, err := c.LoginByAccount(t.Context(), "ann", password, nil); err == nil {
			t.Errorf("%s: no error", answer)
		}
	}
}

func TestManyGoroutinesFetchOneKey(t *testing.T) {
	_, public := transportKey(t)
	var fetched atomic.Int64
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v2/.well-known" {
			fetched.Add(1)
			_, _ = io.WriteString(w, `{"code":200,"data":{"publicKey":"`+public+`"}}`)
			return
		}
		_, _ = io.WriteString(w, `{"code":200,"data":{"id":"u1","token":"t"}}`)
	})
	for _, err := range together(func() error { _, err := c.LoginByAccount(t.Context(), "ann", password, nil); return err }) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if fetched.Load() != 1 {
		t.Errorf("the key was fetched %d times", fetched.Load())
	}
}

package signin_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

func TestAnonymousFollowsTheDevice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		var mu sync.Mutex
		ids := map[string]bool{}
		won, lost := accounttest.Race(20, func(int) error {
			out, err := anonymous(t, k, "device")
			mu.Lock()
			defer mu.Unlock()
			ids[out.User.ID] = true
			return err
		})
		if won != 20 || len(ids) != 1 {
			t.Errorf("%d signed in as %d people: %v", won, len(ids), lost)
		}
		a, err := anonymous(t, k, "")
		wantCode(t, err, "")
		b, err := anonymous(t, k, "")
		wantCode(t, err, "")
		if a.User.ID == b.User.ID {
			t.Error("two without a device are one person")
		}
		if a.Session.Scope != signin.ScopeAnonymous {
			t.Errorf("scope = %q", a.Session.Scope)
		}
		wantCode(t, k.Pools.UpdateSettings(t.Context(), "p", func(s *pool.Settings) { s.Anonymous = false }), "")
		k.Client, err = k.Pools.Client(t.Context(), "p")
		wantCode(t, err, "")
		_, err = anonymous(t, k, "device")
		wantCode(t, err, errs.MethodDisabled)
	})
}

// ticketFor signs a ticket as the vendor's node SDK does; edit changes the claims.
func ticketFor(t *testing.T, file pool.TicketKeyFile, now time.Time, edit func(map[string]any)) string {
	t.Helper()
	claims := map[string]any{
		"alg": "RS256", "env": "p", "iat": now.UnixMilli(), "exp": now.Add(10 * time.Minute).UnixMilli(),
		"uid": "user_0001", "refresh": 3600000, "expire": now.Add(7 * 24 * time.Hour).UnixMilli(),
	}
	if edit != nil {
		edit(claims)
	}
	block, _ := pem.Decode([]byte(file.PrivateKey))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	input := segment(t, map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + segment(t, claims)
	sum := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(secret.Reader(), key.(*rsa.PrivateKey), crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return file.PrivateKeyID + "/@@/" + input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func segment(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// TK-05
func TestCustomTicket(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		_, err := k.Pools.Create(t.Context(), "q", "q", pool.Settings{})
		wantCode(t, err, "")
		file, err := k.Pools.NewTicketKey(t.Context(), "p")
		wantCode(t, err, "")
		foreign, err := k.Pools.NewTicketKey(t.Context(), "q")
		wantCode(t, err, "")
		use := func(ticket string) (signin.Outcome, error) {
			return k.Signin.SignIn(t.Context(), signin.Input{Client: k.Client, Method: signin.MethodCustom, Ticket: ticket})
		}
		good := ticketFor(t, file, k.Now(), nil)
		first, err := use(good)
		wantCode(t, err, "")
		if first.User.Kind != user.KindCustom || first.Session.ExpiresIn > time.Hour {
			t.Errorf("first = %+v", first)
		}
		second, err := use(ticketFor(t, file, k.Now(), nil))
		wantCode(t, err, "")
		if first.User.ID != second.User.ID {
			t.Error("one uid is two people")
		}
		claim := func(name string, value any) string {
			return ticketFor(t, file, k.Now(), func(c map[string]any) { c[name] = value })
		}
		now := k.Now()
		input, _, _ := strings.Cut(strings.TrimPrefix(good, file.PrivateKeyID+"/@@/"), "~")
		parts := strings.Split(input, ".")
		public, err := k.Pools.TicketKey(t.Context(), "p", file.PrivateKeyID)
		wantCode(t, err, "")
		der, err := x509.MarshalPKIXPublicKey(public)
		wantCode(t, err, "")
		forged := segment(t, map[string]string{"alg": "HS256", "typ": "JWT"}) + "." + parts[1]
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write([]byte(forged))
		forged += "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		for name, bad := range map[string]string{
			"empty":            "",
			"no key id":        input,
			"unknown key":      "nokey/@@/" + input,
			"another pool":     claim("env", "q"),
			"another pool key": ticketFor(t, foreign, now, nil),
			"old":              ticketFor(t, file, now.Add(-11*time.Minute), nil),
			"from the future":  ticketFor(t, file, now.Add(5*time.Minute), nil),
			"a whole day":      claim("exp", now.Add(24*time.Hour).UnixMilli()),
			"times in seconds": claim("exp", now.Add(time.Minute).Unix()),
			"a path as uid":    claim("uid", "../x"),
			"a long uid":       claim("uid", strings.Repeat("a", 300)),
			"a short uid":      claim("uid", "abc"),
			"HS256 forgery":    file.PrivateKeyID + "/@@/" + forged,
			"no signature":     file.PrivateKeyID + "/@@/" + segment(t, map[string]string{"alg": "none"}) + "." + parts[1] + ".",
			"another payload":  file.PrivateKeyID + "/@@/" + parts[0] + "." + segment(t, map[string]any{"uid": "root"}) + "." + parts[2],
		} {
			if _, err := use(bad); errs.CodeOf(err) != errs.TicketInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantCode(t, k.Pools.RevokeTicketKey(t.Context(), "p", file.PrivateKeyID), "")
		_, err = use(ticketFor(t, file, k.Now(), nil))
		wantCode(t, err, errs.TicketInvalid)
	})
}

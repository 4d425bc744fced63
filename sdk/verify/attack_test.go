package verify_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/verify"
)

// forger is a mint with keys, and a Verifier for it.
type forger struct {
	*mint
	clock   *clock
	ec, rsa signer
	v       *verify.Verifier
}

func newForger(t testing.TB) *forger {
	t.Helper()
	f := &forger{mint: newMint(t), clock: &clock{}, ec: ecKey(t, "ec-1"), rsa: rsaKey(t, "rsa-1", 2048)}
	f.publish(f.ec, f.rsa)
	f.v = newVerifier(t, f.config(f.clock))
	return f
}

// refused fails the test unless token is refused for the reason want.
func (f *forger) refused(t *testing.T, token string, want error) {
	t.Helper()
	claims, err := f.v.Verify(t.Context(), token)
	if claims != nil || !errors.Is(err, want) || !errors.Is(err, verify.ErrInvalid) {
		t.Errorf("got %v, %v; want %v", claims, err, want)
	}
}

func TestGoodTokensPass(t *testing.T) {
	f := newForger(t)
	c, err := f.v.Verify(t.Context(), f.ec.sign(t, f.ec.head(), f.access()))
	if err != nil {
		t.Fatal(err)
	}
	if c.Kind != verify.Access || c.Subject != "user-1" || c.Pool != "dev" || c.ClientID != "shop" || c.SessionID != "session-1" ||
		c.ID != "token-1" || !c.HasScope("sso", "user") || c.HasScope("admin") || c.Anonymous || !c.ExpiresAt.Equal(moment.Add(time.Hour)) {
		t.Errorf("claims: %+v", c)
	}
	head := with(f.rsa.head(), "typ", "JWT")
	if c, err = f.v.Verify(t.Context(), f.rsa.sign(t, head, f.access())); err != nil || c.Kind != verify.Login {
		t.Errorf("login token: %v, %v", c, err)
	}
}

// None of the well-known ways to have a forged header believed works.
func TestForgedAlgorithmsAreRefused(t *testing.T) {
	f := newForger(t)
	good := f.ec.sign(t, f.ec.head(), f.access())
	text := func(header map[string]any) string {
		head, _ := json.Marshal(header)
		body, _ := json.Marshal(f.access())
		return encode(head) + "." + encode(body)
	}
	for _, alg := range []string{"none", "None", "NONE", ""} {
		t.Run("alg "+alg, func(t *testing.T) {
			unsigned := text(with(f.ec.head(), "alg", alg))
			f.refused(t, unsigned+".", verify.ErrAlgorithm)
			f.refused(t, unsigned+good[strings.LastIndex(good, "."):], verify.ErrAlgorithm)
		})
	}
	der, err := x509.MarshalPKIXPublicKey(f.rsa.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	modulus, _ := base64.RawURLEncoding.DecodeString(f.rsa.public()["n"])
	for name, secret := range map[string][]byte{
		"DER": der, "PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "modulus": modulus, "empty": nil,
	} {
		t.Run("HS256 with the public key as "+name, func(t *testing.T) {
			for _, kid := range []string{"rsa-1", "ec-1"} {
				head := text(map[string]any{"alg": "HS256", "kid": kid, "typ": "at+jwt"})
				mac := hmac.New(sha256.New, secret)
				mac.Write([]byte(head))
				f.refused(t, head+"."+encode(mac.Sum(nil)), verify.ErrAlgorithm)
			}
		})
	}
	for name, token := range map[string]string{
		"RS256 with the name of an EC key":  f.rsa.sign(t, with(f.rsa.head(), "kid", "ec-1"), f.access()),
		"ES256 with the name of an RSA key": f.ec.sign(t, with(f.ec.head(), "kid", "rsa-1"), f.access()),
		"PS256":                             f.rsa.sign(t, with(f.rsa.head(), "alg", "PS256"), f.access()),
		"ES384":                             f.ec.sign(t, with(f.ec.head(), "alg", "ES384"), f.access()),
		"a critical header":                 f.ec.sign(t, with(f.ec.head(), "crit", []string{"exp"}), f.access()),
		"an empty critical header":          f.ec.sign(t, with(f.ec.head(), "crit", []string{}), f.access()),
	} {
		t.Run(name, func(t *testing.T) { f.refused(t, token, verify.ErrAlgorithm) })
	}
}

func TestForeignKeysAreRefused(t *testing.T) {
	f, stranger := newForger(t), ecKey(t, "ec-1")
	f.refused(t, stranger.sign(t, stranger.head(), f.access()), verify.ErrSignature)
	inside := with(stranger.head(), "jwk", stranger.public(), "jku", "http://127.0.0.1:1/jwks.json", "x5u", "http://127.0.0.1:1/")
	f.refused(t, stranger.sign(t, inside, f.access()), verify.ErrSignature)

	other := newForger(t) // another pool of the same sort, with a key of the same name
	f.refused(t, other.ec.sign(t, other.ec.head(), f.access()), verify.ErrSignature)
	f.refused(t, other.ec.sign(t, with(other.ec.head(), "kid", "ec-of-other-pool"), f.access()), verify.ErrKey)
	f.refused(t, other.ec.sign(t, other.ec.head(), other.access()), verify.ErrIssuer)
	f.refused(t, f.ec.sign(t, with(f.ec.head(), "kid", nil), f.access()), verify.ErrKey)
	if other.fetches.Load() != 0 {
		t.Error("the keys of a foreign issuer were fetched")
	}
}

// A token of another application, pool, kind or time is refused, whoever signed it.
func TestClaimsAreChecked(t *testing.T) {
	f := newForger(t)
	at := func(d time.Duration) int64 { return moment.Add(d).Unix() }
	for name, c := range map[string]struct {
		change []any
		want   error
	}{
		"another application":         {[]any{"aud", "other"}, verify.ErrAudience},
		"a prefix of the application": {[]any{"aud", "sho"}, verify.ErrAudience},
		"other applications":          {[]any{"aud", []string{"a", "b"}}, verify.ErrAudience},
		"no application":              {[]any{"aud", nil}, verify.ErrAudience},
		"another pool":                {[]any{"project_id", "prod"}, verify.ErrPool},
		"no pool":                     {[]any{"project_id", nil}, verify.ErrPool},
		"another issuer":              {[]any{"iss", f.url + "/"}, verify.ErrIssuer},
		"expired":                     {[]any{"exp", at(-61 * time.Second)}, verify.ErrExpired},
		"never expires":               {[]any{"exp", nil}, verify.ErrMalformed},
		"expires in no year":          {[]any{"exp", 1e300}, verify.ErrMalformed},
		"expires before all time":     {[]any{"exp", -1}, verify.ErrMalformed},
		"expiry is a text":            {[]any{"exp", "1800003600"}, verify.ErrMalformed},
		"not yet":                     {[]any{"nbf", at(61 * time.Second)}, verify.ErrNotYet},
		"from the future":             {[]any{"iat", at(61 * time.Second)}, verify.ErrNotYet},
		"of nobody":                   {[]any{"sub", nil}, verify.ErrMalformed},
		"of a machine":                {[]any{"sid", nil, "sub", "shop"}, verify.ErrKind},
		"access token says id":        {[]any{"token_use", "id"}, verify.ErrKind},
	} {
		t.Run(name, func(t *testing.T) {
			f.refused(t, f.ec.sign(t, f.ec.head(), with(f.access(), c.change...)), c.want)
		})
	}
	for name, change := range map[string][]any{
		"one of several applications":      {"aud", []string{"x", "shop"}},
		"expired within the leeway":        {"exp", at(-59 * time.Second)},
		"not yet, within the leeway":       {"nbf", at(59 * time.Second)},
		"times with a fraction":            {"exp", 1800003600.5},
		"claims that a function has added": {"vip", true},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.v.Verify(t.Context(), f.ec.sign(t, f.ec.head(), with(f.access(), change...))); err != nil {
				t.Error(err)
			}
		})
	}
}

// An ID token is shown around, so it must not be a key unless that is asked for.
func TestIDTokenIsNoAccessToken(t *testing.T) {
	f := newForger(t)
	head := with(f.rsa.head(), "typ", "JWT")
	token := f.rsa.sign(t, head, with(f.access(), "token_use", "id"))
	f.refused(t, token, verify.ErrKind)
	for _, typ := range []any{nil, "jwt+id", "secevent+jwt"} {
		f.refused(t, f.rsa.sign(t, with(head, "typ", typ), f.access()), verify.ErrKind)
	}
	f.refused(t, f.rsa.sign(t, head, with(f.access(), "token_use", "refresh")), verify.ErrKind)

	conf := f.config(f.clock)
	conf.Kinds = []verify.Kind{verify.ID}
	f.v = newVerifier(t, conf)
	if c, err := f.v.Verify(t.Context(), token); err != nil || c.Kind != verify.ID {
		t.Errorf("an ID token that was asked for: %v, %v", c, err)
	}
	f.refused(t, f.ec.sign(t, f.ec.head(), f.access()), verify.ErrKind)
}

// One signature has one spelling, and what is no token is refused without a fetch.
func TestMalformedTokensAreRefused(t *testing.T) {
	f := newForger(t)
	good := f.ec.sign(t, f.ec.head(), f.access())
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"two parts":      parts[0] + "." + parts[1],
		"four parts":     good + ".x",
		"padding":        good + "==",
		"line break":     parts[0] + ".\n" + parts[1] + "." + parts[2],
		"space":          " " + good,
		"header no JSON": "eA." + parts[1] + "." + parts[2],
		"claims no JSON": parts[0] + ".eA." + parts[2],
		"a list":         parts[0] + "." + encode([]byte("[]")) + "." + parts[2],
		"huge":           strings.Repeat("a", 8<<10+1),
		"only dots":      "..",
	} {
		t.Run(name, func(t *testing.T) { f.refused(t, token, verify.ErrMalformed) })
	}
	f.refused(t, "", verify.ErrMissing)
	if n := f.fetches.Load(); n != 0 {
		t.Errorf("%d fetches for what is no token", n)
	}
	alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, good[len(good)-1])
	f.refused(t, good[:len(good)-1]+string(alphabet[last^1]), verify.ErrMalformed) // spare bits of base64
	f.refused(t, parts[0]+"."+parts[1]+"."+encode(make([]byte, 64)), verify.ErrSignature)
	f.refused(t, parts[0]+"."+parts[1]+"."+encode([]byte("short")), verify.ErrSignature)
	f.refused(t, parts[0]+"."+parts[1]+".", verify.ErrSignature)
	body, _ := json.Marshal(with(f.access(), "sub", "user-2"))
	f.refused(t, parts[0]+"."+encode(body)+"."+parts[2], verify.ErrSignature)
}

// A published key that is too weak, or off its curve, is as good as none.
func TestWeakPublishedKeysAreNotUsed(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	m, c := newMint(t), &clock{}
	weak := rsaKey(t, "weak", 1024)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, sound := signer{"ES256", "p384", p384}, ecKey(t, "sound")
	encrypts, off := ecKey(t, "encrypts"), ecKey(t, "off")
	m.publish(weak, other, sound)
	m.mu.Lock()
	enc, moved, secret := encrypts.public(), off.public(), map[string]string{"kty": "oct", "kid": "oct", "alg": "HS256", "k": "c2VjcmV0"}
	enc["use"], moved["x"] = "enc", encode(big.NewInt(5).FillBytes(make([]byte, 32)))
	m.set = append(m.set, enc, moved, secret)
	m.mu.Unlock()
	v := newVerifier(t, m.config(c))
	for _, s := range []signer{weak, encrypts, off} {
		if _, err := v.Verify(t.Context(), s.sign(t, s.head(), m.access())); !errors.Is(err, verify.ErrKey) {
			t.Errorf("%s: %v", s.kid, err)
		}
	}
	if _, err := v.Verify(t.Context(), sound.sign(t, sound.head(), m.access())); err != nil {
		t.Errorf("the sound key: %v", err)
	}
}

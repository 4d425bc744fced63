package verify_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/verify"
)

// mint is an issuer whose keys the tests hold, so that they can sign what no server would.
type mint struct {
	url     string
	fetches atomic.Int64 // of the key set

	mu     sync.Mutex
	set    []map[string]string
	answer http.HandlerFunc // in place of the key set
}

// signer signs and says how in the header.
type signer struct {
	alg, kid string
	key      crypto.Signer
}

func newMint(t testing.TB) *mint {
	t.Helper()
	m := &mint{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/oidc/.well-known/jwks.json" {
			http.NotFound(w, r)
			return
		}
		m.fetches.Add(1)
		m.mu.Lock()
		answer, set := m.answer, m.set
		m.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": set})
	}))
	t.Cleanup(server.Close)
	m.url = server.URL + "/oidc"
	return m
}

// instead answers for the key set; nil is the set again.
func (m *mint) instead(fn http.HandlerFunc) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answer = fn
}

// publish replaces the key set.
func (m *mint) publish(keys ...signer) {
	var set []map[string]string
	for _, s := range keys {
		set = append(set, s.public())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set = set
}

func ecKey(t testing.TB, kid string) signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{"ES256", kid, k}
}

func rsaKey(t testing.TB, kid string, bits int) signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return signer{"RS256", kid, k}
}

func encode(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

func (s signer) public() map[string]string {
	out := map[string]string{"kid": s.kid, "alg": s.alg, "use": "sig"}
	switch k := s.key.Public().(type) {
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			return out
		}
		half := (len(point) - 1) / 2
		out["kty"], out["crv"], out["x"], out["y"] = "EC", k.Curve.Params().Name, encode(point[1:1+half]), encode(point[1+half:])
	case *rsa.PublicKey:
		out["kty"], out["n"], out["e"] = "RSA", encode(k.N.Bytes()), "AQAB"
	}
	return out
}

// sign makes a token with exactly this header and these claims.
func (s signer) sign(t testing.TB, header, claims map[string]any) string {
	t.Helper()
	head, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	text := encode(head) + "." + encode(body)
	hash := sha256.Sum256([]byte(text))
	if k, ok := s.key.(*ecdsa.PrivateKey); ok {
		r, v, err := ecdsa.Sign(rand.Reader, k, hash[:])
		if err != nil {
			t.Fatal(err)
		}
		raw := make([]byte, 64)
		r.FillBytes(raw[:32])
		v.FillBytes(raw[32:])
		return text + "." + encode(raw)
	}
	raw, err := s.key.Sign(rand.Reader, hash[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(raw)
}

// with is base with other values; nil takes one away.
func with(base map[string]any, changes ...any) map[string]any {
	out := maps.Clone(base)
	for i := 0; i+1 < len(changes); i += 2 {
		name, _ := changes[i].(string)
		if out[name] = changes[i+1]; changes[i+1] == nil {
			delete(out, name)
		}
	}
	return out
}

// head is the header of an access token signed by s.
func (s signer) head() map[string]any {
	return map[string]any{"alg": s.alg, "kid": s.kid, "typ": "at+jwt"}
}

// moment is what the tests' clock says.
var moment = time.Unix(1_800_000_000, 0)

// access is what an access token of the mint says.
func (m *mint) access() map[string]any {
	return map[string]any{
		"iss": m.url, "sub": "user-1", "aud": "shop", "exp": moment.Add(time.Hour).Unix(), "iat": moment.Unix(),
		"jti": "token-1", "sid": "session-1", "scope": "user sso", "project_id": "dev",
		"auth_time": moment.Add(-time.Minute).Unix(), "amr": []string{"pwd"}, "user_type": "",
		"meta": map[string]any{"wxOpenId": ""},
	}
}

// clock is a clock that tests move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time          { return moment.Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// config accepts the access tokens of the mint.
func (m *mint) config(c *clock) verify.Config {
	return verify.Config{Issuer: m.url, Audience: []string{"shop"}, Pool: "dev", Now: c.now}
}

func newVerifier(t testing.TB, conf verify.Config) *verify.Verifier {
	t.Helper()
	v, err := verify.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

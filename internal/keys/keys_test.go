package keys_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).Add(time.Duration(c.ahead.Load()))
}
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

type said struct {
	Sub string `json:"sub"`
}

func keyring(t testing.TB) *secret.Keyring {
	t.Helper()
	ring, err := secret.NewKeyring([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// setup makes pools p1 and p2.
func setup(t testing.TB, d *db.DB) (*keys.Service, *clock) {
	t.Helper()
	c := &clock{}
	pools := pool.New(d, c.Now)
	for _, id := range []string{"p1", "p2"} {
		if _, err := pools.Create(t.Context(), id, id, pool.Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	return keys.New(d, keyring(t), c.Now), c
}

func sign(t testing.TB, s *keys.Service, poolID string) string {
	t.Helper()
	token, err := s.Sign(t.Context(), poolID, "at+jwt", said{"u1"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func accepted(t *testing.T, s *keys.Service, what, token string) {
	t.Helper()
	var got said
	if err := s.Verify(t.Context(), "p1", token, "at+jwt", &got); err != nil {
		t.Errorf("%s: %v", what, err)
	} else if got.Sub != "u1" {
		t.Errorf("%s: got %+v", what, got)
	}
}

func refused(t *testing.T, s *keys.Service, what, token string) {
	t.Helper()
	var got said
	began := time.Now()
	if err := s.Verify(t.Context(), "p1", token, "at+jwt", &got); errs.CodeOf(err) != errs.SessionInvalid {
		t.Errorf("%s: got %v", what, err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("%s: took %v", what, took)
	}
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// kids lists the published keys of one algorithm, ES256, and checks that there are as
// many of the other.
func kids(t *testing.T, s *keys.Service, poolID string) []string {
	t.Helper()
	set, err := s.JWKS(t.Context(), poolID)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	others := 0
	for _, k := range set.Keys {
		if !k.IsPublic() || k.Use != "sig" {
			t.Errorf("published %+v", k)
		}
		if k.Algorithm == keys.ES256 {
			list = append(list, k.KeyID)
		} else {
			others++
		}
	}
	if others != len(list) {
		t.Errorf("%d keys of the other algorithm beside %d", others, len(list))
	}
	return list
}

// JW-01, JW-02: whatever a header asks for, only our own keys and algorithms count.
func TestHostileTokensAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := setup(t, d)
		token := sign(t, s, "p1")
		accepted(t, s, "the token itself", token)
		parts := strings.Split(token, ".")
		kid := kids(t, s, "p1")[0]
		set, err := s.JWKS(t.Context(), "p1")
		if err != nil {
			t.Fatal(err)
		}
		public, err := set.Keys[0].MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		headers := map[string]string{
			"alg none":           `{"alg":"none","kid":"` + kid + `","typ":"at+jwt"}`,
			"alg None":           `{"alg":"None","kid":"` + kid + `","typ":"at+jwt"}`,
			"alg empty":          `{"alg":"","kid":"` + kid + `","typ":"at+jwt"}`,
			"alg RS256":          `{"alg":"RS256","kid":"` + kid + `","typ":"at+jwt"}`,
			"alg ES384":          `{"alg":"ES384","kid":"` + kid + `","typ":"at+jwt"}`,
			"no alg":             `{"kid":"` + kid + `","typ":"at+jwt"}`,
			"alg twice":          `{"alg":"ES256","alg":"none","kid":"` + kid + `","typ":"at+jwt"}`,
			"no kid":             `{"alg":"ES256","typ":"at+jwt"}`,
			"kid path":           `{"alg":"ES256","kid":"../../dev/null","typ":"at+jwt"}`,
			"kid sql":            `{"alg":"ES256","kid":"' OR 1=1","typ":"at+jwt"}`,
			"kid upper case":     `{"alg":"ES256","kid":"` + strings.ToUpper(kid) + `","typ":"at+jwt"}`,
			"kid long":           `{"alg":"ES256","kid":"` + strings.Repeat("k", 6000) + `","typ":"at+jwt"}`,
			"kid too long":       `{"alg":"ES256","kid":"` + strings.Repeat("k", 10<<10) + `","typ":"at+jwt"}`,
			"jku":                `{"alg":"ES256","jku":"http://127.0.0.1:1/","kid":"` + kid + `","typ":"at+jwt"}`,
			"x5u":                `{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","x5u":"http://127.0.0.1:1/"}`,
			"x5c":                `{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","x5c":["AAAA"]}`,
			"crit":               `{"alg":"ES256","crit":["exp"],"kid":"` + kid + `","typ":"at+jwt"}`,
			"b64 false":          `{"alg":"ES256","b64":false,"crit":["b64"],"kid":"` + kid + `","typ":"at+jwt"}`,
			"zip":                `{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt","zip":"DEF"}`,
			"typ JWT":            `{"alg":"ES256","kid":"` + kid + `","typ":"JWT"}`,
			"no typ":             `{"alg":"ES256","kid":"` + kid + `"}`,
			"nested":             strings.Repeat("[", 3000),
			"nested objects":     strings.Repeat(`{"a":`, 1000),
			"not JSON":           "\x00\xff",
			"empty":              "",
			"null":               "null",
			"other order":        `{"typ":"at+jwt","kid":"` + kid + `","alg":"ES256"}`,
			"spaces":             `{"alg": "ES256", "kid": "` + kid + `", "typ": "at+jwt"}`,
			"JWE":                `{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":1000000000}`,
			"embedded key of us": `{"alg":"ES256","jwk":` + string(public) + `,"kid":"` + kid + `","typ":"at+jwt"}`,
		}
		for name, h := range headers {
			for _, sig := range []string{parts[2], "", encode(strings.Repeat("\x00", 64))} {
				refused(t, s, name, encode(h)+"."+parts[1]+"."+sig)
			}
		}
		refused(t, s, "signature of zeros", parts[0]+"."+parts[1]+"."+encode(strings.Repeat("\x00", 64)))
		refused(t, s, "signature in ASN.1", parts[0]+"."+parts[1]+"."+encode("\x30\x06\x02\x01\x01\x02\x01\x01"))
		refused(t, s, "five segments", token+".a.b")
		refused(t, s, "JSON serialisation", `{"payload":"`+parts[1]+`","protected":"`+parts[0]+`","signature":"`+parts[2]+`"}`)
		refused(t, s, "payload swapped", parts[0]+"."+encode(`{"sub":"admin"}`)+"."+parts[2])

		// HS256 keyed with our public key, and an attacker's own key in the header.
		h := encode(`{"alg":"HS256","kid":"` + kid + `","typ":"at+jwt"}`)
		mac := hmac.New(sha256.New, public)
		mac.Write([]byte(h + "." + parts[1]))
		refused(t, s, "HS256", h+"."+parts[1]+"."+base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
		mine, err := ecdsa.GenerateKey(elliptic.P256(), secret.Reader())
		if err != nil {
			t.Fatal(err)
		}
		for _, embed := range []bool{true, false} {
			signer, err := jose.NewSigner(
				jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: mine, KeyID: kid}},
				(&jose.SignerOptions{EmbedJWK: embed}).WithType("at+jwt"))
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer.Sign([]byte(`{"sub":"u1"}`))
			if err != nil {
				t.Fatal(err)
			}
			forged, err := signed.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			refused(t, s, "signed with a key of the attacker", forged)
		}
	})
}

// TK-01, MUT: a token has exactly one spelling.
func TestMutatedTokensAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := setup(t, d)
		token := sign(t, s, "p1")
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		for i := range len(token) {
			refused(t, s, "truncated", token[:i])
			next := alphabet[(strings.IndexByte(alphabet, token[i])+1)%64]
			refused(t, s, "flipped", token[:i]+string(next)+token[i+1:])
			refused(t, s, "line break", token[:i]+"\n"+token[i:])
		}
		for _, extra := range []string{"A", "=", "\n", ".", " "} {
			refused(t, s, "extended", token+extra)
		}
		last := strings.LastIndexByte(token, '.') + 85
		for _, c := range alphabet {
			if token[last] != byte(c) {
				refused(t, s, "spare bits", token[:last]+string(c))
			}
		}
	})
}

// JW-04: a pool's token is unknown in another.
func TestPoolsDoNotShareKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := setup(t, d)
		sign(t, s, "p1")
		refused(t, s, "token of another pool", sign(t, s, "p2"))
		theirs := kids(t, s, "p2")[0]
		if err := s.Revoke(t.Context(), "p1", theirs); errs.CodeOf(err) != errs.KeyNotFound {
			t.Errorf("revoked another pool's key: %v", err)
		}
	})
}

// JW-05: a new key is published long before it signs, an old one verifies long after.
func TestRotation(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, c := setup(t, d)
		before := sign(t, s, "p1")
		for range 2 {
			if err := s.Rotate(t.Context(), "p1", false); err != nil {
				t.Fatal(err)
			}
		}
		published := kids(t, s, "p1")
		if len(published) != 2 {
			t.Fatalf("%d keys published after rotating twice, want 2", len(published))
		}
		if a, b := head(before), head(sign(t, s, "p1")); a != b {
			t.Error("the next key signs at once")
		}
		c.advance(keys.Lead + time.Second)
		after := sign(t, s, "p1")
		if head(before) == head(after) {
			t.Error("the next key does not sign when its time has come")
		}
		c.advance(keys.LongestToken - 2*time.Second)
		accepted(t, s, "the old key", before)
		c.advance(2 * time.Second)
		refused(t, s, "the retired key", before)
		accepted(t, s, "the active key", after)
		if got := kids(t, s, "p1"); len(got) != 1 {
			t.Errorf("%d keys published in the end, want 1", len(got))
		}
	})
}

// A pool has a key for each algorithm; they neither pass for each other nor share a
// token.
func TestTwoAlgorithms(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, c := setup(t, d)
		var before []string
		for _, alg := range []string{keys.ES256, keys.RS256} {
			token, err := s.SignWith(t.Context(), "p1", alg, "at+jwt", said{"u1"})
			if err != nil {
				t.Fatal(err)
			}
			accepted(t, s, alg, token)
			if parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)}); err != nil {
				t.Errorf("%s: %v", alg, err)
			} else if parsed.Signatures[0].Protected.KeyID == "" {
				t.Errorf("%s: no key id", alg)
			}
			before = append(before, token)
		}
		parts := strings.Split(before[0], ".")
		refused(t, s, "RS256 header over an ES256 signature", head(before[1])+"."+parts[1]+"."+parts[2])
		if _, err := s.SignWith(t.Context(), "p1", "HS256", "at+jwt", said{"u1"}); err == nil {
			t.Error("signed with an algorithm nobody has a key for")
		}
		if err := s.Rotate(t.Context(), "p1", false); err != nil {
			t.Fatal(err)
		}
		c.advance(keys.Lead + time.Second)
		for i, alg := range []string{keys.ES256, keys.RS256} {
			token, err := s.SignWith(t.Context(), "p1", alg, "at+jwt", said{"u1"})
			if err != nil {
				t.Fatal(err)
			}
			if head(token) == head(before[i]) {
				t.Errorf("%s: not rotated", alg)
			}
			accepted(t, s, "the old "+alg, before[i])
		}
	})
}

// A proxy may send the request that shows a token to another node than the one that has
// just made the key of it, and looked at the keys a moment before.
func TestANewKeyIsKnownToEveryNodeAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, c := setup(t, d)
		other := keys.New(d, keyring(t), c.Now)
		for i, what := range []string{"the first key", "a replaced key"} {
			if _, err := other.Version(t.Context()); err != nil { // it looks
				t.Fatal(err)
			}
			if i > 0 {
				if err := s.Rotate(t.Context(), "p1", true); err != nil {
					t.Fatal(err)
				}
			}
			accepted(t, other, what, sign(t, s, "p1"))
		}
		public, thumbprint := transport(t, s, "p1")
		blob := base64.StdEncoding.EncodeToString(encrypt(t, public, "secret"))
		if got, err := other.Decrypt(t.Context(), "p1", thumbprint, blob); err != nil || string(got) != "secret" {
			t.Errorf("what is encrypted to the first key is %q, %v", got, err)
		}
		if _, same := transport(t, other, "p1"); same != thumbprint {
			t.Error("another node made another key")
		}
	})
}

// JW-05: an emergency ends a key on every node.
func TestRevokedKeyEndsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, c := setup(t, d)
		token := sign(t, s, "p1")
		other := keys.New(d, keyring(t), c.Now)
		accepted(t, other, "on another node", token)
		if err := s.Rotate(t.Context(), "p1", true); err != nil {
			t.Fatal(err)
		}
		next := sign(t, s, "p1")
		if head(next) == head(token) {
			t.Error("the new key does not sign at once")
		}
		accepted(t, other, "the new key on another node", next)
		version, err := s.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Revoke(t.Context(), "p1", kid(t, token)); err != nil {
			t.Fatal(err)
		}
		refused(t, s, "revoked", token)
		if now, err := s.Version(t.Context()); err != nil || now == version {
			t.Errorf("version stays %q, %v", now, err)
		}
		c.advance(2 * time.Second)
		refused(t, other, "revoked elsewhere", token)
		accepted(t, other, "the new key", next)
	})
}

func TestKeyOfRolledBackTransactionNeverSigns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := setup(t, d)
		undo := errors.New("undo")
		var lost []string
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			for range 2 {
				token, err := s.Sign(ctx, "p1", "at+jwt", said{"u1"})
				if err != nil {
					return err
				}
				lost = append(lost, token)
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		if head(lost[0]) != head(lost[1]) {
			t.Error("one transaction made two keys")
		}
		kept := sign(t, s, "p1")
		if head(kept) == head(lost[0]) {
			t.Error("the lost key signs")
		}
		accepted(t, keys.New(d, keyring(t), time.Now), "on another node", kept)
	})
}

func TestReadyKeysOutliveTheTransactionThatSigns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := setup(t, d)
		if err := s.Ready(t.Context(), "p1", keys.RS256); err != nil {
			t.Fatal(err)
		}
		undo := errors.New("undo")
		token := ""
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			var err error
			if token, err = s.SignWith(ctx, "p1", keys.RS256, "JWT", said{"u1"}); err != nil {
				return err
			}
			return undo
		})
		var got said
		if !errors.Is(err, undo) || s.Verify(t.Context(), "p1", token, "JWT", &got) != nil || got.Sub != "u1" {
			t.Errorf("made in the transaction: %v, %+v", err, got)
		}
	})
}

// KM-01: the stored half is sealed and opens in its own row only.
func TestPrivateKeysAreSealed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, c := setup(t, d)
		token := sign(t, s, "p1")
		sign(t, s, "p2")
		if _, err := d.Exec(t.Context(), `UPDATE signing_keys
			SET sealed = (SELECT o.sealed FROM signing_keys o WHERE o.pool_id = 'p2') WHERE pool_id = 'p1'`); err != nil {
			t.Fatal(err)
		}
		fresh := keys.New(d, keyring(t), c.Now)
		accepted(t, fresh, "public half", token)
		if _, err := fresh.Sign(t.Context(), "p1", "at+jwt", said{}); err == nil {
			t.Error("signed with another row's key")
		}
	})
}

func kid(t *testing.T, token string) string {
	t.Helper()
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Signatures[0].Protected.KeyID
}

func head(token string) string { return token[:strings.IndexByte(token, '.')] }

func BenchmarkSign(b *testing.B) {
	s, _ := setup(b, dbtest.Open(b, dbtest.SQLite))
	b.ReportAllocs()
	for b.Loop() {
		sign(b, s, "p1")
	}
}

func BenchmarkVerify(b *testing.B) {
	s, _ := setup(b, dbtest.Open(b, dbtest.SQLite))
	token := sign(b, s, "p1")
	b.ReportAllocs()
	for b.Loop() {
		var got said
		if err := s.Verify(b.Context(), "p1", token, "at+jwt", &got); err != nil {
			b.Fatal(err)
		}
	}
}

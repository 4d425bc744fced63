package keys_test

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/secret"
)

func transport(t *testing.T, s *keys.Service, poolID string) (*rsa.PublicKey, string) {
	t.Helper()
	text, thumbprint, err := s.Transport(t.Context(), poolID)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(text))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return public.(*rsa.PublicKey), thumbprint
}

func encrypt(t *testing.T, public *rsa.PublicKey, text string) []byte {
	t.Helper()
	b, err := rsa.EncryptPKCS1v15(secret.Reader(), public, []byte(text)) //nolint:staticcheck // as the SDK does.
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecryptReadsWhatTheSDKWrites(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, c := setup(t, d)
		public, thumbprint := transport(t, s, "p1")
		if public.Size() != 256 {
			t.Errorf("key of %d bytes", public.Size())
		}
		short := encrypt(t, public, "pässwörd 密码")
		for short[0] != 0 { // the SDK drops a leading zero byte
			short = encrypt(t, public, "pässwörd 密码")
		}
		first, second := strings.Repeat("a", 117), strings.Repeat("b", 40)
		long := append(encrypt(t, public, first), encrypt(t, public, second)...)
		tests := []struct{ name, ciphertext, want string }{
			{"one block", base64.StdEncoding.EncodeToString(encrypt(t, public, "secret")), "secret"},
			{"one block without padding characters", base64.RawStdEncoding.EncodeToString(encrypt(t, public, "x")), "x"},
			{"one block in the URL alphabet", base64.URLEncoding.EncodeToString(encrypt(t, public, "y")), "y"},
			{"a leading zero dropped", base64.StdEncoding.EncodeToString(short[1:]), "pässwörd 密码"},
			{"two blocks", base64.StdEncoding.EncodeToString(long), first + second},
		}
		other := keys.New(d, keyring(t), c.Now)
		for _, test := range tests {
			for _, node := range []*keys.Service{s, other} {
				got, err := node.Decrypt(t.Context(), "p1", thumbprint, test.ciphertext)
				if err != nil || string(got) != test.want {
					t.Errorf("%s: got %q, %v", test.name, got, err)
				}
			}
		}
		_, again := transport(t, other, "p1")
		if again != thumbprint {
			t.Error("another node made another key")
		}
	})
}

// What cannot be decrypted looks decrypted, the same each time.
func TestDecryptIsNoOracle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := setup(t, d)
		public, thumbprint := transport(t, s, "p1")
		good := base64.StdEncoding.EncodeToString(encrypt(t, public, "secret"))
		bad := encrypt(t, public, "secret")
		bad[200] ^= 1
		block := encrypt(t, public, "secret")
		tests := []struct{ name, pool, thumbprint, ciphertext string }{
			{"damaged", "p1", thumbprint, base64.StdEncoding.EncodeToString(bad)},
			{"second block damaged", "p1", thumbprint, base64.StdEncoding.EncodeToString(append(block, bad...))},
			{"not a multiple", "p1", thumbprint, base64.StdEncoding.EncodeToString(append(block, 1, 2, 3))},
			{"unknown key", "p1", "nobody", good},
			{"another pool", "p2", thumbprint, good},
			{"not base64", "p1", thumbprint, "%%%"},
			{"empty", "p1", thumbprint, ""},
			{"far too long", "p1", thumbprint, strings.Repeat("A", 1<<20)},
			{"larger than the modulus", "p1", thumbprint, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 256))},
		}
		for _, test := range tests {
			got, err := s.Decrypt(t.Context(), test.pool, test.thumbprint, test.ciphertext)
			if err != nil || len(got) == 0 || bytes.Contains(got, []byte("secret")) {
				t.Errorf("%s: got %q, %v", test.name, got, err)
			}
			again, err := s.Decrypt(t.Context(), test.pool, test.thumbprint, test.ciphertext)
			if err != nil || !bytes.Equal(got, again) {
				t.Errorf("%s: differs the second time", test.name)
			}
		}
	})
}

// Apps of Authing have a key compiled in and do not say which.
func TestDecryptAnyTriesEveryKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, c := setup(t, d)
		public, _ := transport(t, s, "p1")
		raw, err := s.TransportRaw(t.Context(), "p1")
		if err != nil || strings.ContainsAny(raw, "\n- ") {
			t.Fatalf("raw key %q, %v", raw, err)
		}
		der, err := base64.StdEncoding.DecodeString(raw)
		if err != nil {
			t.Fatal(err)
		}
		if parsed, err := x509.ParsePKIXPublicKey(der); err != nil || !public.Equal(parsed) {
			t.Errorf("raw key is another: %v", err)
		}
		old := base64.StdEncoding.EncodeToString(encrypt(t, public, "secret 密码"))
		// Another pool's key becomes a newer one of this pool's in its place.
		newer, _ := transport(t, s, "p2")
		if _, err := d.Exec(t.Context(), `UPDATE signing_keys SET pool_id = 'p1', activates_at = activates_at + 1
			WHERE pool_id = 'p2' AND purpose = 'transport'`); err != nil {
			t.Fatal(err)
		}
		c.advance(2 * time.Second)
		s = keys.New(d, keyring(t), c.Now)
		if public, _ = transport(t, s, "p1"); !public.Equal(newer) {
			t.Fatal("the newer key is not the one shown")
		}
		recent := base64.StdEncoding.EncodeToString(encrypt(t, newer, "secret 密码"))
		lines := recent[:76] + "\n" + recent[76:] + "\n"
		for _, ciphertext := range []string{old, recent, lines} {
			if got, err := s.DecryptAny(t.Context(), "p1", ciphertext); err != nil || string(got) != "secret 密码" {
				t.Errorf("got %q, %v", got, err)
			}
		}
	})
}

// PW-12: what does not open looks like bytes nobody typed, the same each time.
func TestDecryptAnyIsNoOracle(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := setup(t, d)
		public, _ := transport(t, s, "p1")
		bad := encrypt(t, public, "secret")
		bad[200] ^= 1
		for name, ciphertext := range map[string]string{
			"damaged": base64.StdEncoding.EncodeToString(bad), "not base64": "%%%", "empty": "", "short": "AAAA",
			"far too long": strings.Repeat("A", 1<<20),
			"two blocks":   base64.StdEncoding.EncodeToString(append(encrypt(t, public, "one"), encrypt(t, public, "two")...)),
			"of nobody":    base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 256)),
		} {
			first, err := s.DecryptAny(t.Context(), "p1", ciphertext)
			if err != nil || utf8.Valid(first) {
				t.Errorf("%s: got %q, %v", name, first, err)
			}
			if again, err := s.DecryptAny(t.Context(), "p1", ciphertext); err != nil || !bytes.Equal(first, again) {
				t.Errorf("%s: differs the second time", name)
			}
			if other, err := s.DecryptAny(t.Context(), "p2", ciphertext); err != nil || bytes.Equal(first, other) {
				t.Errorf("%s: the same in another pool", name)
			}
		}
	})
}

// Every sign-in tries every transport key, so a crowd at the first start makes one.
func TestACrowdMakesOneTransportKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, _ := setup(t, d)
		named := make(chan string, 8)
		for range cap(named) {
			go func() {
				text, err := s.TransportRaw(t.Context(), "p1")
				if err != nil {
					text = err.Error()
				}
				named <- text
			}()
		}
		first := <-named
		for range cap(named) - 1 {
			if next := <-named; next != first {
				t.Fatal("two callers were told two keys")
			}
		}
	})
}

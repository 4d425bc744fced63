package secret_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/tigertally/tigertally/internal/secret"
)

func sealed(t *testing.T, plain, key, header []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := secret.SealStream(&out, key, header)
	if err != nil {
		t.Fatal(err)
	}
	for part := plain; len(part) > 0; {
		n := min(len(part), 10_007)
		if _, err := w.Write(part[:n]); err != nil {
			t.Fatal(err)
		}
		part = part[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func unsealed(text, key, header []byte) ([]byte, error) {
	r, err := secret.OpenStream(bytes.NewReader(text), key, header)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func TestStreamsOpenWhole(t *testing.T) {
	key, header := secret.Bytes(32), secret.Bytes(16)
	const chunk = 64 << 10
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3 * chunk, 3*chunk + 17} {
		plain := secret.Bytes(size)
		text := sealed(t, plain, key, header)
		if got, err := unsealed(text, key, header); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
		}
		const whole = chunk + 16
		bad := map[string][]byte{"cut off": text[:len(text)-1], "empty": nil, "longer": append(bytes.Clone(text), 0)}
		for i := range []int{0, len(text) / 2, len(text) - 1} {
			changed := bytes.Clone(text)
			changed[i] ^= 1
			bad["changed"] = changed
		}
		if len(text) > whole {
			bad["cut off between chunks"] = text[:whole]
			bad["without the first chunk"] = text[whole:]
			bad["with a chunk twice"] = append(bytes.Clone(text[:whole]), text...)
		}
		for name, text := range bad {
			if _, err := unsealed(text, key, header); !errors.Is(err, secret.ErrStream) {
				t.Errorf("%d bytes, %s: %v", size, name, err)
			}
		}
		if _, err := unsealed(text, secret.Bytes(32), header); !errors.Is(err, secret.ErrStream) {
			t.Errorf("another key: %v", err)
		}
		if _, err := unsealed(text, key, secret.Bytes(16)); !errors.Is(err, secret.ErrStream) {
			t.Errorf("another header: %v", err)
		}
	}
}

func TestPassphraseKeysAreBounded(t *testing.T) {
	salt := bytes.Repeat([]byte{1}, 16)
	one, err := secret.PassphraseKey("open sesame", salt, secret.Argon2Params{Memory: 64, Time: 1})
	if err != nil || len(one) != 32 {
		t.Fatalf("%d bytes, %v", len(one), err)
	}
	other, err := secret.PassphraseKey("open sesame", bytes.Repeat([]byte{2}, 16), secret.Argon2Params{Memory: 64, Time: 1})
	if err != nil || bytes.Equal(one, other) {
		t.Error("the salt does not count")
	}
	if _, err := secret.PassphraseKey("x", salt, secret.Argon2Params{Memory: 1 << 30}); !errors.Is(err, secret.ErrHashCost) {
		t.Errorf("a terabyte: %v", err)
	}
}

func TestKeyFilesAreNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "master.key")
	first, err := secret.NewKeyring(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	again, err := secret.ParseKey(first.KeyText() + "\n")
	if err != nil || again.ID() != first.ID() {
		t.Fatalf("key %s came back as another, %v", first.ID(), err)
	}
	for range 2 {
		if err := first.Store(path); err != nil {
			t.Fatal(err)
		}
	}
	second, err := secret.NewKeyring(bytes.Repeat([]byte{2}, 32))
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Store(path); err == nil {
		t.Error("another key was stored")
	}
	if kept, err := secret.LoadKeyring(path, false); err != nil || kept.ID() != first.ID() {
		t.Errorf("the file holds another key, %v", err)
	}
}

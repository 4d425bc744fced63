package secret_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/secret"
)

func ring(t *testing.T, fill byte) *secret.Keyring {
	t.Helper()
	k, err := secret.NewKeyring(bytes.Repeat([]byte{fill}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// KM-01: a sealed value opens with its key in its place, whole, and nowhere else.
func TestSealedValuesOpenOnlyInTheirPlace(t *testing.T) {
	k := ring(t, 1)
	sealed, err := k.Seal([]byte("private"), "signing_keys|sealed|a")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("private")) {
		t.Error("the value shows")
	}
	if plain, err := k.Open(sealed, "signing_keys|sealed|a"); string(plain) != "private" || err != nil {
		t.Errorf("opens to %q, %v", plain, err)
	}
	if again, _ := k.Seal([]byte("private"), "signing_keys|sealed|a"); bytes.Equal(again, sealed) {
		t.Error("two seals are equal: the nonce repeats")
	}
	if _, err := k.Open(sealed, "signing_keys|sealed|b"); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("another row: %v", err)
	}
	if _, err := ring(t, 2).Open(sealed, "signing_keys|sealed|a"); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("another key: %v", err)
	}
	for i := range sealed {
		bent := bytes.Clone(sealed)
		bent[i] ^= 1
		if _, err := k.Open(bent, "signing_keys|sealed|a"); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := k.Open(sealed[:i], "signing_keys|sealed|a"); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
}

func TestMACDependsOnKeyPurposeAndTheBoundsOfParts(t *testing.T) {
	k := ring(t, 1)
	base := k.MAC("code", []byte("ab"), []byte("c"))
	if !bytes.Equal(base, ring(t, 1).MAC("code", []byte("ab"), []byte("c"))) {
		t.Error("the same key and parts differ")
	}
	for name, other := range map[string][]byte{
		"other bounds":  k.MAC("code", []byte("a"), []byte("bc")),
		"fewer parts":   k.MAC("code", []byte("abc")),
		"more parts":    k.MAC("code", []byte("ab"), []byte("c"), nil),
		"other purpose": k.MAC("captcha", []byte("ab"), []byte("c")),
		"other key":     ring(t, 2).MAC("code", []byte("ab"), []byte("c")),
	} {
		if bytes.Equal(base, other) {
			t.Errorf("%s: equal", name)
		}
	}
}

func TestNewKeyringRefusesOtherLengths(t *testing.T) {
	for _, n := range []int{0, 16, 31, 33, 64} {
		if _, err := secret.NewKeyring(make([]byte, n)); err == nil {
			t.Errorf("%d bytes accepted", n)
		}
	}
}

// KM-02.
func TestLoadKeyringCreatesOnceAndPrivately(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "master.key")
	if _, err := secret.LoadKeyring(path, false); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a missing key over an existing database: %v", err)
	}
	first, err := secret.LoadKeyring(path, true)
	if err != nil {
		t.Fatal(err)
	}
	second, err := secret.LoadKeyring(path, true)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.MAC("x"), second.MAC("x")) {
		t.Error("the second start made another key")
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if runtime.GOOS == "windows" {
		t.Skip("no file modes")
	}
	for p, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v; want %v", p, info.Mode().Perm(), err, want)
		}
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o660} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := secret.LoadKeyring(path, true); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}

func TestLoadKeyringRefusesWhatIsNoKeyWithoutShowingIt(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "not base64": "hunter2!!hunter2", "short": base64.StdEncoding.EncodeToString([]byte("hunter2")),
	} {
		path := filepath.Join(t.TempDir(), "master.key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := secret.LoadKeyring(path, true)
		if err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", name, err)
		}
		if after, _ := os.ReadFile(path); string(after) != text {
			t.Errorf("%s: the file was replaced", name)
		}
	}
	if _, err := secret.LoadKeyring(t.TempDir(), true); err == nil {
		t.Error("a directory was accepted")
	}
}

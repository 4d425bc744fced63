package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
)

const (
	masterBytes = 32
	sealVersion = 1
	keyIDBytes  = 4
	nonceBytes  = 12
	headerBytes = 1 + keyIDBytes + nonceBytes
)

// ErrSealed says that a sealed value does not open: it is damaged, belongs to another
// row, or was sealed under another master key.
var ErrSealed = errors.New("sealed value does not open with this key and place")

// Keyring derives every key of the installation from one master key. The database
// alone is therefore not enough to read a secret or to guess a code offline.
type Keyring struct {
	master []byte
	aead   cipher.AEAD
	id     [keyIDBytes]byte
	macs   sync.Map // purpose string -> []byte
}

// NewKeyring makes a keyring from a master key of 32 bytes.
func NewKeyring(master []byte) (*Keyring, error) {
	if len(master) != masterBytes {
		return nil, fmt.Errorf("master key has %d bytes, want %d", len(master), masterBytes)
	}
	k := &Keyring{master: append([]byte(nil), master...)}
	id, err := k.derive("key id", keyIDBytes)
	if err != nil {
		return nil, err
	}
	k.id = [keyIDBytes]byte(id)
	key, err := k.derive("seal", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("seal cipher: %w", err)
	}
	if k.aead, err = cipher.NewGCM(block); err != nil {
		return nil, fmt.Errorf("seal mode: %w", err)
	}
	return k, nil
}

// Seal encrypts plain for the one place that aad names (table, column and row), so
// that a sealed value moved to another row does not open there.
func (k *Keyring) Seal(plain []byte, aad string) ([]byte, error) {
	out := make([]byte, 0, headerBytes+len(plain)+k.aead.Overhead())
	out = append(out, sealVersion)
	out = append(out, k.id[:]...)
	out = append(out, Bytes(nonceBytes)...)
	return k.aead.Seal(out, out[1+keyIDBytes:], plain, k.bind(aad)), nil
}

// Open decrypts what Seal made for the same place. Its error is ErrSealed.
func (k *Keyring) Open(sealed []byte, aad string) ([]byte, error) {
	if len(sealed) < headerBytes || sealed[0] != sealVersion {
		return nil, ErrSealed
	}
	if [keyIDBytes]byte(sealed[1:]) != k.id {
		return nil, fmt.Errorf("%w: sealed under key %x, this is %x", ErrSealed, sealed[1:1+keyIDBytes], k.id)
	}
	plain, err := k.aead.Open(nil, sealed[1+keyIDBytes:headerBytes], sealed[headerBytes:], k.bind(aad))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// bind puts the header's version and key under the authentication tag too.
func (k *Keyring) bind(aad string) []byte {
	b := make([]byte, 0, 1+keyIDBytes+len(aad))
	b = append(b, sealVersion)
	b = append(b, k.id[:]...)
	return append(b, aad...)
}

// MAC authenticates parts for one purpose: HMAC-SHA-256 under a key of that purpose.
// Each part is preceded by its length, so ("ab", "c") and ("a", "bc") differ.
func (k *Keyring) MAC(purpose string, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, k.macKey(purpose))
	var size [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(p)))
		mac.Write(size[:])
		mac.Write(p)
	}
	return mac.Sum(nil)
}

// macKey keeps derived keys: purposes are a handful of constants.
func (k *Keyring) macKey(purpose string) []byte {
	if key, ok := k.macs.Load(purpose); ok {
		return key.([]byte) //nolint:forcetypeassert // macKey alone fills the map.
	}
	key, _ := k.derive("mac "+purpose, sha256.Size) // fails for keys over 8,160 bytes only
	k.macs.Store(purpose, key)
	return key
}

func (k *Keyring) derive(purpose string, n int) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, k.master, nil, "tigertally v1 "+purpose, n)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return key, nil
}

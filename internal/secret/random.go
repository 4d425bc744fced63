// Package secret owns randomness, password hashing, the master key and everything
// derived from it: no other package imports crypto/rand. It stores nothing and knows
// no user, token class or protocol.
package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"io"
)

// tokenBytes is the entropy of a bearer token: 256 bits.
const tokenBytes = 32

// ID returns a new identifier: 26 lower-case base32 characters, 130 random bits.
func ID() string {
	const lower = "abcdefghijklmnopqrstuvwxyz234567"
	return base32.NewEncoding(lower).WithPadding(base32.NoPadding).EncodeToString(Bytes(17))[:26]
}

// Token returns prefix, "_" and 256 random bits as 43 characters of base64url.
func Token(prefix string) string {
	return prefix + "_" + base64.RawURLEncoding.EncodeToString(Bytes(tokenBytes))
}

// Bytes returns n random bytes.
func Bytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: the runtime aborts rather than return weak bytes
	return b
}

// Digits returns n decimal digits, each value equally likely.
func Digits(n int) string {
	const fair = 250 // the largest multiple of ten a byte can hold: above it, draw again
	out := make([]byte, 0, n)
	for len(out) < n {
		for _, b := range Bytes(n - len(out)) {
			if b < fair {
				out = append(out, '0'+b%10)
			}
		}
	}
	return string(out)
}

// Reader is the source of randomness for key generation.
func Reader() io.Reader { return rand.Reader }

// Hash is how tokens are stored: SHA-256, enough because a token has 256 random bits.
func Hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// Equal compares two secrets in a time that depends on their lengths only.
func Equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

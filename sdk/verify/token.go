package verify

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
)

// longest is how long a token may be. The server reads no longer one either.
const longest = 8 << 10

// The algorithms that are accepted. There is no way to ask for more: "none" and those
// with a shared secret are how forged tokens get in.
const (
	es256 = "ES256"
	rs256 = "RS256"
)

// header is the part of a JOSE header that is read. Nothing in it is fetched or obeyed:
// jwk, jku and x5u are as good as absent.
type header struct {
	Algorithm string          `json:"alg"`
	KeyID     string          `json:"kid"`
	Type      string          `json:"typ"`
	Critical  json.RawMessage `json:"crit"`
}

// parts is a token taken apart and not proven yet.
type parts struct {
	header    header
	claims    payload
	payload   []byte
	signed    string // header and payload as they were signed
	signature []byte
}

// encoding is base64url with one spelling for each value.
var encoding = base64.RawURLEncoding.Strict()

// split takes a token apart without believing any of it.
func split(token string) (*parts, error) {
	switch {
	case token == "":
		return nil, ErrMissing
	case len(token) > longest, strings.ContainsAny(token, "\r\n"): // base64 would skip line breaks
		return nil, ErrMalformed
	}
	head, rest, _ := strings.Cut(token, ".")
	body, tail, found := strings.Cut(rest, ".")
	if !found || strings.Contains(tail, ".") {
		return nil, ErrMalformed
	}
	t := &parts{signed: token[:len(head)+1+len(body)]}
	raw, err := encoding.DecodeString(head)
	if err != nil || json.Unmarshal(raw, &t.header) != nil {
		return nil, ErrMalformed
	}
	if t.payload, err = encoding.DecodeString(body); err != nil || json.Unmarshal(t.payload, &t.claims) != nil {
		return nil, ErrMalformed
	}
	if t.signature, err = encoding.DecodeString(tail); err != nil {
		return nil, ErrMalformed
	}
	if t.header.Algorithm != es256 && t.header.Algorithm != rs256 || t.header.Critical != nil {
		return nil, ErrAlgorithm
	}
	return t, nil
}

// key is one published key. Its algorithm is its own, never the token's.
type key struct {
	ec  *ecdsa.PublicKey // for ES256
	rsa *rsa.PublicKey   // for RS256
}

// verify checks the signature of t.
func (k key) verify(t *parts) error {
	hash := sha256.Sum256([]byte(t.signed))
	switch {
	case k.ec != nil && t.header.Algorithm == es256:
		const half = 32 // RFC 7518 section 3.4
		if len(t.signature) != 2*half {
			return ErrSignature
		}
		r, s := new(big.Int).SetBytes(t.signature[:half]), new(big.Int).SetBytes(t.signature[half:])
		if !ecdsa.Verify(k.ec, hash[:], r, s) {
			return ErrSignature
		}
		return nil
	case k.rsa != nil && t.header.Algorithm == rs256:
		if rsa.VerifyPKCS1v15(k.rsa, crypto.SHA256, hash[:], t.signature) != nil {
			return ErrSignature
		}
		return nil
	}
	return ErrAlgorithm
}

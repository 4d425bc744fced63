package verify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
)

// jwk is a key as it is published (RFC 7517).
type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y"`
	N         string `json:"n"`
	E         string `json:"e"`
}

// key returns the key if it is one that signs tokens by an algorithm of ours.
func (j *jwk) key() (key, bool) {
	if j.KeyID == "" || j.Use != "" && j.Use != "sig" {
		return key{}, false
	}
	switch {
	case j.Type == "EC" && (j.Algorithm == es256 || j.Algorithm == ""):
		k := j.ec()
		return key{ec: k}, k != nil
	case j.Type == "RSA" && (j.Algorithm == rs256 || j.Algorithm == ""):
		k := j.rsa()
		return key{rsa: k}, k != nil
	}
	return key{}, false
}

// ec reads a point of P-256; nil if it is none.
func (j *jwk) ec() *ecdsa.PublicKey {
	const size = 32
	x, err := encoding.DecodeString(j.X)
	if err != nil || j.Curve != "P-256" || len(x) != size {
		return nil
	}
	y, err := encoding.DecodeString(j.Y)
	if err != nil || len(y) != size {
		return nil
	}
	const uncompressed = 4 // SEC 1 section 2.3.3
	k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{uncompressed}, x...), y...))
	if err != nil {
		return nil
	}
	return k
}

// rsa reads a key of 2048 to 8192 bits; nil if it is none.
func (j *jwk) rsa() *rsa.PublicKey {
	n, err := encoding.DecodeString(j.N)
	if err != nil {
		return nil
	}
	e, err := encoding.DecodeString(j.E)
	const mostExponent = 4
	if err != nil || len(e) == 0 || len(e) > mostExponent {
		return nil
	}
	modulus, exponent := new(big.Int).SetBytes(n), new(big.Int).SetBytes(e).Int64()
	const least, most = 2048, 8192
	if bits := modulus.BitLen(); bits < least || bits > most || exponent < 3 || exponent%2 == 0 || exponent >= 1<<31 {
		return nil
	}
	return &rsa.PublicKey{N: modulus, E: int(exponent)}
}

package upsim

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

const (
	algRS256 = "RS256"
	algES256 = "ES256"
	es256Len = 64
)

// jws is a signed token in its compact form.
type jws struct {
	header, claims map[string]any
	signed         string
	signature      []byte
}

func readJWS(text string) (jws, bool) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return jws{}, false
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return jws{}, false
		}
	}
	j := jws{
		header: readObject(raw[0]), claims: readObject(raw[1]),
		signed: parts[0] + "." + parts[1], signature: raw[2],
	}
	return j, j.header != nil && j.claims != nil
}

// verifiedBy checks the signature with the algorithm that the key is for; what the
// header claims must agree and decides nothing.
func (j jws) verifiedBy(key any) bool {
	sum := sha256.Sum256([]byte(j.signed))
	switch key := key.(type) {
	case *rsa.PublicKey:
		return j.header["alg"] == algRS256 && rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], j.signature) == nil
	case *ecdsa.PublicKey:
		if j.header["alg"] != algES256 || key.Curve != elliptic.P256() || len(j.signature) != es256Len {
			return false
		}
		r := new(big.Int).SetBytes(j.signature[:es256Len/2])
		s := new(big.Int).SetBytes(j.signature[es256Len/2:])
		return ecdsa.Verify(key, sum[:], r, s)
	}
	return false
}

// claim is a text claim, "" when it is missing or something else.
func (j jws) claim(name string) string {
	s, _ := j.claims[name].(string)
	return s
}

// unix is a time claim, 0 when it is missing or something else.
func (j jws) unix(name string) int64 {
	n, _ := j.claims[name].(json.Number)
	at, err := n.Int64()
	if err != nil {
		return 0
	}
	return at
}

// audience is the claim aud, which is a text or a list of them.
func (j jws) audience() []string {
	if one, ok := j.claims["aud"].(string); ok {
		return []string{one}
	}
	list, _ := j.claims["aud"].([]any)
	var all []string
	for _, v := range list {
		if text, ok := v.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// signingInput is header and claims, ready to be signed.
func signingInput(header, claims object) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return b64(h) + "." + b64(c), nil
}

// signJWS signs with an RSA or P-256 key. Equal tokens have equal signatures, so that
// a run can be repeated.
func signJWS(key crypto.Signer, header, claims object) (string, error) {
	header["alg"] = algRS256
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		header["alg"] = algES256
	}
	input, err := signingInput(header, claims)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(input))
	signature, err := key.Sign(nil, sum[:], crypto.SHA256)
	if err != nil {
		return "", fmt.Errorf("upsim: sign: %w", err)
	}
	if header["alg"] == algES256 {
		if signature, err = fixedLength(signature); err != nil {
			return "", err
		}
	}
	return input + "." + b64(signature), nil
}

// fixedLength turns an ASN.1 signature into the two numbers that JWS wants.
func fixedLength(der []byte) ([]byte, error) {
	var v struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &v); err != nil || len(rest) > 0 {
		return nil, errors.New("upsim: malformed signature")
	}
	out := make([]byte, es256Len)
	v.R.FillBytes(out[:es256Len/2])
	v.S.FillBytes(out[es256Len/2:])
	return out, nil
}

// jwkOf is a public key as a JWKS lists it.
func jwkOf(key crypto.PublicKey, kid string) object {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return object{
			"kty": "RSA", "use": "sig", "alg": algRS256, "kid": kid,
			"n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
		}
	case *ecdsa.PublicKey:
		point, err := key.Bytes() // 4, x, y
		if err != nil || len(point) != 1+es256Len {
			return object{}
		}
		return object{
			"kty": "EC", "use": "sig", "alg": algES256, "crv": "P-256", "kid": kid,
			"x": b64(point[1 : 1+es256Len/2]), "y": b64(point[1+es256Len/2:]),
		}
	}
	return object{}
}

func b64(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

package upsim

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"
)

const futureTokens = time.Hour

// idToken is one about to be signed by its owner.
type idToken struct {
	owner, alg string
	at         time.Time
	claims     object
}

// tokenFaults are what can be wrong with an ID token.
func tokenFaults() []string {
	return []string{
		"IAT_FUTURE", "EXPIRED", "BAD_ISS", "BAD_AUD", "MULTI_AUD_NO_AZP", "BAD_NONCE", "NO_NONCE", "ALG_NONE",
		"ALG_HS256_WITH_JWK", "UNKNOWN_KID", "KID_REUSED_OTHER_KEY", "BAD_AT_HASH", "EMAIL_UNVERIFIED",
		"EMAIL_VERIFIED_STRING", "SUB_CHANGED", "BAD_SIG", "ES256", "ISS_NO_SCHEME",
	}
}

// sign makes an ID token with what the flags say is wrong with it.
func (s *Server) sign(t idToken, f flags) (string, error) {
	t.twist(f)
	alg := t.alg
	if f.marked("ES256") {
		alg = algES256
	}
	key, kid, err := s.signer(t.owner, alg)
	if err != nil {
		return "", err
	}
	header := object{"typ": "JWT", "kid": kid}
	switch {
	case f.marked("ALG_NONE"):
		header["alg"] = "none"
		input, err := signingInput(header, t.claims)
		return input + ".", err
	case f.marked("ALG_HS256_WITH_JWK"):
		return s.confused(t, header)
	case f.marked("UNKNOWN_KID"):
		header["kid"] = t.owner + "-rs-unknown"
	case f.marked("KID_REUSED_OTHER_KEY"):
		turn := s.keys.turns[t.owner]
		key = s.keys.rsaOf(t.owner, turn+2)
		header["kid"], _ = kids(t.owner, turn)
	}
	signed, err := signJWS(key, header, t.claims)
	if err == nil && f.marked("BAD_SIG") {
		at := strings.LastIndexByte(signed, '.') + 1
		other := "A"
		if signed[at] == 'A' {
			other = "B"
		}
		signed = signed[:at] + other + signed[at+1:]
	}
	return signed, err
}

// confused signs with HS256, and the published key as if it were the secret.
func (s *Server) confused(t idToken, header object) (string, error) {
	key, kid, err := s.signer(t.owner, algRS256)
	if err != nil {
		return "", err
	}
	header["alg"], header["kid"] = "HS256", kid
	input, err := signingInput(header, t.claims)
	if err != nil {
		return "", err
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return "", errTokenUnknown
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", err
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	return input + "." + b64(hmacSHA256(secret, input)), nil
}

// twist changes the claims.
func (t *idToken) twist(f flags) {
	c := t.claims
	issuer, _ := c["iss"].(string)
	sub, _ := c["sub"].(string)
	for flag, change := range map[string]func(){
		"IAT_FUTURE": func() {
			c["iat"], c["exp"] = t.at.Add(futureTokens).Unix(), t.at.Add(2*futureTokens).Unix()
		},
		"EXPIRED": func() {
			c["iat"], c["exp"] = t.at.Add(-2*futureTokens).Unix(), t.at.Add(-futureTokens).Unix()
		},
		"BAD_ISS":       func() { c["iss"] = issuer + "-elsewhere" },
		"ISS_NO_SCHEME": func() { _, c["iss"], _ = strings.Cut(issuer, "://") },
		"BAD_AUD":       func() { c["aud"], c["azp"] = "somebody-else", "somebody-else" },
		"MULTI_AUD_NO_AZP": func() {
			c["aud"] = []any{c["aud"], "somebody-else"}
			delete(c, "azp")
		},
		"BAD_NONCE":   func() { c["nonce"] = "another-nonce" },
		"NO_NONCE":    func() { delete(c, "nonce") },
		"BAD_AT_HASH": func() { c["at_hash"] = halfHash("another token") },
		"SUB_CHANGED": func() { c["sub"] = sub + "0" },
	} {
		if f.marked(flag) {
			change()
		}
	}
	twistEmail(c, f)
}

// twistEmail says about an address what a client must not believe.
func twistEmail(c object, f flags) {
	if _, ok := c["email"]; !ok {
		return
	}
	if f.marked("EMAIL_UNVERIFIED") {
		c["email_verified"] = false
	}
	if f.marked("EMAIL_VERIFIED_STRING") {
		c["email_verified"] = "true" // which is no boolean
	}
}

// halfHash is the left half of a hash, as at_hash and c_hash want it.
func halfHash(text string) string { return b64(sha256Of(text)[:16]) }

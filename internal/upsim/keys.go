package upsim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
)

// The RSA keys are a file because making them takes long and every run should have the
// same. Whoever can read this program has them: they protect nothing.
//
//go:embed keys/rsa.pem
var rsaFile []byte

// What each RSA key is for. The first ones are the providers' and take turns.
const (
	turningKeys = 3
	alipayOwn   = 3
	alipayApp   = 4
	rsaKeys     = 5
)

// keyring holds the keys of everybody who signs.
type keyring struct {
	rsa   []*rsa.PrivateKey
	turns map[string]int // how often each provider has changed its keys
}

func newKeyring() (keyring, error) {
	k := keyring{turns: make(map[string]int)}
	for rest := rsaFile; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return k, fmt.Errorf("upsim: keys: %w", err)
		}
		if key, ok := key.(*rsa.PrivateKey); ok {
			k.rsa = append(k.rsa, key)
		}
	}
	if len(k.rsa) != rsaKeys {
		return k, errors.New("upsim: keys: some are missing")
	}
	return k, nil
}

// rsaOf is the RSA key that owner had at its n-th turn.
func (k *keyring) rsaOf(owner string, n int) *rsa.PrivateKey {
	sum := sha256.Sum256([]byte(owner))
	return k.rsa[(int(sum[0])+n)%turningKeys]
}

// ecOf is the P-256 key that owner had at its n-th turn.
func (k *keyring) ecOf(owner string, n int) (*ecdsa.PrivateKey, error) {
	return derivedKey("key:" + owner + ":" + strconv.Itoa(n))
}

// derivedKey makes a P-256 key of a text. A hash that is no key is next to impossible.
func derivedKey(seed string) (*ecdsa.PrivateKey, error) {
	sum := sha256.Sum256([]byte(seed))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), sum[:])
	if err != nil {
		return nil, fmt.Errorf("upsim: key: %w", err)
	}
	return key, nil
}

// ClientKeys are the private keys of the apps in the fixtures, and what they verify
// their vendors with, all as PEM.
type ClientKeys struct {
	AlipayApp    string `json:"alipay.private_key"` // PKCS #8
	AlipayPublic string `json:"alipay.alipay_public_key"`
	Apple        string `json:"apple.private_key"` // what Apple calls a .p8 file
	OIDC         string `json:"oidc.private_key"`  // of the client "sim-client-jwt"
}

// ClientKeys returns the keys that go with the apps of the fixtures.
func (s *Server) ClientKeys() (ClientKeys, error) {
	var out ClientKeys
	var failed error
	private := func(key any, err error) string {
		if err != nil {
			failed = errors.Join(failed, err)
			return ""
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		failed = errors.Join(failed, err)
		return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	}
	out.AlipayApp = private(s.keys.rsa[alipayApp], nil)
	apple, err := derivedKey(appleClientSeed)
	out.Apple = private(apple, err)
	oidc, err := derivedKey(oidcClientSeed)
	out.OIDC = private(oidc, err)
	out.AlipayPublic, err = publicPEM(&s.keys.rsa[alipayOwn].PublicKey)
	return out, errors.Join(failed, err)
}

const (
	appleClientSeed = "key:apple client"
	oidcClientSeed  = "key:oidc client"
)

func publicPEM(key any) (string, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return "", fmt.Errorf("upsim: key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// readPublic reads a public key in PEM, nil if text is none.
func readPublic(text string) any {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil
	}
	return key
}

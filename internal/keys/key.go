package keys

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// maxToken bounds what is looked at as a signed token.
const maxToken = 8 << 10

// key is one key pair. The private half stays sealed until it is first used.
type key struct {
	id, poolID, purpose string
	alg                 jose.SignatureAlgorithm
	public              crypto.PublicKey
	encoded             string // the public half in PEM
	sealed              []byte
	activates, retires  time.Time // retires is zero while nobody has decided

	open    sync.Mutex
	private crypto.Signer
	signers sync.Map // typ string → jose.Signer
}

func (k *key) retired(now time.Time) bool {
	return !k.retires.IsZero() && !k.retires.After(now)
}

// rsaBits is the size of RSA keys, for signing and for transport.
const rsaBits = 2048

// generate makes a signing key without storing it.
func (s *Service) generate(poolID, alg string, activates time.Time) (*key, error) {
	var private crypto.Signer
	var err error
	switch alg {
	case ES256:
		private, err = ecdsa.GenerateKey(elliptic.P256(), secret.Reader())
	case RS256:
		private, err = rsa.GenerateKey(secret.Reader(), rsaBits)
	default:
		err = fmt.Errorf("no keys for algorithm %q", alg)
	}
	if err != nil {
		return nil, err
	}
	return s.seal(&key{
		id: secret.ID(), poolID: poolID, purpose: purposeSign, alg: jose.SignatureAlgorithm(alg),
		activates: activates, private: private,
	})
}

// seal fills in the stored halves of a new key.
func (s *Service) seal(k *key) (*key, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return nil, err
	}
	if k.sealed, err = s.ring.Seal(der, aad(k.id)); err != nil {
		return nil, err
	}
	k.public = k.private.Public()
	spki, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return nil, err
	}
	k.encoded = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	return k, nil
}

// aad ties a sealed private half to its place, so that it opens nowhere else.
func aad(id string) string { return "signing_keys|sealed|" + id }

// unseal returns the private half.
func (k *key) unseal(ring *secret.Keyring) (crypto.Signer, error) {
	k.open.Lock()
	defer k.open.Unlock()
	if k.private != nil {
		return k.private, nil
	}
	der, err := ring.Open(k.sealed, aad(k.id))
	if err != nil {
		return nil, fmt.Errorf("open key %s: %w", k.id, err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("parse key %s: %w", k.id, err)
	}
	private, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, errors.New("key cannot sign")
	}
	k.private = private
	return private, nil
}

func (k *key) parsePublic() error {
	block, _ := pem.Decode([]byte(k.encoded))
	if block == nil {
		return errors.New("public key is not PEM")
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return err
	}
	switch public.(type) {
	case *ecdsa.PublicKey, *rsa.PublicKey:
		k.public = public
		return nil
	default:
		return errors.New("public key is of another kind")
	}
}

func (k *key) sign(ring *secret.Keyring, typ string, claims any) (string, error) {
	signer, err := k.signer(ring, typ)
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("encode claims: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return signed.CompactSerialize()
}

func (k *key) signer(ring *secret.Keyring, typ string) (jose.Signer, error) {
	if ready, ok := k.signers.Load(typ); ok {
		return ready.(jose.Signer), nil //nolint:forcetypeassert // the map holds nothing else.
	}
	private, err := k.unseal(ring)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: k.alg, Key: jose.JSONWebKey{Key: private, KeyID: k.id}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return nil, fmt.Errorf("prepare signer: %w", err)
	}
	k.signers.Store(typ, signer)
	return signer, nil
}

// header is the one header tokens of this key and type have.
func (k *key) header(typ string) string {
	return base64.RawURLEncoding.EncodeToString(
		[]byte(`{"alg":"` + string(k.alg) + `","kid":"` + k.id + `","typ":"` + typ + `"}`))
}

// verify checks a token whose header is known to be ours.
func (k *key) verify(token string, claims any) error {
	refused := errs.New(errs.SessionInvalid)
	_, rest, _ := strings.Cut(token, ".")
	if payload, signature, _ := strings.Cut(rest, "."); !canonical(payload) || !canonical(signature) {
		return refused
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{k.alg})
	if err != nil {
		return refused.Because(err)
	}
	payload, err := parsed.Verify(k.public)
	if err != nil {
		return refused.Because(err)
	}
	if err := json.Unmarshal(payload, claims); err != nil {
		return refused.Because(err)
	}
	return nil
}

// split returns the header of a token that has the shape of one.
func split(token string) (head string, ok bool) {
	if len(token) > maxToken || strings.Count(token, ".") != 2 {
		return "", false
	}
	return token[:strings.IndexByte(token, '.')], true
}

// canonical refuses the other spellings of one token: base64 leaves spare bits in the
// last character and decoders skip line breaks.
func canonical(part string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && base64.RawURLEncoding.EncodeToString(raw) == part
}

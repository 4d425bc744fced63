package keys

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/secret"
)

const (
	// algTransport names PKCS#1 v1.5 encryption (RFC 7518 section 4.2).
	algTransport = "RSA1_5"
	// maxBlocks bounds the work one message can ask for. Who does not name a key has them
	// all tried, and its clients write one block.
	maxBlocks, maxBlocksAny = 16, 1
	// rejectPurpose derives what stands in for a message that did not open.
	rejectPurpose = "transport.reject"
)

// Transport returns the public key a pool's clients encrypt passwords to, and the
// name they give back with the result. The key is made on first use.
func (s *Service) Transport(ctx context.Context, poolID string) (publicPEM, thumbprint string, err error) {
	k, err := s.transport(ctx, poolID)
	if err != nil {
		return "", "", fmt.Errorf("find transport key: %w", err)
	}
	return k.encoded, k.id, nil
}

// Decrypt opens what a client encrypted to a transport key: PKCS#1 v1.5 in base64, cut
// into blocks. When it cannot, it answers with bytes that look decrypted and are the
// same each time, after the same work, so that nobody learns from an answer whether
// the padding was right (RFC 8017 section 7.2.2). The caller's own check then fails.
func (s *Service) Decrypt(ctx context.Context, poolID, thumbprint, ciphertext string) ([]byte, error) {
	current, err := s.transport(ctx, poolID)
	if err != nil {
		return nil, fmt.Errorf("find transport key: %w", err)
	}
	k, err := s.transportNamed(ctx, poolID, thumbprint)
	if err != nil {
		return nil, err
	}
	good := k != nil
	if !good {
		k = current
	}
	private, err := k.decrypter(s.ring)
	if err != nil {
		return nil, err
	}
	instead := s.ring.MAC(rejectPurpose, []byte(poolID), []byte(thumbprint), []byte(ciphertext))
	plain, opened := open(private, ciphertext, maxBlocks)
	if good && opened {
		return plain, nil
	}
	return instead, nil
}

// TransportRaw returns the newest transport key as one line of base64, which is how
// Authing clients are told it.
func (s *Service) TransportRaw(ctx context.Context, poolID string) (base64SPKI string, err error) {
	k, err := s.transport(ctx, poolID)
	if err != nil {
		return "", fmt.Errorf("find transport key: %w", err)
	}
	block, _ := pem.Decode([]byte(k.encoded))
	if block == nil {
		return "", fmt.Errorf("transport key %s is not PEM", k.id)
	}
	return base64.StdEncoding.EncodeToString(block.Bytes), nil
}

// DecryptAny is Decrypt for a client that does not say which key it used, because the
// key is compiled into the app. Every key that is not retired is tried, after one has
// opened the message too, so that the time says nothing (PW-12).
func (s *Service) DecryptAny(ctx context.Context, poolID, ciphertext string) ([]byte, error) {
	if _, err := s.transport(ctx, poolID); err != nil {
		return nil, fmt.Errorf("find transport key: %w", err)
	}
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, err
	}
	result := s.ring.MAC(rejectPurpose, []byte(poolID), nil, []byte(ciphertext))
	for _, k := range snap.pools[poolID] {
		if k.purpose != purposeTransport || k.retired(s.now()) {
			continue
		}
		private, err := k.decrypter(s.ring)
		if err != nil {
			return nil, err
		}
		if plain, opened := open(private, ciphertext, maxBlocksAny); opened {
			result = plain
		}
	}
	return result, nil
}

// decrypter returns the private half of a transport key.
func (k *key) decrypter(ring *secret.Keyring) (*rsa.PrivateKey, error) {
	signer, err := k.unseal(ring)
	if err != nil {
		return nil, err
	}
	private, ok := signer.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("transport key %s is not RSA", k.id)
	}
	return private, nil
}

func open(private *rsa.PrivateKey, ciphertext string, most int) ([]byte, bool) {
	blocks, good := cut(ciphertext, private.Size(), most)
	if !good {
		blocks = [][]byte{make([]byte, private.Size())}
	}
	var plain []byte
	for _, b := range blocks {
		part, err := rsa.DecryptPKCS1v15(nil, private, b) //nolint:staticcheck // the SDKs speak nothing else.
		good = good && err == nil
		plain = append(plain, part...)
	}
	return plain, good
}

// cut decodes the base64 in either alphabet and splits it. The SDK writes a block as a
// number, so a single one may lack leading zeros; with several that cannot be told
// apart from garbage.
func cut(ciphertext string, size, most int) ([][]byte, bool) {
	if len(ciphertext) > 2*base64.StdEncoding.EncodedLen(most*size) { // some write lines
		return nil, false
	}
	std := strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(ciphertext, "=\r\n"))
	raw, err := base64.RawStdEncoding.DecodeString(std)
	if err != nil || len(raw) == 0 || len(raw) > most*size || (len(raw) > size && len(raw)%size != 0) {
		return nil, false
	}
	if len(raw) < size {
		raw = append(make([]byte, size-len(raw)), raw...)
	}
	return slices.Collect(slices.Chunk(raw, size)), true
}

// transport returns the pool's newest transport key, which is made outside any
// transaction because that takes a while. Of those who ask for the first one at the same
// time one makes it: every sign-in tries every key there is. Two nodes may make two if they
// do so at the same time.
func (s *Service) transport(ctx context.Context, poolID string) (*key, error) {
	if k, err := s.newestTransport(ctx, poolID, s.cache.Get); k != nil || err != nil {
		return k, err
	}
	s.making.Lock()
	defer s.making.Unlock()
	if k, err := s.newestTransport(ctx, poolID, s.cache.Reread); k != nil || err != nil {
		return k, err
	}
	private, err := rsa.GenerateKey(secret.Reader(), rsaBits)
	if err != nil {
		return nil, err
	}
	digest, err := (&jose.JSONWebKey{Key: &private.PublicKey}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	k, err := s.seal(&key{
		id: base64.RawURLEncoding.EncodeToString(digest), poolID: poolID, purpose: purposeTransport,
		alg: algTransport, activates: s.now(), private: private,
	})
	if err != nil {
		return nil, err
	}
	if err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error { return s.insert(ctx, k) }); err != nil {
		return nil, err
	}
	return k, nil
}

// transportNamed returns the key of a name that clients may still encrypt to, nil for none.
// Another node may have made it just now. The name is public, so that looking again for
// one that is not there tells nothing about the message.
func (s *Service) transportNamed(ctx context.Context, poolID, thumbprint string) (*key, error) {
	var named *key
	err := s.cache.Find(ctx, func(snap *snapshot) bool {
		for _, k := range snap.pools[poolID] {
			if k.purpose == purposeTransport && k.id == thumbprint && !k.retired(s.now()) {
				named = k
			}
		}
		return named != nil
	})
	return named, err
}

// newestTransport returns the transport key there is, nil for none.
func (s *Service) newestTransport(ctx context.Context, poolID string, read func(context.Context) (*snapshot, error)) (*key, error) {
	snap, err := read(ctx)
	if err != nil {
		return nil, err
	}
	return newest(snap.pools[poolID], purposeTransport, algTransport, s.now()), nil
}

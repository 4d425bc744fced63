package secret

import "crypto/ed25519"

// Signer is the installation's own Ed25519 key for one purpose. It follows from the master
// key and is stored nowhere.
func (k *Keyring) Signer(purpose string) (ed25519.PrivateKey, error) {
	seed, err := k.derive("sign "+purpose, ed25519.SeedSize)
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

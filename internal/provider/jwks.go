package provider

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/errs"
)

const (
	maxKeys    = 32
	minRSABits = 2048
)

// keySet keeps an issuer's public keys. A token that names an unknown key makes it read
// them again, once a minute at most, so that a rotation is seen and a flood of made-up
// names is not passed on.
type keySet struct{ keys published[[]jose.JSONWebKey] }

// newKeySet makes the key set at the address that where returns.
func newKeySet(client *http.Client, now func() time.Time, where func(context.Context) (string, error)) *keySet {
	read := func(ctx context.Context) ([]jose.JSONWebKey, error) {
		address, err := where(ctx)
		if err != nil {
			return nil, err
		}
		body, err := document(ctx, client, "jwks", address)
		if err != nil {
			return nil, err
		}
		return parseKeys(body)
	}
	return &keySet{published[[]jose.JSONWebKey]{read: read, now: now}}
}

// find returns the key a token names, among those that can have signed with alg. A token
// that names none is taken when there is no choice.
func (s *keySet) find(ctx context.Context, kid string, alg jose.SignatureAlgorithm) (jose.JSONWebKey, error) {
	keys, err := s.keys.get(ctx)
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	key, ok := choose(keys, kid, alg)
	if !ok {
		if keys, fresh := s.keys.again(ctx); fresh {
			key, ok = choose(keys, kid, alg)
		}
	}
	if !ok {
		return jose.JSONWebKey{}, refuse("unknown_kid", "the issuer has no such key")
	}
	return key, nil
}

// parseKeys reads a key set. A key of a kind we do not know does not spoil the others.
func parseKeys(body []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, because(errs.Unavailable, "jwks_malformed", "the key set is %w JSON", shape(err))
	}
	if len(set.Keys) > maxKeys {
		return nil, because(errs.Unavailable, "jwks_too_large", "a set of %d keys", len(set.Keys))
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func choose(keys []jose.JSONWebKey, kid string, alg jose.SignatureAlgorithm) (jose.JSONWebKey, bool) {
	var found jose.JSONWebKey
	n := 0
	for _, key := range keys {
		if usable(key, alg) && (kid == "" || key.KeyID == kid) {
			found, n = key, n+1
		}
	}
	return found, n == 1
}

// usable says whether key can verify signatures of alg and is strong enough.
func usable(key jose.JSONWebKey, alg jose.SignatureAlgorithm) bool {
	if !key.IsPublic() || (key.Use != "" && key.Use != "sig") || (key.Algorithm != "" && key.Algorithm != string(alg)) {
		return false
	}
	switch k := key.Key.(type) {
	case *rsa.PublicKey:
		return alg == jose.RS256 && k.N.BitLen() >= minRSABits
	case *ecdsa.PublicKey:
		return alg == jose.ES256 && k.Curve == elliptic.P256()
	}
	return false
}

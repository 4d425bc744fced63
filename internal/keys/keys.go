// Package keys owns a pool's signing keys and what is signed with them, and the
// transport keys clients encrypt passwords to. Private halves are sealed at rest and
// published keys come from memory. What a token says is its caller's business.
package keys

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	// Lead is how long a new key is published before it signs, so that everybody who
	// caches our keys has seen it.
	Lead = 24 * time.Hour
	// LongestToken is the longest a signed token may live: a key stays published so
	// long after it has stopped signing. Login tokens of Authing apps live two weeks and
	// a pool may give them a month. What that costs is that a rotated key verifies for a
	// month; a key feared lost is therefore ended by Revoke and never by waiting.
	LongestToken = 31 * 24 * time.Hour
)

// The algorithms tokens are signed with. A pool has an active key for each. Our own
// servers read ES256; RS256 is for tokens that apps and their libraries verify.
const (
	ES256 = string(jose.ES256)
	RS256 = string(jose.RS256)
)

// The purposes of a key.
const (
	purposeSign      = "sign"
	purposeTransport = "transport"
)

// Service keeps the keys of all pools.
type Service struct {
	db    *db.DB
	ring  *secret.Keyring
	now   func() time.Time
	cache *db.Cached[snapshot]
	// making lets those who need a key at the same time make one, and not one each. It is
	// for callers in no transaction: in one, they could wait for each other.
	making sync.Mutex
}

// New makes the service.
func New(d *db.DB, ring *secret.Keyring, now func() time.Time) *Service {
	s := &Service{db: d, ring: ring, now: now}
	s.cache = db.NewCached(d, now, metaGeneration, s.load)
	return s
}

// Sign signs claims as a token of the given type with the pool's active ES256 key,
// which is made on first use.
func (s *Service) Sign(ctx context.Context, poolID, typ string, claims any) (string, error) {
	return s.SignWith(ctx, poolID, ES256, typ, claims)
}

// SignWith is Sign with a choice of algorithm, ES256 or RS256.
func (s *Service) SignWith(ctx context.Context, poolID, alg, typ string, claims any) (string, error) {
	k, err := s.active(ctx, poolID, alg)
	if err != nil {
		return "", fmt.Errorf("find signing key: %w", err)
	}
	return k.sign(s.ring, typ, claims)
}

// Ready makes the key a pool signs with by an algorithm, unless there is one. An RSA key
// takes a good part of a second to make, so call it before a transaction that signs.
func (s *Service) Ready(ctx context.Context, poolID, alg string) error {
	snap, err := s.cache.Get(ctx)
	if err == nil && newest(snap.pools[poolID], purposeSign, alg, s.now()) == nil {
		s.making.Lock()
		defer s.making.Unlock()
		_, err = s.active(ctx, poolID, alg)
	}
	if err != nil {
		return fmt.Errorf("find signing key: %w", err)
	}
	return nil
}

// Verify checks that a key of the pool signed token as one of the given type, and
// reads its claims. What the claims mean, the expiry included, is for the caller.
// Anything wrong is SessionInvalid.
func (s *Service) Verify(ctx context.Context, poolID, token, typ string, claims any) error {
	head, ok := split(token)
	if !ok {
		return errs.New(errs.SessionInvalid)
	}
	k, err := s.signer(ctx, poolID, head, typ)
	if err != nil {
		return err
	}
	return k.verify(token, claims)
}

// signer finds the key whose header for typ is exactly head. Comparing whole headers
// leaves an attacker nothing to say in one: no algorithm, no key, no address.
func (s *Service) signer(ctx context.Context, poolID, head, typ string) (*key, error) {
	var k *key
	err := s.cache.Find(ctx, func(snap *snapshot) bool {
		k = snap.match(poolID, head, typ, s.now())
		return k != nil
	})
	if err == nil && k == nil {
		err = errs.New(errs.SessionInvalid)
	}
	return k, err
}

// Version changes whenever any key does. Whoever remembers verified tokens forgets
// them then, so that a revoked key ends its tokens.
func (s *Service) Version(ctx context.Context) (string, error) {
	return s.cache.Generation(ctx)
}

// JWKS returns the public keys of a pool: the next, the active and the not yet
// retired ones. It makes the active ones, so that whoever keeps the list has them.
func (s *Service) JWKS(ctx context.Context, poolID string) (jose.JSONWebKeySet, error) {
	for _, alg := range []string{ES256, RS256} {
		if err := s.Ready(ctx, poolID, alg); err != nil {
			return jose.JSONWebKeySet{}, err
		}
	}
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range snap.pools[poolID] {
		if k.purpose == purposeSign && !k.retired(s.now()) {
			set.Keys = append(set.Keys, jose.JSONWebKey{
				Key: k.public, KeyID: k.id, Algorithm: string(k.alg), Use: "sig",
			})
		}
	}
	return set, nil
}

// Rotate makes a pool's next signing keys, one for each algorithm. They sign after
// Lead, or at once when immediate, for keys feared lost; the present ones then stay
// good for verifying until the tokens they signed are over, or until Revoke. When next
// keys are already published, Rotate without immediate changes nothing. What else belongs
// to the change runs in its transaction; the keys are made before it begins.
func (s *Service) Rotate(ctx context.Context, poolID string, immediate bool, also ...func(context.Context) error) error {
	from := s.now()
	if !immediate {
		from = from.Add(Lead)
	}
	var old, next []*key
	for _, alg := range []string{ES256, RS256} {
		k, err := s.active(ctx, poolID, alg)
		if err != nil {
			return fmt.Errorf("find signing key: %w", err)
		}
		n, err := s.generate(poolID, alg, from)
		if err != nil {
			return fmt.Errorf("make signing key: %w", err)
		}
		old, next = append(old, k), append(next, n)
	}
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		if !immediate {
			if n, err := s.countPending(ctx, poolID); err != nil || n > 0 {
				return err
			}
		}
		for i := range next {
			if err := s.retire(ctx, poolID, old[i].id, from.Add(LongestToken)); err != nil {
				return err
			}
			if err := s.insert(ctx, next[i]); err != nil {
				return err
			}
		}
		for _, run := range also {
			if err := run(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("rotate signing keys: %w", err)
	}
	return nil
}

// Revoke ends a key and all it signed, at once.
func (s *Service) Revoke(ctx context.Context, poolID, kid string) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := s.revoke(ctx, poolID, kid, s.now())
		if err == nil && n == 0 {
			return errs.New(errs.KeyNotFound)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke key: %w", err)
	}
	return nil
}

// active returns the key that signs now. In a transaction that has just made it, the
// key is not in the shared snapshot yet, so the second look is at the rows.
func (s *Service) active(ctx context.Context, poolID, alg string) (*key, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, err
	}
	if k := newest(snap.pools[poolID], purposeSign, alg, s.now()); k != nil {
		return k, nil
	}
	made, err := s.generate(poolID, alg, s.now())
	if err != nil {
		return nil, err
	}
	err = s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		rows, err := s.list(ctx, poolID)
		if err != nil {
			return err
		}
		if first := newest(rows, purposeSign, alg, s.now()); first != nil {
			made = first
			return nil
		}
		return s.insert(ctx, made)
	})
	return made, err
}

// newest returns the key of a purpose and algorithm that was activated last.
func newest(keys []*key, purpose, alg string, now time.Time) *key {
	var best *key
	for _, k := range keys {
		if k.purpose != purpose || string(k.alg) != alg || k.retired(now) || k.activates.After(now) {
			continue
		}
		if best == nil || k.newer(best) {
			best = k
		}
	}
	return best
}

// newer orders keys the same way on every node. Of two activated at once, the one that
// was not told to retire is newer.
func (k *key) newer(than *key) bool {
	if !k.activates.Equal(than.activates) {
		return k.activates.After(than.activates)
	}
	if k.retires.IsZero() != than.retires.IsZero() {
		return k.retires.IsZero()
	}
	return k.id > than.id
}

// Info describes a signing key without its private half.
type Info struct {
	ID, Algorithm string
	ActivatesAt   time.Time // from when it signs
	RetiresAt     time.Time // from when what it signed is refused; zero while nobody has decided
	Active        bool      // it signs now
}

// List returns the signing keys of a pool that are not retired: next, active and past.
func (s *Service) List(ctx context.Context, poolID string) ([]Info, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, err
	}
	now := s.now()
	var list []Info
	for _, k := range snap.pools[poolID] {
		if k.purpose == purposeSign && !k.retired(now) {
			list = append(list, Info{
				ID: k.id, Algorithm: string(k.alg), ActivatesAt: k.activates, RetiresAt: k.retires,
				Active: newest(snap.pools[poolID], purposeSign, string(k.alg), now) == k,
			})
		}
	}
	return list, nil
}

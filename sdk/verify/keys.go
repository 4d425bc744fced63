package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// fresh is how long keys are used without looking for new ones. A key that was
	// revoked, for fear it is lost, verifies here that much longer.
	fresh = 5 * time.Minute
	// stale is how long keys are used while the server cannot be reached.
	stale = 24 * time.Hour
	// pause is the least time between two fetches that failed.
	pause = time.Second
	// cooldown is the least time between two fetches for keys nobody has heard of, so that
	// made-up ones cost the server nothing.
	cooldown = 10 * time.Second
	// timeout is how long a fetch may take.
	timeout = 5 * time.Second

	largestSet = 256 << 10
	mostKeys   = 64
)

// keySet is the published keys of one issuer. Readers find known keys without a lock;
// whoever has to wait for a fetch shares it.
type keySet struct {
	url    string
	client *http.Client
	log    *slog.Logger
	now    func() time.Time

	known atomic.Pointer[snapshot] // nil before the first fetch that worked

	mu     sync.Mutex
	flight chan struct{} // closed when the fetch under way ends; nil when none is
	tried  time.Time     // when the last fetch began
	missed time.Time     // when the last fetch for an unknown key began
	err    error         // how the last fetch ended
}

// snapshot is what one fetch found.
type snapshot struct {
	keys map[string]key // by kid
	at   time.Time
}

func newKeySet(c Config) *keySet {
	return &keySet{url: c.KeysURL, client: c.HTTPClient, log: c.Logger, now: c.Now}
}

// age is how old a snapshot is. A clock that was set back makes it no older.
func (s *snapshot) age(now time.Time) time.Duration { return max(now.Sub(s.at), 0) }

// find returns a key by its id, which a stranger may have made up.
func (s *keySet) find(ctx context.Context, kid string) (key, error) {
	now := s.now()
	known := s.known.Load()
	if known != nil && known.age(now) < stale {
		if k, ok := known.keys[kid]; ok {
			if known.age(now) >= fresh {
				s.begin(ctx, now, false) // for the next token; this one need not wait
			}
			return k, nil
		}
	}
	flight := s.begin(ctx, now, known != nil && known.age(now) < fresh)
	if flight != nil {
		select {
		case <-flight:
		case <-ctx.Done():
			return key{}, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
	if known = s.known.Load(); known != nil && known.age(now) < stale {
		if k, ok := known.keys[kid]; ok {
			return k, nil
		}
	}
	if err := s.failure(); err != nil {
		return key{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return key{}, ErrKey
}

// ready fetches the keys unless they are there.
func (s *keySet) ready(ctx context.Context) error {
	if known := s.known.Load(); known != nil && known.age(s.now()) < stale {
		return nil
	}
	if flight := s.begin(ctx, s.now(), false); flight != nil {
		select {
		case <-flight:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
	if err := s.failure(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

func (s *keySet) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// begin starts a fetch, or joins the one under way, and returns what is closed at its
// end; nil if it is too early for another. With unknown the keys are fresh, and one is
// missing that may be new or made up.
func (s *keySet) begin(ctx context.Context, now time.Time, unknown bool) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight != nil {
		return s.flight
	}
	if unknown {
		if !s.missed.IsZero() && within(now, s.missed, cooldown) {
			return nil
		}
		s.missed = now
	} else if s.err != nil && within(now, s.tried, pause) {
		return nil
	}
	s.tried = now
	flight := make(chan struct{})
	s.flight = flight
	go s.fly(context.WithoutCancel(ctx), flight) // whoever asked first may go; the others wait on
	return flight
}

// within reports whether now is less than d after then.
func within(now, then time.Time, d time.Duration) bool {
	since := now.Sub(then)
	return since >= 0 && since < d
}

func (s *keySet) fly(ctx context.Context, flight chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	keys, err := s.fetch(ctx)
	if err != nil {
		s.log.WarnContext(ctx, "signing keys cannot be fetched; the known ones stay", "url", s.url, "err", err)
	} else {
		s.known.Store(&snapshot{keys: keys, at: s.now()})
		s.log.DebugContext(ctx, "signing keys fetched", "url", s.url, "count", len(keys))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err, s.flight = err, nil
	close(flight)
}

func (s *keySet) fetch(ctx context.Context) (map[string]key, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or refused
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s", res.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, largestSet+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > largestSet {
		return nil, errors.New("the key set is too large")
	}
	return parseKeys(raw)
}

// parseKeys reads a JWK set and leaves out what is no key for us.
func parseKeys(raw []byte) (map[string]key, error) {
	var set struct {
		Keys []jwk `json:"keys"`
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return nil, fmt.Errorf("the key set is malformed: %w", err)
	}
	keys := map[string]key{}
	for _, j := range set.Keys[:min(len(set.Keys), mostKeys)] {
		if _, taken := keys[j.KeyID]; taken {
			continue
		}
		if k, ok := j.key(); ok {
			keys[j.KeyID] = k
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("the key set has no key we can use")
	}
	return keys, nil
}

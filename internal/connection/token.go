package connection

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
)

// Tokens keeps what the vendor of one connection gives us as an application. Two
// connections share nothing, even of one vendor's app: whoever configures one has not
// shown that the other's secret is theirs.
type Tokens struct {
	s      *Service
	prefix string
}

// Tokens returns the tokens of a connection.
func (s *Service) Tokens(c Connection) Tokens {
	return Tokens{s, c.PoolID + "/" + c.ID + "/"}
}

// Fetch asks the vendor for a token and says how long to keep it.
type Fetch = func(ctx context.Context) (token string, life time.Duration, err error)

// flights are the fetches under way on this node.
type flights struct {
	mu   sync.Mutex
	open map[string]*flight
}

type flight struct {
	done  chan struct{}
	token string
	err   error
}

// Get returns the token called name that some node has fetched, or fetches it: on this
// node once for everybody who asks meanwhile. Two nodes may fetch at once, which vendors
// allow. It must not run in a transaction.
func (t Tokens) Get(ctx context.Context, name string, fetch Fetch) (string, error) {
	name = t.prefix + name
	if token, err := t.s.kept(ctx, name); err == nil || !errors.Is(err, db.ErrNoRows) {
		return token, err
	}
	f, mine := t.s.flights.join(name)
	if mine {
		defer t.s.flights.land(name, f)
		// Others wait for the answer, whoever of them leaves.
		f.token, f.err = t.s.fetch(context.WithoutCancel(ctx), name, fetch)
		return f.token, f.err
	}
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Drop forgets the token called name if it is still the one kept: the vendor refused it.
func (t Tokens) Drop(ctx context.Context, name, token string) error {
	name = t.prefix + name
	sealed, err := t.s.findToken(ctx, name)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("drop app token: %w", err)
	}
	if plain, err := t.s.ring.Open(sealed, tokenPlace(name)); err == nil && string(plain) != token {
		return nil
	}
	return t.s.dropToken(ctx, name, sealed)
}

// Sweep deletes expired tokens.
func (s *Service) Sweep(ctx context.Context) error { return s.sweepTokens(ctx) }

// kept returns a token that is still good, or db.ErrNoRows.
func (s *Service) kept(ctx context.Context, name string) (string, error) {
	sealed, err := s.findToken(ctx, name)
	if err != nil {
		return "", err
	}
	plain, err := s.ring.Open(sealed, tokenPlace(name))
	if err != nil { // sealed under another master key: fetch anew
		return "", db.ErrNoRows
	}
	return string(plain), nil
}

// fetch looks once more, for a flight may have landed in between, and then asks.
func (s *Service) fetch(ctx context.Context, name string, fetch Fetch) (string, error) {
	if token, err := s.kept(ctx, name); err == nil || !errors.Is(err, db.ErrNoRows) {
		return token, err
	}
	token, life, err := fetch(ctx)
	if err != nil {
		return "", err
	}
	sealed, err := s.ring.Seal([]byte(token), tokenPlace(name))
	if err != nil {
		return "", fmt.Errorf("seal app token: %w", err)
	}
	return token, s.putToken(ctx, name, sealed, s.now().Add(life))
}

func (f *flights) join(name string) (*flight, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if open, ok := f.open[name]; ok {
		return open, false
	}
	if f.open == nil {
		f.open = make(map[string]*flight)
	}
	made := &flight{done: make(chan struct{}), err: errs.New(errs.Unavailable)}
	f.open[name] = made
	return made, true
}

func (f *flights) land(name string, done *flight) {
	f.mu.Lock()
	delete(f.open, name)
	f.mu.Unlock()
	close(done.done)
}

func tokenPlace(name string) string { return "app_tokens.sealed:" + name }

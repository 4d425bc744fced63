package channel

import (
	"context"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/secret"
)

// wordsKey names words.
type wordsKey struct{ pool, name, channel, lang string }

// Words are what a pool has people read instead of a built-in template.
type Words struct {
	PoolID  string
	Name    string // of the template
	Channel string
	Lang    string
	Subject string // of a mail
	Body    string
	// UpdatedAt is when they were last changed.
	UpdatedAt time.Time
}

func (w Words) key() wordsKey { return wordsKey{w.PoolID, w.Name, w.Channel, w.Lang} }

// Words returns a pool's own words for a template, and whether it has any.
func (s *Service) Words(ctx context.Context, poolID, name, channel, lang string) (Words, bool, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return Words{}, false, fmt.Errorf("words of pool %s: %w", poolID, err)
	}
	w, ok := snap.words[wordsKey{poolID, name, channel, lang}]
	return w, ok, nil
}

// PutWords gives a pool words of its own. Whoever calls it has checked them.
func (s *Service) PutWords(ctx context.Context, w Words) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error { return s.upsertWords(ctx, w) })
	if err != nil {
		return fmt.Errorf("put words: %w", err)
	}
	return nil
}

// ResetWords takes a pool's own words away, if there are any.
func (s *Service) ResetWords(ctx context.Context, poolID, name, channel, lang string) error {
	err := s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		return s.removeWords(ctx, wordsKey{poolID, name, channel, lang})
	})
	if err != nil {
		return fmt.Errorf("reset words: %w", err)
	}
	return nil
}

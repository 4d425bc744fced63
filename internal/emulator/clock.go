package emulator

import (
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

// furthest bounds one step of the clock, so that sums of times cannot overflow.
const furthest = 3650 * 24 * time.Hour

// Clock is the real time plus an offset that only grows until it is reset. Everything
// the development server does asks it, so a test can let a session of 30 days end at once.
type Clock struct {
	real   func() time.Time
	offset atomic.Int64
}

// NewClock makes a clock that agrees with wall.
func NewClock(wall func() time.Time) *Clock { return &Clock{real: wall} }

// Now is the virtual time.
func (c *Clock) Now() time.Time { return c.real().Add(c.Offset()) }

// Offset is how far the clock is ahead of the real time.
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// Advance moves the clock forward. It refuses to go back, which no part of the server
// is made for, and to go further ahead than ten years.
func (c *Clock) Advance(d time.Duration) error {
	if d < 0 || d > furthest || c.offset.Add(int64(d)) > int64(furthest) {
		if d > 0 && d <= furthest {
			c.offset.Add(-int64(d))
		}
		return errs.New(errs.BadRequest, "field", "advance")
	}
	return nil
}

// Reset returns to the real time.
func (c *Clock) Reset() { c.offset.Store(0) }

// parseDuration reads a Go duration that may begin with days: "31d", "1d12h", "90s".
func parseDuration(s string) (time.Duration, error) {
	bad := errs.New(errs.BadRequest, "field", "advance")
	days, rest, found := strings.Cut(s, "d")
	if !found {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, bad.Because(err)
	}
	total := time.Duration(n) * 24 * time.Hour
	if rest == "" && found {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		return 0, bad.Because(err)
	}
	return total + d, nil
}

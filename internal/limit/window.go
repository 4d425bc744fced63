package limit

import (
	"time"

	"github.com/tigertally/tigertally/internal/db"
)

// span is a number of events and when the first and last were, in milliseconds.
type span struct{ n, from, to int64 }

// after is how many are newer than then, if they are spread evenly. The statement that
// takes an event says the same in SQL.
func (s span) after(then int64) int64 {
	switch {
	case s.n == 0 || then >= s.to:
		return 0
	case then < s.from:
		return s.n
	}
	return s.n - 1 - (s.n-1)*(then-s.from)/(s.to-s.from)
}

// fewer is when no more than n of them are newer than per ago.
func (s span) fewer(n, per int64) int64 {
	switch gone := s.n - n; {
	case gone <= 0:
		return 0
	case s.n == 1 || s.to <= s.from:
		return s.to + per
	default:
		// Rounded up: a millisecond early is refused again.
		return s.from + ((gone-1)*(s.to-s.from)+s.n-2)/(s.n-1) + per
	}
}

// window is a counter as it was read.
type window struct {
	open, prior span
	closes      int64
	per, now    int64
}

// clean forgets what does not count any more: the windows of a clock that was set back,
// and a prior window once the open one has closed.
func (w window) clean() window {
	switch {
	case w.closes > w.now+w.per+db.Askew.Milliseconds():
		w.open, w.prior = span{}, span{}
	case w.closes <= w.now:
		w.prior = span{}
	}
	return w
}

// count is how many events the last per holds.
func (w window) count() int {
	w = w.clean()
	if w.closes > w.now {
		return int(w.open.n + w.prior.after(w.now-w.per))
	}
	return int(w.open.after(w.now - w.per))
}

// room is when fewer than most are left. The open window's events count in full until it
// closes.
func (w window) room(most int) time.Time {
	w = w.clean()
	n := int64(most) - 1
	var at int64
	switch {
	case w.closes <= w.now:
		at = w.open.fewer(n, w.per)
	case w.open.n <= n:
		at = w.prior.fewer(n-w.open.n, w.per)
	default:
		at = max(w.closes, w.open.fewer(n, w.per))
	}
	return time.UnixMilli(at)
}

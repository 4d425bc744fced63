package upsim

import "time"

// clock is a base clock plus an offset, or a moment when frozen. The server's mutex
// guards it.
type clock struct {
	base   func() time.Time
	offset time.Duration
	frozen bool
	moment time.Time // the time while frozen
}

func (c *clock) now() time.Time {
	if c.frozen {
		return c.moment
	}
	return c.base().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.offset += d
	c.moment = c.moment.Add(d)
}

func (c *clock) set(t time.Time) {
	c.offset = t.Sub(c.base())
	c.moment = t
}

func (c *clock) freeze(on bool) {
	if on == c.frozen {
		return
	}
	now := c.now()
	c.frozen = on
	c.set(now)
}

func (c *clock) reset() { *c = clock{base: c.base} }

package main

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// op is one operation of one worker.
type op func(c *client, worker int) error

// result is what one run of a load found.
type result struct {
	perSecond float64
	p50, p99  time.Duration
	done      int
	failed    int
	first     error // the first failure, to show
}

func (r result) String() string {
	s := fmt.Sprintf("%9.1f/s  p50 %8s  p99 %8s", r.perSecond, r.p50.Round(time.Microsecond), r.p99.Round(time.Microsecond))
	if r.failed > 0 {
		s += fmt.Sprintf("  %d failed: %v", r.failed, r.first)
	}
	return s
}

type sample struct {
	took []time.Duration
	errs []error
}

func summarize(samples []sample, window time.Duration) result {
	var all []time.Duration
	var r result
	for _, s := range samples {
		all = append(all, s.took...)
		r.failed += len(s.errs)
		if len(s.errs) > 0 && r.first == nil {
			r.first = s.errs[0]
		}
	}
	slices.Sort(all)
	r.done = len(all)
	r.perSecond = float64(r.done) / window.Seconds()
	if r.done > 0 {
		r.p50, r.p99 = all[r.done/2], all[r.done*99/100]
	}
	return r
}

// closedLoop runs workers that send the next request as soon as the last was answered,
// for warm unmeasured and then window measured.
func closedLoop(addr string, workers int, warm, window time.Duration, do op) result {
	samples := make([]sample, workers)
	begin := time.Now().Add(warm)
	end := begin.Add(window)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			c := dial(addr)
			defer c.close()
			for time.Now().Before(end) {
				start := time.Now()
				err := do(c, w)
				stop := time.Now()
				if stop.Before(begin) || stop.After(end) {
					continue
				}
				if err != nil {
					samples[w].errs = append(samples[w].errs, err)
					continue
				}
				samples[w].took = append(samples[w].took, stop.Sub(start))
			}
		})
	}
	wg.Wait()
	return summarize(samples, window)
}

// openLoop sends at a fixed rate whatever the server does and measures from the moment a
// request was due, so that a stall counts against every request it delayed.
func openLoop(addr string, perSecond float64, window time.Duration, do op) result {
	const workers = 32
	samples := make([]sample, workers)
	start := time.Now()
	total := int64(perSecond * window.Seconds())
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			c := dial(addr)
			defer c.close()
			for {
				i := next.Add(1) - 1
				if i >= total {
					return
				}
				due := start.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))
				time.Sleep(time.Until(due))
				if err := do(c, w); err != nil {
					samples[w].errs = append(samples[w].errs, err)
					continue
				}
				samples[w].took = append(samples[w].took, time.Since(due))
			}
		})
	}
	wg.Wait()
	return summarize(samples, window)
}

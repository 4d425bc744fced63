package secret

import (
	"runtime"
	"time"

	"github.com/tigertally/tigertally/internal/secret/argon2"
)

// scratch is what one worker computes in.
type scratch struct {
	argon2.Memory
	result
}

type result struct {
	ok   bool
	text string
}

// work runs jobs until Close. The thread is its own, since its priority is lowered
// for good: it ends with the worker.
func (h *Hasher) work(nice bool) {
	if nice {
		runtime.LockOSThread() // not unlocked: the runtime then discards the thread
		lowerPriority()
	}
	var s scratch
	defer s.Release()
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	for {
		select {
		case <-h.stop:
			return
		case <-idle.C:
			s.Release()
		case <-h.tokens:
			for h.one(&s) {
			}
			idle.Reset(idleAfter)
		}
	}
}

// one runs the job whose turn it is, if any.
func (h *Hasher) one(s *scratch) bool {
	h.mu.Lock()
	j := h.waiting.next()
	if j == nil {
		h.mu.Unlock()
		return false
	}
	h.running++
	h.mu.Unlock()

	var start time.Time
	if h.now != nil {
		start = h.now()
	}
	s.result = result{}
	j.err = j.run(s)
	j.result = s.result
	var took time.Duration
	if h.now != nil {
		took = h.now().Sub(start)
	}

	h.mu.Lock()
	h.running--
	h.done++
	if took > 0 {
		h.cost += (took - h.cost) / 8
	}
	h.mu.Unlock()
	close(j.done)
	return true
}

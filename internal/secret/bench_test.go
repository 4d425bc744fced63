package secret_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/tigertally/tigertally/internal/secret"
)

// The ceiling: as many hashes at once as there are processors, and nothing else. The
// pool is compared with it.
func BenchmarkCeiling(b *testing.B) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			argon2.IDKey([]byte("correct horse"), []byte("0123456789abcdef"), 2, 19456, 1, 32)
		}
	})
}

func BenchmarkPool(b *testing.B) {
	h := secret.NewHasher(secret.HasherOptions{Nice: true, Now: time.Now})
	defer h.Close()
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := h.Hash(b.Context(), "pool", "correct horse"); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkCheapWork reports how long a tiny piece of work waits for a processor
// while the pool is full, with the pool's threads at low priority and without.
func BenchmarkCheapWork(b *testing.B) {
	for name, nice := range map[string]bool{"nice": true, "plain": false} {
		b.Run(name, func(b *testing.B) {
			h := secret.NewHasher(secret.HasherOptions{Nice: nice, Now: time.Now})
			procs := runtime.GOMAXPROCS(0)
			if nice {
				runtime.GOMAXPROCS(procs + h.Workers())
				defer runtime.GOMAXPROCS(procs)
			}
			defer h.Close()
			for range 8 {
				go func() {
					for {
						if _, err := h.Hash(b.Context(), "pool", "correct horse"); err != nil {
							return
						}
					}
				}()
			}
			time.Sleep(100 * time.Millisecond)
			var waits []time.Duration
			for b.Loop() {
				due := time.Now().Add(time.Millisecond)
				time.Sleep(time.Millisecond)
				waits = append(waits, time.Since(due))
			}
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

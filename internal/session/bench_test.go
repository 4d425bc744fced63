package session_test

import (
	"sync/atomic"
	"testing"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/session"
)

func BenchmarkVerify(b *testing.B) {
	w := newWorld(b, dbtest.Open(b, dbtest.SQLite))
	tokens := w.start(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.Verify(b.Context(), tokens.Access); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkRotate(b *testing.B) {
	for _, workers := range []int{8, 64} {
		b.Run("", func(b *testing.B) {
			w := newWorld(b, dbtest.Open(b, dbtest.SQLite))
			mine := make([]session.Tokens, workers)
			for i := range mine {
				mine[i] = w.start(b)
			}
			before := w.db.Stats().Commits
			var next atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(workers / 2)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				i := int(next.Add(1)-1) % workers
				for pb.Next() {
					mine[i] = w.rotate(b, mine[i])
				}
			})
			b.ReportMetric(float64(w.db.Stats().Commits-before)*1000/float64(b.N), "commits/1000")
		})
	}
}

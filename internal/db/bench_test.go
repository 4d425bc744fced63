package db_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
)

const insertCounter = "INSERT INTO counters (key, rule, count, expires_at) VALUES ($1, $2, $3, $4)"

// BenchmarkGroupCommit measures small transactions, each waiting until it is durable.
// fsyncs/op below one is what grouping saves.
func BenchmarkGroupCommit(b *testing.B) {
	for _, workers := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(workers), func(b *testing.B) {
			d := open(b)
			var next atomic.Int64
			before := d.Stats()
			b.ResetTimer()
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						err := d.InTx(b.Context(), func(ctx context.Context) error {
							_, err := d.Exec(ctx, insertCounter, fmt.Sprintf("key-%d", n), "rule", n, n)
							return err
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			after := d.Stats()
			b.ReportMetric(float64(after.Commits-before.Commits)/float64(b.N), "fsyncs/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
		})
	}
}

// BenchmarkRead measures reads of one row by key.
func BenchmarkRead(b *testing.B) {
	d := open(b)
	err := d.InTx(b.Context(), func(ctx context.Context) error {
		for i := range 1000 {
			if _, err := d.Exec(ctx, insertCounter, strconv.Itoa(i), "rule", i, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context()) // as that of a request
	defer cancel()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			var count, until int64
			err := d.QueryRow(ctx, "SELECT count, expires_at FROM counters WHERE key = $1 AND rule = $2",
				strconv.Itoa(i%1000), "rule").Scan(&count, &until)
			if err != nil || count != int64(i%1000) {
				b.Errorf("got %d, %v", count, err)
				return
			}
		}
	})
}

func open(b *testing.B) *db.DB {
	b.Helper()
	return dbtest.OpenWith(b, dbtest.SQLite, db.Options{})
}

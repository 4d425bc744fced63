package audit_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/secret"
)

// BenchmarkChain measures what the chain adds to a transaction of eight writes and one record, fewer
// than a sign-in has. plain writes the same record without its place in the chain.
func BenchmarkChain(b *testing.B) {
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		for _, workers := range []int{1, 16} {
			for _, chained := range []bool{false, true} {
				name := engine + "/" + strconv.Itoa(workers) + "/plain"
				if chained {
					name = engine + "/" + strconv.Itoa(workers) + "/chained"
				}
				b.Run(name, func(b *testing.B) {
					d := dbtest.Open(b, engine)
					s := audit.New(d, time.Now)
					benchTransactions(b, workers, func(ctx context.Context) error { return transaction(ctx, d, s, chained) })
				})
			}
		}
	}
}

func benchTransactions(b *testing.B, workers int, do func(context.Context) error) {
	b.Helper()
	var next atomic.Int64
	b.ResetTimer()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if err := do(b.Context()); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
}

func transaction(ctx context.Context, d *db.DB, s *audit.Service, chained bool) error {
	return d.InTx(ctx, func(ctx context.Context) error {
		for range 8 {
			if _, err := d.Exec(ctx, `INSERT INTO counters (key, rule, count, expires_at) VALUES ($1, 'rule', 1, 1)`, secret.ID()); err != nil {
				return err
			}
		}
		if chained {
			return s.Record(ctx, audit.Event{PoolID: "p1", Action: audit.TokenGrant, UserID: secret.ID(), ClientID: "c1", SessionID: secret.ID()})
		}
		_, err := d.Exec(ctx, `INSERT INTO audit (id, pool_id, at, action, result, user_id, actor, client_id, session_id,
			device_id, ip, user_agent, request_id, detail) VALUES ($1, 'p1', $2, $3, 'ok', $4, $4, 'c1', $5, '', '', '', '', '{}')`,
			secret.ID(), db.Millis(time.Now()), audit.TokenGrant, secret.ID(), secret.ID())
		return err
	})
}

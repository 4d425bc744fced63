package app

import (
	"context"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/doctor"
)

// database measures the database and asks it how it is set up. It writes nothing.
func (x examiner) database(ctx context.Context) []doctor.Finding {
	return doctor.CheckDatabase(x.measure(ctx))
}

func (x examiner) measure(ctx context.Context) (d doctor.Database) {
	q := x.s.db
	start := time.Now()
	if d.Err = q.QueryRow(ctx, `SELECT MAX(version) FROM schema_migrations`).Scan(&d.Schema); d.Err != nil {
		return d
	}
	d.Latency = time.Since(start) //nolint:forbidigo // how long it really takes, whatever clock a test has set
	if strings.HasPrefix(x.conf.Database(), "sqlite:") {
		d.Engine = "SQLite"
		var journal string
		if d.Err = q.QueryRow(ctx, `SELECT sqlite_version()`).Scan(&d.Version); d.Err != nil {
			return d
		}
		d.Err = q.QueryRow(ctx, `SELECT journal_mode FROM pragma_journal_mode`).Scan(&journal)
		d.Durable = journal == "wal" // the writer waits for the disk itself
		return d
	}
	d.Engine = "PostgreSQL"
	var fsync, commit string
	var micros int64
	sent := time.Now()
	d.Err = q.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
		CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`).Scan(&d.Version, &fsync, &commit, &micros)
	d.Version, _, _ = strings.Cut(d.Version, " ")
	d.Durable = fsync == "on" && commit != "off"
	d.Skew = sent.Sub(time.UnixMicro(micros)) // and at most a round trip
	return d
}
